/* machine.c: the board's parts that the test needs. */
#include "machine.h"
#include "../primer/common/text.h"

static volatile u32 *const apic = (volatile u32 *)0xfee00000;
static volatile u32 *const io_apic = (volatile u32 *)0xfec00000;

u32 apic_read(u32 offset) { return apic[offset / 4]; }
void apic_write(u32 offset, u32 value) { apic[offset / 4] = value; }

u32 io_read(u32 index) {
  io_apic[0] = index;
  return io_apic[4];
}

void io_write(u32 index, u32 value) {
  io_apic[0] = index;
  io_apic[4] = value;
}

void io_entry(u32 pin, u32 low) {
  io_write(0x11 + 2 * pin, 0);
  io_write(0x10 + 2 * pin, low);
}

void pic_start(void) {
  out8(0x20, 0x11);
  out8(0xa0, 0x11);
  out8(0x21, 0x20);
  out8(0xa1, 0x28);
  out8(0x21, 4);
  out8(0xa1, 2);
  out8(0x21, 3);
  out8(0xa1, 3);
  pic_unmask(0);
}

void pic_unmask(u32 lines) {
  out8(0x21, (u8)~lines);
  out8(0xa1, (u8)(~lines >> 8));
}

void pit_shoot(u32 pulses) {
  out8(0x43, 0x30); /* counter 0, mode 0: high at the end of the count */
  out8(0x40, pulses & 0xff);
  out8(0x40, pulses >> 8);
}

void wait(u32 pulses) {
  out8(0x61, 1);
  out8(0x43, 0xb0); /* counter 2, mode 0 */
  out8(0x42, pulses & 0xff);
  out8(0x42, pulses >> 8);
  while (!(in8(0x61) & 0x20)) continue;
}

extern const u32 entries[256];
static struct {
  u16 offset_low, selector, type, offset_high;
} idt[256];

void idt_start(void) {
  u16 code;
  asm volatile("mov %0, cs" : "=r"(code));
  for (u32 vector = 0; vector < 256; vector++) {
    idt[vector].offset_low = entries[vector] & 0xffff;
    idt[vector].offset_high = entries[vector] >> 16;
    idt[vector].selector = code;
    idt[vector].type = 0x8e00;
  }
  struct {
    u16 limit;
    u32 base;
  } __attribute__((packed)) table = { sizeof idt - 1, (u32)idt };
  asm volatile("lidt %0" ::"m"(table));
}

void console_start(void) {
  out8(0x3f9, 0);
  out8(0x3fb, 0x80);
  out8(0x3f8, 1);
  out8(0x3f9, 0);
  out8(0x3fb, 3);
  out8(0x3fa, 0);
  out8(0x3fc, 0xb); /* OUT2 lets the interrupt through */
}

static void put(char c, void *to) {
  (void)to;
  while (!(in8(0x3fd) & 0x20)) continue;
  out8(0x3f8, c);
}

void print(const char *text, ...) {
  va_list values;
  va_start(values, text);
  format(put, NULL, text, values);
  va_end(values);
}

void power_off(void) {
  while (!(in8(0x3fd) & 0x40)) continue;
  out16(0x604, 0x2000);
  for (;;) asm volatile("cli; hlt");
}
