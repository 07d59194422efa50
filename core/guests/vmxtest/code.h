/* code.h: a few instructions for a guest, and the exit that they bring about. */
#pragma once

#include "vmx.h"

/* Addresses: where the guest begins, the instruction that counts, and the VMCALL behind it. */
struct code {
  u32 start, at, end;
};

/* CODE_AFTER(before, instruction) and CODE(instruction): guest code in the midst of a function, which jumps over it. */
#define CODE_AFTER(before, instruction)                                                                             \
  ({                                                                                                                \
    struct code code_;                                                                                              \
    asm volatile("mov %0, offset 1f\n\tmov %1, offset 2f\n\tmov %2, offset 3f\n\tjmp 4f\n"                          \
                 "1:\t" before "\n2:\t" instruction "\n3:\tvmcall\n4:"                                              \
                 : "=r"(code_.start), "=r"(code_.at), "=r"(code_.end));                                             \
    code_;                                                                                                          \
  })
#define CODE(instruction) CODE_AFTER("", instruction)

/* A fresh machine that begins with this. */
void boot(struct code code);

/*
 * Enters. A check begins, which wants an exit at the instruction with this reason, qualification and the instruction's length,
 * and neither an event nor one in delivery. The check goes on until end().
 */
void exits(const char *name, struct code code, u32 reason, u32 qualification);
/* Part of a check: resumes behind the instruction; the VMCALL comes next. */
void goes_on(struct code code);
/* A whole check of exits() and goes_on(). */
void exits_and_goes_on(const char *name, struct code code, u32 reason, u32 qualification);
/* A check begins: no exit but the VMCALL at the end. */
void runs(const char *name, struct code code);
/* A check begins: an exit for any other reason, without more wants. */
void leaves(const char *name, u32 reason);

/* Parts of a check: what an exit says of an event that brought it about, and of one that it came in the way of. */
void want_event(u32 information);
void want_no_event(void);
void want_vectoring(u32 information);

/*
 * The guest's own interrupt table has an entry for each vector, a VMCALL. Part of a check: an exit from that of this vector,
 * whose frame goes back to this address. Answers the frame: an error code if the vector has one, EIP, CS, EFLAGS.
 */
const u32 *want_handler(u32 vector, bool has_code, u32 back);
void guest_idt_fresh(void);
/* IRETD, for a guest in a handler. Sets EIP there and drops an error code. */
void leave_handler(bool has_code);
