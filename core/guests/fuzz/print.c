/* print.c: the first serial line, a 16550 at port 3f8 without interrupts, and the power. */
#include "kernel.h"
#include "../primer/common/text.h"

inline_instruction u8 in8(u16 port) {
  u8 value;
  asm volatile("in %0, %1" : "=a"(value) : "Nd"(port));
  return value;
}
inline_instruction void out8(u16 port, u8 value) { asm volatile("out %1, %0" ::"a"(value), "Nd"(port)); }
inline_instruction void out16(u16 port, u16 value) { asm volatile("out %1, %0" ::"a"(value), "Nd"(port)); }

/* No interrupt ever comes: both 8259 controllers are masked. */
void console_start(void) {
  out8(0x21, 0xff);
  out8(0xa1, 0xff);
  out8(0x3f9, 0);
  out8(0x3fb, 0x80);
  out8(0x3f8, 1); /* 115200 baud */
  out8(0x3f9, 0);
  out8(0x3fb, 3);
  out8(0x3fa, 7);
  out8(0x3fc, 3);
}

static void send(char c, void *to) {
  (void)to;
  while (!(in8(0x3fd) & 0x20)) continue;
  out8(0x3f8, c);
}

void print(const char *text, ...) {
  va_list values;
  va_start(values, text);
  format(send, NULL, text, values);
  va_end(values);
}

/* Where a PC of QEMU's kind has ACPI's control register, then where Bochs takes the word. */
void power_off(void) {
  while (!(in8(0x3fd) & 0x40)) continue;
  out16(0x604, 0x2000);
  for (const char *c = "Shutdown"; *c; c++) out8(0x8900, *c);
  for (;;) asm volatile("cli; hlt");
}
