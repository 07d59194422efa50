/* kernel.h: what the files of this kernel share. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include "fuzz.h"

/* What a step begins with, and what it has become when an exception ends it. entry.asm knows the offsets. */
struct state {
  u32 general[8];
  u32 eip, eflags;
  u32 segment[6];
  u32 vector, error;
  u32 cr0, cr2, cr3, cr4, dr3, dr6, dr7, selectors, limits; /* as they were afterwards */
  u32 loads_fs_gs;           /* whether launch() loads FS and GS; else they keep what is hidden in them */
  u32 settled, settled_trap; /* bits of EFLAGS that count; those that do after a debug exception */
  u32 first_dr7;
  u32 room[8];
  u32 frame[9];              /* what launch() returns from with IRET: EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS */
};
#define STATE_SUM_WORDS 27u  /* general to limits */
extern struct state state;

void launch(void);

struct task {
  u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags, general[8], segment[6], ldtr, map, maps[41];
};
static struct descriptor *const gdt = (struct descriptor *)GDT_AT;
static struct descriptor *const ldt = (struct descriptor *)LDT_AT;
static struct descriptor *const idt = (struct descriptor *)IDT_AT;
#define kernel_task (*(struct task *)TASK_AT)
#define double_fault_task (*(struct task *)DOUBLE_FAULT_TASK_AT)

struct table_register {
  u16 limit;
  u32 base;
} __attribute__((packed));

/* setup.c: from what a case says to the processor's tables and registers. */
void setup_start(void);
void begin(const struct case_start *c);
void load_gdt(u32 limit);
void fill_memory(const struct case_start *c);
u32 memory_hash(void);
u32 pages_hash(void);
u32 tables_hash(void);

/* disk.c */
void read_tests(void);

/* print.c */
void console_start(void);
void print(const char *text, ...);
void power_off(void) __attribute__((noreturn));

#define inline_instruction static inline __attribute__((always_inline))
#define READ(name, type, text) \
  inline_instruction type name(void) { \
    type value; \
    asm volatile(text : "=r"(value)::"memory"); \
    return value; \
  }
#define WRITE(name, type, text) \
  inline_instruction void name(type value) { asm volatile(text ::"r"(value) : "memory"); }
READ(read_cr0, u32, "mov %0, cr0")
READ(read_cr2, u32, "mov %0, cr2")
READ(read_cr3, u32, "mov %0, cr3")
READ(read_cr4, u32, "mov %0, cr4")
READ(read_dr3, u32, "mov %0, dr3")
READ(read_ldtr, u32, "sldt %0")
READ(read_tr, u32, "str %0")
WRITE(write_cr0, u32, "mov cr0, %0")
WRITE(write_cr2, u32, "mov cr2, %0")
WRITE(write_cr3, u32, "mov cr3, %0")
WRITE(write_cr4, u32, "mov cr4, %0")
WRITE(write_dr0, u32, "mov dr0, %0")
WRITE(write_dr1, u32, "mov dr1, %0")
WRITE(write_dr2, u32, "mov dr2, %0")
WRITE(write_dr3, u32, "mov dr3, %0")
WRITE(write_dr6, u32, "mov dr6, %0")
WRITE(write_dr7, u32, "mov dr7, %0")
WRITE(write_ldtr, u16, "lldt %0")
WRITE(write_tr, u16, "ltr %0")
inline_instruction void write_msr(u32 number, u32 value) { asm volatile("wrmsr" ::"c"(number), "a"(value), "d"(0)); }
inline_instruction void copy_words(void *to, const void *from, u32 count) {
  asm volatile("rep movsd" : "+D"(to), "+S"(from), "+c"(count)::"memory");
}

/* Each word's place in the sum counts. */
inline_instruction u32 mix(u32 hash, const u32 *words, u32 count) {
  for (; count >= 8; count -= 8, words += 8) {
#pragma GCC unroll 8
    for (u32 n = 0; n < 8; n++) hash = hash * 5 ^ words[n];
    hash = (hash << 13 | hash >> 19) * 0x9e3779b1;
  }
  for (u32 n = 0; n < count; n++) hash = hash * 9 ^ words[n];
  return hash;
}
