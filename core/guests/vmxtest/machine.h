/* machine.h: the processor's instructions, one function each, its tables, and the board's devices. */
#pragma once

#include "../primer/common/types.h"

/* Selectors of the global descriptor table in machine.c. */
#define CODE_SELECTOR 0x08u
#define DATA_SELECTOR 0x10u
#define TASK_SELECTOR 0x18u
#define OTHER_TASK_SELECTOR 0x20u /* a second task-state segment, to switch to */
#define LDT_SELECTOR 0x28u
#define TASK_GATE_SELECTOR 0x30u
#define USER_CODE_SELECTOR 0x3bu /* 0x38 with requested privilege level 3: guests only */
#define USER_DATA_SELECTOR 0x43u

#define inline_instruction static inline __attribute__((always_inline))

/* What LGDT and LIDT load and SGDT and SIDT store. */
struct table_register {
  u16 limit;
  u32 base;
} __attribute__((packed));

struct descriptor {
  u32 low, high;
};

#define GATE_TASK 0x05u
#define GATE_INTERRUPT 0x0eu

static inline struct descriptor gate(u32 type, u32 selector, u32 offset) {
  return (struct descriptor){ selector << 16 | (offset & 0xffff), (offset & 0xffff0000) | 1 << 15 | type << 8 };
}

extern struct descriptor gdt[9];
extern struct descriptor idt[256];
/* The task-state segments (SDM 3A, 7.2.1). Nothing is ever taken from them. */
extern u32 task[26], other_task[26];
#define TASK_LIMIT 103u

/* The stack as trap.asm leaves it. */
struct trap_frame {
  u32 edi, esi, ebp, esp, ebx, edx, ecx, eax;
  u32 vector, error;
  u32 eip, cs, eflags;
};

/* Interrupts of the interrupt controller's lines that came through the kernel's own table. */
extern u32 interrupts_taken;

/* Descriptor tables, paging, and the interrupt controller with all lines held off. */
void tables_start(void);
void paging_start(void);
void interrupt_controller_start(void);

#define VECTOR_TIMER 0x20u

/* The timer raises its line once, soon. */
void timer_shoot(void);
/* The line is served: the controller may give another. */
void interrupt_end(void);

void console_start(void);
void console_send(char c);
void power_off(void) __attribute__((noreturn));

inline_instruction u8 in8(u16 port) {
  u8 value;
  asm volatile("in %0, %1" : "=a"(value) : "Nd"(port));
  return value;
}
inline_instruction void out8(u16 port, u8 value) { asm volatile("out %1, %0" ::"a"(value), "Nd"(port)); }
inline_instruction void out16(u16 port, u16 value) { asm volatile("out %1, %0" ::"a"(value), "Nd"(port)); }

inline_instruction void cli(void) { asm volatile("cli" ::: "memory"); }
inline_instruction void sti(void) { asm volatile("sti; nop" ::: "memory"); }

struct cpuid {
  u32 eax, ebx, ecx, edx;
};
static inline struct cpuid cpuid(u32 leaf) {
  struct cpuid r;
  asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(0));
  return r;
}
#define CPUID_VMX (1u << 5) /* leaf 1, ECX */

inline_instruction u32 read_cr0(void) {
  u32 value;
  asm volatile("mov %0, cr0" : "=r"(value));
  return value;
}
inline_instruction u32 read_cr2(void) {
  u32 value;
  asm volatile("mov %0, cr2" : "=r"(value));
  return value;
}
inline_instruction u32 read_cr3(void) {
  u32 value;
  asm volatile("mov %0, cr3" : "=r"(value));
  return value;
}
inline_instruction u32 read_cr4(void) {
  u32 value;
  asm volatile("mov %0, cr4" : "=r"(value));
  return value;
}
inline_instruction u32 read_dr7(void) {
  u32 value;
  asm volatile("mov %0, dr7" : "=r"(value));
  return value;
}
inline_instruction void write_dr7(u32 value) { asm volatile("mov dr7, %0" ::"r"(value)); }
inline_instruction u64 read_tsc(void) {
  u64 value;
  asm volatile("rdtsc" : "=A"(value));
  return value;
}

#define CR0_PE 1u
#define CR0_TS (1u << 3)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_PG (1u << 31)
#define CR4_TSD (1u << 2)
#define CR4_PSE (1u << 4)
#define CR4_PAE (1u << 5)
#define CR4_VMXE (1u << 13)

#define FLAG_ONE 2u
#define FLAG_TF (1u << 8)
#define FLAG_IF (1u << 9)
#define FLAG_NT (1u << 14)
#define FLAG_RF (1u << 16)
#define FLAG_VM (1u << 17)

#define VECTOR_DB 1u
#define VECTOR_BP 3u
#define VECTOR_OF 4u
#define VECTOR_BR 5u
#define VECTOR_UD 6u
#define VECTOR_DF 8u
#define VECTOR_NP 11u
#define VECTOR_GP 13u
#define VECTOR_PF 14u
