/* Instructions with MMX and XMM operands: their bytes, and what the operands hold. */
#include <string.h>

#include "vectors.h"

/* All exceptions masked in most cases; every rounding mode, DAZ and FTZ, and flags of earlier operations. */
uint32_t any_mxcsr(void) {
  const uint32_t masks = one_in(5) ? (one_in(2) ? 0x3F ^ (1u << draw(6)) : draw(64)) : 0x3F;
  const uint32_t flags = one_in(2) ? draw(64) : one_in(2) ? 0x20 : 0;
  return flags | masks << 7 | draw(4) << 13 | (one_in(4) ? 0x40 : 0) | (one_in(4) ? 0x8000 : 0);
}

/* A fraction of `bits` bits: anything, a few high bits, all ones, next to where a shorter format is rounded. */
static uint64_t fraction(unsigned bits) {
  const uint64_t all = ((uint64_t)1 << bits) - 1, r = random64() & all;
  switch (draw(6)) {
    case 0: return r & ~(all >> (1 + draw(bits - 1)));
    case 1: return all & ~(uint64_t)draw(4);
    case 2: return draw(4);
    case 3: return (uint64_t)1 << draw(bits);
    default: return r;
  }
}

/* `bits` and `bias` of the format; exponents: special, at the ends, in the middle, or such as integers have. */
static uint64_t number(unsigned bits, unsigned bias) {
  const uint64_t top = 2 * bias + 1, f = fraction(bits);
  const uint64_t s = one_in(2) ? (top + 1) << bits : 0;
  switch (draw(16)) {
    case 0: return s;
    case 1: return s | f >> draw(bits);                                 /* denormal */
    case 2: return s | top << bits | (one_in(2) ? 0 : f >> draw(bits)); /* infinity, NaN */
    case 3: return s | (1 + draw(bits + 4)) << bits | f;
    case 4: return s | (top - 1 - draw(bits + 4)) << bits | f;
    case 5: return s | (uint64_t)(1 + draw((uint32_t)top - 1)) << bits | f;
    case 6: return s | (uint64_t)(bias / 2 + draw(30)) << bits | f;       /* products near the smallest number */
    case 7: return s | (uint64_t)(bias + bias / 2 - draw(30)) << bits | f;
    case 8: return s | (uint64_t)(bias + 28 + draw(5)) << bits | f;       /* near the largest integer */
    case 9: return s | (uint64_t)(bias - 2 + draw(8)) << bits | (f & ~(((uint64_t)1 << (bits - 4)) - 1));
    default: return s | (uint64_t)(bias - 4 + draw(12)) << bits | f;
  }
}

/* A second number: equal, opposite, beside it, of a near exponent, or any. */
static uint64_t beside_number(unsigned bits, unsigned bias, uint64_t a) {
  const uint64_t exponent = a >> bits & (2 * bias + 1), sign = (uint64_t)(2 * bias + 2) << bits;
  const uint64_t s = one_in(2) ? sign : 0;
  switch (draw(8)) {
    case 0: return a ^ s;
    case 1: return (a ^ s) + draw(3) - 1;
    case 2:
    case 3:
      if (exponent > 60 && exponent + 60 < 2 * bias)
        return s | (exponent - bits - 2 + draw(2 * bits + 5)) << bits | fraction(bits);
      return number(bits, bias);
    default: return number(bits, bias);
  }
}

static void fill(uint32_t *to, enum contents contents, const uint32_t *other) {
  for (unsigned i = 0; i < 4; i++) {
    const uint32_t o = other ? other[i] : 0;
    switch (contents) {
      case BYTES:
        to[i] = 0;
        for (unsigned n = 0; n < 32; n += 8) to[i] |= (other ? related(8, o >> n) : value(8)) << n;
        break;
      case WORDS:
        to[i] = 0;
        for (unsigned n = 0; n < 32; n += 16) to[i] |= (other ? related(16, o >> n) : value(16)) << n;
        break;
      case DWORDS: to[i] = other ? related(32, o) : value(32); break;
      case SINGLES: to[i] = (uint32_t)(other ? beside_number(23, 127, o) : number(23, 127)); break;
      case DOUBLES: {
        if (i % 2) break;
        uint64_t was;
        memcpy(&was, other ? other + i : to + i, 8);
        const uint64_t d = other ? beside_number(52, 1023, was) : number(52, 1023);
        memcpy(to + i, &d, 8);
        break;
      }
    }
  }
}

static void put_vector(enum kind kind, unsigned index, const uint32_t *v) {
  if (kind == XMMR) memcpy(t.initial.sse.xmm[index], v, 16);
  if (kind == MMR) memcpy(t.initial.x87.reg[index], v, 8);
  if (kind == GPR) put_register(index, 32, v[0]);
}

static uint32_t vector_address(const struct vector_form *f) {
  if (!f->aligned || one_in(12)) return pick_address(f->bytes);
  return pick_address(f->bytes) & ~15u;
}

/* Prefixes that are part of the opcode come in any order with the others, and 66 beside F3 or F2 does not count. */
static void mandatory_prefix(unsigned prefix) {
  if (prefix == 0xF3 || prefix == 0xF2) {
    if (one_in(12)) byte(0x66);
    if (one_in(24)) byte(prefix ^ 1);
  }
  if (prefix) byte(prefix);
  if (prefix > 0x66 && one_in(24)) byte(0x66);
}

/* A digit of -1 stands for a register. */
void vector_case(const struct vector_form *f, int digit) {
  t.initial.sse.mxcsr = any_mxcsr();
  if (one_in(3)) x87_state(1, false);
  if (one_in(8)) {
    mandatory_prefix(f->prefix);
    prefixes(32);
  } else {
    prefixes(32);
    mandatory_prefix(f->prefix);
  }
  byte(0x0F);
  byte(f->op);
  const unsigned reg = digit < 0 ? draw(8) : (unsigned)digit;
  const bool in_register = f->where == IN_REGISTER || (f->where == ANYWHERE && one_in(2));
  uint32_t a[4] = {0}, b[4] = {0};
  fill(a, f->reg_holds, NULL);
  fill(b, f->rm_holds, f->reg_holds == f->rm_holds && !one_in(3) ? a : NULL);
  if (f->immediate && f->rm == GPR) b[0] = random32();
  if (digit < 0 && f->reg != GPR) put_vector(f->reg, reg, a);
  if (in_register) {
    const unsigned rm = draw(8);
    byte(0xC0 | reg << 3 | rm);
    if (rm != reg || f->rm != f->reg) put_vector(f->rm, rm, b);
  } else {
    const struct operand e = modrm_at(reg, vector_address(f));
    for (unsigned i = 0; i < f->bytes; i += f->bytes < 4 ? f->bytes : 4)
      put_memory(e.address + i, f->bytes < 4 ? f->bytes * 8u : 32, b[i / 4]);
    if (one_in(24)) t.initial.eflags |= AC;
  }
  if (f->immediate) byte(one_in(3) ? random32() & 0xFF : draw(digit < 0 ? 8 : 80));
}

void vector_form(const struct vector_form *f) {
  for (form("%s", f->name); next_case(); run_case()) vector_case(f, -1);
}
