/* What the x87 and its operands in memory hold before the instruction. */
#include <string.h>

#include "vectors.h"

enum { BIAS = 0x3FFF, MAX_EXPONENT = 0x7FFF };
#define INTEGER_BIT 0x8000000000000000u

const uint8_t FORMAT_BYTES[FORMATS] = {4, 8, 10, 2, 4, 8, 10};

uint64_t random64(void) {
  const uint64_t high = random32();
  return high << 32 | random32();
}

static uint16_t sign(void) {
  return one_in(2) ? 0x8000 : 0;
}

/* With its integer bit: anything, a few bits, or next to where 24, 53 or 64 bits are rounded. */
static uint64_t mantissa(void) {
  static const uint8_t PRECISIONS[] = {24, 53, 63, 16, 32, 60};
  const uint64_t r = random64(), tail = ~(uint64_t)0 >> PRECISIONS[draw(sizeof PRECISIONS)];
  switch (draw(8)) {
    case 0: return (r & ~(~(uint64_t)0 >> (1 + draw(62)))) | INTEGER_BIT;
    case 1: return ((r & ~tail) | (tail ^ tail >> 1)) | INTEGER_BIT;
    case 2: return r | tail | INTEGER_BIT;
    case 3: return INTEGER_BIT | (uint64_t)1 << draw(64);
    default: return r | INTEGER_BIT;
  }
}

/* A number between 2^low and 2^(high + 1), of either sign. */
struct real around(int low, int high) {
  return (struct real){mantissa(), (uint16_t)(sign() | (BIAS + low + (int)draw((uint32_t)(high - low) + 1)))};
}

/* Zeros, denormals, infinities, NaNs and what has no meaning since the 80387: SDM volume 1, table 8-3. */
static struct real special(void) {
  const uint16_t s = sign();
  switch (draw(12)) {
    case 0:
    case 1: return (struct real){0, s};
    case 2: return (struct real){(mantissa() >> 1) >> draw(63), s};               /* denormal */
    case 3: return (struct real){mantissa(), s};                                  /* pseudo-denormal */
    case 4:
    case 5: return (struct real){INTEGER_BIT, s | MAX_EXPONENT};                  /* infinity */
    case 6: return (struct real){random64() | 3ull << 62, s | MAX_EXPONENT};      /* quiet NaN */
    case 7: return (struct real){((random64() >> 2) + 1) | INTEGER_BIT, s | MAX_EXPONENT}; /* signaling NaN */
    case 8: return (struct real){3ull << 62, s | MAX_EXPONENT};                   /* indefinite, when negative */
    case 9: return (struct real){random64() >> 1, (uint16_t)(s | (1 + draw(MAX_EXPONENT - 1)))}; /* unnormal */
    case 10: return (struct real){random64() >> 1, s | MAX_EXPONENT};             /* pseudo-NaN */
    default: return (struct real){0, one_in(2) ? s | MAX_EXPONENT : s | BIAS};    /* pseudo-infinity, unnormal 0 */
  }
}

struct real any_real(void) {
  switch (draw(8)) {
    case 0:
    case 1: return special();
    case 2: return (struct real){mantissa(), (uint16_t)(sign() | (1 + draw(MAX_EXPONENT - 1)))};
    case 3: return one_in(2) ? around(-0x3FFE, -0x3F80) : around(0x3F80, 0x3FFF);
    case 4: return around(-2, 17);
    default: return around(-70, 70);
  }
}

/* A second operand: equal, next to it, of a near exponent, or any. */
struct real beside(struct real a) {
  struct real b = a;
  b.sign_exponent ^= sign();
  switch (draw(8)) {
    case 0: return b;
    case 1: b.mantissa += draw(3) - 1; return b;
    case 2: b.mantissa = mantissa(); return b;
    case 3:
      if ((b.sign_exponent & MAX_EXPONENT) > 80 && (b.sign_exponent & MAX_EXPONENT) < MAX_EXPONENT - 80)
        b.sign_exponent = (uint16_t)(b.sign_exponent - 70 + draw(141));
      b.mantissa = mantissa();
      return b;
    default: return any_real();
  }
}

static unsigned top(void) {
  return t.initial.x87.word[STATUS] >> 11 & 7;
}

void put_st(unsigned index, struct real r) {
  memcpy(t.initial.x87.reg[(top() + index) & 7], &r, 10);
}

static void set_empty(unsigned index, bool empty) {
  const unsigned shift = ((top() + index) & 7) * 2;
  t.initial.x87.word[TAG] = (t.initial.x87.word[TAG] & ~(3u << shift)) | (empty ? 3u << shift : 0);
}

bool is_empty(unsigned index) {
  return (t.initial.x87.word[TAG] >> ((top() + index) & 7) * 2 & 3) == 3;
}

/* All exceptions masked in most cases, else some or all of them unmasked; every rounding and precision. */
static uint32_t control_word(void) {
  const uint32_t masks = one_in(4) ? (one_in(2) ? 0x3F ^ (1u << draw(6)) : draw(64)) : 0x3F;
  static const uint8_t PRECISIONS[] = {0, 2, 3, 3, 3, 2, 0, 1};
  return 0x40 | masks | (uint32_t)PRECISIONS[draw(8)] << 8 | draw(4) << 10 | (one_in(8) ? 0x1000 : 0);
}

/* Flags of earlier exceptions: none, or masked ones, now and then one that is pending. */
static uint32_t flags(uint32_t masks) {
  const uint32_t any = one_in(2) ? draw(128) : 0;
  return one_in(24) ? any | draw(64) : any & (masks | 0x40);
}

/*
 * TOP, flags, condition codes and tags at random: ST(0) and ST(other) mostly full and with any values, ST(7) mostly empty for
 * an instruction that pushes.
 */
void x87_state(unsigned other, bool pushes) {
  uint32_t *word = t.initial.x87.word;
  word[CONTROL] = control_word();
  word[STATUS] = draw(8) << 11 | (random32() & 0x4700) | flags(word[CONTROL] & 0x3F);
  for (unsigned i = 0; i < 8; i++) set_empty(i, one_in(2));
  set_empty(7, pushes ? !one_in(8) : one_in(2));
  set_empty(other, one_in(16));
  set_empty(0, one_in(16));
  const struct real a = any_real();
  put_st(0, a);
  if (other) put_st(other, beside(a));
}

static uint32_t single(void) {
  const uint32_t r = random32(), s = r & 0x80000000;
  switch (draw(8)) {
    case 0: return s | (r & 0x7FFFFF) >> draw(23);                                   /* denormal */
    case 1: return s | 0x7F800000 | (one_in(2) ? 0 : (r & 0x7FFFFF) >> draw(23));    /* infinity, NaN */
    case 2: return s;
    case 3: return s | (0x7F + draw(8)) << 23 | (r & ~0u << draw(23) & 0x7FFFFF);
    default: return r;
  }
}

static uint64_t number64(void) {
  const uint64_t r = random64(), s = r & INTEGER_BIT, fraction = r & 0xFFFFFFFFFFFFF;
  switch (draw(8)) {
    case 0: return s | fraction >> draw(52);
    case 1: return s | 0x7FF0000000000000 | (one_in(2) ? 0 : fraction >> draw(52));
    case 2: return s;
    case 3: return s | (uint64_t)(0x3FF + draw(8)) << 52 | (fraction & ~(uint64_t)0 << draw(52));
    default: return r;
  }
}

static uint64_t integer64(void) {
  switch (draw(6)) {
    case 0: return (uint64_t)1 << draw(64);
    case 1: return (uint64_t)(int64_t)(int32_t)value(32);
    case 2: return ~(uint64_t)0 << draw(64);
    default: return random64();
  }
}

/* Eighteen digits and a sign; digits above 9 are undefined, SDM volume 1, 4.7. */
static struct real decimal(void) {
  struct real r = {0, 0};
  const unsigned digits = draw(19);
  for (unsigned i = 0; i < digits; i++) {
    if (i < 16)
      r.mantissa |= (uint64_t)draw(10) << (4 * i);
    else
      r.sign_exponent |= (uint16_t)(draw(10) << (4 * (i - 16)));
  }
  r.sign_exponent |= sign();
  return r;
}

static void put_real(uint32_t address, struct real r) {
  put_memory(address, 32, (uint32_t)r.mantissa);
  put_memory(address + 4, 32, (uint32_t)(r.mantissa >> 32));
  put_memory(address + 8, 16, r.sign_exponent);
}

static void put64(uint32_t address, uint64_t v) {
  put_memory(address, 32, (uint32_t)v);
  put_memory(address + 4, 32, (uint32_t)(v >> 32));
}

void put_operand(uint32_t address, enum format format) {
  switch (format) {
    case F32: put_memory(address, 32, single()); return;
    case F64: put64(address, number64()); return;
    case F80: put_real(address, any_real()); return;
    case I16: put_memory(address, 16, value(16)); return;
    case I32: put_memory(address, 32, value(32)); return;
    case I64: put64(address, integer64()); return;
    case BCD: put_real(address, decimal()); return;
    case FORMATS: return;
  }
}

/* An environment of seven words or doublewords, with the registers behind it when FRSTOR is to read them. */
void put_image(uint32_t address, unsigned bits, bool registers) {
  const unsigned bytes = bits / 8;
  const uint32_t c = one_in(2) ? control_word() : random32();
  put_memory(address, bits, c);
  put_memory(address + bytes, bits, draw(8) << 11 | (random32() & 0x4700) | (one_in(2) ? flags(c) : random32()));
  put_memory(address + 2 * bytes, bits, one_in(4) ? 0 : random32());
  for (unsigned i = 3; i < 7; i++) put_memory(address + i * bytes, bits, random32());
  if (!registers) return;
  for (unsigned i = 0; i < 8; i++) put_real(address + 7 * bytes + i * 10, any_real());
}
