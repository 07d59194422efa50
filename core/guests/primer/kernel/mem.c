/*
 * mem.c: prints the page tables of a space, level by level. Neighbours with the same
 * permissions are one line: the tables of a directory, the pages of a table.
 */
#include "kernel.h"

/* A run of pages with the same permissions. */
struct run {
  u32 start, end;
  entry bits;
};

static void print_run(struct run *run) {
  if (run->end == run->start) return;
  entry e = run->bits;
  u32 pages = (run->end - run->start) / PAGE;
  print("      %08x-%08x  r%c%c %s %5u page%s%s\n", run->start, run->end - 1, e & ENTRY_W ? 'w' : '-',
        e & ENTRY_XD ? '-' : 'x', e & ENTRY_U ? "ring 3" : "kernel", pages, pages == 1 ? "" : "s",
        e & ENTRY_COPY ? ", copied when written" : "");
}

static void add_page(struct run *run, u32 address, entry e) {
  entry bits = e & (ENTRY_W | ENTRY_U | ENTRY_COPY | ENTRY_XD);
  if (run->end != address || run->bits != bits) {
    print_run(run);
    *run = (struct run){ address, address, bits };
  }
  run->end += PAGE;
}

/* Directory entries from..to - 1, all present. */
static void print_tables(const entry *directory, u32 base, u32 from, u32 to) {
  u32 first = frame_of(directory[from]);
  if (to - from == 1) print("    [%u] table %08x\n", from, first);
  else print("    [%u-%u] %u tables, the first %08x\n", from, to - 1, to - from, first);

  struct run run = { 0, 0, 0 };
  for (u32 i = from; i < to; i++) {
    const entry *table = at_frame(frame_of(directory[i]));
    for (u32 j = 0; j < 512; j++) {
      if (table[j] & ENTRY_P) add_page(&run, base | i << 21 | j << 12, table[j]);
    }
  }
  print_run(&run);
}

void print_space(struct space *space) {
  print("CR3 %08x: page-directory-pointer table\n", space->root);
  const entry *pointers = at_frame(space->root);
  for (u32 i = 0; i < 4; i++) {
    if (!(pointers[i] & ENTRY_P)) continue;
    u32 base = i << 30;
    print("  [%u] directory %08x for %08x-%08x\n", i, frame_of(pointers[i]), base, base | 0x3fffffff);
    const entry *directory = at_frame(frame_of(pointers[i]));
    u32 end = directory_end(base);
    for (u32 from = 0, to; from < end; from = to) {
      for (to = from; to < end && directory[to] & ENTRY_P; to++) continue;
      if (to > from) print_tables(directory, base, from, to);
      else to++;
    }
    if (end < 512) print("    [%u-511] the monitor\n", end);
  }
  print("%u of %u frames are free\n", frames_free(), frames_total());
}
