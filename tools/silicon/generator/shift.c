/* ROL ROR RCL RCR SHL SHR SAL SAR by 1, CL and an immediate; SHLD and SHRD. */
#include "vectors.h"

static const char *const NAME[8] = {"rol", "ror", "rcl", "rcr", "shl", "shr", "sal", "sar"};
static const unsigned SIZE[3] = {8, 16, 32};

static uint32_t count(void) {
  return one_in(3) ? draw(256) : one_in(2) ? draw(4) : draw(36);
}

static void rotate_flags(unsigned masked) {
  if (masked > 1) undefined(OF, "SDM vol 2, RCL/RCR/ROL/ROR: the OF flag is defined only for the 1-bit rotates");
}

static void shift_flags(unsigned masked, bool loses_bits) {
  if (masked == 1) undefined(AF, "SDM vol 2, SAL/SAR/SHL/SHR: for a non-zero count, the AF flag is undefined");
  if (masked > 1 && !loses_bits)
    undefined(AF | OF, "SDM vol 2, SAL/SAR/SHL/SHR: AF is undefined, and OF unless the shift is by 1 bit");
  if (masked > 1 && loses_bits)
    undefined(AF | OF | CF,
              "SDM vol 2, SAL/SAR/SHL/SHR: AF and OF undefined; CF is undefined for SHL and SHR where the count is greater "
              "than or equal to the size of the destination");
}

static void flags(unsigned op, unsigned bits, unsigned masked) {
  if (op < 4)
    rotate_flags(masked);
  else
    shift_flags(masked, op != 7 && masked >= bits);
}

static void group(unsigned op, unsigned bits) {
  const unsigned wide = bits > 8;
  const char *n = NAME[op], *v = wide ? "v" : "b";
  for (form("%s E%s,1 %u", n, v, bits); next_case(); run_case()) {
    e_digit(0xD0 + wide, op, bits, ANYWHERE);
    flags(op, bits, 1);
  }
  for (form("%s E%s,CL %u", n, v, bits); next_case(); run_case()) {
    put_register(ECX, 8, count());
    pin(ECX);
    e_digit(0xD2 + wide, op, bits, ANYWHERE);
    flags(op, bits, t.initial.reg[ECX] & 31);
  }
  for (form("%s E%s,Ib %u", n, v, bits); next_case(); run_case()) {
    const uint32_t n = count();
    e_digit(0xC0 + wide, op, bits, ANYWHERE);
    immediate(8, n);
    flags(op, bits, n & 31);
  }
}

static void double_flags(unsigned bits, unsigned masked, struct operand e) {
  if (masked == 1) undefined(AF, "SDM vol 2, SHLD/SHRD: the AF flag is undefined");
  if (masked > 1 && masked <= bits)
    undefined(AF | OF, "SDM vol 2, SHLD/SHRD: AF undefined; for shifts greater than 1 bit, the OF flag is undefined");
  if (masked > bits)
    undefined_destination(
        e.memory ? 0 : (uint8_t)(1u << e.reg), CF | PF | AF | ZF | SF | OF,
        "SDM vol 2, SHLD/SHRD: with a count above the operand size the result and the flags are undefined");
}

static void double_precision(unsigned op, const char *name, unsigned bits) {
  unsigned reg;
  for (form("%s Ev,Gv,Ib %u", name, bits); next_case(); run_case()) {
    const uint32_t n = count();
    const struct operand e = e_g(op, bits, ANYWHERE, &reg);
    immediate(8, n);
    double_flags(bits, n & 31, e);
  }
  for (form("%s Ev,Gv,CL %u", name, bits); next_case(); run_case()) {
    put_register(ECX, 8, count());
    pin(ECX);
    const struct operand e = e_g(op + 1, bits, ANYWHERE, &reg);
    double_flags(bits, t.initial.reg[ECX] & 31, e);
  }
}

void shift(void) {
  family("shift");
  for (unsigned op = 0; op < 8; op++)
    for (unsigned i = 0; i < 3; i++) group(op, SIZE[i]);
  for (unsigned bits = 16; bits <= 32; bits += 16) {
    double_precision(0x0FA4, "shld", bits);
    double_precision(0x0FAC, "shrd", bits);
  }
}
