/* Control instructions of the x87, the images of its state in memory, and encodings that mean nothing. */
#include "vectors.h"

enum { FXSAVE_BYTES = 512, MXCSR = 24, XMM = 160, XMM_BYTES = 128 };

static void word_forms(void) {
  static const struct {
    const char *name;
    unsigned op, digit;
  } WORD[] = {{"fldcw m16", 0xD9, 5}, {"fnstcw m16", 0xD9, 7}, {"fnstsw m16", 0xDD, 7}};
  for (unsigned i = 0; i < sizeof WORD / sizeof *WORD; i++) x87_memory_form(WORD[i].name, WORD[i].op, WORD[i].digit, I16, false);
  x87_plain_form("fnstsw AX", 0xDFE0, false);
}

static void order_is_open(void) {
  image_after_exception("not in the SDM: in which order the bytes are accessed, and whether stores before a fault stay");
}

/* The environment and the whole state, with 16-bit and 32-bit operands. */
static void images(unsigned bits) {
  static const struct {
    const char *name;
    unsigned op, digit;
    bool loads, registers;
  } IMAGE[] = {{"fldenv", 0xD9, 4, true, false},
               {"fnstenv", 0xD9, 6, false, false},
               {"frstor", 0xDD, 4, true, true},
               {"fnsave", 0xDD, 6, false, true}};
  for (unsigned i = 0; i < sizeof IMAGE / sizeof *IMAGE; i++) {
    for (form("%s %u", IMAGE[i].name, bits); next_case(); run_case()) {
      x87_state(1, false);
      prefixes(bits);
      byte(IMAGE[i].op);
      const unsigned bytes = 7 * bits / 8 + (IMAGE[i].registers ? 80 : 0);
      uint32_t address = pick_address(bytes);
      /* How the parts of an image wrap around at 64 KB is nowhere said. */
      if (t.address16 && address < 0x10000 && address + bytes > 0x10000) address = 0x10000 - bytes;
      const struct operand e = modrm_at(IMAGE[i].digit, address);
      if (IMAGE[i].loads) put_image(e.address, bits, IMAGE[i].registers);
      if (one_in(24)) t.initial.eflags |= AC;
      order_is_open();
    }
  }
}

/* On a 16-byte boundary but for a few. */
static uint32_t fx_address(void) {
  const uint32_t address = DATA + draw(READ_ONLY - DATA - FXSAVE_BYTES + 1);
  if (one_in(12)) return address;
  if (one_in(12)) return (READ_ONLY - draw(FXSAVE_BYTES)) & ~15u;
  return address & ~15u;
}

/* The XMM part is no part of the record. */
static void fx(void) {
  for (form("fxsave m512"); next_case(); run_case()) {
    x87_state(1, false);
    settle(&t.initial.x87);
    uint32_t *word = t.initial.x87.word;
    /* Without a pending exception AMD stores 0 for the pointers. */
    if (!(word[STATUS] & ES_BIT)) word[OPCODE] = word[IP] = word[IP_SELECTOR] = word[DP] = word[DP_SELECTOR] = 0;
    prefixes(32);
    opcode(0x0FAE);
    const struct operand e = modrm_at(0, fx_address());
    leave_out(e.address + MXCSR, 8);
    leave_out(e.address + XMM, XMM_BYTES);
    order_is_open();
  }
  for (form("fxrstor m512"); next_case(); run_case()) {
    x87_state(1, false);
    prefixes(32);
    opcode(0x0FAE);
    const struct operand e = modrm_at(1, fx_address());
    put_image(e.address, 16, false);
    for (unsigned i = 6; i < 24; i += 2) put_memory(e.address + i, 16, random32());
    put_memory(e.address + MXCSR, 32, 0x1F80);
    for (unsigned i = 0; i < 8; i++) put_operand(e.address + 32 + 16 * i, F80);
    order_is_open();
  }
}

/* Encodings that no processor defines, SDM volume 2, tables; FISTTP is SSE3. */
static void nothing(void) {
  static const uint16_t MEMORY[] = {0xD901, 0xDB04, 0xDB06, 0xDD05};
  for (unsigned i = 0; i < sizeof MEMORY / sizeof *MEMORY; i++) {
    for (form("undefined %02x /%u", MEMORY[i] >> 8, MEMORY[i] & 7); next_case(); run_case()) {
      x87_state(1, false);
      x87_memory(MEMORY[i] >> 8, MEMORY[i] & 7, I32);
    }
  }
  static const struct {
    uint16_t first;
    uint8_t count;
  } REGISTER[] = {{0xD9D1, 7}, {0xD9E2, 2}, {0xD9E6, 2}, {0xD9EF, 1}, {0xDAE0, 8},  {0xDAEA, 6},  {0xDAF0, 16},
                  {0xDBE5, 3}, {0xDBF8, 8}, {0xDDF0, 16}, {0xDED8, 1}, {0xDEDA, 6}, {0xDFE1, 7}, {0xDFF8, 8}};
  for (unsigned i = 0; i < sizeof REGISTER / sizeof *REGISTER; i++) {
    for (form("undefined %04x", REGISTER[i].first); next_case(); run_case()) {
      x87_state(1, false);
      byte(REGISTER[i].first >> 8);
      byte((REGISTER[i].first & 0xFF) + draw(REGISTER[i].count));
    }
  }
}

void x87_control(void) {
  family_with_x87("x87-control");
  word_forms();
  images(16);
  images(32);
  fx();
  x87_plain_form("fnop", 0xD9D0, false);
  x87_plain_form("fdecstp", 0xD9F6, false);
  x87_plain_form("fincstp", 0xD9F7, false);
  x87_plain_form("fnclex", 0xDBE2, false);
  x87_plain_form("fninit", 0xDBE3, false);
  x87_plain_form("fneni", 0xDBE0, false);
  x87_plain_form("fndisi", 0xDBE1, false);
  x87_plain_form("fnsetpm", 0xDBE4, false);
  x87_register_form("ffree STi", 0xDDC0);
  x87_register_form("ffreep STi", 0xDFC0);
  for (form("fwait"); next_case(); run_case()) {
    byte(0x9B);
    x87_state(1, false);
  }
  nothing();
}
