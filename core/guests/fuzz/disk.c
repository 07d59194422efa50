/* disk.c: the tests, from the first hard disk, for emulators that cannot place them in memory. ATA, polled, 28-bit sector numbers. */
#include "kernel.h"

#define SECTOR_WORDS 128u
#define AT_ONCE 252u /* of a cylinder, which has four times as many */

inline_instruction u8 in8(u16 port) {
  u8 value;
  asm volatile("in %0, %1" : "=a"(value) : "Nd"(port));
  return value;
}
inline_instruction void out8(u16 port, u8 value) { asm volatile("out %1, %0" ::"a"(value), "Nd"(port)); }

static void read_sectors(u32 first, void *to) {
  out8(0x1f6, 0xe0 | first >> 24);
  out8(0x1f2, AT_ONCE);
  out8(0x1f3, first);
  out8(0x1f4, first >> 8);
  out8(0x1f5, first >> 16);
  out8(0x1f7, 0x20);
  for (u32 n = 0; n < AT_ONCE; n++) {
    while ((in8(0x1f7) & 0x88) != 8) continue;
    u32 count = 2 * SECTOR_WORDS;
    asm volatile("rep insw" : "+D"(to), "+c"(count) : "d"(0x1f0) : "memory");
  }
}

/* The script says how many sectors there are. */
void read_tests(void) {
  out8(0x3f6, 2); /* no interrupts */
  read_sectors(0, (void *)SCRIPT_AT);
  u32 sectors = ((const struct script *)SCRIPT_AT)->sectors;
  for (u32 n = AT_ONCE; n < sectors; n += AT_ONCE) read_sectors(n, (u8 *)SCRIPT_AT + n * 512);
}
