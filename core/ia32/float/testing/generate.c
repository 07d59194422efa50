/*
 * Records what the x87 of this machine makes of random and edge operands: results and status word.
 *   gcc -O1 generate.c -o generate && ./generate SEED CASES [FORM] > vectors
 * SEED decides all operands; a form gets CASES of them, or a fraction where it has less to tell.
 * Format (little endian), read by vectors.ts:
 *   file  "X87VEC1\0", u8 length and text: the processor, u32 seed, forms until the end
 *   form  u8 length and name, u8 columns, u32 n, then column by column n entries:
 *         control word u16; a (ST0) if columns & 1; b (ST1) if & 2; memory before if & 4; status word u16;
 *         ST0 after if & 8; ST1 after if & 16; memory after if & 32. Operands are ten bytes: u64 mantissa, u16 sign and exponent.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct __attribute__((packed)) { uint64_t mantissa; uint16_t se; } Real;
typedef struct __attribute__((packed)) { uint32_t cw, sw, tag, rest[4]; Real st[8]; } Saved;
typedef struct { uint16_t cw, sw; Real a, b, st0, st1; uint8_t before[10], after[10]; } Case;

enum { A = 1, B = 2, M = 4, ST0 = 8, ST1 = 16, OUT = 32 };
enum { BIAS = 0x3fff };

static Saved saved;
static uint8_t memory[16];
static uint64_t state;

static uint64_t next(void) { /* xorshift64* */
  state ^= state >> 12; state ^= state << 25; state ^= state >> 27;
  return state * 0x2545f4914f6cdd1dULL;
}
static uint32_t below(uint32_t n) { return (uint32_t)((next() >> 32) * n >> 32); }

/* FNSAVE does not wait, so an unmasked exception stays pending, is read here and is cleared by the next FNINIT. */
#define FORM(name, instruction) \
  static void name(const Case *c) { \
    __asm__ volatile("fninit\n\tfldt %[b]\n\tfldt %[a]\n\tfldcw %[cw]\n\t" instruction "\n\tfnsave %[saved]" \
      : [saved] "=m"(saved), [m] "+m"(memory) : [a] "m"(c->a), [b] "m"(c->b), [cw] "m"(c->cw)); \
  }
FORM(fadd, "fadd %%st(1), %%st") FORM(fsub, "fsub %%st(1), %%st") FORM(fmul, "fmul %%st(1), %%st") FORM(fdiv, "fdiv %%st(1), %%st")
FORM(fsqrt, "fsqrt") FORM(fprem, "fprem") FORM(fprem1, "fprem1") FORM(frndint, "frndint") FORM(fscale, "fscale") FORM(fxtract, "fxtract")
FORM(fcom, "fcom %%st(1)") FORM(fucom, "fucom %%st(1)") FORM(fxam, "fxam")
FORM(fadd32, "fadds %[m]") FORM(fadd64, "faddl %[m]") FORM(fmul32, "fmuls %[m]") FORM(fmul64, "fmull %[m]")
FORM(fdiv32, "fdivs %[m]") FORM(fdiv64, "fdivl %[m]") FORM(fdivr32, "fdivrs %[m]") FORM(fdivr64, "fdivrl %[m]")
FORM(fcom32, "fcoms %[m]") FORM(fcom64, "fcoml %[m]")
FORM(fld32, "flds %[m]") FORM(fld64, "fldl %[m]") FORM(fild16, "filds %[m]") FORM(fild32, "fildl %[m]") FORM(fild64, "fildll %[m]") FORM(fbld, "fbld %[m]")
FORM(fstp32, "fstps %[m]") FORM(fstp64, "fstpl %[m]") FORM(fistp16, "fistps %[m]") FORM(fistp32, "fistpl %[m]") FORM(fistp64, "fistpll %[m]") FORM(fbstp, "fbstp %[m]")
FORM(fld1, "fld1") FORM(fldl2t, "fldl2t") FORM(fldl2e, "fldl2e") FORM(fldpi, "fldpi") FORM(fldlg2, "fldlg2") FORM(fldln2, "fldln2") FORM(fldz, "fldz")
FORM(fsin, "fsin") FORM(fcos, "fcos") FORM(fsincos, "fsincos") FORM(fptan, "fptan") FORM(fpatan, "fpatan")
FORM(f2xm1, "f2xm1") FORM(fyl2x, "fyl2x") FORM(fyl2xp1, "fyl2xp1")

static const Real edges[] = {
  {0, 0}, {0, 0x8000}, {0x8000000000000000, BIAS}, {0x8000000000000000, 0x8000 | BIAS}, {0x8000000000000000, BIAS + 1},
  {1, 0}, {1, 0x8000}, {0x7fffffffffffffff, 0}, {0x7fffffffffffffff, 0x8000}, {0x4000000000000000, 0}, {0x0000000100000000, 0}, {0x00000000ffffffff, 0},
  {0x8000000000000000, 0}, {0xffffffffffffffff, 0x8000}, {0x8000000000000001, 0}, /* pseudo-denormals */
  {0x8000000000000000, 1}, {0xffffffffffffffff, 1}, {0x8000000000000000, 0x8001},
  {0xffffffffffffffff, 0x7ffe}, {0xffffffffffffffff, 0xfffe}, {0x8000000000000000, 0x7ffe},
  {0x8000000000000000, 0x7fff}, {0x8000000000000000, 0xffff},
  {0xc000000000000000, 0xffff}, {0xc000000000000000, 0x7fff}, {0xc000000000000001, 0x7fff}, {0xffffffffffffffff, 0xffff}, {0xe000000000000000, 0x7fff},
  {0x8000000000000001, 0x7fff}, {0xbfffffffffffffff, 0xffff}, {0xa000000000000000, 0x7fff}, {0x8000000100000000, 0x7fff}, /* SNaN */
  {0, 0x7fff}, {0, 0xffff}, {0x4000000000000000, 0x7fff}, {1, 0x7fff}, {0x7fffffffffffffff, 0xffff}, /* pseudo-infinity, pseudo-NaN */
  {0, BIAS}, {1, BIAS}, {0x7fffffffffffffff, 1}, {0x4000000000000000, 0x7ffe}, {0, 0xc000}, {0, 1}, /* unnormals */
  {0xc90fdaa22168c235, BIAS + 1}, {0xc90fdaa22168c235, BIAS}, {0xc90fdaa22168c234, BIAS - 1}, {0xc90fdaa22168c235, BIAS - 1}, {0xb504f333f9de6484, BIAS - 1},
  {0xb504f333f9de6484, BIAS}, {0xffffffffffffffff, BIAS - 1}, {0x8000000000000001, BIAS}, {0x8000000000000000, BIAS - 1}, {0xc000000000000000, BIAS},
  {0xfffe000000000000, BIAS + 14}, {0xffff000000000000, BIAS + 14}, {0x8000000000000000, BIAS + 15}, {0x8001000000000000, 0x8000 | (BIAS + 15)}, {0x8000800000000000, 0x8000 | (BIAS + 15)},
  {0x8000000000000000, 0x8000 | (BIAS + 15)}, {0xfffffffe00000000, BIAS + 30}, {0xffffffff00000000, BIAS + 30}, {0x8000000000000000, BIAS + 31}, {0x8000000080000000, 0x8000 | (BIAS + 31)},
  {0x8000000000000000, 0x8000 | (BIAS + 31)}, {0xfffffffffffffffe, BIAS + 62}, {0xffffffffffffffff, BIAS + 62}, {0x8000000000000000, BIAS + 63}, {0x8000000000000000, 0x8000 | (BIAS + 63)},
  {0x8000000000000001, 0x8000 | (BIAS + 63)}, {0x8000000000000000, BIAS + 62},
  {0xde0b6b3a763fffe0, BIAS + 59}, {0xde0b6b3a763ffff0, BIAS + 59}, {0xde0b6b3a763fffe8, BIAS + 59}, {0xde0b6b3a76400000, BIAS + 59}, {0xde0b6b3a763ffff8, BIAS + 59}, /* around 10^18 */
  {0xffffff0000000000, BIAS + 127}, {0xffffff7fffffffff, BIAS + 127}, {0xffffff8000000000, BIAS + 127}, {0x8000000000000000, BIAS + 128}, {0x8000000000000000, BIAS - 126},
  {0xffffff8000000000, BIAS - 127}, {0xffffff7fffffffff, BIAS - 127}, {0xffffffffffffffff, BIAS - 127}, {0xffffff0000000000, BIAS - 127}, {0x8000000000000000, BIAS - 149},
  {0x8000000000000000, BIAS - 150}, {0x8000000000000001, BIAS - 150}, {0x8000000000000000, BIAS - 151},
  {0xfffffffffffff800, BIAS + 1023}, {0xfffffffffffffbff, BIAS + 1023}, {0xfffffffffffffc00, BIAS + 1023}, {0x8000000000000000, BIAS + 1024}, {0x8000000000000000, BIAS - 1022},
  {0xfffffffffffffc00, BIAS - 1023}, {0xfffffffffffffbff, BIAS - 1023}, {0xffffffffffffffff, BIAS - 1023}, {0xfffffffffffff800, BIAS - 1023}, {0x8000000000000000, BIAS - 1074},
  {0x8000000000000000, BIAS - 1075}, {0x8000000000000001, BIAS - 1075}, {0x8000000000000000, BIAS - 1076},
  {0x8000000000000000, BIAS + 14}, {0x8000000000000000, 0x8000 | (BIAS + 14)}, {0xc000000000000000, BIAS + 14}, {0x8000000000000000, BIAS + 20},
};
enum { EDGES = sizeof edges / sizeof *edges };

/* Mantissas whose tails sit on and beside the rounding points of 24, 53 and 64 bits, with carries through long runs of ones. */
static uint64_t mantissa(void) {
  uint64_t r = next(), top = 0x8000000000000000;
  uint32_t keep = below(3) ? 1 + below(63) : (uint32_t[]){24, 25, 53, 54, 32, 33}[below(6)];
  uint64_t tail = ~0ULL >> keep;
  switch (below(10)) {
    case 0: case 1: case 2: return r | top;
    case 3: case 4: return (r & ~tail) | top;
    case 5: return r | tail | top;
    case 6: return ((r & ~tail) | (tail ^ tail >> 1)) | top; /* half a unit of keep bits */
    case 7: return (((r & ~tail) | (tail ^ tail >> 1)) + (below(2) ? 1 : -1)) | top;
    case 8: return ~tail | top;
    default: return top | 1ULL << below(64) | 1ULL << below(64);
  }
}
static uint16_t sign(void) { return below(2) ? 0x8000 : 0; }
static uint16_t exponent(void) {
  switch (below(8)) {
    case 0: case 1: return BIAS - 3 + below(7);
    case 2: case 3: return BIAS - 70 + below(141);
    case 4: return 1 + below(80);
    case 5: return 0x7ffe - below(80);
    case 6: return BIAS - 0x2000 + below(0x4000);
    default: return 1 + below(0x7ffe);
  }
}
static Real denormal(void) { return (Real){mantissa() >> below(64), sign()}; }
static Real normal(void) { return (Real){mantissa(), sign() | exponent()}; }
static Real special(void) {
  switch (below(5)) {
    case 0: return denormal();
    case 1: return (Real){next() >> below(8) | (uint64_t)!!below(4) << 63, sign() | 0x7fff}; /* NaN, pseudo-NaN */
    case 2: return (Real){next() >> 1 >> below(8), sign() | exponent()}; /* unnormal */
    default: return edges[below(EDGES)];
  }
}
static Real any(void) { return below(4) ? normal() : special(); }
static Real around(int low, int high) { return (Real){mantissa(), sign() | (BIAS + low + below(high - low + 1))}; }

static uint16_t clampExponent(int e) { return e < 0 ? 0 : e > 0x7ffe ? 0x7ffe : e; }

/* b close to a: cancellation, equal values, ties of the sum, quotients near 1. */
static Real beside(Real a) {
  Real b = a;
  switch (below(6)) {
    case 0: b.mantissa = mantissa(); break;
    case 1: b.mantissa += below(5) - 2; break;
    case 5: break;
    case 2: b.mantissa ^= 1ULL << below(64); break;
    case 3: b.mantissa = mantissa(); b.se = clampExponent((a.se & 0x7fff) - 70 + (int)below(141)); break;
    default: b.mantissa = mantissa(); b.se = clampExponent((a.se & 0x7fff) - 2 + (int)below(5)); break;
  }
  b.se = (b.se & 0x7fff) | sign();
  return b;
}
static void anyPair(Case *c) {
  c->a = any();
  c->b = below(3) ? any() : beside(c->a);
  if (below(16)) return;
  c->a = (Real){0x8000000000000000 + below(3), sign() | (1 + exponent() % 0x7ffe)}; /* a power of two and what is just below */
  c->b = (Real){~(uint64_t)0 - below(3), sign() | ((c->a.se & 0x7fff) - 1)};
  if (below(2)) { Real swap = c->a; c->a = c->b; c->b = swap; }
}
/* a is a multiple of b: quotients that end, remainders of 0. */
static void multiplePair(Case *c) {
  uint64_t b = (next() >> (24 + below(39))) | 1, product = b * ((next() >> (63 - below(24))) | 1);
  int up = __builtin_clzll(b), over = __builtin_clzll(product);
  c->b = (Real){b << up, sign() | (BIAS + 63 - up)};
  c->a = (Real){product << over, sign() | (BIAS + 63 - over + below(70))};
}
/* Products and quotients at both ends of the exponent's range. */
static void productPair(Case *c) {
  anyPair(c);
  if (below(3)) return;
  int e = c->a.se & 0x7fff, target = below(2) ? -66 + (int)below(70) : 0x7ffe - 3 + (int)below(6);
  c->b = (Real){mantissa(), sign() | clampExponent(target - e + BIAS)};
}
static void quotientPair(Case *c) {
  if (!below(8)) { multiplePair(c); return; }
  productPair(c);
  if (!below(2)) return;
  int e = c->a.se & 0x7fff, target = below(2) ? -66 + (int)below(70) : 0x7ffe - 3 + (int)below(6);
  if (!below(3)) c->b = (Real){mantissa(), sign() | clampExponent(e - target + BIAS)};
}
static void remainderPair(Case *c) {
  if (!below(8)) { multiplePair(c); return; }
  anyPair(c);
  if (below(2)) c->a = (Real){mantissa(), sign() | clampExponent((c->b.se & 0x7fff) - 4 + (int)below(75))};
}
static void scalePair(Case *c) {
  c->a = any();
  c->b = below(5) ? around(-2, 16) : any();
  if (!below(4)) { /* the result is about to leave the range */
    int by = (below(2) ? 0x7ffe : -30) - (c->a.se & 0x7fff) - 40 + (int)below(81);
    uint64_t m = by < 0 ? -by : by;
    if (m) {
      int integerBits = 64 - __builtin_clzll(m);
      uint64_t fraction = next() & (~0ULL >> integerBits); /* cut off by FSCALE */
      c->b = (Real){m << (64 - integerBits) | fraction, (by < 0 ? 0x8000 : 0) | (BIAS + integerBits - 1)};
    }
  }
}
static void one(Case *c) { c->a = any(); }
static void radicand(Case *c) {
  c->a = any();
  if (below(3)) return;
  uint64_t root = (next() >> 32 | 1) << below(2) >> below(32); /* squares and their neighbours */
  root &= 0xffffffff;
  uint64_t m = root * root + (below(2) ? 0 : below(3) - 1);
  if (!m) m = 1;
  int up = __builtin_clzll(m);
  c->a = (Real){m << up, BIAS + 63 - up};
}
static void integral(Case *c) { c->a = below(5) ? around(-3, 66) : any(); }
static void single(Case *c) { c->a = below(5) ? (below(2) ? around(-155, -120) : around(-130, 130)) : any(); }
static void double_(Case *c) { c->a = below(5) ? (below(2) ? around(-1080, -1015) : around(-1030, 1030)) : any(); }
static void decimal(Case *c) {
  c->a = below(5) ? around(-3, 61) : any();
  if (below(4)) return;
  uint64_t m = 1000000000ULL * (1 + below(1000000000)) + below(3) - 1; /* beside multiples of 10^9 */
  int up = __builtin_clzll(m);
  c->a = (Real){m << up, sign() | (BIAS + 63 - up)};
}
static void none(Case *c) { (void)c; }
static void bytes(Case *c) { uint64_t r = next() >> (below(3) ? 0 : below(64)); memcpy(c->before, &r, 8); if (!below(8)) memset(c->before, 0, 8), c->before[below(8)] = 0x80; }
static void bits32(Case *c) {
  uint32_t r = (uint32_t)next(), s = r & 0x80000000;
  if (!below(4)) r = s | (r >> 9 >> below(23)); else if (!below(5)) r = s | 0x7f800000 | (below(3) ? (r & 0x7fffff) >> below(23) : 0);
  memcpy(c->before, &r, 4);
}
static void bits64(Case *c) {
  uint64_t r = next(), s = r & 0x8000000000000000;
  if (!below(4)) r = s | (r >> 12 >> below(52)); else if (!below(5)) r = s | 0x7ff0000000000000 | (below(3) ? (r & 0xfffffffffffff) >> below(52) : 0);
  memcpy(c->before, &r, 8);
}
static void with32(Case *c) { c->a = any(); bits32(c); }
static void with64(Case *c) { c->a = any(); bits64(c); }
static void digits(Case *c) { for (int i = 0; i < 9; i++) c->before[i] = below(10) | below(10) << 4; c->before[9] = below(2) ? 0x80 : 0; if (!below(3)) memset(c->before + below(9), 0, 1), c->before[8] = 0; }
static void angle(Case *c) { c->a = below(8) ? (below(3) ? around(-5, 6) : around(-70, 63)) : any(); }
static void power(Case *c) { c->a = below(8) ? (below(3) ? around(-8, -1) : around(-75, -1)) : any(); }
static void arcPair(Case *c) { c->a = any(); c->b = below(2) ? beside(c->a) : any(); if (below(2)) { c->a = around(-8, 8); c->b = around(-8, 8); } }
static void logPair(Case *c) {
  c->a = below(8) ? (below(2) ? around(-1, 1) : around(-80, 80)) : any();
  if (below(4)) c->a.se &= 0x7fff;
  if (!below(4)) c->a = (Real){below(2) ? 0x8000000000000000 | next() >> (1 + below(62)) : ~(next() >> (1 + below(62))), BIAS - below(2)};
  c->b = below(4) ? around(-20, 20) : any();
  if (!below(16)) { c->a = (Real){0x8000000000000000, BIAS - 300 + below(600)}; c->b = denormal(); } /* exact and tiny */
}
static void log1Pair(Case *c) { c->a = below(8) ? (below(3) ? around(-6, -2) : around(-80, -2)) : any(); c->b = below(4) ? around(-20, 20) : any(); }

typedef struct { const char *name; void (*run)(const Case *); void (*operands)(Case *); uint8_t columns; uint8_t divisor; } Form;
static const Form forms[] = {
#define F(name, operands, columns, divisor) {#name, name, operands, columns, divisor},
  F(fadd, anyPair, A | B | ST0, 1) F(fsub, anyPair, A | B | ST0, 1) F(fmul, productPair, A | B | ST0, 1) F(fdiv, quotientPair, A | B | ST0, 1)
  F(fsqrt, radicand, A | ST0, 1) F(fprem, remainderPair, A | B | ST0, 1) F(fprem1, remainderPair, A | B | ST0, 1) F(frndint, integral, A | ST0, 1)
  F(fscale, scalePair, A | B | ST0, 1) F(fxtract, one, A | ST0 | ST1, 2) F(fcom, anyPair, A | B, 1) F(fucom, anyPair, A | B, 1) F(fxam, one, A, 2)
  F(fadd32, with32, A | M | ST0, 2) F(fadd64, with64, A | M | ST0, 2) F(fmul32, with32, A | M | ST0, 2) F(fmul64, with64, A | M | ST0, 2)
  F(fdiv32, with32, A | M | ST0, 2) F(fdiv64, with64, A | M | ST0, 2) F(fdivr32, with32, A | M | ST0, 2) F(fdivr64, with64, A | M | ST0, 2)
  F(fcom32, with32, A | M, 2) F(fcom64, with64, A | M, 2)
  F(fld32, bits32, M | ST0, 2) F(fld64, bits64, M | ST0, 2) F(fild16, bytes, M | ST0, 8) F(fild32, bytes, M | ST0, 8) F(fild64, bytes, M | ST0, 4) F(fbld, digits, M | ST0, 4)
  F(fstp32, single, A | OUT, 1) F(fstp64, double_, A | OUT, 1) F(fistp16, integral, A | OUT, 1) F(fistp32, integral, A | OUT, 1) F(fistp64, integral, A | OUT, 1) F(fbstp, decimal, A | OUT, 1)
  F(fld1, none, ST0, 20) F(fldl2t, none, ST0, 20) F(fldl2e, none, ST0, 20) F(fldpi, none, ST0, 20) F(fldlg2, none, ST0, 20) F(fldln2, none, ST0, 20) F(fldz, none, ST0, 20)
  F(fsin, angle, A | ST0, 1) F(fcos, angle, A | ST0, 1) F(fsincos, angle, A | ST0 | ST1, 2) F(fptan, angle, A | ST0 | ST1, 1)
  F(fpatan, arcPair, A | B | ST0, 1) F(f2xm1, power, A | ST0, 1) F(fyl2x, logPair, A | B | ST0, 1) F(fyl2xp1, log1Pair, A | B | ST0, 1)
};
enum { FORMS = sizeof forms / sizeof *forms };

/* All rounding and precision controls; exceptions masked in most cases, else some or all kinds unmasked. */
static uint16_t control(void) {
  uint16_t masks = below(5) < 3 ? 0x3f : below(2) ? 0x3f ^ below(8) << 3 : below(64);
  uint16_t precision = below(8) ? (uint16_t[]){0, 2, 3}[below(3)] : below(4);
  return masks | 0x40 | precision << 8 | below(4) << 10;
}
static void text(const char *s) { putchar((int)strlen(s)); fputs(s, stdout); }
#define COLUMN(bit, field) if (f->columns & (bit)) for (uint32_t i = 0; i < n; i++) fwrite(&cases[i].field, sizeof cases[i].field, 1, stdout);

int main(int argc, char **argv) {
  uint32_t seed = argc > 1 ? strtoul(argv[1], 0, 10) : 1, count = argc > 2 ? strtoul(argv[2], 0, 10) : 1000;
  char cpu[80] = "unknown", line[256];
  FILE *info = fopen("/proc/cpuinfo", "r");
  while (info && fgets(line, sizeof line, info))
    if (sscanf(line, "model name : %79[^\n]", cpu) == 1) break;
  fwrite("X87VEC1", 8, 1, stdout);
  text(cpu);
  fwrite(&seed, 4, 1, stdout);
  for (int k = 0; k < FORMS; k++) {
    const Form *f = &forms[k];
    if (argc > 3 && strcmp(argv[3], f->name)) continue;
    uint32_t n = (count + f->divisor - 1) / f->divisor;
    Case *cases = calloc(n, sizeof *cases);
    state = (seed + 1) * 0x9e3779b97f4a7c15ULL;
    for (const char *p = f->name; *p; p++) state = (state ^ *p) * 0x100000001b3ULL; /* a form's cases depend on nothing but its name */
    for (uint32_t i = 0; i < n; i++) {
      Case *c = &cases[i];
      c->cw = control();
      c->a = c->b = (Real){0x8000000000000000, BIAS};
      memset(c->before, 0xcc, 10);
      f->operands(c);
      memcpy(memory, c->before, 10);
      f->run(c);
      c->sw = saved.sw;
      c->st0 = saved.st[0];
      c->st1 = saved.st[1];
      memcpy(c->after, memory, 10);
    }
    text(f->name);
    putchar(f->columns);
    fwrite(&n, 4, 1, stdout);
    COLUMN(~0, cw) COLUMN(A, a) COLUMN(B, b) COLUMN(M, before) COLUMN(~0, sw) COLUMN(ST0, st0) COLUMN(ST1, st1) COLUMN(OUT, after)
    free(cases);
  }
}
