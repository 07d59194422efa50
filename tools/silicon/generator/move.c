/* MOV and its relatives, LEA, XCHG, CMOVcc, SETcc, BSWAP, XLAT, conversions, single flags, NOP. */
#include "vectors.h"

static const char *const CONDITION[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                          "s", "ns", "p", "np", "l", "ge", "le", "g"};
static const unsigned SIZE[3] = {8, 16, 32};

static void mov(void) {
  unsigned reg;
  for (unsigned i = 0; i < 3; i++) {
    const unsigned bits = SIZE[i], wide = bits > 8;
    const char *v = wide ? "v" : "b";
    for (form("mov E%s,G%s %u", v, v, bits); next_case(); run_case()) e_g(0x88 + wide, bits, ANYWHERE, &reg);
    for (form("mov G%s,E%s %u", v, v, bits); next_case(); run_case()) e_g(0x8A + wide, bits, ANYWHERE, &reg);
    for (form("xchg E%s,G%s %u", v, v, bits); next_case(); run_case()) e_g(0x86 + wide, bits, ANYWHERE, &reg);
    for (form(wide ? "mov Ev,Iz %u" : "mov Eb,Ib %u", bits); next_case(); run_case()) {
      e_digit(0xC6 + wide, 0, bits, ANYWHERE);
      immediate(bits, value(bits));
    }
    for (form("mov Z%s,I%s %u", v, v, bits); next_case(); run_case()) {
      operand_prefix(bits);
      byte((wide ? 0xB8 : 0xB0) + draw(8));
      immediate(bits, value(bits));
    }
    for (unsigned store = 0; store < 2; store++) {
      for (form(store ? "mov O%s,A %u" : "mov A,O%s %u", v, bits); next_case(); run_case()) {
        prefixes(bits);
        opcode(0xA0 + store * 2 + wide);
        const uint32_t address = pick_address(bits / 8);
        immediate(t.address16 ? 16 : 32, address - t.segment_base);
        put_memory(address, bits, value(bits));
        put_register(EAX, bits, value(bits));
      }
    }
    if (!wide) continue;
    for (form("xchg eAX,Zv %u", bits); next_case(); run_case()) {
      operand_prefix(bits);
      byte(0x90 + draw(8));
    }
  }
}

/* MOVZX and MOVSX: the source is narrower than the register, or as wide (0F B7, 0F BF with 66). */
static void extend(void) {
  for (unsigned sign = 0; sign < 2; sign++) {
    for (unsigned from = 8; from <= 16; from += 8) {
      for (unsigned to = 16; to <= 32; to += 16) {
        for (form("mov%cx Gv,E%c %u", "zs"[sign], from == 8 ? 'b' : 'w', to); next_case(); run_case()) {
          prefixes(to);
          opcode((sign ? 0x0FBE : 0x0FB6) + (from == 16));
          put(modrm(draw(8), from, ANYWHERE), from, value(from));
        }
      }
    }
  }
}

/* No memory is read, so the address may be anything. */
static void lea(void) {
  for (unsigned bits = 16; bits <= 32; bits += 16) {
    for (unsigned address = 16; address <= 32; address += 16) {
      for (form("lea Gv,M %u, %u-bit address", bits, address); next_case(); run_case()) {
        for (unsigned r = 0; r < 8; r++)
          if (one_in(3)) put_register(r, 32, value(32));
        if (one_in(16)) byte(0x64);
        t.address16 = address == 16;
        if (t.address16) byte(0x67);
        operand_prefix(bits);
        opcode(0x8D);
        modrm_at(draw(8), value(32));
      }
    }
  }
}

static void conditional(void) {
  unsigned reg;
  for (unsigned c = 0; c < 16; c++) {
    for (unsigned bits = 16; bits <= 32; bits += 16)
      for (form("cmov%s Gv,Ev %u", CONDITION[c], bits); next_case(); run_case()) e_g(0x0F40 + c, bits, ANYWHERE, &reg);
    for (form("set%s Eb", CONDITION[c]); next_case(); run_case()) e_digit(0x0F90 + c, draw(8), 8, ANYWHERE);
  }
}

static void swap_bytes(void) {
  for (unsigned bits = 16; bits <= 32; bits += 16) {
    for (form("bswap Zv %u", bits); next_case(); run_case()) {
      const unsigned reg = draw(8);
      operand_prefix(bits);
      opcode(0x0FC8 + reg);
      if (bits == 16)
        undefined_destination((uint8_t)(1u << reg), 0, "SDM vol 2, BSWAP: with a 16-bit register the result is undefined");
    }
  }
}

static void xlat(void) {
  for (form("xlat"); next_case(); run_case()) {
    prefixes(8);
    opcode(0xD7);
    put_register(EAX, 8, value(8));
    put_register(EBX, t.address16 ? 16 : 32, pick_address(1) - t.segment_base - get_register(EAX, 8));
  }
}

/* No operands but the accumulator and the flags. */
static void implied(void) {
  static const struct {
    const char *name;
    uint8_t op, bits;
  } IMPLIED[] = {
      {"cbw", 0x98, 16}, {"cwde", 0x98, 32}, {"cwd", 0x99, 16}, {"cdq", 0x99, 32}, {"lahf", 0x9F, 32},
      {"sahf", 0x9E, 32}, {"clc", 0xF8, 32}, {"stc", 0xF9, 32}, {"cmc", 0xF5, 32}, {"cld", 0xFC, 32},
      {"std", 0xFD, 32}, {"salc", 0xD6, 32}, {"nop", 0x90, 32}, {"nop", 0x90, 16},
  };
  for (unsigned i = 0; i < sizeof IMPLIED / sizeof *IMPLIED; i++) {
    for (form("%s %u", IMPLIED[i].name, IMPLIED[i].bits); next_case(); run_case()) {
      operand_prefix(IMPLIED[i].bits);
      opcode(IMPLIED[i].op);
      put_register(EAX, 32, value(32));
    }
  }
  for (unsigned bits = 16; bits <= 32; bits += 16)
    for (form("nop Ev %u", bits); next_case(); run_case()) e_digit(0x0F1F, draw(8), bits, ANYWHERE);
  for (form("pause"); next_case(); run_case()) {
    byte(0xF3);
    byte(0x90);
  }
}

/* Prefixes that repeat or do not matter: the last segment override holds, more 66 or 67 change nothing. */
static void redundant_prefixes(void) {
  static const uint8_t PREFIX[] = {0x66, 0x67, 0x26, 0x2E, 0x36, 0x3E, 0x64};
  for (form("mov Gv,Ev with several prefixes"); next_case(); run_case()) {
    unsigned bits = 32;
    for (unsigned n = 1 + draw(6); n > 0; n--) {
      const uint8_t p = PREFIX[draw(sizeof PREFIX)];
      byte(p);
      if (p == 0x66) bits = 16;
      else if (p == 0x67) t.address16 = true;
      else t.segment_base = p == 0x64 ? FS_BASE : 0;
    }
    opcode(0x8B);
    put(modrm(draw(8), bits, IN_MEMORY), bits, value(bits));
  }
}

void move(void) {
  family("move");
  mov();
  extend();
  lea();
  conditional();
  swap_bytes();
  xlat();
  implied();
  redundant_prefixes();
}
