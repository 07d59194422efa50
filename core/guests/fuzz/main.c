/* main.c: random tests of a processor. Each prints what became of it, or a sum of that for many. */
#include "fuzz.h"
#include "../primer/common/text.h"

#define MULTIBOOT 0x2badb002u

struct state state;

static u32 seed, first, count, steps;
static bool tells_steps;

/* The command line: names and numbers, "seed=1 first=0 count=100 steps=64", or "seed=1 tell=3 tell=17": those cases, step by step. */

/* What follows the text in the line, or NULL. */
static const char *find(const char *line, const char *text) {
  for (; *line; line++) {
    const char *a = line, *b = text;
    while (*b && *a == *b) a++, b++;
    if (*b == 0) return a;
  }
  return NULL;
}

static u32 number_at(const char *text) {
  u32 value = 0;
  for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (*text - '0');
  return value;
}

static u32 option(const char *line, const char *name, u32 otherwise) {
  const char *text = find(line, name);
  return text ? number_at(text) : otherwise;
}

static u32 sum;
static void add(u32 value) {
  sum = (sum << 7 | sum >> 25) ^ value;
  sum *= 0x9e3779b1;
}

static void tell_state(const char *when) {
  const u32 *r = state.general, *s = state.segment;
  print("%s eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x esi %08x edi %08x eip %08x fl %06x es %04x cs %04x ss %04x ds %04x fs %04x gs %04x",
        when, r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], state.eip, state.eflags, s[0], s[1], s[2], s[3], s[4], s[5]);
}

/* Another case begins: tables, pages, control registers. */
static void begin(u32 number) {
  seed_random(seed, number);
  asm volatile("push 2; popfd" ::: "memory", "cc");
  write_cr4(read_cr4() & ~(CR4_PGE | CR4_TSD | CR4_DE | CR4_PCE));
  write_dr7(0x400);
  write_dr0(0);
  write_dr1(0);
  write_dr2(0);
  write_dr3(0);
  write_dr6(0);
  write_cr2(0);
  random_tables();
  random_pages();
  write_cr3(page_directory());
  write_cr4(CR4_PSE | (random_bits() & (CR4_PGE | CR4_TSD | CR4_DE | CR4_PCE)));
  write_cr0(CR0_PE | CR0_PG | CR0_ET | CR0_NE | (random_bits() & (CR0_WP | CR0_AM | CR0_MP | CR0_TS | CR0_EM)));
  random_memory();
  for (u32 n = 0; n < 8; n++) state.general[n] = edge_value();
  new_place();
}

extern u8 launch_first[], launch_last[];

/*
 * Flags that are the processor's own affair become 0; in ring 0 they are on the test's stack as well. Bochs does not set RF where
 * a repeated instruction goes on: see tools/fuzz/differences.txt.
 */
static void settle_flags(void) {
  state.eflags &= ~instruction.undefined;
  if (instruction.repeats && state.vector == 1) state.eflags &= ~FLAG_RF;
  if (state.segment[CS] & 3 || state.eflags & FLAG_VM || state.vector == 8) return;
  struct segment s = segment_of(state.segment[SS]);
  u32 offset = state.general[ESP] - 4;
  put(s.base + (s.attributes & 1 << 22 ? offset : offset & 0xffff), state.eflags, 4);
}

/* Looks at what the last instruction has left; returns whether the next one can follow. */
static bool record(void) {
  struct table_register r;
  state.cr0 = read_cr0();
  state.cr2 = read_cr2();
  state.cr3 = read_cr3();
  state.cr4 = read_cr4();
  state.dr3 = read_dr3();
  state.dr6 = read_dr6();
  state.dr7 = read_dr7();
  state.ldtr = read_ldtr();
  state.tr = read_tr();
  asm volatile("sgdt %0" : "=m"(r));
  state.gdt_limit = r.limit;
  asm volatile("sidt %0" : "=m"(r));
  state.idt_limit = r.limit;
  settle_flags();
  if (instruction.loses_cr2 && state.vector == 14) write_cr2(state.cr2 = 0);
  if (instruction.loose_register) state.general[instruction.loose_register - 1] &= 0xfff0ffff;
  for (u32 n = 0; n < 8; n++) add(state.general[n]);
  for (u32 n = 0; n < 6; n++) add(state.segment[n]);
  add(state.eip);
  add(state.eflags);
  add(state.vector << 16 ^ state.error);
  add(state.cr0);
  add(state.cr2);
  add(state.cr3);
  add(state.cr4);
  add(state.dr3);
  add(state.dr6);
  add(state.dr7);
  add(state.ldtr << 16 | state.tr);
  add(state.gdt_limit << 16 | state.idt_limit);
  if (state.dr6 != 0xffff0ff0) write_dr6(0xffff0ff0);
  bool launched = state.segment[CS] != KERNEL_CODE || state.eip < (u32)launch_first || state.eip > (u32)launch_last;
  return launched;
}

static void run_case(u32 number) {
  sum = 0;
  begin(number);
  if (tells_steps) print("case %u cr0 %08x cr4 %08x\n", number, read_cr0(), read_cr4());
  for (u32 step = 0; step < steps; step++) {
    u32 from = state.eip, from_segment = state.segment[CS];
    new_instruction();
    if (tells_steps) {
      print("step %u:", step);
      for (u32 n = 0; n < instruction.length; n++) print(" %02x", instruction.bytes[n]);
      tell_state("\n from");
      struct segment c = segment_of(state.segment[CS]), s = segment_of(state.segment[SS]);
      print(" code %08x %08x %06x stack %08x %08x %06x\n", c.base, c.limit, c.attributes >> 8 & 0xffff, s.base, s.limit, s.attributes >> 8 & 0xffff);
    }
    const u32 *s = state.segment;
    u32 frame[9] = { state.eip, s[CS], state.eflags, state.general[ESP], s[SS], s[ES], s[DS], s[FS], s[GS] };
    for (u32 n = 0; n < 9; n++) state.frame[n] = frame[n];
    launch();
    state.loads_fs_gs = false;
    bool launched = record();
    if (state.vector == 8 || (instruction.spoils && state.vector != 1 && state.vector != 3)) {
      random_pages();
      write_cr4(read_cr4() ^ CR4_PGE);
      write_cr4(read_cr4() ^ CR4_PGE);
      write_cr3(page_directory());
      random_memory();
    }
    if (tells_steps) {
      tell_state(" to  ");
      print(" vector %u error %x cr0 %08x cr2 %08x cr3 %x cr4 %x dr3 %x dr6 %x dr7 %x ldtr %x tr %x limits %x %x memory %x %x %x%s\n", state.vector, state.error,
            state.cr0, state.cr2, state.cr3, state.cr4, state.dr3, state.dr6, state.dr7, state.ldtr, state.tr, state.gdt_limit,
            state.idt_limit, memory_hash(), pages_hash(), tables_hash(), launched ? "" : " (not begun)");
    }
    bool moved = state.eip != from || state.segment[CS] != from_segment;
    if (!launched || chance(16) || (!moved && chance(4)) || state.segment[CS] == KERNEL_CODE) new_place();
  }
  add(memory_hash());
  add(pages_hash());
  add(tables_hash());
  print("%u %08x\n", number, sum);
}

void main(u32 magic, const u32 *information) {
  console_start();
  /* The fifth word of the loader's information, if the first has bit 2. */
  static char line[256]; /* the loader's is out of reach once paging is on */
  if (magic == MULTIBOOT && (information[0] & 4)) copy_text(line, (const char *)information[4], sizeof line);
  seed = option(line, "seed=", 1);
  first = option(line, "first=", 0);
  count = option(line, "count=", 0);
  steps = option(line, "steps=", 64);
  tables_start();
  pages_start();
  for (u32 n = 0; n < count; n++) run_case(first + n);
  tells_steps = true;
  for (const char *at = line; (at = find(at, "tell="));) run_case(number_at(at));
  print("end\n");
  power_off();
}
