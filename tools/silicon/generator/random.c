/* The numbers behind every case. read.ts repeats mix() and random32() to know a case's initial registers. */
#include "vectors.h"

static uint32_t state = 1;

/* The finalizer of MurmurHash3: spreads any 32 bits over 32 bits. */
uint32_t mix(uint32_t x) {
  x ^= x >> 16;
  x *= 0x85EBCA6B;
  x ^= x >> 13;
  x *= 0xC2B2AE35;
  x ^= x >> 16;
  return x;
}

void reseed(uint32_t seed) {
  state = mix(seed);
  if (state == 0) state = 1;
}

/* Marsaglia's xorshift32. */
uint32_t random32(void) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

uint32_t draw(uint32_t below) {
  return (uint32_t)(((uint64_t)random32() * below) >> 32);
}

bool one_in(uint32_t n) {
  return draw(n) == 0;
}

static uint32_t edge(unsigned bits) {
  const uint32_t sign = 1u << (bits - 1);
  switch (draw(12)) {
    case 0: return 0;
    case 1: return 1;
    case 2: return ~0u;
    case 3: return sign;
    case 4: return sign - 1;
    case 5: return sign + 1;
    case 6: return 0x0F;
    case 7: return 0x10;
    case 8: return 0x55555555;
    case 9: return 1u << draw(bits);
    case 10: return ~(1u << draw(bits));
    default: return ~0u << draw(bits);
  }
}

/* A value of that width: a third of them at an edge, some small, the rest anything. */
uint32_t value(unsigned bits) {
  const uint32_t mask = bits == 32 ? ~0u : (1u << bits) - 1;
  switch (draw(6)) {
    case 0:
    case 1: return edge(bits) & mask;
    case 2: return (one_in(2) ? draw(256) : -draw(256)) & mask;
    default: return random32() & mask;
  }
}

/* A second operand: sometimes the same as the first or next to it, where carries, borrows and zeros happen. */
uint32_t related(unsigned bits, uint32_t other) {
  const uint32_t mask = bits == 32 ? ~0u : (1u << bits) - 1;
  switch (draw(16)) {
    case 0: return other & mask;
    case 1: return (other + 1) & mask;
    case 2: return -other & mask;
    default: return value(bits);
  }
}
