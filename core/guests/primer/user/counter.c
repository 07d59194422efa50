/*
 * counter.c: a process that counts. It works for a few ticks, so that the timer has somebody to
 * interrupt, and sleeps for some more, so that the processor can halt.
 */
#include "system.h"

#define WORK 2   /* ticks */
#define REST 18 /* ticks */

static volatile u32 count;

int main(void) {
  for (;;) {
    u32 end = own_ticks() + WORK;
    while (own_ticks() < end) {
      for (int i = 0; i < 1000; i++) count++;
    }
    sleep(REST);
  }
}
