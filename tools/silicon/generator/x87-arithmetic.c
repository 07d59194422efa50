/* Arithmetic and comparisons on the x87's stack: D8, DA, DC and DE, and those without operands of D9. */
#include <string.h>

#include "vectors.h"

/* A memory operand of that format behind a prefix or two. AC is on now and then. */
struct operand x87_memory(unsigned op, unsigned digit, enum format format) {
  prefixes(one_in(16) ? 16 : 32);
  byte(op);
  const struct operand e = modrm_at(digit, pick_address(FORMAT_BYTES[format]));
  put_operand(e.address, format);
  return e;
}

/* D8 C0 and the like: the register is the low three bits. */
static unsigned x87_register(unsigned op) {
  const unsigned index = draw(8);
  if (one_in(16)) byte(0x66);
  byte(op >> 8);
  byte((op & 0xFF) | index);
  return index;
}

void x87_register_form(const char *name, unsigned op) {
  for (form("%s", name); next_case(); run_case()) x87_state(x87_register(op), false);
}

void x87_plain_form(const char *name, unsigned op, bool pushes) {
  for (form("%s", name); next_case(); run_case()) {
    if (one_in(16)) byte(0x66);
    byte(op >> 8);
    byte(op & 0xFF);
    x87_state(1, pushes);
  }
}

void x87_memory_form(const char *name, unsigned op, unsigned digit, enum format format, bool pushes) {
  for (form("%s", name); next_case(); run_case()) {
    x87_state(0, pushes);
    x87_memory(op, digit, format);
    if (one_in(24)) t.initial.eflags |= AC;
  }
}

/* The eight operations by /digit, with each format of memory and both directions between registers. */
static void eight(void) {
  static const char *const NAME[8] = {"add", "mul", "com", "comp", "sub", "subr", "div", "divr"};
  static const struct {
    const char *prefix, *suffix;
    unsigned op;
    enum format format;
  } MEMORY[] = {{"f", "m32fp", 0xD8, F32}, {"fi", "m32int", 0xDA, I32}, {"f", "m64fp", 0xDC, F64}, {"fi", "m16int", 0xDE, I16}};
  char name[40];
  for (unsigned digit = 0; digit < 8; digit++) {
    for (unsigned i = 0; i < sizeof MEMORY / sizeof *MEMORY; i++) {
      strcpy(name, MEMORY[i].prefix);
      strcat(strcat(strcat(name, NAME[digit]), " "), MEMORY[i].suffix);
      x87_memory_form(name, MEMORY[i].op, digit, MEMORY[i].format, false);
    }
  }
  static const char *const TO_ST0[8] = {"fadd ST0,STi",  "fmul ST0,STi",  "fcom ST0,STi", "fcomp ST0,STi",
                                        "fsub ST0,STi", "fsubr ST0,STi", "fdiv ST0,STi", "fdivr ST0,STi"};
  static const char *const TO_STI[8] = {"fadd STi,ST0",   "fmul STi,ST0",  "fcom by DC", "fcomp by DC",
                                        "fsubr STi,ST0", "fsub STi,ST0", "fdivr STi,ST0", "fdiv STi,ST0"};
  static const char *const POPPING[8] = {"faddp STi,ST0",   "fmulp STi,ST0",  "fcomp by DE",    NULL,
                                         "fsubrp STi,ST0", "fsubp STi,ST0", "fdivrp STi,ST0", "fdivp STi,ST0"};
  for (unsigned digit = 0; digit < 8; digit++) {
    x87_register_form(TO_ST0[digit], 0xD8C0 | digit << 3);
    x87_register_form(TO_STI[digit], 0xDCC0 | digit << 3);
    if (POPPING[digit]) x87_register_form(POPPING[digit], 0xDEC0 | digit << 3);
  }
}

/* Without a stack fault AMD leaves C1 as it was, where Intel's manual sets it to 0 (volume 2, FCOMI). */
static void compare_to_flags(const char *name, unsigned op) {
  for (form("%s", name); next_case(); run_case()) {
    const unsigned index = x87_register(op);
    x87_state(index, false);
    if (!is_empty(0) && !is_empty(index)) undefined(X87_C1, "not on AMD: C1 is set to 0");
  }
}

/* ST(1) is a small integer in most cases, and sometimes takes the result out of the range. */
static void scale(void) {
  for (form("fscale"); next_case(); run_case()) {
    byte(0xD9);
    byte(0xFD);
    x87_state(1, false);
    if (!one_in(4)) put_st(1, one_in(4) ? around(10, 15) : around(-2, 8));
  }
}

static void partial_remainder(void) {
  for (unsigned op = 0xF5; op <= 0xF8; op += 3) {
    for (form(op == 0xF5 ? "fprem1" : "fprem"); next_case(); run_case()) {
      byte(0xD9);
      byte(op);
      x87_state(1, false);
      if (one_in(3)) continue;
      const struct real divisor = around(-40, 40);
      put_st(1, divisor);
      put_st(0, around(one_in(4) ? 60 : -44, one_in(4) ? 200 : 60));
    }
  }
}

void x87_arithmetic(void) {
  family_with_x87("x87-arithmetic");
  eight();
  scale();
  partial_remainder();
  x87_plain_form("fcompp", 0xDED9, false);
  x87_plain_form("fucompp", 0xDAE9, false);
  x87_register_form("fucom ST0,STi", 0xDDE0);
  x87_register_form("fucomp ST0,STi", 0xDDE8);
  compare_to_flags("fucomi ST0,STi", 0xDBE8);
  compare_to_flags("fcomi ST0,STi", 0xDBF0);
  compare_to_flags("fucomip ST0,STi", 0xDFE8);
  compare_to_flags("fcomip ST0,STi", 0xDFF0);
  x87_plain_form("fchs", 0xD9E0, false);
  x87_plain_form("fabs", 0xD9E1, false);
  x87_plain_form("ftst", 0xD9E4, false);
  x87_plain_form("fxam", 0xD9E5, false);
  x87_plain_form("fxtract", 0xD9F4, true);
  x87_plain_form("fsqrt", 0xD9FA, false);
  x87_plain_form("frndint", 0xD9FC, false);
}
