/* SSE, SSE2 and SSE3: moves, integers, floating point, conversions and the state. */
#include <stdio.h>

#include "vectors.h"

#define REGISTERS XMMR, XMMR, ANYWHERE
#define COUNT(table) (sizeof(table) / sizeof *(table))

static void forms(const struct vector_form *table, unsigned count) {
  for (unsigned i = 0; i < count; i++) vector_form(&table[i]);
}

void sse_move(void) {
  family_with_sse("sse-move");
  static const struct vector_form FORM[] = {
      {"movups Vx,Wx", 0, 0x10, REGISTERS, 16, false, false, DWORDS, DWORDS},
      {"movupd Vx,Wx", 0x66, 0x10, REGISTERS, 16, false, false, DWORDS, DWORDS},
      {"movss Vx,Wd", 0xF3, 0x10, REGISTERS, 4, false, false, DWORDS, DWORDS},
      {"movsd Vx,Wq", 0xF2, 0x10, REGISTERS, 8, false, false, DWORDS, DWORDS},
      {"movups Wx,Vx", 0, 0x11, REGISTERS, 16, false, false, DWORDS, DWORDS},
      {"movupd Wx,Vx", 0x66, 0x11, REGISTERS, 16, false, false, DWORDS, DWORDS},
      {"movss Wd,Vx", 0xF3, 0x11, REGISTERS, 4, false, false, DWORDS, DWORDS},
      {"movsd Wq,Vx", 0xF2, 0x11, REGISTERS, 8, false, false, DWORDS, DWORDS},
      {"movlps Vx,Mq", 0, 0x12, XMMR, XMMR, IN_MEMORY, 8, false, false, DWORDS, DWORDS},
      {"movhlps Vx,Ux", 0, 0x12, XMMR, XMMR, IN_REGISTER, 16, false, false, DWORDS, DWORDS},
      {"movlpd Vx,Mq", 0x66, 0x12, XMMR, XMMR, IN_MEMORY, 8, false, false, DWORDS, DWORDS},
      {"movsldup Vx,Wx", 0xF3, 0x12, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"movddup Vx,Wq", 0xF2, 0x12, REGISTERS, 8, false, false, DWORDS, DWORDS},
      {"movlps Mq,Vx", 0, 0x13, XMMR, XMMR, IN_MEMORY, 8, false, false, DWORDS, DWORDS},
      {"movlpd Mq,Vx", 0x66, 0x13, XMMR, XMMR, IN_MEMORY, 8, false, false, DWORDS, DWORDS},
      {"unpcklps Vx,Wx", 0, 0x14, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"unpcklpd Vx,Wx", 0x66, 0x14, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"unpckhps Vx,Wx", 0, 0x15, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"unpckhpd Vx,Wx", 0x66, 0x15, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"movhps Vx,Mq", 0, 0x16, XMMR, XMMR, IN_MEMORY, 8, false, false, DWORDS, DWORDS},
      {"movlhps Vx,Ux", 0, 0x16, XMMR, XMMR, IN_REGISTER, 16, false, false, DWORDS, DWORDS},
      {"movhpd Vx,Mq", 0x66, 0x16, XMMR, XMMR, IN_MEMORY, 8, false, false, DWORDS, DWORDS},
      {"movshdup Vx,Wx", 0xF3, 0x16, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"movhps Mq,Vx", 0, 0x17, XMMR, XMMR, IN_MEMORY, 8, false, false, DWORDS, DWORDS},
      {"movhpd Mq,Vx", 0x66, 0x17, XMMR, XMMR, IN_MEMORY, 8, false, false, DWORDS, DWORDS},
      {"movaps Vx,Wx", 0, 0x28, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"movapd Vx,Wx", 0x66, 0x28, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"movaps Wx,Vx", 0, 0x29, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"movapd Wx,Vx", 0x66, 0x29, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"movntps Mx,Vx", 0, 0x2B, XMMR, XMMR, IN_MEMORY, 16, true, false, DWORDS, DWORDS},
      {"movntpd Mx,Vx", 0x66, 0x2B, XMMR, XMMR, IN_MEMORY, 16, true, false, DWORDS, DWORDS},
      {"movmskps Gd,Ux", 0, 0x50, GPR, XMMR, IN_REGISTER, 16, false, false, DWORDS, DWORDS},
      {"movmskpd Gd,Ux", 0x66, 0x50, GPR, XMMR, IN_REGISTER, 16, false, false, DWORDS, DWORDS},
      {"movd Vx,Ed", 0x66, 0x6E, XMMR, GPR, ANYWHERE, 4, false, false, DWORDS, DWORDS},
      {"movd Ed,Vx", 0x66, 0x7E, XMMR, GPR, ANYWHERE, 4, false, false, DWORDS, DWORDS},
      {"movdqa Vx,Wx", 0x66, 0x6F, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"movdqu Vx,Wx", 0xF3, 0x6F, REGISTERS, 16, false, false, DWORDS, DWORDS},
      {"movdqa Wx,Vx", 0x66, 0x7F, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"movdqu Wx,Vx", 0xF3, 0x7F, REGISTERS, 16, false, false, DWORDS, DWORDS},
      {"movq Vx,Wq", 0xF3, 0x7E, REGISTERS, 8, false, false, DWORDS, DWORDS},
      {"movq Wq,Vx", 0x66, 0xD6, REGISTERS, 8, false, false, DWORDS, DWORDS},
      {"movntdq Mx,Vx", 0x66, 0xE7, XMMR, XMMR, IN_MEMORY, 16, true, false, DWORDS, DWORDS},
      {"lddqu Vx,Mx", 0xF2, 0xF0, XMMR, XMMR, IN_MEMORY, 16, false, false, DWORDS, DWORDS},
      {"movnti Md,Gd", 0, 0xC3, GPR, GPR, IN_MEMORY, 4, false, false, DWORDS, DWORDS},
      {"pinsrw Vx,Ew,Ib", 0x66, 0xC4, XMMR, GPR, ANYWHERE, 2, false, true, WORDS, WORDS},
      {"pextrw Gd,Ux,Ib", 0x66, 0xC5, GPR, XMMR, IN_REGISTER, 16, false, true, WORDS, WORDS},
      {"pmovmskb Gd,Ux", 0x66, 0xD7, GPR, XMMR, IN_REGISTER, 16, false, false, BYTES, BYTES},
  };
  forms(FORM, COUNT(FORM));
  static const struct vector_form MASKMOV = {"", 0x66, 0xF7, XMMR, XMMR, IN_REGISTER, 16, false, false, DWORDS, BYTES};
  for (form("maskmovdqu Vx,Ux"); next_case(); run_case()) {
    t.initial.reg[EDI] = pick_address(16);
    vector_case(&MASKMOV, -1);
    image_after_exception("the SDM leaves open which bytes are looked at, and in which order (volume 2, MASKMOVDQU)");
    if (t.segment_base) t.initial.reg[EDI] -= t.segment_base;
  }
}

void sse_integer(void) {
  family_with_sse("sse-integer");
  for (unsigned i = 0; i < SHARED_COUNT; i++) {
    const struct vector_form f = {SHARED[i].name, 0x66, SHARED[i].op, REGISTERS, 16, true, false, SHARED[i].holds, SHARED[i].holds};
    for (form("%s Vx,Wx", f.name); next_case(); run_case()) vector_case(&f, -1);
  }
  shift_forms(XMMR, " Vx");
  static const struct vector_form FORM[] = {
      {"punpcklbw Vx,Wx", 0x66, 0x60, REGISTERS, 16, true, false, BYTES, BYTES},
      {"punpcklwd Vx,Wx", 0x66, 0x61, REGISTERS, 16, true, false, WORDS, WORDS},
      {"punpckldq Vx,Wx", 0x66, 0x62, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"punpcklqdq Vx,Wx", 0x66, 0x6C, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"punpckhqdq Vx,Wx", 0x66, 0x6D, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"pshufd Vx,Wx,Ib", 0x66, 0x70, REGISTERS, 16, true, true, DWORDS, DWORDS},
      {"pshufhw Vx,Wx,Ib", 0xF3, 0x70, REGISTERS, 16, true, true, WORDS, WORDS},
      {"pshuflw Vx,Wx,Ib", 0xF2, 0x70, REGISTERS, 16, true, true, WORDS, WORDS},
      {"shufps Vx,Wx,Ib", 0, 0xC6, REGISTERS, 16, true, true, DWORDS, DWORDS},
      {"shufpd Vx,Wx,Ib", 0x66, 0xC6, REGISTERS, 16, true, true, DWORDS, DWORDS},
      {"andps Vx,Wx", 0, 0x54, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"andpd Vx,Wx", 0x66, 0x54, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"andnps Vx,Wx", 0, 0x55, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"andnpd Vx,Wx", 0x66, 0x55, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"orps Vx,Wx", 0, 0x56, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"orpd Vx,Wx", 0x66, 0x56, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"xorps Vx,Wx", 0, 0x57, REGISTERS, 16, true, false, DWORDS, DWORDS},
      {"xorpd Vx,Wx", 0x66, 0x57, REGISTERS, 16, true, false, DWORDS, DWORDS},
  };
  forms(FORM, COUNT(FORM));
}

/* Packed and scalar, single and double precision, by prefix. */
static const struct precision {
  const char *suffix;
  uint8_t prefix, bytes;
  enum contents holds;
} PRECISION[] = {{"ps", 0, 16, SINGLES}, {"pd", 0x66, 16, DOUBLES}, {"ss", 0xF3, 4, SINGLES}, {"sd", 0xF2, 8, DOUBLES}};

static struct vector_form float_form(const struct precision *p, uint8_t op, bool immediate) {
  return (struct vector_form){"", p->prefix, op, REGISTERS, p->bytes, p->bytes == 16, immediate, p->holds, p->holds};
}

void sse_float(void) {
  family_with_sse("sse-float");
  static const struct {
    const char *name;
    uint8_t op;
    uint8_t precisions; /* bits by the order of PRECISION */
  } OPERATION[] = {{"sqrt", 0x51, 15}, {"add", 0x58, 15}, {"mul", 0x59, 15}, {"sub", 0x5C, 15}, {"min", 0x5D, 15},
                   {"div", 0x5E, 15},  {"max", 0x5F, 15}, {"cmp", 0xC2, 15}, {"rsqrt", 0x52, 5}, {"rcp", 0x53, 5}};
  for (unsigned i = 0; i < COUNT(OPERATION); i++)
    for (unsigned n = 0; n < 4; n++) {
      if (!(OPERATION[i].precisions >> n & 1)) continue;
      const bool is_approximate = OPERATION[i].op == 0x52 || OPERATION[i].op == 0x53;
      const struct vector_form f = float_form(&PRECISION[n], OPERATION[i].op, OPERATION[i].op == 0xC2);
      for (form("%s%s", OPERATION[i].name, PRECISION[n].suffix); next_case(); run_case()) {
        vector_case(&f, -1);
        if (is_approximate) approximation("an approximation: its relative error is at most 1.5 * 2^-12 (SDM volume 2, RCPPS)");
      }
    }
  /* SSE3 has packed double after 66, packed single after F2. */
  static const struct {
    const char *name;
    uint8_t op;
  } SSE3[] = {{"addsub", 0xD0}, {"hadd", 0x7C}, {"hsub", 0x7D}};
  for (unsigned i = 0; i < COUNT(SSE3); i++)
    for (unsigned n = 0; n < 2; n++) {
      struct vector_form f = float_form(&PRECISION[n], SSE3[i].op, false);
      if (n == 0) f.prefix = 0xF2;
      for (form("%s%s", SSE3[i].name, PRECISION[n].suffix); next_case(); run_case()) vector_case(&f, -1);
    }
  static const struct vector_form COMPARISON[] = {
      {"ucomiss Vx,Wd", 0, 0x2E, REGISTERS, 4, false, false, SINGLES, SINGLES},
      {"ucomisd Vx,Wq", 0x66, 0x2E, REGISTERS, 8, false, false, DOUBLES, DOUBLES},
      {"comiss Vx,Wd", 0, 0x2F, REGISTERS, 4, false, false, SINGLES, SINGLES},
      {"comisd Vx,Wq", 0x66, 0x2F, REGISTERS, 8, false, false, DOUBLES, DOUBLES},
  };
  forms(COMPARISON, COUNT(COMPARISON));
}

void sse_convert(void) {
  family_with_sse("sse-convert");
  static const struct vector_form FORM[] = {
      {"cvtpi2ps Vx,Qq", 0, 0x2A, XMMR, MMR, ANYWHERE, 8, false, false, SINGLES, DWORDS},
      {"cvtpi2pd Vx,Qq", 0x66, 0x2A, XMMR, MMR, ANYWHERE, 8, false, false, DOUBLES, DWORDS},
      {"cvtsi2ss Vx,Ed", 0xF3, 0x2A, XMMR, GPR, ANYWHERE, 4, false, false, SINGLES, DWORDS},
      {"cvtsi2sd Vx,Ed", 0xF2, 0x2A, XMMR, GPR, ANYWHERE, 4, false, false, DOUBLES, DWORDS},
      {"cvttps2pi Pq,Wq", 0, 0x2C, MMR, XMMR, ANYWHERE, 8, false, false, DWORDS, SINGLES},
      {"cvttpd2pi Pq,Wx", 0x66, 0x2C, MMR, XMMR, ANYWHERE, 16, true, false, DWORDS, DOUBLES},
      {"cvttss2si Gd,Wd", 0xF3, 0x2C, GPR, XMMR, ANYWHERE, 4, false, false, DWORDS, SINGLES},
      {"cvttsd2si Gd,Wq", 0xF2, 0x2C, GPR, XMMR, ANYWHERE, 8, false, false, DWORDS, DOUBLES},
      {"cvtps2pi Pq,Wq", 0, 0x2D, MMR, XMMR, ANYWHERE, 8, false, false, DWORDS, SINGLES},
      {"cvtpd2pi Pq,Wx", 0x66, 0x2D, MMR, XMMR, ANYWHERE, 16, true, false, DWORDS, DOUBLES},
      {"cvtss2si Gd,Wd", 0xF3, 0x2D, GPR, XMMR, ANYWHERE, 4, false, false, DWORDS, SINGLES},
      {"cvtsd2si Gd,Wq", 0xF2, 0x2D, GPR, XMMR, ANYWHERE, 8, false, false, DWORDS, DOUBLES},
      {"cvtps2pd Vx,Wq", 0, 0x5A, REGISTERS, 8, false, false, DOUBLES, SINGLES},
      {"cvtpd2ps Vx,Wx", 0x66, 0x5A, REGISTERS, 16, true, false, SINGLES, DOUBLES},
      {"cvtss2sd Vx,Wd", 0xF3, 0x5A, REGISTERS, 4, false, false, DOUBLES, SINGLES},
      {"cvtsd2ss Vx,Wq", 0xF2, 0x5A, REGISTERS, 8, false, false, SINGLES, DOUBLES},
      {"cvtdq2ps Vx,Wx", 0, 0x5B, REGISTERS, 16, true, false, SINGLES, DWORDS},
      {"cvtps2dq Vx,Wx", 0x66, 0x5B, REGISTERS, 16, true, false, DWORDS, SINGLES},
      {"cvttps2dq Vx,Wx", 0xF3, 0x5B, REGISTERS, 16, true, false, DWORDS, SINGLES},
      {"cvttpd2dq Vx,Wx", 0x66, 0xE6, REGISTERS, 16, true, false, DWORDS, DOUBLES},
      {"cvtdq2pd Vx,Wq", 0xF3, 0xE6, REGISTERS, 8, false, false, DOUBLES, DWORDS},
      {"cvtpd2dq Vx,Wx", 0xF2, 0xE6, REGISTERS, 16, true, false, DWORDS, DOUBLES},
  };
  forms(FORM, COUNT(FORM));
}

enum { FXSAVE_BYTES = 512, MXCSR_AT = 24, XMM_AT = 160 };

static uint32_t fx_address(void) {
  const uint32_t address = DATA + draw(READ_ONLY - DATA - FXSAVE_BYTES + 1);
  return one_in(16) ? address : address & ~15u;
}

/* MXCSR with a reserved bit in a few cases; bit 17 is AMD's misaligned exception mask, which Intel's processors reserve. */
static uint32_t mxcsr_to_load(void) {
  return one_in(8) ? random32() & ~(1u << 17) : any_mxcsr();
}

/* Opcodes of the map that have no meaning after one of the prefixes, in no processor so far. */
static void undefined_after(unsigned prefix, const uint8_t *ops, unsigned count) {
  for (form("undefined SSE %02x", prefix); next_case(); run_case()) {
    t.initial.sse.mxcsr = any_mxcsr();
    if (prefix) byte(prefix);
    byte(0x0F);
    byte(ops[draw(count)]);
    modrm(draw(8), 128, ANYWHERE);
    byte(random32() & 0xFF);
  }
}

void sse_state(void) {
  family_with_sse("sse-state");
  for (form("ldmxcsr Md"); next_case(); run_case()) {
    t.initial.sse.mxcsr = any_mxcsr();
    prefixes(32);
    opcode(0x0FAE);
    put_memory(modrm_at(2, pick_address(4)).address, 32, mxcsr_to_load());
    if (one_in(24)) t.initial.eflags |= AC;
  }
  for (form("stmxcsr Md"); next_case(); run_case()) {
    t.initial.sse.mxcsr = any_mxcsr();
    prefixes(32);
    opcode(0x0FAE);
    modrm_at(3, pick_address(4));
    if (one_in(24)) t.initial.eflags |= AC;
  }
  for (form("clflush Mb"); next_case(); run_case()) {
    prefixes(32);
    opcode(0x0FAE);
    modrm_at(7, pick_address(1));
  }
  static const char *const FENCE[] = {"lfence", "mfence", "sfence"};
  for (unsigned i = 0; i < 3; i++)
    for (form("%s", FENCE[i]); next_case(); run_case()) {
      opcode(0x0FAE);
      byte(0xC0 | (i + 5) << 3 | draw(8));
    }
  for (form("prefetch Mb"); next_case(); run_case()) {
    prefixes(32);
    opcode(0x0F18);
    modrm_at(draw(4), pick_address(1));
  }
  static const char *const FX[] = {"fxsave", "fxrstor"};
  for (unsigned i = 0; i < 2; i++)
    for (form("%s with SSE", FX[i]); next_case(); run_case()) {
      x87_state(1, false);
      settle(&t.initial.x87);
      uint32_t *word = t.initial.x87.word;
      /* Without a pending exception AMD stores 0 for the pointers. */
      if (!i && !(word[STATUS] & ES_BIT)) word[OPCODE] = word[IP] = word[IP_SELECTOR] = word[DP] = word[DP_SELECTOR] = 0;
      t.initial.sse.mxcsr = any_mxcsr();
      prefixes(32);
      opcode(0x0FAE);
      const struct operand e = modrm_at(i, fx_address());
      image_after_exception("not in the SDM: in which order the bytes are accessed, and whether stores before a fault stay");
      if (!i) {
        /* MXCSR_MASK: AMD has bit 17, too. */
        put_memory(e.address + MXCSR_AT + 6, 16, 0);
        leave_out(e.address + MXCSR_AT + 6, 2);
        continue;
      }
      put_image(e.address, 16, false);
      for (unsigned n = 6; n < 24; n += 2) put_memory(e.address + n, 16, random32());
      put_memory(e.address + MXCSR_AT, 32, mxcsr_to_load());
      for (unsigned n = 0; n < 8; n++) put_operand(e.address + 32 + 16 * n, F80);
      for (unsigned n = 0; n < 8; n++) put_operand(e.address + XMM_AT + 16 * n, F64);
    }
  static const struct {
    const char *name;
    uint8_t op;
    enum format format;
  } FISTTP[] = {{"fisttp m16int", 0xDF, I16}, {"fisttp m32int", 0xDB, I32}, {"fisttp m64int", 0xDD, I64}};
  for (unsigned i = 0; i < 3; i++)
    for (form("%s", FISTTP[i].name); next_case(); run_case()) {
      x87_state(0, false);
      if (!one_in(4)) put_st(0, around(-3, FISTTP[i].format == I16 ? 16 : FISTTP[i].format == I32 ? 32 : 64));
      x87_memory(FISTTP[i].op, 1, FISTTP[i].format);
    }
  static const uint8_t NONE_[] = {0x6C, 0x6D, 0x7C, 0x7D, 0xD0, 0xD6, 0xE6, 0xF0};
  static const uint8_t AFTER_66[] = {0x52, 0x53, 0xF0, 0x77, 0xC3};
  static const uint8_t AFTER_F3[] = {0x13, 0x14, 0x15, 0x17, 0x28, 0x29, 0x2E, 0x2F, 0x50, 0x54, 0x55, 0x56, 0x57, 0x60, 0x61, 0x62,
                                     0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x71, 0x72, 0x73, 0x74,
                                     0x75, 0x76, 0x77, 0x7C, 0x7D, 0xC3, 0xC4, 0xC5, 0xC6, 0xD0, 0xD1, 0xD4, 0xD7, 0xDB, 0xE0, 0xE7,
                                     0xEF, 0xF0, 0xF7, 0xFC};
  static const uint8_t AFTER_F2[] = {0x13, 0x14, 0x15, 0x16, 0x17, 0x28, 0x29, 0x2E, 0x2F, 0x50, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57,
                                     0x5B, 0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E,
                                     0x6F, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x7E, 0x7F, 0xC3, 0xC4, 0xC5, 0xC6, 0xD1, 0xD4,
                                     0xD7, 0xDB, 0xE0, 0xE7, 0xEF, 0xF7, 0xFC};
  undefined_after(0, NONE_, COUNT(NONE_));
  undefined_after(0x66, AFTER_66, COUNT(AFTER_66));
  undefined_after(0xF3, AFTER_F3, COUNT(AFTER_F3));
  undefined_after(0xF2, AFTER_F2, COUNT(AFTER_F2));
}
