/* Unaligned accesses with AC set raise #AC in ring 3 (CR0.AM is set under Linux), SDM volume 3, 7.15. */
#include "vectors.h"

void alignment(void) {
  family("alignment");
  for (unsigned bits = 8; bits <= 32; bits *= 2) {
    const unsigned wide = bits > 8;
    unsigned reg;
    for (form("mov Ev,Gv %u, AC set", bits); next_case(); run_case()) {
      t.initial.eflags |= AC;
      e_g(0x88 + wide, bits, IN_MEMORY, &reg);
    }
    for (form("mov Gv,Ev %u, AC set", bits); next_case(); run_case()) {
      t.initial.eflags |= AC;
      e_g(0x8A + wide, bits, IN_MEMORY, &reg);
    }
    for (form("add Ev,Gv %u, AC set", bits); next_case(); run_case()) {
      t.initial.eflags |= AC;
      e_g(0x00 + wide, bits, IN_MEMORY, &reg);
    }
    for (form("movs %u, AC set", bits); next_case(); run_case()) {
      t.initial.eflags |= AC;
      operand_prefix(bits);
      byte(0xA4 + wide);
      put_register(ESI, 32, pick_address(bits / 8));
      put_register(EDI, 32, pick_address(bits / 8));
    }
  }
  for (unsigned bits = 16; bits <= 32; bits += 16) {
    for (form("push Zv %u, AC set", bits); next_case(); run_case()) {
      t.initial.eflags |= AC;
      stack(bits / 8, 0);
      t.initial.reg[ESP] ^= one_in(2);
      operand_prefix(bits);
      byte(0x50 + draw(8));
    }
    for (form("pop Zv %u, AC set", bits); next_case(); run_case()) {
      t.initial.eflags |= AC;
      stack(0, bits / 8);
      t.initial.reg[ESP] ^= one_in(2);
      operand_prefix(bits);
      byte(0x58 + draw(8));
    }
  }
}
