/* pages.c: the page tables of a test. The kernel is where it is loaded; tests reach four pages of memory at many addresses. */
#include "fuzz.h"

#define PRESENT 1u
#define WRITABLE PAGE_WRITABLE
#define USER PAGE_USER
#define LARGE_PAGE 0x80u
#define LARGE_FRAME 0x00800000u

static u32 directory[1024] __attribute__((aligned(PAGE)));
static u32 low_table[1024] __attribute__((aligned(PAGE)));
static u32 window_table[1024] __attribute__((aligned(PAGE)));
static u32 top_table[1024] __attribute__((aligned(PAGE)));

u32 page_directory(void) { return (u32)directory; }

void pages_start(void) {
  for (u32 n = 256; n < 1024; n++) low_table[n] = n * PAGE | PRESENT | WRITABLE;
  for (u32 n = 0; n < TEST_PAGES; n++) low_table[TEST_ALIAS / PAGE + n] = (TEST_MEMORY + n * PAGE) | PRESENT | WRITABLE;
  for (u32 n = 0; n < LARGE_PAGES; n++)
    low_table[TEST_ALIAS / PAGE + TEST_PAGES + n] = (LARGE_FRAME + n * PAGE) | PRESENT | WRITABLE;
  directory[0] = (u32)low_table | PRESENT | WRITABLE | USER;
}

/* Mostly permissive, with every bit that the processor may have an opinion of. */
static u32 random_bits_of_entry(u32 strictness) {
  u32 bits = random_bits() & 0xe78; /* all but P, R/W, U/S, PS, G */
  if (!chance(strictness * 4)) bits |= PRESENT;
  if (!chance(strictness)) bits |= WRITABLE;
  if (!chance(strictness)) bits |= USER;
  return bits;
}

static u32 random_entry(void) {
  return (TEST_MEMORY + below(TEST_PAGES) * PAGE) | random_bits_of_entry(4) | (chance(4) ? 0x100 : 0);
}

void random_pages(void) {
  for (u32 n = 0; n < LOW_PAGES; n++) low_table[n] = random_entry();
  for (u32 n = 0; n < WINDOW_PAGES; n++) window_table[n] = random_entry();
  for (u32 n = 0; n < TOP_PAGES; n++) top_table[1024 - TOP_PAGES + n] = random_entry();
  directory[WINDOW >> 22] = (u32)window_table | random_bits_of_entry(12);
  directory[TOP >> 22] = (u32)top_table | random_bits_of_entry(12);
  directory[LARGE >> 22] = LARGE_FRAME | LARGE_PAGE | random_bits_of_entry(12);
}

void random_memory(void) {
  u32 *memory = (u32 *)TEST_ALIAS;
  u32 word = random_bits();
  for (u32 n = 0; n < (TEST_PAGES + LARGE_PAGES) * PAGE / 4; n++) memory[n] = word += 0x3779b1e9;
}

u8 *memory_at(u32 linear, u32 need) {
  u32 entry = directory[linear >> 22];
  if ((entry & (need | PRESENT | LARGE_PAGE)) != (need | PRESENT)) return NULL;
  entry = ((u32 *)(entry & ~(PAGE - 1)))[linear >> 12 & 1023];
  u32 offset = ((entry & ~(PAGE - 1)) | (linear & (PAGE - 1))) - TEST_MEMORY;
  return (entry & (need | PRESENT)) == (need | PRESENT) && offset < TEST_PAGES * PAGE ? (u8 *)(TEST_ALIAS + offset) : NULL;
}

static u32 mix(u32 hash, const u32 *words, u32 count) {
  for (u32 n = 0; n < count; n++) {
    hash = (hash << 5 | hash >> 27) ^ words[n];
    hash += hash << 3;
  }
  return hash;
}

u32 memory_hash(void) { return mix(1, (u32 *)TEST_ALIAS, (TEST_PAGES + LARGE_PAGES) * PAGE / 4); }

u32 pages_hash(void) {
  u32 hash = mix(2, low_table, LOW_PAGES);
  hash = mix(hash, window_table, WINDOW_PAGES);
  hash = mix(hash, top_table + 1024 - TOP_PAGES, TOP_PAGES);
  hash = mix(hash, &directory[WINDOW >> 22], 1);
  hash = mix(hash, &directory[TOP >> 22], 1);
  return mix(hash, &directory[LARGE >> 22], 1);
}
