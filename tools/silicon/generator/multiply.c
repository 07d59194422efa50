/* MUL IMUL DIV IDIV in every form, and the decimal adjustments. */
#include "vectors.h"

static const unsigned SIZE[3] = {8, 16, 32};

static void product_flags(void) {
  undefined(SF | ZF | AF | PF, "SDM vol 2, MUL/IMUL: the SF, ZF, AF and PF flags are undefined");
}

static void product(const char *name, unsigned digit, unsigned bits) {
  const unsigned wide = bits > 8;
  for (form("%s E%s %u", name, wide ? "v" : "b", bits); next_case(); run_case()) {
    const struct operand e = e_digit(0xF6 + wide, digit, bits, ANYWHERE);
    put_register(EAX, bits, related(bits, get(e, bits)));
    product_flags();
  }
}

/* AX, DX:AX or EDX:EAX. */
static void put_dividend(unsigned bits, uint64_t v) {
  if (bits == 8) {
    put_register(EAX, 16, (uint32_t)v);
  } else {
    put_register(EAX, bits, (uint32_t)v);
    put_register(EDX, bits, (uint32_t)(v >> bits));
  }
}

static int64_t sign_extend(unsigned bits, uint32_t v) {
  return (int64_t)((uint64_t)v << (64 - bits)) >> (64 - bits);
}

/* Half of the dividends are made from a quotient and a remainder, so that many divisions succeed and some just do not. */
static void quotient(const char *name, unsigned digit, unsigned bits) {
  const unsigned wide = bits > 8;
  for (form("%s E%s %u", name, wide ? "v" : "b", bits); next_case(); run_case()) {
    const struct operand e = e_digit(0xF6 + wide, digit, bits, ANYWHERE);
    const uint32_t divisor = get(e, bits);
    if (!one_in(4)) {
      const uint32_t q = value(bits), r = divisor ? draw(divisor) : value(bits);
      const bool is_signed = digit == 7;
      const int64_t d = is_signed ? sign_extend(bits, divisor) : divisor;
      const int64_t magnitude = d < 0 ? -d : d;
      const int64_t sq = is_signed ? sign_extend(bits, q) : q;
      const int64_t rest = is_signed && magnitude ? (int64_t)(r % (uint64_t)magnitude) : r;
      const int64_t product = (int64_t)((uint64_t)sq * (uint64_t)d);
      put_dividend(bits, (uint64_t)(is_signed && product < 0 ? product - rest : product + rest));
    }
    undefined(CF | OF | SF | ZF | AF | PF, "SDM vol 2, DIV/IDIV: the CF, OF, SF, ZF, AF and PF flags are undefined");
  }
}

static void several_operands(unsigned bits) {
  unsigned reg;
  for (form("imul Gv,Ev %u", bits); next_case(); run_case()) {
    e_g(0x0FAF, bits, ANYWHERE, &reg);
    product_flags();
  }
  for (form("imul Gv,Ev,Iz %u", bits); next_case(); run_case()) {
    e_g(0x69, bits, ANYWHERE, &reg);
    immediate(bits, value(bits));
    product_flags();
  }
  for (form("imul Gv,Ev,Ib %u", bits); next_case(); run_case()) {
    e_g(0x6B, bits, ANYWHERE, &reg);
    immediate(8, value(8));
    product_flags();
  }
}

static void decimal(void) {
  static const struct {
    const char *name;
    uint8_t op;
    uint16_t flags;
    const char *words;
  } DECIMAL[] = {
      {"daa", 0x27, OF, "SDM vol 2, DAA: the OF flag is undefined"},
      {"das", 0x2F, OF, "SDM vol 2, DAS: the OF flag is undefined"},
      {"aaa", 0x37, OF | SF | ZF | PF, "SDM vol 2, AAA: the OF, SF, ZF and PF flags are undefined"},
      {"aas", 0x3F, OF | SF | ZF | PF, "SDM vol 2, AAS: the OF, SF, ZF and PF flags are undefined"},
      {"aam Ib", 0xD4, OF | AF | CF, "SDM vol 2, AAM: the OF, AF and CF flags are undefined"},
      {"aad Ib", 0xD5, OF | AF | CF, "SDM vol 2, AAD: the OF, AF and CF flags are undefined"},
  };
  for (unsigned i = 0; i < 6; i++) {
    for (form("%s", DECIMAL[i].name); next_case(); run_case()) {
      opcode(DECIMAL[i].op);
      if (i > 3) immediate(8, one_in(2) ? 10 : value(8));
      undefined(DECIMAL[i].flags, DECIMAL[i].words);
    }
  }
}

void multiply(void) {
  family("multiply");
  for (unsigned i = 0; i < 3; i++) {
    product("mul", 4, SIZE[i]);
    product("imul", 5, SIZE[i]);
    quotient("div", 6, SIZE[i]);
    quotient("idiv", 7, SIZE[i]);
  }
  several_operands(16);
  several_operands(32);
  decimal();
}
