/* pit.c: the 8253 programmable interval timer. Its channel 0 is wired to interrupt line 0. */
#include "../kernel/kernel.h"
#include "devices.h"

#define CHANNEL_0 0x40
#define COMMAND 0x43
#define RATE_GENERATOR 0x34 /* channel 0, low byte then high byte, mode 2 */
#define HERTZ 1193182

void timer_start(void) {
  u16 count = (HERTZ + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND;
  out8(COMMAND, RATE_GENERATOR);
  out8(CHANNEL_0, count & 0xff);
  out8(CHANNEL_0, count >> 8);
}
