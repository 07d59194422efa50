/*
 * bench.c: how often the kernel can do a thing in so many timer ticks. Interrupts are on, or
 * the ticks would not come; the kernel is not preempted, so the process has all the time for
 * itself.
 */
#include "kernel.h"

/* A page to be mapped again and again. */
static u8 page[PAGE] __attribute__((aligned(PAGE)));

static void change_table(entry *e) {
  set_entry(e, *e ^ ENTRY_W);
  invalidate_page((u32)page);
}

int bench(u32 which, u32 ticks) {
  entry *e = find_entry(&kernel_space, (u32)page, false);
  entry before = *e;

  /* From the beginning of a tick. */
  u32 start = tick_count;
  while (tick_count == start) continue;
  start = tick_count;

  int count = 0;
  for (; tick_count - start < ticks; count++) {
    if (which == BENCH_TABLE) {
      change_table(e);
    } else if (which == BENCH_CLI) {
      cli();
      sti();
    } else if (which == BENCH_PORT) {
      in8(0x80);
    } else {
      return -1;
    }
  }

  set_entry(e, before);
  invalidate_page((u32)page);
  return count;
}
