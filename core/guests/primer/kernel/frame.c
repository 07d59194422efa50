/*
 * frame.c: physical memory is given out in frames of 4 KB. Each frame has a count of its
 * holders: after a fork two processes hold the same frames until one of them writes.
 */
#include "kernel.h"

static u8 holders[MEMORY_MAX / PAGE];
static u32 first, end; /* the frames that are given out, by number */
static u32 next;       /* where to look first */
static u32 free_count;

/* The kernel's image and all that was there before it stay as they are. */
void frames_start(u32 memory) {
  first = (machine_memory_used() + PAGE - 1) / PAGE;
  end = memory / PAGE;
  next = first;
  free_count = end - first;
}

/* Answers the address of a frame filled with zeros, or 0. */
u32 frame_take(void) {
  for (u32 tried = first; tried < end; tried++) {
    u32 number = next;
    next = number + 1 < end ? number + 1 : first;
    if (holders[number] == 0) {
      holders[number] = 1;
      free_count--;
      memset(at_frame(number * PAGE), 0, PAGE);
      return number * PAGE;
    }
  }
  return 0;
}

void frame_share(u32 frame) {
  assert(holders[frame / PAGE] > 0 && holders[frame / PAGE] < 255);
  holders[frame / PAGE]++;
}

void frame_release(u32 frame) {
  assert(holders[frame / PAGE] > 0);
  if (--holders[frame / PAGE] == 0) free_count++;
}

u32 frame_holders(u32 frame) { return holders[frame / PAGE]; }
u32 frames_free(void) { return free_count; }
u32 frames_total(void) { return end; }
