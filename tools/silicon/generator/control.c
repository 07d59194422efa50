/* Jcc JCXZ LOOP JMP CALL RET near, INT3 INTO BOUND. What branches runs under the trap flag and stops at its target. */
#include "vectors.h"

static const char *const CONDITION[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                          "s", "ns", "p", "np", "l", "ge", "le", "g"};

static void anywhere_in_the_code(void) {
  t.traced = true;
  t.initial.eip = CODE + draw(PAGE - 16);
}

/* With 66 a near branch keeps the low 16 bits of EIP, SDM volume 2, Jcc and JMP. */
static void conditional(void) {
  for (unsigned c = 0; c < 16; c++) {
    for (form("j%s Jb", CONDITION[c]); next_case(); run_case()) {
      anywhere_in_the_code();
      byte(0x70 + c);
      immediate(8, value(8));
    }
    for (unsigned bits = 16; bits <= 32; bits += 16) {
      for (form("j%s Jz %u", CONDITION[c], bits); next_case(); run_case()) {
        anywhere_in_the_code();
        operand_prefix(bits);
        opcode(0x0F80 + c);
        immediate(bits, value(bits));
      }
    }
  }
}

static void counted(void) {
  static const char *const NAME[4] = {"loopne", "loope", "loop", "jcxz"};
  for (unsigned i = 0; i < 4; i++) {
    for (unsigned bits = 16; bits <= 32; bits += 16) {
      for (form("%s Jb, %u-bit count", NAME[i], bits); next_case(); run_case()) {
        anywhere_in_the_code();
        if (bits == 16) byte(0x67);
        if (one_in(4)) byte(0x66);
        byte(0xE0 + i);
        immediate(8, value(8));
        put_register(ECX, bits, one_in(2) ? draw(3) : value(bits));
      }
    }
  }
}

static void jump_and_call(unsigned bits) {
  if (bits == 32) {
    for (form("jmp Jb"); next_case(); run_case()) {
      anywhere_in_the_code();
      byte(0xEB);
      immediate(8, value(8));
    }
  }
  for (form("jmp Jz %u", bits); next_case(); run_case()) {
    anywhere_in_the_code();
    operand_prefix(bits);
    byte(0xE9);
    immediate(bits, value(bits));
  }
  for (form("call Jz %u", bits); next_case(); run_case()) {
    anywhere_in_the_code();
    stack(bits / 8, 0);
    operand_prefix(bits);
    byte(0xE8);
    immediate(bits, value(bits));
  }
  for (form("jmp Ev %u", bits); next_case(); run_case()) {
    anywhere_in_the_code();
    e_digit(0xFF, 4, bits, ANYWHERE);
  }
  for (form("call Ev %u", bits); next_case(); run_case()) {
    anywhere_in_the_code();
    stack(bits / 8, 0);
    e_digit(0xFF, 2, bits, ANYWHERE);
  }
  for (form("ret %u", bits); next_case(); run_case()) {
    anywhere_in_the_code();
    stack(0, bits / 8);
    operand_prefix(bits);
    byte(0xC3);
    put_memory(t.initial.reg[ESP], bits, value(bits));
  }
  for (form("ret Iw %u", bits); next_case(); run_case()) {
    anywhere_in_the_code();
    stack(0, bits / 8);
    operand_prefix(bits);
    byte(0xC2);
    immediate(16, value(16));
    put_memory(t.initial.reg[ESP], bits, value(bits));
  }
}

/* Without INT1: a hypervisor that intercepts #DB shows the address of the INT1 itself instead of the next instruction. */
static void traps(void) {
  static const struct {
    const char *name;
    uint8_t op;
  } TRAP[] = {{"int3", 0xCC}, {"into", 0xCE}};
  for (unsigned i = 0; i < 2; i++)
    for (form("%s", TRAP[i].name); next_case(); run_case()) byte(TRAP[i].op);
  for (unsigned vector = 3; vector <= 4; vector++) {
    for (form("int %u", vector); next_case(); run_case()) {
      byte(0xCD);
      byte(vector);
    }
  }
}

/* The index is signed and both bounds belong to the range, SDM volume 2, BOUND. */
static void bound(unsigned bits) {
  for (form("bound Gv,Ma %u", bits); next_case(); run_case()) {
    const unsigned reg = draw(8);
    const uint32_t index = value(bits), near = draw(5) - 2;
    prefixes(bits);
    opcode(0x62);
    const uint32_t address = modrm(reg, bits * 2, IN_MEMORY).address;
    put_register(reg, bits, index);
    const uint32_t actual = get_register(reg, bits);
    put_memory(address, bits, one_in(2) ? actual + near : one_in(2) ? actual - draw(100) : value(bits));
    put_memory(address + bits / 8, bits, one_in(2) ? actual + draw(3) - 1 : one_in(2) ? actual + draw(100) : value(bits));
  }
}

void control(void) {
  family("control");
  conditional();
  counted();
  jump_and_call(16);
  jump_and_call(32);
  traps();
  bound(16);
  bound(32);
}
