/*
 * trap.h: what lies on the kernel's stack after a trap, an interrupt or a system call, and what
 * the vectors are.
 *
 *   higher addresses
 *     ss, esp            the processor, and only when it came from ring 3
 *     eflags, cs, eip    the processor
 *     error              the processor for some exceptions, else a 0 by the entry in trap.asm
 *     vector             the entry in trap.asm
 *     ds es fs gs        trap_entry
 *     eax ... edi        trap_entry, by PUSHAD
 *   lower addresses: a pointer to here is the argument of trap()
 */
#pragma once

#include "../common/types.h"

struct trap_frame {
  u32 edi, esi, ebp, unused_esp, ebx, edx, ecx, eax;
  u32 gs, fs, es, ds;
  u32 vector;
  u32 error;
  u32 eip, cs, eflags;
  u32 esp, ss;
};

#define VECTOR_PAGE_FAULT 14
#define VECTOR_INTERRUPT 32 /* the first of 16 lines */
#define VECTOR_CALL 0x80    /* system calls */
#define VECTOR_PROBE 0x81   /* only for sensitive.c */

#define FLAG_IF 0x200u /* interrupts come */

/* Not `!= 0`: a monitor may run the kernel in ring 1, and it is the kernel nevertheless. */
static inline bool from_process(const struct trap_frame *frame) { return (frame->cs & 3) == 3; }
