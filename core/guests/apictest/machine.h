/* machine.h: instructions, interrupt controllers, timer and console of the board. */
#pragma once

#include "../primer/common/types.h"

#define inline_instruction static inline __attribute__((always_inline))

inline_instruction u8 in8(u16 port) {
  u8 value;
  asm volatile("in %0, %1" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}
inline_instruction void out8(u16 port, u8 value) { asm volatile("out %1, %0" ::"a"(value), "Nd"(port) : "memory"); }
inline_instruction void out16(u16 port, u16 value) { asm volatile("out %1, %0" ::"a"(value), "Nd"(port) : "memory"); }
inline_instruction void cli(void) { asm volatile("cli" ::: "memory"); }
inline_instruction void sti(void) { asm volatile("sti; nop" ::: "memory"); }
/* Nothing comes between the two. */
inline_instruction void sti_hlt(void) { asm volatile("sti; hlt" ::: "memory"); }
inline_instruction void hlt(void) { asm volatile("hlt" ::: "memory"); }
inline_instruction u64 read_tsc(void) {
  u64 value;
  asm volatile("rdtsc" : "=A"(value));
  return value;
}
inline_instruction u64 read_msr(u32 number) {
  u64 value;
  asm volatile("rdmsr" : "=A"(value) : "c"(number));
  return value;
}
inline_instruction void write_msr(u32 number, u64 value) {
  asm volatile("wrmsr" ::"c"(number), "A"(value) : "memory");
}
/* Leaf 1, EDX. */
inline_instruction u32 features(void) {
  u32 eax = 1, ebx, ecx, edx;
  asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
  return edx;
}
#define HAS_APIC (1u << 9)

/* Registers of the local APIC (SDM 3A, table 10-1). */
#define ID 0x20u
#define VERSION 0x30u
#define TASK_PRIORITY 0x80u
#define PROCESSOR_PRIORITY 0xa0u
#define END_OF_INTERRUPT 0xb0u
#define LOGICAL_ID 0xd0u
#define DESTINATION_FORMAT 0xe0u
#define SPURIOUS 0xf0u
#define IN_SERVICE 0x100u
#define TRIGGER_MODE 0x180u
#define REQUESTED 0x200u
#define ERROR_STATUS 0x280u
#define COMMAND 0x300u
#define COMMAND_HIGH 0x310u
#define LVT_TIMER 0x320u
#define LVT_LINT0 0x350u
#define LVT_LINT1 0x360u
#define LVT_ERROR 0x370u
#define INITIAL_COUNT 0x380u
#define CURRENT_COUNT 0x390u
#define DIVIDE 0x3e0u

#define MASKED 0x10000u
#define PERIODIC 0x20000u
#define LEVEL 0x8000u
#define ACTIVE_LOW 0x2000u
#define NMI 0x400u
#define EXT_INT 0x700u
#define LOGICAL 0x800u
#define LOWEST_PRIORITY 0x100u
#define TO_SELF 0x40000u
#define TO_ALL 0x80000u

#define APIC_BASE 0x1bu
#define BASE_ENABLE 0x800u

u32 apic_read(u32 offset);
void apic_write(u32 offset, u32 value);
u32 io_read(u32 index);
void io_write(u32 index, u32 value);
/* An entry of the redirection table; the destination is this processor's physical ID, 0. */
void io_entry(u32 pin, u32 low);

/* Lines 0 to 15 are vectors 20 to 2f, all masked; automatic end of interrupt. */
void pic_start(void);
void pic_unmask(u32 lines);

/* Counter 0 raises its line once, after so many pulses of 838 ns. Counter 2 is read to wait. */
void pit_shoot(u32 pulses);
void wait(u32 pulses);

void idt_start(void);
void print(const char *text, ...) __attribute__((format(printf, 1, 2)));
void console_start(void);
void power_off(void) __attribute__((noreturn));
