/*
 * console.c: characters that came and wait to be read. The interrupt handler adds at one end, a
 * process takes from the other; whoever is not an interrupt handler keeps interrupts off
 * meanwhile.
 */
#include "kernel.h"

static char line[256];
static u32 taken, added; /* how many ever; the difference waits in line[] */

/* Called by the serial interrupt. What does not fit is lost, as on any serial line. */
void console_received(char c) {
  if (added - taken == sizeof line) return;
  line[added++ % sizeof line] = c;
  wake(line);
}

/* Waits for at least one character. */
int console_read(char *to, u32 size) {
  u32 count = 0;
  u32 flags = save_flags();
  cli();
  while (taken == added) wait_for(line);
  while (count < size && taken != added) to[count++] = line[taken++ % sizeof line];
  restore_flags(flags);
  return count;
}
