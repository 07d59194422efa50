/*
 * attempt.h: instructions that may fault or fail, and what came of them as one number, an
 * "outcome". A fault on such an instruction goes on behind it: the linker gathers the pairs of
 * addresses, trap() looks for the one it came from.
 */
#pragma once

#include "machine.h"

#define OUTCOME_SUCCESS 0u
#define OUTCOME_FAIL_INVALID 0x1000u /* VMfailInvalid */
#define OUTCOME_ERROR 0x2000u        /* VMfailValid, with the error number */
#define OUTCOME_FAULT 0x3000u        /* an exception, with its vector */
#define OUTCOME_EXIT 0x4000u         /* VM entry and, later, an exit, with its basic reason */
#define OUTCOME_ENTRY_FAILED 0x5000u /* an exit from VM entry itself, with its basic reason */
#define OUTCOME_STRANGE 0x6000u      /* other status flags than any of these has */

extern u32 fault_vector, fault_error; /* of the last fault */

/* What the status flags of a VMX instruction, or -1 for a fault, mean. */
u32 outcome_of(u32 flags);

/* In words, in a buffer that the next call but three uses again. */
const char *outcome_text(u32 outcome);

/* `code` between a label and the landing of its fault. Operand %0 gets the flags, or -1. */
#define ATTEMPT(code)                                                                                               \
  "mov %0, -1\n1:\t" code "\n\tpushf\n\tpop %0\n2:\n\t.pushsection .fixups, \"a\"\n\t.long 1b, 2b\n\t.popsection"

/* An instruction without operands, or with ones that are in the text. Answers OUTCOME_FAULT or _SUCCESS. */
#define ATTEMPT_PLAIN(code)                                                                                         \
  ({                                                                                                                \
    u32 flags_;                                                                                                     \
    asm volatile(ATTEMPT(code) : "=&r"(flags_)::"memory", "cc");                                                    \
    flags_ == -1u ? OUTCOME_FAULT | fault_vector : OUTCOME_SUCCESS;                                                 \
  })

static inline u32 attempt_read_msr(u32 number, u64 *value) {
  u32 flags, low = 0, high = 0;
  asm volatile(ATTEMPT("rdmsr") : "=&r"(flags), "+a"(low), "+d"(high) : "c"(number) : "memory", "cc");
  *value = (u64)high << 32 | low;
  return flags == -1u ? OUTCOME_FAULT | fault_vector : OUTCOME_SUCCESS;
}
static inline u32 attempt_write_msr(u32 number, u64 value) {
  u32 flags;
  asm volatile(ATTEMPT("wrmsr")
               : "=&r"(flags)
               : "c"(number), "a"((u32)value), "d"((u32)(value >> 32))
               : "memory", "cc");
  return flags == -1u ? OUTCOME_FAULT | fault_vector : OUTCOME_SUCCESS;
}
static inline u32 attempt_write_cr0(u32 value) {
  u32 flags;
  asm volatile(ATTEMPT("mov cr0, %1") : "=&r"(flags) : "r"(value) : "memory", "cc");
  return flags == -1u ? OUTCOME_FAULT | fault_vector : OUTCOME_SUCCESS;
}
static inline u32 attempt_write_cr4(u32 value) {
  u32 flags;
  asm volatile(ATTEMPT("mov cr4, %1") : "=&r"(flags) : "r"(value) : "memory", "cc");
  return flags == -1u ? OUTCOME_FAULT | fault_vector : OUTCOME_SUCCESS;
}

/* For registers that every processor with VMX has. */
static inline u64 read_msr(u32 number) {
  u64 value;
  attempt_read_msr(number, &value);
  return value;
}
