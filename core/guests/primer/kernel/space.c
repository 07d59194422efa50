/*
 * space.c: address spaces. Each has a page-directory-pointer table and two page directories:
 * one for the process's own first gigabyte, one for the kernel's last. The kernel's page tables
 * are made once and are the same in all spaces.
 */
#include "kernel.h"

struct space kernel_space;
static struct space *current_space;

static entry execute_disable; /* ENTRY_XD, or 0 if the processor does not know it */

/* A whole frame for every table. The pointer table needs 32 bytes of it only. */
static u32 make_table(void) { return frame_take(); }

/* The table that an entry points to. */
static entry *table_of(entry e) { return at_frame(frame_of(e)); }

/*
 * Where a 4 KB page's entry lies; NULL if its page table does not exist. With `make`, a missing
 * table is made, and NULL means that there is no memory. A directory's entry permits
 * everything: the last level decides.
 */
entry *find_entry(struct space *space, u32 address, bool make) {
  entry pointer = ((entry *)at_frame(space->root))[PDPT_INDEX(address)];
  if (!(pointer & ENTRY_P)) return NULL;
  entry *directory = table_of(pointer) + DIRECTORY_INDEX(address);
  if (!(*directory & ENTRY_P)) {
    u32 table = make ? make_table() : 0;
    if (!table) return NULL;
    set_entry(directory, make_entry(table, ENTRY_P | ENTRY_W | (address < USER_END ? ENTRY_U : 0)));
  }
  return table_of(*directory) + TABLE_INDEX(address);
}

/*
 * Maps a page that was not mapped before; so no translation of it can be cached. False: no
 * memory for a table.
 */
bool map(struct space *space, u32 address, u32 frame, entry bits) {
  entry *e = find_entry(space, address, true);
  if (!e) return false;
  if (!execute_disable) bits &= ~ENTRY_XD;
  set_entry(e, make_entry(frame, bits | ENTRY_P));
  return true;
}

/*
 * The kernel's half: all of physical memory from KERNEL_BASE on, so that the kernel reaches
 * every frame at a known address. Its own code is read-only and its data is not executable.
 */
void spaces_start(u32 memory) {
  if (machine_has_execute_disable()) execute_disable = ENTRY_XD;

  kernel_space.root = make_table();
  entry *pointers = at_frame(kernel_space.root);
  set_entry(&pointers[PDPT_INDEX(KERNEL_BASE)], make_entry(make_table(), ENTRY_P));
  for (u32 frame = 0; frame < memory; frame += PAGE) {
    u32 address = frame + KERNEL_BASE;
    entry bits = ENTRY_W | ENTRY_XD;
    if (address >= (u32)text_start && address < (u32)text_end) bits = 0;
    else if (address >= (u32)text_end && address < (u32)rodata_end) bits = ENTRY_XD;
    if (!map(&kernel_space, address, frame, bits)) panic("no memory for the kernel's page tables");
  }
  switch_space(&kernel_space);
}

/* A space with an empty first gigabyte. */
bool space_make(struct space *space) {
  u32 root = make_table(), own = make_table(), kernel = make_table();
  if (!root || !own || !kernel) {
    if (root) frame_release(root);
    if (own) frame_release(own);
    if (kernel) frame_release(kernel);
    return false;
  }
  entry *pointers = at_frame(root);
  entry *kernel_pointers = at_frame(kernel_space.root);
  memcpy(at_frame(kernel), table_of(kernel_pointers[PDPT_INDEX(KERNEL_BASE)]), PAGE);
  set_entry(&pointers[0], make_entry(own, ENTRY_P));
  set_entry(&pointers[PDPT_INDEX(KERNEL_BASE)], make_entry(kernel, ENTRY_P));
  space->root = root;
  return true;
}

/*
 * From here on the processor translates with this space's tables. Both tell the same truth, so
 * no interrupt in between.
 */
void switch_space(struct space *space) {
  u32 flags = save_flags();
  cli();
  current_space = space;
  write_cr3(space->root); /* a new address space from here on */
  restore_flags(flags);
}

/*
 * The child shares every frame of the parent. A page that the parent could write becomes
 * read-only in both and gets our mark: the first of them that writes to it faults, and gets a
 * copy (fault.c).
 */
bool space_fork(struct space *child, struct space *parent) {
  if (!space_make(child)) return false;
  entry *directory = table_of(*(entry *)at_frame(parent->root));
  bool enough = true;
  for (u32 i = 0; i < 512 && enough; i++) {
    if (!(directory[i] & ENTRY_P)) continue;
    entry *table = table_of(directory[i]);
    for (u32 j = 0; j < 512 && enough; j++) {
      entry e = table[j];
      if (!(e & ENTRY_P)) continue;
      if (e & ENTRY_W) {
        e = (e & ~(entry)ENTRY_W) | ENTRY_COPY;
        set_entry(&table[j], e);
      }
      enough = map(child, i << 21 | j << 12, frame_of(e), e & ENTRY_BITS & ~(entry)(ENTRY_A | ENTRY_D));
      if (enough) frame_share(frame_of(e));
    }
  }
  /*
   * The parent may have translations cached that still permit writing. Loading CR3 drops them.
   */
  if (parent == current_space) write_cr3(parent->root);
  if (!enough) space_release(child);
  return enough;
}

/* Gives back the frames of a range, and the translations of it. */
void unmap_range(struct space *space, u32 from, u32 to) {
  for (u32 address = from; address < to; address += PAGE) {
    entry *e = find_entry(space, address, false);
    if (!e || !(*e & ENTRY_P)) continue;
    u32 frame = frame_of(*e);
    set_entry(e, 0);
    if (space == current_space) invalidate_page(address);
    frame_release(frame);
  }
}

/* Gives back all that a space has of its own. It must not be the current one. */
void space_release(struct space *space) {
  assert(space != current_space);
  release_tables(space->root);
  entry *pointers = at_frame(space->root);
  entry *directory = table_of(pointers[0]);
  for (u32 i = 0; i < 512; i++) {
    if (!(directory[i] & ENTRY_P)) continue;
    entry *table = table_of(directory[i]);
    for (u32 j = 0; j < 512; j++) {
      if (table[j] & ENTRY_P) frame_release(frame_of(table[j]));
    }
    frame_release(frame_of(directory[i]));
  }
  frame_release(frame_of(pointers[0]));
  frame_release(frame_of(pointers[PDPT_INDEX(KERNEL_BASE)]));
  frame_release(space->root);
  space->root = 0;
}
