/* random.c: numbers that follow from a seed. */
#include "generator.h"

static u32 number; /* never zero */

/* Different cases of a seed, and different seeds, have nothing to do with each other. */
void seed_random(u32 seed, u32 one) {
  u32 mixed = seed * 0x9e3779b1 + one;
  for (u32 n = 0; n < 3; n++) mixed = (mixed ^ mixed >> 15) * 0x85ebca6b + 0x6b43a9b5;
  number = mixed | 1;
  for (u32 n = 0; n < 4; n++) random_bits();
}

/* Marsaglia's xorshift, with a multiplication that breaks its linearity. */
u32 random_bits(void) {
  number ^= number << 13;
  number ^= number >> 17;
  number ^= number << 5;
  return number * 0x9e3779b1;
}

u32 below(u32 count) { return (u64)random_bits() * count >> 32; }

u32 edge_value(void) {
  static const u32 near[] = { 0, 0x10, 0x20, 0x80, 0x100, 0x1000, 0x8000, 0x10000, 0x80000000, WINDOW, 0x7fffffff };
  switch (below(8)) {
  case 0: return random_bits();
  case 1: return random_bits() >> below(32);
  case 2: return (u32)((int)(random_bits()) >> below(32));
  case 3: return 1u << below(32);
  case 4: return random_selector();
  case 5: return random_bits() & 0x80808080;
  default: return near[below(length_of(near))] + below(8) - 4;
  }
}
