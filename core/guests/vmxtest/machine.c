/* machine.c: the kernel's own tables and the devices. */
#include "machine.h"
#include "attempt.h"
#include "check.h"

struct descriptor gdt[9] __attribute__((aligned(8)));
struct descriptor idt[256] __attribute__((aligned(8)));
u32 task[26], other_task[26];

static u32 directory[1024] __attribute__((aligned(PAGE)));

extern u32 trap_entries[48];
extern u32 fixups_start[][2], fixups_end[][2];

u32 fault_vector, fault_error, interrupts_taken;

static struct descriptor system_segment(u32 type, u32 base, u32 limit) {
  return (struct descriptor){ base << 16 | limit, (base & 0xff000000) | 1 << 15 | type << 8 | (base >> 16 & 0xff) };
}

void tables_start(void) {
  gdt[CODE_SELECTOR / 8] = (struct descriptor){ 0x0000ffff, 0x00cf9b00 };
  gdt[DATA_SELECTOR / 8] = (struct descriptor){ 0x0000ffff, 0x00cf9300 };
  gdt[TASK_SELECTOR / 8] = system_segment(9, (u32)task, TASK_LIMIT);
  gdt[OTHER_TASK_SELECTOR / 8] = system_segment(9, (u32)other_task, TASK_LIMIT);
  gdt[LDT_SELECTOR / 8] = system_segment(2, (u32)gdt, 7);
  gdt[TASK_GATE_SELECTOR / 8] = gate(GATE_TASK, OTHER_TASK_SELECTOR, 0);
  gdt[USER_CODE_SELECTOR / 8] = (struct descriptor){ 0x0000ffff, 0x00cffb00 };
  gdt[USER_DATA_SELECTOR / 8] = (struct descriptor){ 0x0000ffff, 0x00cff300 };
  task[25] = other_task[25] = (TASK_LIMIT + 1) << 16; /* a bitmap beyond the limit: no I/O port for ring 3 */
  for (u32 n = 0; n < length_of(trap_entries); n++) idt[n] = gate(GATE_INTERRUPT, CODE_SELECTOR, trap_entries[n]);

  struct table_register gdtr = { sizeof gdt - 1, (u32)gdt }, idtr = { sizeof idt - 1, (u32)idt };
  asm volatile("lgdt %0\n\t"
               "push %2\n\t"
               "push offset 1f\n\t"
               "retf\n"
               "1:\n\t"
               "mov ds, %3\n\t"
               "mov es, %3\n\t"
               "mov ss, %3\n\t"
               "mov fs, %4\n\t"
               "mov gs, %4\n\t"
               "lidt %1"
               ::"m"(gdtr), "m"(idtr), "i"(CODE_SELECTOR), "r"(DATA_SELECTOR), "r"(0)
               : "memory");
}

/* Every linear address is its physical one, in pages of 4 MB: VMX operation needs paging (SDM volume 3, 23.8). */
void paging_start(void) {
  for (u32 n = 0; n < 1024; n++) directory[n] = n << 22 | 0x83;
  u16 task_register = TASK_SELECTOR;
  asm volatile("ltr %0\n\t"
               "mov cr4, %1\n\t"
               "mov cr3, %2\n\t"
               "mov cr0, %3"
               ::"r"(task_register), "r"(read_cr4() | CR4_PSE), "r"(directory), "r"(read_cr0() | CR0_PG | CR0_NE)
               : "memory");
}

void trap(struct trap_frame *frame) {
  if (frame->vector >= VECTOR_TIMER) {
    interrupts_taken++;
    interrupt_end();
    return;
  }
  fault_vector = frame->vector;
  fault_error = frame->error;
  for (u32 n = 0; fixups_start + n < fixups_end; n++) {
    if (fixups_start[n][0] != frame->eip) continue;
    frame->eip = fixups_start[n][1];
    return;
  }
  print("FAIL the kernel: saw exception %u at %x, error code %x, CR2 %x, wanted none\n", frame->vector, frame->eip,
        frame->error, read_cr2());
  power_off();
}

/* The two 8259 interrupt controllers: lines 0 to 15 are vectors 20 to 2f. */
void interrupt_controller_start(void) {
  out8(0x20, 0x11);
  out8(0xa0, 0x11);
  out8(0x21, VECTOR_TIMER);
  out8(0xa1, VECTOR_TIMER + 8);
  out8(0x21, 4);
  out8(0xa1, 2);
  out8(0x21, 1);
  out8(0xa1, 1);
  out8(0x21, 0xfe); /* only the timer's line */
  out8(0xa1, 0xff);
  out8(0x43, 0x30); /* channel 0, mode 0, which raises its line once: not yet */
}

/* The line goes up about 40 microseconds from here. */
void timer_shoot(void) {
  out8(0x43, 0x30);
  out8(0x40, 50);
  out8(0x40, 0);
}

void interrupt_end(void) { out8(0x20, 0x20); }

/* The first serial line, a 16550 at port 3f8, without interrupts. */
void console_start(void) {
  out8(0x3f9, 0);
  out8(0x3fb, 0x80);
  out8(0x3f8, 1); /* 115200 baud */
  out8(0x3f9, 0);
  out8(0x3fb, 3);
  out8(0x3fa, 7);
  out8(0x3fc, 3);
}

void console_send(char c) {
  while (!(in8(0x3fd) & 0x20)) continue;
  out8(0x3f8, c);
}

/*
 * The board's power: where a PC of QEMU's kind has ACPI's control register, then where Bochs takes the word. What a real PC
 * wants is in tables that this kernel does not read: there it stops.
 */
void power_off(void) {
  while (!(in8(0x3fd) & 0x40)) continue;
  out16(0x604, 0x2000);
  for (const char *c = "Shutdown"; *c; c++) out8(0x8900, *c);
  for (;;) asm volatile("cli; hlt");
}
