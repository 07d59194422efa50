/*
 * native.h: the privileged and the sensitive instructions that the kernel uses, one function
 * each. "Privileged" ones fault outside ring 0; "sensitive" ones do not, and that made the
 * 32-bit x86 hard to virtualize.
 */
#pragma once

#include "../common/types.h"

/*
 * Selectors of the global descriptor table in native.c; trap.asm and boot.asm know the first
 * two as well.
 */
#define KERNEL_CODE 0x08u
#define KERNEL_DATA 0x10u
#define USER_CODE 0x1bu /* 0x18 with requested privilege level 3 */
#define USER_DATA 0x23u
#define TASK 0x28u

#define inline_instruction static inline __attribute__((always_inline))

static inline const char *machine_name(void) { return "native kernel"; }

/*
 * What LGDT and LIDT load and SGDT and SIDT store: 16 bits of limit, 32 bits of linear address.
 */
struct table_register {
  u16 limit;
  u32 base;
} __attribute__((packed));

/* Privileged: faults when CPL > IOPL. */
inline_instruction void cli(void) { asm volatile("cli" ::: "memory"); }
inline_instruction void sti(void) { asm volatile("sti" ::: "memory"); }

/*
 * STI lets an interrupt come only after the instruction that follows, so none is lost between
 * the two.
 */
inline_instruction void wait_for_interrupt(void) { asm volatile("sti; hlt" ::: "memory"); }

/* Sensitive: shows IF and IOPL, never faults. */
inline_instruction u32 save_flags(void) {
  u32 flags;
  asm volatile("pushf; pop %0" : "=r"(flags)::"memory");
  return flags;
}

/* Sensitive: outside ring 0 the processor leaves IF as it is, without a word. */
inline_instruction void restore_flags(u32 flags) { asm volatile("push %0; popf" ::"r"(flags) : "memory", "cc"); }

/* Privileged. */
inline_instruction u32 read_cr0(void) {
  u32 value;
  asm volatile("mov %0, cr0" : "=r"(value));
  return value;
}

/* The linear address of the last page fault. */
inline_instruction u32 fault_address(void) {
  u32 value;
  asm volatile("mov %0, cr2" : "=r"(value));
  return value;
}

inline_instruction void write_cr3(u32 root) { asm volatile("mov cr3, %0" ::"r"(root) : "memory"); }

inline_instruction void invalidate_page(u32 address) {
  asm volatile("invlpg [%0]" ::"r"(address) : "memory");
}

/* What an entry holds is a frame's address as it is: the kernel owns the machine's memory. */
inline_instruction u64 make_entry(u32 frame, u64 bits) { return frame | bits; }
inline_instruction u32 frame_of(u64 entry) { return entry & 0xfffff000u; }

/* Tables are memory like any other, and all of a directory is the kernel's to fill. */
static inline void release_tables(u32 root) { (void)root; }
static inline u32 directory_end(u32 base) { return (void)base, 512; }

/*
 * An entry has 64 bits and the processor may walk the table between two stores of 32: so the
 * low half, which holds the present bit, is stored last.
 */
inline_instruction void set_entry(u64 *where, u64 value) {
  volatile u32 *half = (volatile u32 *)where;
  half[1] = value >> 32;
  half[0] = value;
}

/* Privileged unless IOPL or the task's I/O bitmap permits. */
inline_instruction u8 in8(u16 port) {
  u8 value;
  asm volatile("in %0, %1" : "=a"(value) : "Nd"(port));
  return value;
}
inline_instruction void out8(u16 port, u8 value) { asm volatile("out %1, %0" ::"a"(value), "Nd"(port)); }

inline_instruction void load_gdt(const struct table_register *table) { asm volatile("lgdt %0" ::"m"(*table)); }
inline_instruction void load_idt(const struct table_register *table) { asm volatile("lidt %0" ::"m"(*table)); }
inline_instruction void load_ldt(u16 selector) { asm volatile("lldt %0" ::"r"(selector)); }
inline_instruction void load_task(u16 selector) { asm volatile("ltr %0" ::"r"(selector)); }

inline_instruction void halt_forever(void) {
  for (;;) asm volatile("cli; hlt");
}

/* Not privileged, and a monitor could not even make it so before VT-x. */
inline_instruction u32 cpuid_edx(u32 leaf) {
  u32 a = leaf, b, c = 0, d;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return d;
}
inline_instruction u32 cpuid_eax(u32 leaf) {
  u32 a = leaf, b, c = 0, d;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return a;
}
/* The model-specific registers: privileged. */
inline_instruction u64 read_msr(u32 number) {
  u64 value;
  asm volatile("rdmsr" : "=A"(value) : "c"(number));
  return value;
}
inline_instruction void write_msr(u32 number, u64 value) { asm volatile("wrmsr" ::"A"(value), "c"(number)); }
