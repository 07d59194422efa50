/*
 * generate.c: random tests of a processor, for the kernel in core/guests/fuzz.
 *   generate SEED FILE NUMBER...      the cases of these numbers
 *   generate SEED FILE FIRST-LAST     those from the first to the last
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "generator.h"

#define STEPS 256u

struct state state;
struct case_start now;
u32 now_cr0, now_cr4;

/* What the step puts into memory: the bytes, and at which step each was put there. */
static u8 values[MEMORY_WORDS * 4];
static u32 put_at_step[MEMORY_WORDS * 4], patched[4096], patched_count, step_number;

void forget_patches(void) {
  patched_count = 0;
  step_number++;
}

void patch_byte(u32 offset, u32 value) {
  if (put_at_step[offset] != step_number && patched_count < length_of(patched)) {
    put_at_step[offset] = step_number;
    patched[patched_count++] = offset;
  }
  values[offset] = value;
}

static FILE *file;

static void write_bytes(const void *bytes, size_t count) {
  if (fwrite(bytes, 1, count, file) != count) {
    perror("generate");
    exit(1);
  }
}

static u32 patches;
static u8 patch_bytes[65536];
static u32 patch_size;

/* As many bytes from here on as were put into memory one behind the other. */
static void add_run(u32 offset, u32 most) {
  u32 count = 0;
  while (count < most && offset + count < sizeof values && put_at_step[offset + count] == step_number) {
    put_at_step[offset + count] = 0;
    count++;
  }
  if (count == 0 || patches == 255) return;
  struct patch head = { offset, count };
  memcpy(patch_bytes + patch_size, &head, sizeof head);
  memset(patch_bytes + patch_size + sizeof head, 0, (count + 3) & ~3u);
  memcpy(patch_bytes + patch_size + sizeof head, values + offset, count);
  patch_size += sizeof head + ((count + 3) & ~3u);
  patches++;
}

static int by_number(const void *a, const void *b) { return *(const u32 *)a < *(const u32 *)b ? -1 : 1; }

static u32 look(u32 linear) {
  u32 offset = memory_at(linear, 0);
  if (offset == NO_MEMORY) return 0;
  offset &= ~3u;
  return offset < 8 ? 0 : offset - 8 > TEST_PAGES * PAGE - 16 ? TEST_PAGES * PAGE - 16 : offset - 8;
}

static void random_floats(struct floats *f) {
  u32 control = chance(3) ? random_bits() & 0x1f3f : 0x037f;
  u32 status = chance(3) ? random_bits() & 0x477f : (random_bits() & 0x7800);
  if (chance(4)) control |= 0x3f; /* everything masked */
  if (chance(2)) status &= ~0x3fu;
  if (instruction.loose_floats) control |= 2; /* Bochs reports denormals that are not the operands */
  /* ES and B say whether an exception is pending. */
  if (status & ~control & 0x3f) status |= 0x8080;
  f->control_status = (control | 0x40) | status << 16;
  f->tags_opcode = (chance(4) ? random_bits() & 0xff : chance(2) ? 0xff : 0) | (random_bits() & 0x7ff) << 16;
  f->mxcsr = chance(2) ? 0x1f80 : chance(2) ? (random_bits() & 0xffff) : (random_bits() & 0xe03f) | 0x1f80;
  f->mxcsr |= 0xc00; /* overflow and underflow are masked: whether PE comes with them is a choice */
  for (u32 n = 0; n < 8; n++) {
    static const u16 exponents[] = { 0x3fff, 0x3fff, 0x3ffe, 0x4000, 0x401e, 0x403e, 0x7fff, 0, 1, 0x7ffe, 0x3f80, 0x407f, 0x3c00, 0x43ff };
    u32 exponent = chance(3) ? random_bits() & 0x7fff : chance(2) ? 0x3ff0 + below(32) : exponents[below(length_of(exponents))];
    u32 high = chance(3) ? 0x80000000 : random_bits() | 0x80000000, low = chance(2) ? 0 : random_bits();
    if (chance(4)) high &= 0xffff0000;
    if (exponent == 0 || chance(64)) high &= 0x7fffffff; /* denormals, and what is no number */
    if (chance(16)) exponent = high = low = 0;
    f->st[n][0] = low, f->st[n][1] = low >> 16, f->st[n][2] = high, f->st[n][3] = high >> 16;
    f->st[n][4] = exponent | (random_bits() & 0x8000);
    for (u32 k = 0; k < 4; k++) {
      static const u32 singles[] = { 0, 0x80000000, 0x3f800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 1, 0x007fffff, 0x00800000, 0x7f7fffff, 0x4f000000, 0x5f000000, 0x3ff00000, 0x7ff00000, 0x40e00000 };
      u32 word = random_bits();
      if (chance(3)) word = singles[below(length_of(singles))] | (random_bits() & 0x80000000);
      else if (chance(2)) word = (word & 0x80ffffff) | (0x3c + below(8)) << 24;
      else if (chance(2)) word = (word & 0x800fffff) | (0x3fc + below(96)) << 20;
      f->xmm[n][k] = word;
    }
  }
}

static bool floats_are_loose; /* the registers hold approximations: they are loaded anew before they are looked at */

static void make_step(bool is_first) {
  forget_patches();
  bool loads = instruction.loads_segments;
  instruction.loads_segments = false;
  now_cr0 = now.cr0;
  now_cr4 = now.cr4;
  if (chance(8)) now_cr0 ^= random_bits() & (CR0_WP | CR0_AM | CR0_MP | CR0_TS | CR0_EM);
  if (chance(8)) now_cr4 ^= random_bits() & (CR4_TSD | CR4_DE | CR4_PCE | CR4_VME | CR4_PVI | CR4_OSFXSR | CR4_OSXMMEXCPT);
  if (is_first || chance(6)) {
    new_place();
    loads = true;
    instruction.loads_segments = false;
  }
  new_instruction();
  if (state.eflags & FLAG_VM) instruction.loads_segments = true;
  if (instruction.floats || instruction.needs_fs_gs) loads = true;

  struct step step = { .cr0 = now_cr0, .cr4 = now_cr4, .eip = state.eip, .eflags = state.eflags };
  memcpy(step.general, state.general, sizeof step.general);
  for (u32 n = 0; n < 6; n++) step.segment[n] = state.segment[n];
  step.settled = ~instruction.undefined;
  step.settled_trap = instruction.repeats ? step.settled & ~FLAG_RF : step.settled;
  step.loose_register = instruction.loose_register;
  step.looks[0] = look(operand_linear());
  step.looks[1] = look(segment_of(state.segment[SS]).base + state.general[ESP] - 4);
  step.flags = (loads ? STEP_LOADS_FS_GS : 0) | (instruction.spoils ? STEP_SPOILS : 0) | (instruction.loses_cr2 ? STEP_LOSES_CR2 : 0) |
               (instruction.loose_pages ? STEP_LOOSE_PAGES : 0);

  patches = patch_size = 0;
  u32 linear = instruction_linear(), at = memory_at(linear, 0);
  step.length = instruction.length;
  if (at != NO_MEMORY) {
    u32 in_page = PAGE - (linear & (PAGE - 1)), first = in_page < instruction.length + 1 ? in_page : instruction.length + 1;
    add_run(at, first);
    if (first < step.length) step.length = first;
  }
  qsort(patched, patched_count, sizeof *patched, by_number);
  for (u32 n = 0; n < patched_count; n++) add_run(patched[n], PAGE);
  if (at == NO_MEMORY) step.length = 0;
  step.patches = patches;

  u32 watch[2];
  /* In ring 0 a breakpoint may also be met when the first exception is delivered, and then what is loose in that shows. */
  bool is_loose = (instruction.repeats || instruction.loses_cr2 || instruction.undefined) && !(state.eflags & FLAG_VM) && !(state.segment[CS] & 3);
  if (chance(20) && !is_loose && !instruction.unwatched) {
    /* The kernel itself uses the other three registers. */
    static const u32 conditions[] = { 0, 0, 1, 1, 3, 3, 3 };
    u32 condition = conditions[below(length_of(conditions))], size = condition == 0 ? 0 : below(4);
    if (size == 2) size = 3;
    u32 place = chance(2) ? operand_linear() : chance(2) ? segment_of(state.segment[SS]).base + state.general[ESP] - below(16) : linear;
    if (condition == 0) {
      place = linear;
      if (state.eflags & FLAG_RF) condition = 1; /* one that jumps to itself would meet it behind its own trap */
      if (state.eflags & FLAG_VIF && state.eflags & FLAG_VIP) condition = 1; /* #GP: before or behind it */
    }
    else if (chance(3)) place += below(9) - 4;
    watch[0] = place & ~size;
    watch[1] = 0x400 | (1 + below(3)) << 6 | condition << 28 | size << 30 | (chance(2) ? 0x300 : 0);
    step.flags |= STEP_WATCHES;
  }
  struct floats floats;
  if (instruction.floats) {
    step.flags |= STEP_FLOATS;
    if (floats_are_loose || instruction.loose_floats || chance(4)) {
      random_floats(&floats);
      step.flags |= STEP_LOADS_FLOATS;
    }
    if (instruction.loose_floats) step.flags |= STEP_LOOSE_FLOATS;
    floats_are_loose = instruction.loose_floats;
  }
  write_bytes(&step, sizeof step);
  write_bytes(patch_bytes, patch_size);
  if (step.flags & STEP_WATCHES) write_bytes(watch, sizeof watch);
  if (step.flags & STEP_LOADS_FLOATS) write_bytes(&floats, sizeof floats);
  if (chance(2)) state.eip += instruction.length;
}

static void make_case(u32 seed, u32 number) {
  seed_random(seed, number);
  memset(&now, 0, sizeof now);
  memset(&state, 0, sizeof state);
  state.eflags = FLAG_ONE;
  now.number = number;
  now.steps = STEPS;
  bool pae = chance(3);
  now.cr4 = CR4_PSE | (pae ? CR4_PAE : 0) | (random_bits() & (CR4_PGE | CR4_TSD | CR4_DE | CR4_PCE | CR4_VME | CR4_PVI));
  if (!chance(4)) now.cr4 |= CR4_OSFXSR;
  if (!chance(4)) now.cr4 |= CR4_OSXMMEXCPT;
  now.cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_NE | (random_bits() & (CR0_WP | CR0_AM | CR0_MP | CR0_TS | CR0_EM));
  if (!chance(3)) now.cr0 &= ~(CR0_TS | CR0_EM);
  now.efer = pae && chance(2) ? 0x800 : 0;
  now.memory_from = below(MEMORY_WORDS);
  now.sysenter[0] = chance(8) ? 0 : 8 * FIRST_TEST;
  now.sysenter[1] = WINDOW + (below(WINDOW_PAGES * PAGE) & ~3u);
  now.sysenter[2] = WINDOW + below(WINDOW_PAGES * PAGE);
  now_cr0 = now.cr0;
  now_cr4 = now.cr4;
  random_tables();
  random_pages();
  for (u32 n = 0; n < 8; n++) state.general[n] = edge_value();
  write_bytes(&now, sizeof now);
  floats_are_loose = true;
  for (u32 n = 0; n < now.steps; n++) make_step(n == 0);
}

/* Where the processor comes without its trap flag, a breakpoint instruction is not far. */
static u32 random_word(void) {
  u32 word = random_bits();
  for (u32 n = 0; n < 32; n += 8) {
    if (chance(4)) word = (word & ~(0xffu << n)) | 0xccu << n;
  }
  return word;
}

int main(int count, char **words) {
  if (count < 4 || (file = fopen(words[2], "wb")) == NULL) {
    fputs("generate SEED FILE NUMBER... | FIRST-LAST\n", stderr);
    return 2;
  }
  u32 seed = atoi(words[1]);
  const char *range = strchr(words[3], '-');
  u32 first = atoi(words[3]), cases = range ? atoi(range + 1) - first + 1 : (u32)count - 3;
  static struct script script;
  seed_random(seed, 0);
  script.magic = MAGIC;
  script.cases = cases;
  for (u32 n = 0; n < length_of(script.memory); n++) script.memory[n] = random_word();
  write_bytes(&script, sizeof script);
  for (u32 n = 0; n < cases; n++) make_case(seed, range ? first + n : (u32)atoi(words[3 + n]));
  /* A disk of whole cylinders, which emulators want: 16 heads, 63 sectors each. */
  u32 cylinder = 16 * 63 * 512, cylinders = (ftell(file) + cylinder) / cylinder;
  script.sectors = cylinders * 16 * 63;
  static const u8 zero[16 * 63 * 512];
  write_bytes(zero, cylinders * cylinder - ftell(file));
  rewind(file);
  write_bytes(&script, sizeof script);
  return fclose(file) == 0 ? 0 : 1;
}
