/* MOVS CMPS STOS LODS SCAS with and without REP, both directions, 16- and 32-bit addresses. */
#include "vectors.h"

static const unsigned SIZE[3] = {8, 16, 32};

enum instruction { MOVS = 0xA4, CMPS = 0xA6, STOS = 0xAA, LODS = 0xAC, SCAS = 0xAE };

static uint32_t count(void) {
  if (one_in(64)) return value(t.address16 ? 16 : 32); /* runs until it faults */
  return one_in(3) ? draw(3) : draw(40);
}

/*
 * Gives comparisons something to find: elements alike up to some place, or different up to there. In memory order, so
 * with DF set the string is walked downwards.
 */
static void fill(enum instruction op, uint32_t source, uint32_t destination, unsigned bits, unsigned n) {
  const uint32_t step = (t.initial.eflags & DF ? -1u : 1u) * (bits / 8);
  const bool alike = one_in(2);
  const unsigned change = draw(n + 2);
  for (unsigned i = 0; i < n; i++) {
    const uint32_t from = op == CMPS ? get_memory(source + i * step, bits) : get_register(EAX, bits);
    const bool same = (i < change) == alike;
    put_memory(destination + i * step, bits, same ? from : from + 1 + draw(3));
  }
}

static void one_form(enum instruction op, const char *name, unsigned bits, unsigned prefix, const char *prefix_name) {
  for (form("%s%s %u", prefix_name, name, bits); next_case(); run_case()) {
    const unsigned bytes = bits / 8;
    if (prefix && one_in(2)) byte(prefix);
    prefixes(bits);
    if (prefix && t.code[0] != prefix) byte(prefix);
    byte(op + (bits > 8));

    const unsigned address_bits = t.address16 ? 16 : 32;
    const uint32_t n = count(), source = pick_address(bytes);
    const uint32_t destination = one_in(6) ? source + draw(9) - 4 : pick_address(bytes);
    if (prefix) put_register(ECX, address_bits, n);
    put_register(ESI, address_bits, source - t.segment_base);
    put_register(EDI, address_bits, destination);
    if (prefix && (op == CMPS || op == SCAS))
      undefined_after_exception(
          CF | PF | AF | ZF | SF | OF,
          "SDM vol 2, REP: after a fault EFLAGS is as before the instruction; AMD leaves the last comparison's");
    if (op == CMPS || op == SCAS) fill(op, source, destination, bits, n > 40 ? 40 : n ? n : 1);
  }
}

void string(void) {
  static const struct {
    enum instruction op;
    const char *name;
    bool compares;
  } STRING[] = {
      {MOVS, "movs", false}, {CMPS, "cmps", true}, {STOS, "stos", false}, {LODS, "lods", false}, {SCAS, "scas", true},
  };
  family("string");
  for (unsigned i = 0; i < 5; i++) {
    for (unsigned s = 0; s < 3; s++) {
      one_form(STRING[i].op, STRING[i].name, SIZE[s], 0, "");
      one_form(STRING[i].op, STRING[i].name, SIZE[s], 0xF3, STRING[i].compares ? "repe " : "rep ");
      if (STRING[i].compares) one_form(STRING[i].op, STRING[i].name, SIZE[s], 0xF2, "repne ");
    }
  }
}
