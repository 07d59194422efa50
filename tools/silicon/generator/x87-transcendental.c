/* The transcendental instructions. Processors differ in their last place. */
#include "vectors.h"

static void within(void) {
  within_one_unit("SDM volume 1, 8.3.10: results are within one unit in the last place, so two processors may differ by one");
}

static void start(unsigned op, bool pushes) {
  if (one_in(16)) byte(0x66);
  byte(0xD9);
  byte(op);
  x87_state(1, pushes);
  within();
}

static void trigonometric(const char *name, unsigned op, bool pushes) {
  for (form("%s", name); next_case(); run_case()) {
    start(op, pushes);
    if (!one_in(4)) put_st(0, one_in(4) ? around(58, 65) : one_in(3) ? around(-70, 0) : around(-4, 20));
  }
}

void x87_transcendental(void) {
  family_with_x87("x87-transcendental");
  trigonometric("fsin", 0xFE, false);
  trigonometric("fcos", 0xFF, false);
  trigonometric("fsincos", 0xFB, true);
  trigonometric("fptan", 0xF2, true);
  for (form("fpatan"); next_case(); run_case()) {
    start(0xF3, false);
    if (one_in(3)) continue;
    put_st(0, around(-8, 8));
    put_st(1, around(-8, 8));
  }
  for (form("f2xm1"); next_case(); run_case()) {
    start(0xF0, false);
    if (!one_in(4)) put_st(0, one_in(4) ? around(-70, -1) : around(-6, -1));
  }
  for (form("fyl2x"); next_case(); run_case()) {
    start(0xF1, false);
    if (one_in(3)) continue;
    struct real x = one_in(2) ? around(-1, 1) : around(-300, 300);
    if (!one_in(8)) x.sign_exponent &= 0x7FFF;
    put_st(0, x);
    put_st(1, around(-20, 20));
  }
  for (form("fyl2xp1"); next_case(); run_case()) {
    start(0xF9, false);
    if (one_in(3)) continue;
    put_st(0, one_in(4) ? around(-70, -3) : around(-6, -3));
    put_st(1, around(-20, 20));
  }
}
