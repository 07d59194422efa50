/* MMX instructions, and what they leave of the x87. */
#include "vectors.h"

/* The integer operations that MMX and XMM registers share: opcode and what the lanes are. */
const struct shared SHARED[] = {
    {"punpckhbw", 0x68, BYTES}, {"punpckhwd", 0x69, WORDS}, {"punpckhdq", 0x6A, DWORDS}, {"packsswb", 0x63, WORDS},
    {"packssdw", 0x6B, DWORDS}, {"packuswb", 0x67, WORDS},  {"pcmpgtb", 0x64, BYTES},    {"pcmpgtw", 0x65, WORDS},
    {"pcmpgtd", 0x66, DWORDS},  {"pcmpeqb", 0x74, BYTES},   {"pcmpeqw", 0x75, WORDS},    {"pcmpeqd", 0x76, DWORDS},
    {"paddq", 0xD4, DWORDS},    {"pmullw", 0xD5, WORDS},    {"psubusb", 0xD8, BYTES},    {"psubusw", 0xD9, WORDS},
    {"pminub", 0xDA, BYTES},    {"pand", 0xDB, DWORDS},     {"paddusb", 0xDC, BYTES},    {"paddusw", 0xDD, WORDS},
    {"pmaxub", 0xDE, BYTES},    {"pandn", 0xDF, DWORDS},    {"pavgb", 0xE0, BYTES},      {"pavgw", 0xE3, WORDS},
    {"pmulhuw", 0xE4, WORDS},   {"pmulhw", 0xE5, WORDS},    {"psubsb", 0xE8, BYTES},     {"psubsw", 0xE9, WORDS},
    {"pminsw", 0xEA, WORDS},    {"por", 0xEB, DWORDS},      {"paddsb", 0xEC, BYTES},     {"paddsw", 0xED, WORDS},
    {"pmaxsw", 0xEE, WORDS},    {"pxor", 0xEF, DWORDS},     {"pmuludq", 0xF4, DWORDS},   {"pmaddwd", 0xF5, WORDS},
    {"psadbw", 0xF6, BYTES},    {"psubb", 0xF8, BYTES},     {"psubw", 0xF9, WORDS},      {"psubd", 0xFA, DWORDS},
    {"psubq", 0xFB, DWORDS},    {"paddb", 0xFC, BYTES},     {"paddw", 0xFD, WORDS},      {"paddd", 0xFE, DWORDS}};
const unsigned SHARED_COUNT = sizeof SHARED / sizeof *SHARED;

static const struct shift {
  const char *name;
  uint8_t op, immediate_op, digit;
} SHIFT[] = {{"psrlw", 0xD1, 0x71, 2}, {"psraw", 0xE1, 0x71, 4}, {"psllw", 0xF1, 0x71, 6}, {"psrld", 0xD2, 0x72, 2},
             {"psrad", 0xE2, 0x72, 4}, {"pslld", 0xF2, 0x72, 6}, {"psrlq", 0xD3, 0x73, 2}, {"psllq", 0xF3, 0x73, 6},
             {"psrldq", 0, 0x73, 3},   {"pslldq", 0, 0x73, 7}};

/* Counts in a register or in memory are mostly small. */
void shift_forms(enum kind kind, const char *suffix) {
  const bool xmm = kind == XMMR;
  for (unsigned i = 0; i < sizeof SHIFT / sizeof *SHIFT; i++) {
    const struct shift *s = &SHIFT[i];
    if (!s->op && !xmm) continue;
    struct vector_form f = {s->name, xmm ? 0x66 : 0, s->op, kind, kind, ANYWHERE, xmm ? 16 : 8, xmm, false, WORDS, DWORDS};
    if (s->op)
      for (form("%s%s", s->name, suffix); next_case(); run_case()) {
        vector_case(&f, -1);
        const unsigned rm = t.code[t.length - 1] & 7;
        if (t.code[t.length - 1] < 0xC0 || one_in(5)) continue;
        if (xmm) {
          t.initial.sse.xmm[rm][0] = draw(70);
          t.initial.sse.xmm[rm][1] = 0;
        } else {
          *(uint32_t *)(void *)t.initial.x87.reg[rm] = draw(70);
          *(uint32_t *)(void *)(t.initial.x87.reg[rm] + 4) = 0;
        }
      }
    f.op = s->immediate_op;
    f.where = IN_REGISTER;
    f.immediate = true;
    for (form("%s%s,Ib", s->name, suffix); next_case(); run_case()) vector_case(&f, s->digit);
  }
}

/* The x87 is as a program left it, with an exception pending now and then. */
void mmx(void) {
  family_with_sse("mmx");
  for (unsigned i = 0; i < SHARED_COUNT; i++) {
    const struct vector_form f = {SHARED[i].name, 0, SHARED[i].op, MMR, MMR, ANYWHERE, 8, false, false, SHARED[i].holds, SHARED[i].holds};
    for (form("%s Pq,Qq", f.name); next_case(); run_case()) vector_case(&f, -1);
  }
  shift_forms(MMR, " Pq");
  static const struct vector_form FORM[] = {
      {"punpcklbw Pq,Qd", 0, 0x60, MMR, MMR, ANYWHERE, 4, false, false, BYTES, BYTES},
      {"punpcklwd Pq,Qd", 0, 0x61, MMR, MMR, ANYWHERE, 4, false, false, WORDS, WORDS},
      {"punpckldq Pq,Qd", 0, 0x62, MMR, MMR, ANYWHERE, 4, false, false, DWORDS, DWORDS},
      {"movd Pq,Ed", 0, 0x6E, MMR, GPR, ANYWHERE, 4, false, false, DWORDS, DWORDS},
      {"movd Ed,Pq", 0, 0x7E, MMR, GPR, ANYWHERE, 4, false, false, DWORDS, DWORDS},
      {"movq Pq,Qq", 0, 0x6F, MMR, MMR, ANYWHERE, 8, false, false, DWORDS, DWORDS},
      {"movq Qq,Pq", 0, 0x7F, MMR, MMR, ANYWHERE, 8, false, false, DWORDS, DWORDS},
      {"movntq Mq,Pq", 0, 0xE7, MMR, MMR, IN_MEMORY, 8, false, false, DWORDS, DWORDS},
      {"pshufw Pq,Qq,Ib", 0, 0x70, MMR, MMR, ANYWHERE, 8, false, true, WORDS, WORDS},
      {"pinsrw Pq,Ew,Ib", 0, 0xC4, MMR, GPR, ANYWHERE, 2, false, true, WORDS, WORDS},
      {"pextrw Gd,Nq,Ib", 0, 0xC5, GPR, MMR, IN_REGISTER, 8, false, true, WORDS, WORDS},
      {"pmovmskb Gd,Nq", 0, 0xD7, GPR, MMR, IN_REGISTER, 8, false, false, BYTES, BYTES},
      {"movdq2q Pq,Ux", 0xF2, 0xD6, MMR, XMMR, IN_REGISTER, 16, false, false, DWORDS, DWORDS},
      {"movq2dq Vx,Nq", 0xF3, 0xD6, XMMR, MMR, IN_REGISTER, 8, false, false, DWORDS, DWORDS},
  };
  for (unsigned i = 0; i < sizeof FORM / sizeof *FORM; i++) vector_form(&FORM[i]);
  for (form("emms"); next_case(); run_case()) {
    x87_state(1, false);
    opcode(0x0F77);
  }
  static const struct vector_form MASKMOV = {"", 0, 0xF7, MMR, MMR, IN_REGISTER, 8, false, false, DWORDS, BYTES};
  for (form("maskmovq Pq,Nq"); next_case(); run_case()) {
    t.initial.reg[EDI] = pick_address(8);
    vector_case(&MASKMOV, -1);
    image_after_exception("the SDM leaves open which bytes are looked at, and in which order (volume 2, MASKMOVDQU)");
    if (t.segment_base) t.initial.reg[EDI] -= t.segment_base;
  }
}
