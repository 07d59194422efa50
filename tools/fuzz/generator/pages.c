/* pages.c: the page tables of a test, in either format. Tests reach four pages of memory at many addresses, and two by a large page. */
#include "generator.h"

#define PRESENT 1u
#define WRITABLE PAGE_WRITABLE
#define USER PAGE_USER
#define LARGE_PAGE 0x80u
#define GLOBAL 0x100u

u32 page_directory(void) { return now.cr4 & CR4_PAE ? POINTERS_AT : DIRECTORY_AT; }

/* Mostly permissive, with every bit that the processor may have an opinion of. */
static u32 random_bits_of_entry(u32 strictness) {
  u32 bits = random_bits() & 0xe78; /* all but P, R/W, U/S, PS, G */
  if (!chance(strictness * 4)) bits |= PRESENT;
  if (!chance(strictness)) bits |= WRITABLE;
  if (!chance(strictness)) bits |= USER;
  return bits;
}

/*
 * The upper word of an entry in PAE's format: XD, and now and then a bit that is reserved (SDM volume 3, 4.4.2): Bochs has
 * physical addresses of 40 bits. */
static u64 upper(u32 strictness) {
  if (!(now.cr4 & CR4_PAE)) return 0;
  u32 high = now.efer && chance(strictness) ? 1u << 31 : 0;
  return (u64)(chance(8 * strictness) ? high | 1u << (8 + below(24)) : high) << 32;
}

static u64 random_entry(void) {
  return (TEST_MEMORY + below(TEST_PAGES) * PAGE) | random_bits_of_entry(4) | (chance(4) ? GLOBAL : 0) | upper(8);
}

void random_pages(void) {
  bool pae = now.cr4 & CR4_PAE;
  for (u32 n = 0; n < LOW_PAGES; n++) now.low[n] = random_entry();
  for (u32 n = 0; n < WINDOW_PAGES; n++) now.window[n] = random_entry();
  for (u32 n = 0; n < TOP_PAGES; n++) now.top[n] = random_entry();
  now.window_directory = (pae ? WINDOW_ENTRIES_AT : WINDOW_TABLE_AT) | random_bits_of_entry(12) | upper(24);
  now.top_directory = (pae ? TOP_ENTRIES_AT : TOP_TABLE_AT) | random_bits_of_entry(12) | upper(24);
  now.large = LARGE_FRAME | LARGE_PAGE | random_bits_of_entry(12) | upper(12);
}

u32 memory_at(u32 linear, u32 need) {
  u64 directory = PRESENT | WRITABLE | USER, entry = 0;
  need |= PRESENT;
  if (linear < LOW_PAGES * PAGE) {
    entry = now.low[linear / PAGE];
  } else if (linear - WINDOW < WINDOW_PAGES * PAGE) {
    directory = now.window_directory;
    entry = now.window[(linear - WINDOW) / PAGE];
  } else if (linear >= TOP) {
    directory = now.top_directory;
    entry = now.top[(linear - TOP) / PAGE];
  }
  if ((directory & need) != need || (entry & need) != need || (directory | entry) >> 32 & (now.efer ? 0x7fffffff : 0xffffffff)) return NO_MEMORY;
  return ((u32)entry & ~(PAGE - 1)) - TEST_MEMORY + (linear & (PAGE - 1));
}
