/* Runs the cases of a form and writes them, coded against what the seed already says. README.md has the format. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vectors.h"

struct test t;
struct bytes {
  uint8_t *at;
  size_t size, room;
};
/*
 * What a rule says of the destination. APPROXIMATE: x87 registers may be one unit in the last place off. IMAGE: a page fault
 * may be reported for another byte of the operand, and stores before it may stay. RELATIVE: single-precision numbers in XMM registers
 * may be off as far as the manual allows.
 */
enum destination { DEFINED, UNDEFINED, APPROXIMATE, IMAGE, RELATIVE };
struct rule {
  uint32_t flags;
  enum destination destination;
  const char *words;
};

static uint32_t seed = 1;
static unsigned cases_per_form = 200;
static const char *directory = ".";
static const char *only;

static FILE *out;
static char form_name[80];
static uint32_t form_seed;
static unsigned case_index, cases_written;
static struct rule rules[16];
static unsigned rule_count;
static struct bytes cases;
static struct state base;
static uint8_t background[DATA_SIZE];
static unsigned total_forms, total_cases;
static bool skipped;
static bool with_x87, with_sse;

static void put8(struct bytes *b, unsigned v) {
  if (b->size == b->room) b->at = realloc(b->at, b->room = b->room * 2 + 4096);
  b->at[b->size++] = (uint8_t)v;
}

static void put_bytes(struct bytes *b, const void *from, size_t n) {
  for (size_t i = 0; i < n; i++) put8(b, ((const uint8_t *)from)[i]);
}

static void put16(struct bytes *b, uint16_t v) {
  put_bytes(b, &v, 2);
}

static void put32(struct bytes *b, uint32_t v) {
  put_bytes(b, &v, 4);
}

/* Seven bits a byte, low ones first, bit 7 says that more follow. */
static void put_varint(struct bytes *b, uint32_t v) {
  while (v > 0x7F) {
    put8(b, (v & 0x7F) | 0x80);
    v >>= 7;
  }
  put8(b, v);
}

static void put_text(struct bytes *b, const char *s) {
  put16(b, (uint16_t)strlen(s));
  put_bytes(b, s, strlen(s));
}

static void flush(struct bytes *b) {
  if (b->size && fwrite(b->at, b->size, 1, out) != 1) {
    perror("generate: write");
    exit(1);
  }
  b->size = 0;
}

static const char *processor(void) {
  static char brand[49];
  for (unsigned i = 0; i < 3; i++) {
    uint32_t r[4];
    __asm__("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(0x80000002 + i), "c"(0));
    memcpy(brand + i * 16, r, 16);
  }
  uint32_t a, b, c, d;
  static char text[128];
  char vendor[13] = "";
  __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0), "c"(0));
  memcpy(vendor, &b, 4);
  memcpy(vendor + 4, &d, 4);
  memcpy(vendor + 8, &c, 4);
  __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
  const unsigned family = (a >> 8 & 15) + (a >> 20 & 255), model = (a >> 4 & 15) | (a >> 12 & 0xF0);
  snprintf(text, sizeof text, "%s %s family %u model %u stepping %u", vendor, brand, family, model, a & 15);
  return text;
}

static void end_form(void) {
  if (!form_name[0] || skipped) return;
  struct bytes b = {0};
  put_text(&b, form_name);
  put8(&b, rule_count);
  for (unsigned i = 0; i < rule_count; i++) {
    put32(&b, rules[i].flags);
    put8(&b, rules[i].destination);
    put_text(&b, rules[i].words);
  }
  put16(&b, (uint16_t)cases_written);
  flush(&b);
  free(b.at);
  flush(&cases);
  total_forms++;
  total_cases += cases_written;
  form_name[0] = 0;
}

static void end_family(void) {
  if (!out) return;
  end_form();
  if (fclose(out) != 0) {
    perror("generate: close");
    exit(1);
  }
  out = NULL;
}

enum { FROM_SEED, FROM_VALUES };

/* What the x87's words are unless the case says otherwise: as after FNINIT, with pointers that are none. */
static const uint32_t X87_DEFAULT[X87_WORDS] = {0x37F, 0, 0xFFFF, 0x2A5, 0x12345678, 0x1234, 0x9ABCDEF0, 0x5678};

enum { MXCSR_DEFAULT = 0x1F80 };

static void write_header(const char *name) {
  struct bytes b = {0};
  put_bytes(&b, "IA32VEC1", 8);
  put_text(&b, processor());
  put_text(&b, name);
  put32(&b, seed);
  static const struct { uint32_t base, size; uint8_t rights; } REGION[] = {
      {CODE, PAGE, 1 | 4}, {DATA, READ_ONLY - DATA, 1 | 2}, {READ_ONLY, DATA_END - READ_ONLY, 1}};
  put8(&b, 3);
  for (unsigned i = 0; i < 3; i++) {
    put32(&b, REGION[i].base);
    put32(&b, REGION[i].size);
    put8(&b, REGION[i].rights);
  }
  put8(&b, 6);
  for (unsigned i = 0; i < 6; i++) {
    put32(&b, i == FS ? FS_BASE : 0);
    put32(&b, i == FS ? FS_LIMIT : i == GS ? 0 : 0xFFFFFFFF);
  }
  /* The register banks, in the order in which every case lists what differs: from the seed, or from these values. */
  put8(&b, with_sse ? 6 : with_x87 ? 4 : 2);
  put_text(&b, "general");
  put8(&b, 8);
  put8(&b, 4);
  put8(&b, FROM_SEED);
  put_text(&b, "segment");
  put8(&b, 6);
  put8(&b, 2);
  put8(&b, FROM_VALUES);
  for (unsigned i = 0; i < 6; i++) put16(&b, segments[i]);
  if (with_x87) {
    put_text(&b, "x87");
    put8(&b, 8);
    put8(&b, 10);
    put8(&b, FROM_SEED);
    put_text(&b, "x87 words");
    put8(&b, X87_WORDS);
    put8(&b, 4);
    put8(&b, FROM_VALUES);
    for (unsigned i = 0; i < X87_WORDS; i++) put32(&b, X87_DEFAULT[i]);
  }
  if (with_sse) {
    put_text(&b, "xmm");
    put8(&b, 8);
    put8(&b, 16);
    put8(&b, FROM_SEED);
    put_text(&b, "mxcsr");
    put8(&b, 1);
    put8(&b, 4);
    put8(&b, FROM_VALUES);
    put32(&b, MXCSR_DEFAULT);
  }
  flush(&b);
  free(b.at);
}

static void open_family(const char *name) {
  form_name[0] = 0;
  skipped = only && strcmp(only, name) != 0;
  if (skipped) return;
  char path[512];
  snprintf(path, sizeof path, "%s/%s.vec", directory, name);
  out = fopen(path, "wb");
  if (!out) {
    perror(path);
    exit(1);
  }
  write_header(name);
}

void family(const char *name) {
  end_family();
  with_x87 = with_sse = false;
  open_family(name);
}

/* Every case of the family has a state of the x87, before and after. */
void family_with_x87(const char *name) {
  end_family();
  with_x87 = true;
  with_sse = false;
  open_family(name);
}

/* The same, and one of SSE. */
void family_with_sse(const char *name) {
  end_family();
  with_x87 = with_sse = true;
  open_family(name);
}

/* The seed of a form comes from its name, so that a new form leaves the others as they are. */
void form(const char *format, ...) {
  end_form();
  va_list args;
  va_start(args, format);
  vsnprintf(form_name, sizeof form_name, format, args);
  va_end(args);
  uint32_t hash = 0x811C9DC5; /* FNV-1a */
  for (const char *p = form_name; *p; p++) hash = (hash ^ (uint8_t)*p) * 0x01000193;
  form_seed = mix(seed ^ hash);
  case_index = cases_written = rule_count = 0;
}

/* Registers and flags from the seed; everything else of the case is what its form does with them. */
bool next_case(void) {
  if (skipped || case_index == cases_per_form) return false;
  reseed(form_seed + case_index++);
  memset(&t, 0, sizeof t);
  for (unsigned i = 0; i < 8; i++) t.initial.reg[i] = random32();
  t.initial.eflags = 0x202 | (random32() & (CF | PF | AF | ZF | SF | DF | OF));
  t.initial.eip = START;
  memcpy(t.initial.selector, segments, sizeof segments);
  t.with_x87 = with_x87;
  if (with_x87) {
    memcpy(t.initial.x87.word, X87_DEFAULT, sizeof X87_DEFAULT);
    for (unsigned i = 0; i < 8; i++) {
      /* A mantissa with its integer bit set, low doubleword first, then sign and exponent. */
      const uint32_t word[3] = {random32(), random32() | 0x80000000, random32()};
      memcpy(t.initial.x87.reg[i], word, 10);
    }
  }
  t.with_sse = with_sse;
  if (with_sse) {
    for (unsigned i = 0; i < 32; i++) t.initial.sse.xmm[i / 4][i % 4] = random32();
    t.initial.sse.mxcsr = MXCSR_DEFAULT;
  }
  base = t.initial;
  memcpy(data, background, DATA_SIZE);
  return true;
}

/* 1 + the index of the rule, which the form gets when it does not have it yet. */
static uint8_t rule_number(uint32_t flags, enum destination destination, const char *words) {
  for (unsigned i = 0; i < rule_count; i++)
    if (rules[i].flags == flags && rules[i].destination == destination && strcmp(rules[i].words, words) == 0)
      return (uint8_t)(i + 1);
  rules[rule_count++] = (struct rule){flags, destination, words};
  return (uint8_t)rule_count;
}

/* This case leaves these flags undefined, and these are the manual's words for it. */
void undefined(uint32_t flags, const char *words) {
  t.undefined = rule_number(flags, DEFINED, words);
}

/* The same when the destination itself is undefined: these registers, or the memory written when there is none. */
void undefined_destination(uint8_t registers, uint32_t flags, const char *words) {
  t.undefined = rule_number(flags, UNDEFINED, words);
  t.undefined_registers = registers;
}

/* An exception normally leaves everything as it was. Where processors differ, these are what it may leave otherwise. */
void undefined_after_exception(uint32_t flags, const char *words) {
  t.undefined_if_exception = rule_number(flags, DEFINED, words);
}

void undefined_destination_after_exception(uint8_t registers, const char *words) {
  t.undefined_if_exception = rule_number(0, UNDEFINED, words);
  t.undefined_registers = registers;
}

/* An exception in the middle of a long operand. */
void image_after_exception(const char *words) {
  t.undefined_if_exception = rule_number(0, IMAGE, words);
}

/* The x87 registers that the case changes may be one unit in the last place off, and with them C1. */
void within_one_unit(const char *words) {
  t.undefined = rule_number(0, APPROXIMATE, words);
}

/* The numbers that the case makes are approximations. */
void approximation(const char *words) {
  t.undefined = rule_number(0, RELATIVE, words);
}

void leave_out(uint32_t address, uint32_t size) {
  const unsigned i = t.left_out[0].size ? 1 : 0;
  t.left_out[i].address = address;
  t.left_out[i].size = size;
}

static void put_registers(const struct state *from, const struct state *to) {
  uint8_t mask = 0;
  for (unsigned i = 0; i < 8; i++) mask |= (uint8_t)((from->reg[i] != to->reg[i]) << i);
  put8(&cases, mask);
  for (unsigned i = 0; i < 8; i++)
    if (mask >> i & 1) put32(&cases, to->reg[i]);
}

static void put_selectors(const struct state *from, const struct state *to) {
  uint8_t mask = 0;
  for (unsigned i = 0; i < 6; i++) mask |= (uint8_t)((from->selector[i] != to->selector[i]) << i);
  put8(&cases, mask);
  for (unsigned i = 0; i < 6; i++)
    if (mask >> i & 1) put16(&cases, to->selector[i]);
}

static void put_x87(const struct x87 *from, const struct x87 *to) {
  uint8_t mask = 0;
  for (unsigned i = 0; i < 8; i++) mask |= (uint8_t)((memcmp(from->reg[i], to->reg[i], 10) != 0) << i);
  put8(&cases, mask);
  for (unsigned i = 0; i < 8; i++)
    if (mask >> i & 1) put_bytes(&cases, to->reg[i], 10);
  mask = 0;
  for (unsigned i = 0; i < X87_WORDS; i++) mask |= (uint8_t)((from->word[i] != to->word[i]) << i);
  put8(&cases, mask);
  for (unsigned i = 0; i < X87_WORDS; i++)
    if (mask >> i & 1) put32(&cases, to->word[i]);
}

static void put_sse(const struct sse *from, const struct sse *to) {
  uint8_t mask = 0;
  for (unsigned i = 0; i < 8; i++) mask |= (uint8_t)((memcmp(from->xmm[i], to->xmm[i], 16) != 0) << i);
  put8(&cases, mask);
  for (unsigned i = 0; i < 8; i++)
    if (mask >> i & 1) put_bytes(&cases, to->xmm[i], 16);
  put8(&cases, from->mxcsr != to->mxcsr);
  if (from->mxcsr != to->mxcsr) put32(&cases, to->mxcsr);
}

static void put_state(const struct state *from, const struct state *to) {
  put_registers(from, to);
  put_selectors(from, to);
  if (with_x87) put_x87(&from->x87, &to->x87);
  if (with_sse) put_sse(&from->sse, &to->sse);
  put_varint(&cases, from->eflags ^ to->eflags);
}

/* Runs of differing bytes: how far from the last run, how long, the bytes; a run of length 0 ends the list. */
static void put_differences(const uint8_t *from, const uint8_t *to) {
  unsigned last = 0;
  for (unsigned i = 0; i < DATA_SIZE; i++) {
    if (from[i] == to[i]) continue;
    unsigned end = i;
    while (end < DATA_SIZE && from[end] != to[end]) end++;
    put_varint(&cases, end - i);
    put_varint(&cases, i - last);
    put_bytes(&cases, to + i, end - i);
    last = i = end;
  }
  put_varint(&cases, 0);
}

/* A switch of tasks between FRSTOR and FNSAVE would lose the x87's pointers: what two runs agree on is taken. */
static void run_until_equal(struct outcome *o, const uint8_t *before) {
  struct outcome last;
  sandbox_run(&t, o);
  do {
    last = *o;
    memcpy(data, before, DATA_SIZE);
    sandbox_run(&t, o);
  } while (memcmp(&last, o, sizeof last) != 0);
}

void run_case(void) {
  static uint8_t before[DATA_SIZE];
  memcpy(before, data, DATA_SIZE);
  struct outcome o;
  alarm(5);
  if (with_x87) {
    settle(&t.initial.x87);
    run_until_equal(&o, before);
  } else {
    sandbox_run(&t, &o);
  }
  for (unsigned i = 0; i < 2; i++) {
    const uint32_t from = t.left_out[i].address - DATA;
    for (uint32_t at = from; at < from + t.left_out[i].size && at < DATA_SIZE; at++) data[at] = before[at];
  }
  if (o.exception != NONE) t.undefined = t.undefined_if_exception;

  put8(&cases, t.length);
  put_bytes(&cases, t.code, t.length);
  put_varint(&cases, t.initial.eip - CODE);
  put8(&cases, t.undefined);
  if (t.undefined && rules[t.undefined - 1].destination == UNDEFINED) put8(&cases, t.undefined_registers);
  put_state(&base, &t.initial);
  put_differences(background, before);

  put8(&cases, o.exception);
  if (o.exception != NONE) {
    put8(&cases, o.signal);
    put_varint(&cases, o.error_code);
    if (o.exception == 14) put32(&cases, o.fault_address);
  }
  put_varint(&cases, o.final.eip ^ (t.initial.eip + (o.exception == NONE ? t.length : 0)));
  put_state(&t.initial, &o.final);
  put_differences(before, data);
  cases_written++;
}

int main(int argc, char **argv) {
  if (argc > 1) seed = (uint32_t)strtoul(argv[1], NULL, 0);
  if (argc > 2) cases_per_form = (unsigned)strtoul(argv[2], NULL, 0);
  if (argc > 3) directory = argv[3];
  if (argc > 4) only = argv[4];
  sandbox_open();
  reseed(seed);
  for (unsigned i = 0; i < DATA_SIZE; i += 4) {
    const uint32_t word = random32();
    memcpy(background + i, &word, 4);
  }
  arithmetic();
  move();
  shift();
  multiply();
  bits();
  atomic();
  stack_family();
  control();
  string();
  invalid();
  alignment();
  segment();
  x87_arithmetic();
  x87_transfer();
  x87_transcendental();
  x87_control();
  mmx();
  sse_move();
  sse_integer();
  sse_float();
  sse_convert();
  sse_state();
  end_family();
  printf("%s\nseed %u: %u forms, %u cases\n", processor(), seed, total_forms, total_cases);
  return 0;
}
