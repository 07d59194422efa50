/* PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE. */
#include "vectors.h"

enum { ALL_BUT_ESP = 0xFF & ~(1 << ESP) };

static void stores_before_a_fault(void) {
  undefined_destination_after_exception(
      0, "not in the SDM: whether stores before a fault stay in memory; the restarted instruction repeats them");
}

static void push(unsigned bits) {
  const unsigned bytes = bits / 8;
  for (form("push Zv %u", bits); next_case(); run_case()) {
    stack(bytes, 0);
    operand_prefix(bits);
    byte(0x50 + draw(8));
  }
  for (form("push Iz %u", bits); next_case(); run_case()) {
    stack(bytes, 0);
    operand_prefix(bits);
    byte(0x68);
    immediate(bits, value(bits));
  }
  for (form("push Ib %u", bits); next_case(); run_case()) {
    stack(bytes, 0);
    operand_prefix(bits);
    byte(0x6A);
    immediate(8, value(8));
  }
  for (form("push Ev %u", bits); next_case(); run_case()) {
    stack(bytes, 0);
    e_digit(0xFF, 6, bits, ANYWHERE);
  }
  for (form("pushf %u", bits); next_case(); run_case()) {
    stack(bytes, 0);
    operand_prefix(bits);
    byte(0x9C);
  }
  for (form("pusha %u", bits); next_case(); run_case()) {
    stack(bytes * 8, 0);
    operand_prefix(bits);
    byte(0x60);
    stores_before_a_fault();
  }
}

static void pop(unsigned bits) {
  const unsigned bytes = bits / 8;
  for (form("pop Zv %u", bits); next_case(); run_case()) {
    stack(0, bytes);
    operand_prefix(bits);
    byte(0x58 + draw(8));
  }
  for (form("pop Ev %u", bits); next_case(); run_case()) {
    stack(0, bytes);
    t.esp_bias = bytes;
    e_digit(0x8F, 0, bits, ANYWHERE);
  }
  for (form("popa %u", bits); next_case(); run_case()) {
    stack(0, bytes * 8);
    operand_prefix(bits);
    byte(0x61);
    undefined_destination_after_exception(
        ALL_BUT_ESP, "not in the SDM: whether registers popped before a fault keep their values; POPA pops them again");
  }
  for (form("popf %u", bits); next_case(); run_case()) {
    stack(0, bytes);
    operand_prefix(bits);
    byte(0x9D);
    put_memory(t.initial.reg[ESP], bits, value(bits));
  }
}

/* LEAVE takes ESP from EBP; ENTER reads the outer frames' pointers below EBP. */
static void frames(unsigned bits) {
  for (form("leave %u", bits); next_case(); run_case()) {
    const uint32_t anywhere = t.initial.reg[ESP];
    stack(0, bits / 8);
    t.initial.reg[EBP] = t.initial.reg[ESP];
    t.initial.reg[ESP] = anywhere;
    operand_prefix(bits);
    byte(0xC9);
  }
  for (form("enter Iw,Ib %u", bits); next_case(); run_case()) {
    const unsigned level = one_in(3) ? 0 : one_in(2) ? draw(4) : draw(256);
    stack((level % 32 + 1) * bits / 8, 0);
    t.initial.reg[EBP] = one_in(16) ? pick_address(4) : DATA + 0x80 + draw(0x1F80);
    operand_prefix(bits);
    byte(0xC8);
    immediate(16, one_in(8) ? value(16) : draw(0x100));
    immediate(8, level);
    stores_before_a_fault();
  }
}

void stack_family(void) {
  family("stack");
  for (unsigned bits = 16; bits <= 32; bits += 16) {
    push(bits);
    pop(bits);
    frames(bits);
  }
}
