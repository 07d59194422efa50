/*
 * tables.c: page tables that the monitor checks. They are the tables that the processor walks
 * and hold the numbers of the machine's frames; "a frame" here is one of ours, counted from 0.
 * The kernel builds a space in ordinary memory. When the space is first switched to, its tables
 * become read-only and the monitor looks through them: they are pinned, and from then on each
 * change is a hypercall. When the space goes, they become ordinary memory again.
 */
#include "../kernel/kernel.h"
#include "parts.h"

/* What a frame is to the monitor: 0 for ordinary memory, 1 to 3 for a live table of that level. */
#define DIRECTORY 2
#define POINTERS 3
#define READ_ONLY 4 /* some other page that only the monitor may write to */
static u8 kind[MEMORY_MAX / PAGE];

static u32 *machine_frames;         /* by the number of our frame: the number of the machine's */
static const u32 *our_frames;       /* and the other way round, in the monitor's memory */
static bool started;                /* the kernel has left the tables that the builder made */

u64 machine_address(u32 frame) { return (u64)machine_frames[frame / PAGE] * PAGE; }
u64 make_entry(u32 frame, u64 bits) { return machine_address(frame) | bits; }
u32 frame_of(u64 entry) { return our_frames[(u32)(entry >> 12) & 0xfffffff] * PAGE; }

u32 directory_end(u32 base) {
  u32 monitor = (u32)our_frames;
  return base == (monitor & 0xc0000000) ? DIRECTORY_INDEX(monitor) : 512;
}

/* The frame of an address at which the kernel sees memory, as at_frame() answers it. */
static u32 frame_at(const void *address) { return ((u32)address - KERNEL_BASE) & ~(PAGE - 1); }

/* Changes of entries that are asked for together. */
static struct mmu_update updates[32];
static u32 update_count;

static void send_updates(void) {
  if (update_count == 0) return;
  int answer = hypercall(HYPERCALL_MMU_UPDATE, updates, update_count, 0, DOMAIN_SELF);
  if (answer < 0) panic("the monitor refuses a page-table entry (%d)", answer);
  update_count = 0;
}

static void add_update(entry *where, entry value) {
  if (update_count == length_of(updates)) send_updates();
  updates[update_count++] = (struct mmu_update){ machine_address(frame_at(where)) + ((u32)where & (PAGE - 1)), value };
}

static void update_mapping(void *address, entry value) {
  if (hypercall(HYPERCALL_UPDATE_VA_MAPPING, address, value, value >> 32, UPDATE_INVALIDATES_PAGE) < 0) {
    panic("the monitor refuses the mapping of %08x", (u32)address);
  }
}

/*
 * May the kernel write to a frame at the address where it sees it? The change is sent later, or
 * holds at once while the kernel's own tables are not live yet.
 */
static void permit_writing(u32 frame, bool permit) {
  entry *e = find_entry(&kernel_space, (u32)at_frame(frame), false);
  entry value = (*e & ~(entry)ENTRY_W) | (permit ? ENTRY_W : 0);
  if (kind[frame_at(e) / PAGE]) add_update(e, value);
  else *e = value;
}

/* The same in the builder's tables. */
static void forbid_writing_now(u32 frame) { update_mapping(at_frame(frame), make_entry(frame, ENTRY_P)); }

/* The monitor takes a page that is no page table. */
void keep_read_only(u32 frame) {
  kind[frame / PAGE] = READ_ONLY;
  forbid_writing_now(frame);
}

void tables_start(void) {
  machine_frames = (u32 *)start_info->frame_list;

  /*
   * From now on this frame of ours is the shared page, wherever we map it. It is not in the
   * machine's list of our frames: we never ask for it there.
   */
  u32 shared = (u32)&shared_info - KERNEL_BASE;
  machine_frames[shared / PAGE] = start_info->shared_info / PAGE;
  update_mapping((void *)&shared_info, make_entry(shared, ENTRY_P | ENTRY_W));

  struct machine_to_physical place = { 0xf5800000, 0, 0 };
  hypercall(HYPERCALL_MEMORY_OP, MEMORY_MACHINE_TO_PHYSICAL, &place, 0, 0);
  our_frames = (const u32 *)place.start;

  /* The builder's tables are live. */
  u32 first = start_info->table - KERNEL_BASE;
  for (u32 i = 0; i < start_info->table_frames; i++) kind[first / PAGE + i] = READ_ONLY;
}

/*
 * The tables of a space that are its own: the pointer table, its directories, and the page tables
 * of the process's part. The kernel's page tables are every space's, and its own space's first.
 */
static void own_tables(u32 root, void (*each)(u32 frame, u32 level)) {
  each(root, POINTERS);
  entry *pointers = at_frame(root);
  for (u32 i = 0; i < 4; i++) {
    if (!(pointers[i] & ENTRY_P)) continue;
    entry *directory = at_frame(frame_of(pointers[i]));
    each(frame_of(pointers[i]), DIRECTORY);
    if (i == PDPT_INDEX(KERNEL_BASE) && root != kernel_space.root) continue;
    for (u32 j = 0; j < directory_end(i << 30); j++) {
      if (directory[j] & ENTRY_P) each(frame_of(directory[j]), 1);
    }
  }
}

static void close_table(u32 frame, u32 level) {
  (void)level;
  permit_writing(frame, false);
}

static void mark_table(u32 frame, u32 level) {
  kind[frame / PAGE] = level;
  if (!started) forbid_writing_now(frame);
}

static void open_table(u32 frame, u32 level) {
  (void)level;
  kind[frame / PAGE] = 0;
  permit_writing(frame, true);
}

/* The tables of a space go live. */
static void pin(u32 root) {
  if (!started) {
    for (u32 frame = 0; frame < machine_memory_used(); frame += PAGE) {
      if (kind[frame / PAGE]) permit_writing(frame, false);
    }
  }
  own_tables(root, close_table);
  send_updates();
  own_tables(root, mark_table);
  extended_operation(MMUEXT_PIN_L3_TABLE, machine_address(root) / PAGE);
}

/* They become ordinary memory again. */
void release_tables(u32 root) {
  if (!kind[root / PAGE]) return;
  extended_operation(MMUEXT_UNPIN_TABLE, machine_address(root) / PAGE);
  own_tables(root, open_table);
  send_updates();
  extended_operation(MMUEXT_TLB_FLUSH_LOCAL, 0);
}

/* From here on the processor translates with these tables. */
void write_cr3(u32 root) {
  if (!kind[root / PAGE]) pin(root);
  extended_operation(MMUEXT_NEW_BASEPTR, machine_address(root) / PAGE);
  if (started) return;

  /* The builder's tables are of no use any more, and must not hold on to the frames they map. */
  started = true;
  extended_operation(MMUEXT_UNPIN_TABLE, machine_address(start_info->table - KERNEL_BASE) / PAGE);
}

/* A new page table in a live directory is made read-only, and the monitor looks through it. */
void set_entry(entry *where, entry value) {
  u32 level = kind[frame_at(where) / PAGE];
  if (!level) {
    *where = value;
    return;
  }
  if (level == DIRECTORY && value & ENTRY_P && !kind[frame_of(value) / PAGE]) {
    permit_writing(frame_of(value), false);
    kind[frame_of(value) / PAGE] = 1;
  }
  add_update(where, value);
  send_updates();
}
