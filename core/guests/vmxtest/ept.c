/*
 * ept.c: extended page tables (SDM volume 3, 28.2). The first gigabyte is mapped as it is, by pages of 2 MB; the first two
 * megabytes of it by pages of 4 KB, which checks change as they like: the kernel itself and the board's devices lie there, but
 * nothing between 10000 and 7ffff.
 */
#include "vmx.h"

static u64 pml4[512] __attribute__((aligned(PAGE)));
static u64 pointers[512] __attribute__((aligned(PAGE)));
static u64 directory[512] __attribute__((aligned(PAGE)));
static u64 table[512] __attribute__((aligned(PAGE)));
static u64 far_directory[512] __attribute__((aligned(PAGE)));

void ept_start(void) {
  pml4[0] = (u32)pointers | EPT_ALL;
  pointers[0] = (u32)directory | EPT_ALL;
  for (u32 n = 0; n < 512; n++) {
    directory[n] = (u64)n << 21 | EPT_LARGE | EPT_WRITE_BACK | EPT_ALL;
    table[n] = n << 12 | EPT_WRITE_BACK | EPT_ALL;
  }
  directory[0] = (u32)table | EPT_ALL;
  ept_changed();
}

void ept_far(u64 pointer_entry, u64 directory_entry) {
  pointers[1] = pointer_entry ? pointer_entry | (u32)far_directory : 0;
  far_directory[0] = directory_entry;
  ept_changed();
}

u64 ept_pointer(void) { return (u32)pml4 | EPTP_FOUR_LEVELS | EPTP_WRITE_BACK; }

u64 *ept_entry(u32 address) { return &table[address >> 12]; }

void ept_changed(void) {
  if (capabilities.ept_vpid & EPT_INVEPT) invept(INVEPT_ALL, 0, 0);
}
