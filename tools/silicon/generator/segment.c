/*
 * Reading and loading segment registers, with selectors whose meaning the file's header gives: the flat ones, FS's, null,
 * one behind the GDT's limit, one in the LDT that is not there. Also the far pointer loads.
 */
#include "vectors.h"

static uint32_t selector(void) {
  switch (draw(8)) {
    case 0: return draw(4); /* null */
    case 1: return (0x80 + draw(0xFF80 / 8) * 8) | (one_in(2) ? 7 : 3); /* behind the limit, or in the LDT */
    case 2: return segments[DS] & ~3u; /* RPL 0 */
    case 3: return segments[CS]; /* readable code */
    case 4:
    case 5: return segments[FS];
    default: return segments[DS];
  }
}

static void store(void) {
  for (unsigned bits = 16; bits <= 32; bits += 16) {
    for (form("mov Ev,Sw %u", bits); next_case(); run_case()) e_digit(0x8C, draw(8), bits, ANYWHERE);
    for (form("push Sw %u", bits); next_case(); run_case()) {
      static const uint16_t OP[] = {0x06, 0x0E, 0x16, 0x1E, 0x0FA0, 0x0FA8};
      stack(bits / 8, 0);
      operand_prefix(bits);
      opcode(OP[draw(6)]);
    }
  }
}

static void load(void) {
  for (form("mov Sw,Ew"); next_case(); run_case()) {
    prefixes(32);
    opcode(0x8E);
    put(modrm(draw(8), 16, ANYWHERE), 16, selector());
  }
  for (unsigned bits = 16; bits <= 32; bits += 16) {
    for (form("pop Sw %u", bits); next_case(); run_case()) {
      static const uint16_t OP[] = {0x07, 0x17, 0x1F, 0x0FA1, 0x0FA9};
      stack(0, bits / 8);
      operand_prefix(bits);
      opcode(OP[draw(5)]);
      put_memory(t.initial.reg[ESP], 16, selector());
    }
    for (form("les lds lss lfs lgs Gv,Mp %u", bits); next_case(); run_case()) {
      static const uint16_t OP[] = {0xC4, 0xC5, 0x0FB2, 0x0FB4, 0x0FB5};
      prefixes(bits);
      opcode(OP[draw(5)]);
      const uint32_t address = modrm(draw(8), bits + 16, IN_MEMORY).address;
      put_memory(address + bits / 8, 16, selector());
    }
  }
}

void segment(void) {
  family("segment");
  store();
  load();
}
