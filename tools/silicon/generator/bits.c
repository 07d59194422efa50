/* BT BTS BTR BTC, BSF BSR. */
#include "vectors.h"

static const char *const NAME[4] = {"bt", "bts", "btr", "btc"};

static void test_flags(void) {
  undefined(OF | SF | AF | PF, "SDM vol 2, BT/BTS/BTR/BTC: the OF, SF, AF and PF flags are undefined");
}

/*
 * With a register offset the operand is a bit string in memory: the word accessed lies offset DIV bits words away from
 * the address (SDM volume 2, 3.1.1.9, Bit(BitBase, BitOffset)). The offset comes first, then an address from which it
 * leads to the target.
 */
static void register_offset(unsigned op, unsigned bits) {
  for (form("%s Ev,Gv %u", NAME[op], bits); next_case(); run_case()) {
    const unsigned reg = draw(8);
    prefixes(bits);
    opcode(0x0FA3 + op * 8);
    if (one_in(3)) {
      put(modrm(reg, bits, IN_REGISTER), bits, value(bits));
      put_register(reg, bits, value(bits));
    } else {
      /* A 16-bit address keeps the string inside the first 64 KB. */
      const uint32_t offset = t.address16 ? draw(0x8000) - 0x4000 : one_in(2) ? value(bits) : draw(64) - 32;
      put_register(reg, bits, offset);
      pin(reg);
      const int32_t bit = bits == 16 ? (int16_t)offset : (int32_t)offset;
      const uint32_t target = t.address16 ? DATA + draw(0x400) : DATA + draw(READ_ONLY - DATA - 4);
      modrm_at(reg, target - (uint32_t)((bit >> (bits == 16 ? 4 : 5)) * (int32_t)(bits / 8)));
    }
    test_flags();
  }
}

static void immediate_offset(unsigned op, unsigned bits) {
  for (form("%s Ev,Ib %u", NAME[op], bits); next_case(); run_case()) {
    e_digit(0x0FBA, 4 + op, bits, ANYWHERE);
    immediate(8, value(8));
    test_flags();
  }
}

static void scan(const char *name, unsigned op, unsigned bits) {
  for (form("%s Gv,Ev %u", name, bits); next_case(); run_case()) {
    unsigned reg;
    const struct operand e = e_g(op, bits, ANYWHERE, &reg);
    if (get(e, bits) == 0)
      undefined_destination(
          (uint8_t)(1u << reg), CF | OF | SF | AF | PF,
          "SDM vol 2, BSF/BSR: if the source is 0, the destination is undefined; CF, OF, SF, AF and PF too");
    else
      undefined(CF | OF | SF | AF | PF, "SDM vol 2, BSF/BSR: the CF, OF, SF, AF and PF flags are undefined");
  }
}

void bits(void) {
  family("bits");
  for (unsigned size = 16; size <= 32; size += 16) {
    for (unsigned op = 0; op < 4; op++) {
      register_offset(op, size);
      immediate_offset(op, size);
    }
    scan("bsf", 0x0FBC, size);
    scan("bsr", 0x0FBD, size);
  }
}
