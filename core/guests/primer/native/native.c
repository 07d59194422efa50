/* native.c: the processor's own tables, and what the loader and the board say. */
#include "../kernel/kernel.h"
#include "../kernel/descriptor.h"
#include "devices.h"

/*
 * The task-state segment (SDM 3A, 7.2.1). Of a whole task the processor takes only the kernel's
 * stack from here.
 */
struct task_state {
  u32 previous;
  u32 esp0, ss0;
  u32 unused[22];
  u16 trap, bitmap; /* a bitmap beyond the limit: no I/O port for ring 3 */
};

static struct descriptor gdt[6];
static struct descriptor idt[256];
static struct task_state task;

extern u32 trap_entries[48];
extern char call_entry[], probe_entry[];

static void make_gdt(void) {
  gdt[KERNEL_CODE / 8] = flat_segment(SEGMENT_CODE, 0);
  gdt[KERNEL_DATA / 8] = flat_segment(SEGMENT_DATA, 0);
  gdt[USER_CODE / 8] = flat_segment(SEGMENT_CODE, 3);
  gdt[USER_DATA / 8] = flat_segment(SEGMENT_DATA, 3);
  gdt[TASK / 8] = system_segment(SEGMENT_TASK, (u32)&task, sizeof task - 1);

  task.ss0 = KERNEL_DATA;
  task.bitmap = sizeof task;
}

static void make_idt(void) {
  /*
   * INT3 and INTO are there for processes; no other exception's or interrupt's gate may be
   * called by INT n.
   */
  for (u32 vector = 0; vector < length_of(trap_entries); vector++) {
    u32 dpl = vector == 3 || vector == 4 ? 3 : 0;
    idt[vector] = gate(GATE_INTERRUPT, dpl, KERNEL_CODE, trap_entries[vector]);
  }
  idt[VECTOR_CALL] = gate(GATE_TRAP, 3, KERNEL_CODE, (u32)call_entry);
  idt[VECTOR_PROBE] = gate(GATE_INTERRUPT, 0, KERNEL_CODE, (u32)probe_entry);
}

/*
 * Loads every segment register from the new table: each one holds a hidden copy of a descriptor
 * until then.
 */
static void load_segments(void) {
  asm volatile("push %0\n\t"
               "push offset 1f\n\t"
               "retf\n"
               "1:\n\t"
               "mov ds, %1\n\t"
               "mov es, %1\n\t"
               "mov ss, %1\n\t"
               "mov fs, %2\n\t"
               "mov gs, %2"
               ::"r"(KERNEL_CODE), "r"(KERNEL_DATA), "r"(0)
               : "memory");
}

void machine_tables(struct table_register *gdtr, struct table_register *idtr, u16 *ldt, u16 *task_register) {
  *gdtr = (struct table_register){ sizeof gdt - 1, (u32)gdt };
  *idtr = (struct table_register){ sizeof idt - 1, (u32)idt };
  *ldt = 0;
  *task_register = TASK;
}

void machine_start(void) {
  struct table_register gdtr, idtr;
  u16 ldt, task_register;
  machine_tables(&gdtr, &idtr, &ldt, &task_register);

  make_gdt();
  load_gdt(&gdtr);
  load_segments();
  load_ldt(ldt);
  load_task(task_register);
  make_idt();
  load_idt(&idtr);

  interrupt_controller_start();
  timer_start();
  serial_start();
}

void set_kernel_stack(u32 top) { task.esp0 = top; }

void machine_interrupt(u32 line) {
  if (is_spurious(line)) return;
  end_interrupt(line);
  if (line == LINE_TIMER) timer_tick();
  else if (line == LINE_SERIAL) serial_interrupt();
}

/*
 * A multiboot loader tells the kilobytes above 1 MB in the third word of its information, if
 * the first has bit 0.
 */
u32 machine_memory(u32 magic, u32 info) {
  if (magic != 0x2badb002) panic("primer was not started by a multiboot loader");
  const u32 *word = at_frame(info);
  if (!(word[0] & 1)) panic("the loader does not tell how much memory there is");
  u32 above = word[2];
  return above > (MEMORY_MAX >> 10) - 1024 ? MEMORY_MAX : (above + 1024) << 10;
}

u32 machine_memory_used(void) { return (u32)kernel_end - KERNEL_BASE; }

#define EFER 0xc0000080u
#define EFER_NXE (1u << 11)

bool machine_has_execute_disable(void) {
  if (cpuid_eax(0x80000000) < 0x80000001 || !(cpuid_edx(0x80000001) & 1 << 20)) return false;
  write_msr(EFER, read_msr(EFER) | EFER_NXE);
  return true;
}

void machine_reboot(void) {
  cli();
  console_finish();

  /*
   * The keyboard controller's output port has the processor's reset line at bit 0; command fe
   * pulses it.
   */
  for (u32 patience = 10000; patience > 0 && (in8(0x64) & 2); patience--) continue;
  out8(0x64, 0xfe);
  for (u32 patience = 10000; patience > 0; patience--) in8(0x80);

  /*
   * Nobody listened. An exception without a table for it shuts the processor down, and the
   * board resets it.
   */
  struct table_register nothing = { 0, 0 };
  load_idt(&nothing);
  asm volatile("int3");
  halt_forever();
  __builtin_unreachable();
}
