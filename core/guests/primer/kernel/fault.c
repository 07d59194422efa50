/*
 * fault.c: page faults that are no mistakes. A page of heap or stack appears when it is touched
 * first; a page shared since a fork is copied when it is written first.
 */
#include "kernel.h"

static bool in_heap(u32 address) { return address >= HEAP && address < HEAP + HEAP_SIZE; }
static bool in_stack(u32 address) { return address >= STACK_TOP - STACK_SIZE && address < STACK_TOP; }

static bool give_zeros(struct space *space, u32 page) {
  u32 frame = frame_take();
  if (!frame) return false;
  if (map(space, page, frame, ENTRY_W | ENTRY_U | ENTRY_XD)) return true;
  frame_release(frame);
  return false;
}

static bool give_copy(entry *e, u32 page) {
  u32 frame = frame_of(*e);
  if (frame_holders(frame) > 1) {
    u32 copy = frame_take();
    if (!copy) return false;
    memcpy(at_frame(copy), at_frame(frame), PAGE);
    frame_release(frame);
    frame = copy;
  }
  entry bits = *e & ENTRY_BITS & ~(entry)ENTRY_COPY;
  set_entry(e, make_entry(frame, bits | ENTRY_W));
  invalidate_page(page);
  return true;
}

/*
 * True: try the instruction again. False: the process had no business there, or there is no
 * memory.
 */
bool resolve_fault(struct space *space, u32 address, u32 error) {
  if (address >= USER_END) return false;
  u32 page = address & ~(PAGE - 1);
  if (!(error & FAULT_P)) return (in_heap(address) || in_stack(address)) && give_zeros(space, page);

  entry *e = find_entry(space, page, false);
  bool copy = e && *e & ENTRY_COPY && error & FAULT_W;
  return copy && give_copy(e, page);
}

/*
 * May the process itself read, or write, these bytes? A system call asks before it touches what
 * a process points to, and what would fault in the process is resolved here, so that the kernel
 * never faults.
 */
bool reachable(struct space *space, const void *buffer, u32 size, bool to_write) {
  u32 from = (u32)buffer;
  if (from >= USER_END || size > USER_END - from) return false;
  for (u32 page = from & ~(PAGE - 1); page < from + size; page += PAGE) {
    entry *e = find_entry(space, page, false);
    bool there = e && *e & ENTRY_P;
    if (there && *e & ENTRY_U && (!to_write || *e & ENTRY_W)) continue;
    u32 error = FAULT_U | (to_write ? FAULT_W : 0) | (there ? FAULT_P : 0);
    if (!resolve_fault(space, page, error)) return false;
  }
  return true;
}
