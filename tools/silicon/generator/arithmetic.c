/* ADD OR ADC SBB AND SUB XOR CMP in every encoding, TEST, INC DEC NEG NOT. */
#include "vectors.h"

static const char *const NAME[8] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
static const unsigned SIZE[3] = {8, 16, 32};

static void logic_leaves_af_undefined(bool logic) {
  if (logic) undefined(AF, "SDM vol 2, AND/OR/XOR/TEST: the state of the AF flag is undefined");
}

static bool logical(unsigned op) {
  return op == 1 || op == 4 || op == 6;
}

/* An E operand and an immediate: Ib, Iz, or Ib extended with its sign. */
static void e_immediate(unsigned op, unsigned digit, unsigned bits, unsigned immediate_bits, bool logic) {
  const struct operand e = e_digit(op, digit, bits, ANYWHERE);
  immediate(immediate_bits, related(bits, get(e, bits)));
  logic_leaves_af_undefined(logic);
  run_case();
}

static void accumulator_immediate(unsigned op, unsigned bits, bool logic) {
  const uint32_t v = value(bits);
  prefixes(bits);
  opcode(op);
  put_register(EAX, bits, v);
  immediate(bits, related(bits, v));
  logic_leaves_af_undefined(logic);
  run_case();
}

static void two_operands(unsigned op) {
  const bool logic = logical(op);
  for (unsigned i = 0; i < 3; i++) {
    const unsigned bits = SIZE[i], wide = bits > 8;
    const char *n = NAME[op], *v = wide ? "v" : "b";
    unsigned reg;
    for (form("%s E%s,G%s %u", n, v, v, bits); next_case(); run_case()) {
      e_g(op * 8 + wide, bits, ANYWHERE, &reg);
      logic_leaves_af_undefined(logic);
    }
    for (form("%s G%s,E%s %u", n, v, v, bits); next_case(); run_case()) {
      e_g(op * 8 + 2 + wide, bits, ANYWHERE, &reg);
      logic_leaves_af_undefined(logic);
    }
    form(wide ? "%s eAX,Iz %u" : "%s AL,Ib %u", n, bits);
    while (next_case()) accumulator_immediate(op * 8 + 4 + wide, bits, logic);
    form(wide ? "%s Ev,Iz %u" : "%s Eb,Ib %u", n, bits);
    while (next_case()) e_immediate(0x80 + wide, op, bits, bits, logic);
    form(wide ? "%s Ev,Ib %u" : "%s Eb,Ib (82) %u", n, bits);
    while (next_case()) e_immediate(wide ? 0x83 : 0x82, op, bits, 8, logic);
  }
}

static void test(void) {
  for (unsigned i = 0; i < 3; i++) {
    const unsigned bits = SIZE[i], wide = bits > 8;
    const char *v = wide ? "v" : "b";
    unsigned reg;
    for (form("test E%s,G%s %u", v, v, bits); next_case(); run_case()) {
      e_g(0x84 + wide, bits, ANYWHERE, &reg);
      logic_leaves_af_undefined(true);
    }
    form(wide ? "test eAX,Iz %u" : "test AL,Ib %u", bits);
    while (next_case()) accumulator_immediate(0xA8 + wide, bits, true);
    form(wide ? "test Ev,Iz %u" : "test Eb,Ib %u", bits);
    while (next_case()) e_immediate(0xF6 + wide, 0, bits, bits, true);
    form(wide ? "test Ev,Iz (/1) %u" : "test Eb,Ib (/1) %u", bits);
    while (next_case()) e_immediate(0xF6 + wide, 1, bits, bits, true);
  }
}

static void one_operand(void) {
  static const struct {
    const char *name;
    uint8_t op, digit;
  } UNARY[] = {{"inc", 0xFE, 0}, {"dec", 0xFE, 1}, {"not", 0xF6, 2}, {"neg", 0xF6, 3}};
  for (unsigned i = 0; i < 4; i++) {
    for (unsigned s = 0; s < 3; s++) {
      const unsigned bits = SIZE[s], wide = bits > 8;
      for (form("%s E%s %u", UNARY[i].name, wide ? "v" : "b", bits); next_case(); run_case())
        e_digit(UNARY[i].op + wide, UNARY[i].digit, bits, ANYWHERE);
      if (i > 1 || !wide) continue;
      for (form("%s Zv %u", UNARY[i].name, bits); next_case(); run_case()) {
        const unsigned reg = draw(8);
        operand_prefix(bits);
        byte(0x40 + i * 8 + reg);
        put_register(reg, bits, value(bits));
      }
    }
  }
}

void arithmetic(void) {
  family("arithmetic");
  for (unsigned op = 0; op < 8; op++) two_operands(op);
  test();
  one_operand();
}
