/* tables.c: a case's descriptor tables. The kernel's own descriptors come first; those behind them are random. */
#include "generator.h"

#define gdt now.gdt
#define ldt now.ldt
#define idt now.idt

#define PRESENT (1u << 15)
#define NOT_SYSTEM (1u << 12)
#define CODE (1u << 11)
#define CONFORMING (1u << 10) /* code; data: expands down */
#define WRITABLE (1u << 9)    /* data; code: readable */
#define BIG (1u << 22)
#define PAGES (1u << 23)
#define LEVEL(high) ((high) >> 13 & 3)

static struct descriptor descriptor(u32 base, u32 limit, u32 attributes) {
  return (struct descriptor){ base << 16 | (limit & 0xffff),
                              (base & 0xff000000) | (base >> 16 & 0xff) | (limit & 0xf0000) | attributes };
}
static struct descriptor gate(u32 selector, u32 offset, u32 attributes) {
  return (struct descriptor){ selector << 16 | (offset & 0xffff), (offset & 0xffff0000) | attributes };
}

static u32 random_base(void) {
  switch (below(8)) {
  case 0: return 0;
  case 1: return TOP + below(TOP_PAGES * PAGE);
  case 2: return below(LOW_PAGES * PAGE);
  case 3: return WINDOW + below(WINDOW_PAGES) * PAGE - below(32);
  case 4: return WINDOW + below(WINDOW_PAGES * PAGE);
  default: return WINDOW + (below(WINDOW_PAGES * PAGE) & ~15u);
  }
}

static struct descriptor random_segment(void) {
  u32 type = random_bits() & 0xf00;
  if (!(type & CODE) && chance(2)) type &= ~CONFORMING; /* half as many that expand down */
  u32 attributes = NOT_SYSTEM | type | below(4) << 13;
  if (chance(2)) attributes |= 3 << 13;
  if (!chance(12)) attributes |= PRESENT;
  if (!chance(4)) attributes |= BIG;
  if (chance(8)) attributes |= 1 << 20; /* available to software */
  u32 limit;
  if (chance(4)) {
    attributes |= PAGES;
    limit = chance(2) ? 0xfffff : chance(4) ? 0 : below(WINDOW_PAGES);
    if (chance(16)) limit = 0xfffff - below(4);
  } else {
    switch (below(8)) {
    case 0: limit = below(8); break;
    case 1: limit = random_bits() & 0xfffff; break;
    case 2: limit = 0xffff; break;
    case 3: limit = 0xfff; break;
    default: limit = below(0x4000);
    }
  }
  return descriptor(random_base(), limit, attributes);
}

static struct descriptor random_gate(u32 type) {
  u32 attributes = type << 8 | below(4) << 13;
  if (chance(2)) attributes |= 3 << 13;
  if (!chance(12)) attributes |= PRESENT;
  /* A call gate's count of parameters; the three bits above it are not looked at. */
  if (type == 4 || type == 12) attributes |= chance(2) ? below(4) : below(256);
  return gate(code_selector(below(4)), below(0x2000), attributes);
}

static struct descriptor random_system(void) {
  switch (below(8)) {
  case 0: return descriptor(LDT_AT, chance(2) ? sizeof ldt - 1 : below(sizeof ldt), 0x8200 | below(4) << 13);
  case 1: return descriptor(LDT_AT, sizeof ldt - 1, random_bits() & 0x6000); /* type 0 */
  case 2: return random_gate(4);
  case 3: case 4: case 5: return random_gate(12);
  case 6: return random_gate(below(2) ? 14 : 7);
  default: return random_gate(below(2) ? 8 : 13); /* reserved types */
  }
}

static struct descriptor random_descriptor(void) { return chance(4) ? random_system() : random_segment(); }

void random_tables(void) {
  static const u32 attributes[8] = { 0xc09a00, 0xc09200, 0xc0fa00, 0xc0f200, 0xc0ba00, 0xc0b200, 0x00fa00, 0x00f200 };
  for (u32 n = 0; n < 8; n++) gdt[FIRST_TEST + n] = descriptor(WINDOW, attributes[n] & PAGES ? 0xf : 0xffff, attributes[n]);
  for (u32 n = FIRST_RANDOM; n < GDT_COUNT; n++) gdt[n] = random_segment();
  for (u32 n = 0; n < LDT_COUNT; n++) ldt[n] = random_segment();
  for (u32 n = FIRST_RANDOM; n < GDT_COUNT; n++) {
    if (chance(3)) gdt[n] = random_system();
  }
  for (u32 n = 0; n < LDT_COUNT; n++) {
    if (chance(4)) ldt[n] = random_descriptor();
  }
  now.gdt_limit = chance(4) ? 8 * FIRST_RANDOM + below(8 * (GDT_COUNT - FIRST_RANDOM)) : sizeof gdt - 1;

  /* An exception with an error code may not be raised by software, which pushes none: their gates are for ring 0. */
  const u32 with_error = 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17;
  for (u32 n = 0; n < 32; n++) {
    u32 level = with_error >> n & 1 ? 0 : below(2) * 3;
    idt[n] = (struct descriptor){ 0, level << 13 };
  }
  for (u32 n = 32; n < IDT_COUNT; n++) {
    static const u8 types[] = { 6, 7, 14, 14, 14, 15, 15, 12 };
    idt[n] = random_gate(types[below(8)]);
  }
  now.idt_limit = chance(4) ? 32 * 8 + below(32 * 8) : sizeof idt - 1;

  now.task.esp1 = below(0x10000);
  now.task.ss1 = chance(8) ? random_selector() : stack_selector(1);
  now.task.esp2 = below(0x10000);
  now.task.ss2 = chance(8) ? random_selector() : stack_selector(2);
  /* The maps of interrupts and ports lie at offset 68 and behind it. The ports of devices are not for tests. */
  now.task.limit = chance(3) ? 103 : chance(4) ? 103 + below(sizeof now.task) : 103 + 41 * 4;
  bool maps = !chance(3);
  now.task.map = (maps ? 136u : 104u) << 16 | chance(64);
  for (u32 n = 0; n < length_of(now.task.redirection); n++) now.task.redirection[n] = maps ? random_bits() : 0xffffffff;
  for (u32 n = 0; n < length_of(now.task.ports); n++) now.task.ports[n] = n == 0x300 / 32 ? random_bits() | 0xffff0000 : 0xffffffff;
}

static const struct descriptor *descriptor_of(u32 selector) {
  static const struct descriptor own[FIRST_TEST] = { [KERNEL_CODE / 8] = { 0xffff, 0xcf9b00 }, [KERNEL_DATA / 8] = { 0xffff, 0xcf9300 } };
  u32 number = selector >> 3;
  if (selector & 4) return number < LDT_COUNT ? &ldt[number] : NULL;
  if (number == 0 || number >= GDT_COUNT) return NULL;
  return number < FIRST_TEST ? &own[number] : &gdt[number];
}

struct segment segment_of(u32 selector) {
  if (state.eflags & FLAG_VM) return (struct segment){ selector << 4, 0xffff, 0xf300, true };
  const struct descriptor *d = descriptor_of(selector);
  if (d == NULL) return (struct segment){ 0, 0, 0, false };
  u32 limit = (d->high & 0xf0000) | (d->low & 0xffff);
  if (d->high & PAGES) limit = limit << 12 | 0xfff;
  return (struct segment){ (d->high & 0xff000000) | (d->high & 0xff) << 16 | d->low >> 16, limit, d->high,
                           (d->high & (PRESENT | NOT_SYSTEM)) == (PRESENT | NOT_SYSTEM) };
}

bool offset_valid(const struct segment *s, u32 offset) {
  if ((s->attributes & (CODE | CONFORMING)) == CONFORMING) {
    return offset > s->limit && (s->attributes & BIG || offset <= 0xffff);
  }
  return offset <= s->limit;
}

struct segment gate_target(u32 selector, u32 *offset) {
  const struct descriptor *gate = descriptor_of(selector);
  *offset = (gate->high & 0x800 ? gate->high & 0xffff0000 : 0) | (gate->low & 0xffff);
  return segment_of(gate->low >> 16);
}

u32 random_selector(void) {
  u32 level = chance(2) ? 3 : below(4);
  switch (below(16)) {
  case 0: return below(4);             /* null */
  case 1: return random_bits() & 0xffff;
  case 2: return (GDT_COUNT - 2 + below(4)) << 3 | level;
  case 3: return (LDT_COUNT - 1 + below(3)) << 3 | 4 | level;
  case 4: case 5: return (FIRST_TEST + below(8)) << 3 | level;
  case 6: case 7: case 8: case 9: return below(LDT_COUNT) << 3 | 4 | level;
  case 10: return TEST_LDT | level;
  default: return (FIRST_RANDOM + below(GDT_COUNT - FIRST_RANDOM)) << 3 | level;
  }
}

/* Looks from a random place on for a descriptor that fits. */
static u32 search(u32 level, bool (*fits)(const struct descriptor *d, u32 level)) {
  u32 start = below(GDT_COUNT + LDT_COUNT - FIRST_TEST);
  for (u32 n = 0; n < GDT_COUNT + LDT_COUNT - FIRST_TEST; n++) {
    u32 at = start + n;
    if (at >= GDT_COUNT + LDT_COUNT - FIRST_TEST) at -= GDT_COUNT + LDT_COUNT - FIRST_TEST;
    at += FIRST_TEST;
    if (at < GDT_COUNT && 8 * at + 7 > now.gdt_limit) continue;
    const struct descriptor *d = at < GDT_COUNT ? &gdt[at] : &ldt[at - GDT_COUNT];
    if ((d->high & (PRESENT | NOT_SYSTEM)) != (PRESENT | NOT_SYSTEM) || !fits(d, level)) continue;
    return (at < GDT_COUNT ? at << 3 : (at - GDT_COUNT) << 3 | 4) | level;
  }
  return 0;
}

static bool fits_code(const struct descriptor *d, u32 level) {
  if (!(d->high & CODE)) return false;
  return d->high & CONFORMING ? LEVEL(d->high) <= level : LEVEL(d->high) == level;
}
/* None of 4 GB: what wraps around in it may fault or not, as the processor likes (SDM volume 3, 5.3). */
static bool fits_stack(const struct descriptor *d, u32 level) {
  bool whole = !(d->high & CONFORMING) && d->high & PAGES && (d->low & 0xffff) == 0xffff && (d->high & 0xf0000) == 0xf0000;
  if (whole) return false;
  return !(d->high & CODE) && d->high & WRITABLE && LEVEL(d->high) == level;
}
static bool fits_data(const struct descriptor *d, u32 level) {
  if (d->high & CODE && !(d->high & WRITABLE)) return false;
  return LEVEL(d->high) >= level || (d->high & CODE && d->high & CONFORMING);
}

u32 code_selector(u32 level) { return search(level, fits_code); }
u32 stack_selector(u32 level) { return search(level, fits_stack); }
u32 data_selector(u32 level) { return search(level, fits_data); }
