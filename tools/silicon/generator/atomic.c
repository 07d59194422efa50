/* CMPXCHG XADD CMPXCHG8B, and the LOCK prefix where it is allowed and where it is not. */
#include "vectors.h"

static const unsigned SIZE[3] = {8, 16, 32};

static void exchange(unsigned bits, bool lock) {
  const unsigned wide = bits > 8;
  const char *prefix = lock ? "lock " : "", *v = wide ? "v" : "b";
  unsigned reg;
  for (form("%scmpxchg E%s,G%s %u", prefix, v, v, bits); next_case(); run_case()) {
    if (lock) byte(0xF0);
    const struct operand e = e_g(0x0FB0 + wide, bits, lock ? IN_MEMORY : ANYWHERE, &reg);
    if (one_in(2)) put_register(EAX, bits, get(e, bits));
  }
  for (form("%sxadd E%s,G%s %u", prefix, v, v, bits); next_case(); run_case()) {
    if (lock) byte(0xF0);
    e_g(0x0FC0 + wide, bits, lock ? IN_MEMORY : ANYWHERE, &reg);
  }
}

static void exchange_8_bytes(bool lock) {
  for (form("%scmpxchg8b Mq", lock ? "lock " : ""); next_case(); run_case()) {
    if (lock) byte(0xF0);
    prefixes(32);
    opcode(0x0FC7);
    const uint32_t address = modrm(1, 64, IN_MEMORY).address;
    if (one_in(2)) {
      put_memory(address, 32, t.initial.reg[EAX]);
      put_memory(address + 4, 32, t.initial.reg[EDX]);
    }
    if (one_in(4)) put_memory(address + draw(8), 8, value(8));
  }
}

/* One of each instruction that takes LOCK, SDM volume 2, LOCK. Register destinations raise #UD. */
static void locked(void) {
  static const struct {
    const char *name;
    uint16_t op;
    int8_t digit; /* -1: a register */
  } LOCKED[] = {
      {"add", 0x01, -1},  {"or", 0x09, -1},    {"adc", 0x11, -1},   {"sbb", 0x19, -1},   {"and", 0x21, -1},
      {"sub", 0x29, -1},  {"xor", 0x31, -1},   {"inc", 0xFF, 0},    {"dec", 0xFF, 1},    {"not", 0xF7, 2},
      {"neg", 0xF7, 3},   {"xchg", 0x87, -1},  {"bts", 0x0FBA, 5},  {"btr", 0x0FBA, 6},  {"btc", 0x0FBA, 7},
  };
  for (unsigned i = 0; i < sizeof LOCKED / sizeof *LOCKED; i++) {
    for (form("lock %s 32", LOCKED[i].name); next_case(); run_case()) {
      unsigned reg;
      byte(0xF0);
      if (LOCKED[i].digit < 0)
        e_g(LOCKED[i].op, 32, one_in(8) ? IN_REGISTER : IN_MEMORY, &reg);
      else
        e_digit(LOCKED[i].op, (unsigned)LOCKED[i].digit, 32, one_in(8) ? IN_REGISTER : IN_MEMORY);
      if (LOCKED[i].op == 0x0FBA) {
        immediate(8, value(8));
        undefined(OF | SF | AF | PF, "SDM vol 2, BT/BTS/BTR/BTC: the OF, SF, AF and PF flags are undefined");
      }
      if (i == 1 || i == 4 || i == 6) undefined(AF, "SDM vol 2, AND/OR/XOR/TEST: the state of the AF flag is undefined");
    }
  }
}

/* LOCK in front of anything else raises #UD, before the operand is looked at. */
static void locked_wrongly(void) {
  static const uint16_t OP[] = {0x39, 0x85, 0x89, 0x8B, 0x03, 0x0FA3, 0x8D, 0x0FAF, 0x0FB6, 0x0F45};
  static const uint8_t SHORT[] = {0x90, 0x98, 0xF8, 0x40, 0x50, 0xA4, 0xC3, 0x9C, 0x04, 0xE9};
  for (form("lock of a ModRM instruction that takes none"); next_case(); run_case()) {
    unsigned reg;
    byte(0xF0);
    e_g(OP[draw(sizeof OP / sizeof *OP)], 32, IN_MEMORY, &reg);
  }
  for (form("lock of an instruction without ModRM"); next_case(); run_case()) {
    byte(0xF0);
    byte(SHORT[draw(sizeof SHORT)]);
    immediate(32, random32());
  }
}

void atomic(void) {
  family("atomic");
  for (unsigned lock = 0; lock < 2; lock++) {
    for (unsigned i = 0; i < 3; i++) exchange(SIZE[i], lock);
    exchange_8_bytes(lock);
  }
  locked();
  locked_wrongly();
}
