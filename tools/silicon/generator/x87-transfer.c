/* Loads, stores, constants, exchanges and conditional moves of the x87. */
#include "vectors.h"

/* Numbers that the format can hold, just cannot hold, or rounds to a denormal. */
static struct real storable(enum format format) {
  if (one_in(4)) return any_real();
  switch (format) {
    case F32: return one_in(2) ? around(-152, -124) : around(-20, 130);
    case F64: return one_in(2) ? around(-1077, -1020) : around(-20, 1026);
    case F80: return any_real();
    case I16: return around(-3, 16);
    case I32: return around(-3, 32);
    case I64: return around(-3, 64);
    case BCD: return around(-3, 60);
    case FORMATS: break;
  }
  return any_real();
}

static void store(const char *name, unsigned op, unsigned digit, enum format format) {
  for (form("%s", name); next_case(); run_case()) {
    x87_state(0, false);
    put_st(0, storable(format));
    x87_memory(op, digit, format);
    if (one_in(24)) t.initial.eflags |= AC;
  }
}

void x87_transfer(void) {
  family_with_x87("x87-transfer");
  x87_memory_form("fld m32fp", 0xD9, 0, F32, true);
  x87_memory_form("fld m64fp", 0xDD, 0, F64, true);
  x87_memory_form("fld m80fp", 0xDB, 5, F80, true);
  x87_memory_form("fild m16int", 0xDF, 0, I16, true);
  x87_memory_form("fild m32int", 0xDB, 0, I32, true);
  x87_memory_form("fild m64int", 0xDF, 5, I64, true);
  x87_memory_form("fbld m80bcd", 0xDF, 4, BCD, true);
  store("fst m32fp", 0xD9, 2, F32);
  store("fstp m32fp", 0xD9, 3, F32);
  store("fst m64fp", 0xDD, 2, F64);
  store("fstp m64fp", 0xDD, 3, F64);
  store("fstp m80fp", 0xDB, 7, F80);
  store("fist m16int", 0xDF, 2, I16);
  store("fistp m16int", 0xDF, 3, I16);
  store("fist m32int", 0xDB, 2, I32);
  store("fistp m32int", 0xDB, 3, I32);
  store("fistp m64int", 0xDF, 7, I64);
  store("fbstp m80bcd", 0xDF, 6, BCD);

  x87_register_form("fst STi", 0xDDD0);
  x87_register_form("fstp STi", 0xDDD8);
  x87_register_form("fstpnce STi", 0xD9D8);
  x87_register_form("fstp by DF D0", 0xDFD0);
  x87_register_form("fstp by DF D8", 0xDFD8);
  x87_register_form("fxch STi", 0xD9C8);
  x87_register_form("fxch by DD", 0xDDC8);
  x87_register_form("fxch by DF", 0xDFC8);
  x87_register_form("fcmovb", 0xDAC0);
  x87_register_form("fcmove", 0xDAC8);
  x87_register_form("fcmovbe", 0xDAD0);
  x87_register_form("fcmovu", 0xDAD8);
  x87_register_form("fcmovnb", 0xDBC0);
  x87_register_form("fcmovne", 0xDBC8);
  x87_register_form("fcmovnbe", 0xDBD0);
  x87_register_form("fcmovnu", 0xDBD8);
  for (form("fld STi"); next_case(); run_case()) {
    const unsigned index = draw(8);
    byte(0xD9);
    byte(0xC0 | index);
    x87_state(index, true);
  }

  static const char *const CONSTANT[7] = {"fld1", "fldl2t", "fldl2e", "fldpi", "fldlg2", "fldln2", "fldz"};
  for (unsigned i = 0; i < 7; i++) x87_plain_form(CONSTANT[i], 0xD9E8 | i, true);
}
