/* Writes the bytes of an instruction and makes the operands they name hold chosen values. */
#include "vectors.h"

void byte(unsigned b) {
  t.code[t.length++] = (uint8_t)b;
}

/* One byte, or two with 0F in front for 0x0Fxx. */
void opcode(unsigned op) {
  if (op > 0xFF) byte(op >> 8);
  byte(op & 0xFF);
}

void immediate(unsigned bits, uint32_t v) {
  for (unsigned i = 0; i < bits; i += 8) byte(v >> i & 0xFF);
}

void operand_prefix(unsigned bits) {
  if (bits == 16) byte(0x66);
}

/* Now and then a segment override and an address-size prefix, and 66 where the operand size needs it. */
void prefixes(unsigned bits) {
  static const uint8_t OVERRIDE[] = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x64, 0x64, 0x65};
  if (one_in(20)) {
    const uint8_t p = OVERRIDE[draw(sizeof OVERRIDE)];
    if (p == 0x64) t.segment_base = FS_BASE;
    byte(p);
  }
  if (one_in(8)) {
    t.address16 = true;
    byte(0x67);
  }
  operand_prefix(bits);
}

/* Nothing is ever mapped there, neither by a case nor by the generator. */
static uint32_t unmapped_address(void) {
  if (t.address16) return one_in(2) ? draw(0xF00) : 0xA000 + draw(0x4000);
  switch (draw(4)) {
    case 0: return draw(0xF00);
    case 1: return DATA_END + draw(0x8000);
    case 2: return 0xA0000000 + draw(0x1000000);
    default: return 0xFFFFF000 + draw(0xF00);
  }
}

/* Mostly inside the writable pages; sometimes across a page, read-only, half or wholly outside. */
uint32_t pick_address(unsigned bytes) {
  const uint32_t back = bytes > 1 ? 1 + draw(bytes - 1) : 1;
  switch (draw(48)) {
    case 0: return unmapped_address();
    case 1: return DATA - back;
    case 2:
    case 3: return 0x10000 - back;
    case 4: return t.address16 ? DATA : DATA_END - back;
    case 5: return t.address16 ? DATA : READ_ONLY - back;
    case 6:
    case 7: return t.address16 ? 0x10000 - bytes : READ_ONLY + draw(DATA_END - READ_ONLY - bytes);
    default: return DATA + draw((t.address16 ? 0x10000 : READ_ONLY) - DATA - bytes + 1);
  }
}

void pin(unsigned reg) {
  t.pinned |= (uint8_t)(1u << reg);
}

static bool pinned(unsigned reg) {
  return t.pinned >> reg & 1;
}

/* The value of a register in an address. */
static uint32_t address_part(unsigned reg) {
  return t.initial.reg[reg] + (reg == ESP ? t.esp_bias : 0);
}

/*
 * ModRM, SIB and displacement so that the address comes out as wanted: a full displacement takes up the difference,
 * otherwise the base register does. False when this form cannot reach the address.
 */
static bool address32(unsigned reg, uint32_t offset) {
  const unsigned mod = draw(3), rm = draw(8), scale = draw(4), index = draw(8);
  const bool sib = rm == ESP;
  const unsigned base = sib ? draw(8) : rm;
  const bool no_base = mod == 0 && base == EBP;
  const bool indexed = sib && index != ESP;
  if (indexed) offset -= t.initial.reg[index] << scale;

  uint32_t displacement = 0;
  unsigned displacement_bits = 0;
  if (mod == 2 || no_base) {
    displacement_bits = 32;
    displacement = offset - (no_base ? 0 : address_part(base));
  } else {
    if (pinned(base) || (indexed && base == index)) return false;
    if (mod == 1) {
      displacement_bits = 8;
      displacement = draw(256);
    }
    t.initial.reg[base] = offset - (uint32_t)(int8_t)displacement - (base == ESP ? t.esp_bias : 0);
  }
  if (!no_base) pin(base);
  if (indexed) pin(index);
  byte(mod << 6 | reg << 3 | rm);
  if (sib) byte(scale << 6 | index << 3 | base);
  immediate(displacement_bits, displacement);
  return true;
}

/* The same with 16-bit addressing, SDM volume 2, table 2-1. */
static bool address16(unsigned reg, uint32_t offset) {
  static const uint8_t FIRST[8] = {EBX, EBX, EBP, EBP, ESI, EDI, EBP, EBX};
  static const int8_t SECOND[8] = {ESI, EDI, ESI, EDI, -1, -1, -1, -1};
  const unsigned mod = draw(3), rm = draw(8);
  const unsigned first = FIRST[rm];
  const bool absolute = mod == 0 && rm == 6;
  const bool paired = SECOND[rm] >= 0;
  const unsigned second = paired ? (unsigned)SECOND[rm] : 0;
  if (paired) offset -= t.initial.reg[second];

  uint32_t displacement = 0;
  unsigned displacement_bits = 0;
  if (mod == 2 || absolute) {
    displacement_bits = 16;
    displacement = offset - (absolute ? 0 : t.initial.reg[first]);
  } else {
    if (pinned(first)) return false;
    if (mod == 1) {
      displacement_bits = 8;
      displacement = draw(256);
    }
    put_register(first, 16, offset - (uint32_t)(int8_t)displacement);
  }
  if (!absolute) pin(first);
  if (paired) pin(second);
  byte(mod << 6 | reg << 3 | rm);
  immediate(displacement_bits, displacement);
  return true;
}

/* A memory operand at that linear address. */
struct operand modrm_at(unsigned reg, uint32_t address) {
  const uint32_t offset = address - t.segment_base;
  while (!(t.address16 ? address16(reg, offset) : address32(reg, offset))) {
  }
  return (struct operand){.memory = true, .address = address};
}

/* A ModRM operand of that width, with `reg` (a register or /digit) in the middle. */
struct operand modrm(unsigned reg, unsigned bits, enum where where) {
  if (where == IN_REGISTER || (where == ANYWHERE && one_in(3))) {
    const unsigned rm = draw(8);
    byte(0xC0 | reg << 3 | rm);
    return (struct operand){.memory = false, .reg = (uint8_t)rm};
  }
  return modrm_at(reg, pick_address(bits / 8));
}

/* The low bits of a register; 8-bit registers 4 to 7 are AH, CH, DH, BH. Leaves what an address depends on alone. */
void put_register(unsigned reg, unsigned bits, uint32_t v) {
  const unsigned whole = bits == 8 ? reg & 3 : reg;
  if (pinned(whole)) return;
  uint32_t *r = &t.initial.reg[whole];
  const unsigned shift = bits == 8 && reg >= 4 ? 8 : 0;
  const uint32_t mask = (bits == 32 ? ~0u : (1u << bits) - 1) << shift;
  *r = (*r & ~mask) | (v << shift & mask);
}

uint32_t get_register(unsigned reg, unsigned bits) {
  const uint32_t mask = bits == 32 ? ~0u : (1u << bits) - 1;
  return (bits == 8 ? t.initial.reg[reg & 3] >> (reg >= 4 ? 8 : 0) : t.initial.reg[reg]) & mask;
}

static bool mapped(uint32_t address) {
  return address >= DATA && address < DATA_END;
}

/* Bytes outside the data pages are left out. */
void put_memory(uint32_t address, unsigned bits, uint32_t v) {
  for (unsigned i = 0; i < bits / 8; i++)
    if (mapped(address + i)) data[address + i - DATA] = (uint8_t)(v >> i * 8);
}

uint32_t get_memory(uint32_t address, unsigned bits) {
  uint32_t v = 0;
  for (unsigned i = 0; i < bits / 8; i++)
    if (mapped(address + i)) v |= (uint32_t)data[address + i - DATA] << i * 8;
  return v;
}

void put(struct operand o, unsigned bits, uint32_t v) {
  if (o.memory)
    put_memory(o.address, bits, v);
  else
    put_register(o.reg, bits, v);
}

uint32_t get(struct operand o, unsigned bits) {
  return o.memory ? get_memory(o.address, bits) : get_register(o.reg, bits);
}

/* ESP somewhere with room on both sides; sometimes unaligned, sometimes so that the access faults. */
void stack(unsigned bytes_below, unsigned bytes_above) {
  uint32_t esp;
  switch (draw(24)) {
    case 0: esp = unmapped_address(); break;
    case 1: esp = DATA + draw(bytes_below + 1); break;
    case 2: esp = DATA_END - draw(bytes_above + 1); break;
    case 3: esp = 0x10000 + draw(bytes_below + bytes_above + 1) - bytes_above; break;
    case 4: esp = READ_ONLY + draw(bytes_below + bytes_above + 1) - bytes_above; break;
    default: esp = DATA + bytes_below + draw(READ_ONLY - DATA - bytes_below - bytes_above);
  }
  if (!one_in(4)) esp &= ~3u;
  t.initial.reg[ESP] = esp;
  pin(ESP);
}

/* The form most instructions have: prefixes, opcode, an E operand and a G register, both with values. */
struct operand e_g(unsigned op, unsigned bits, enum where where, unsigned *reg) {
  prefixes(bits);
  opcode(op);
  *reg = draw(8);
  const struct operand e = modrm(*reg, bits, where);
  const uint32_t v = value(bits);
  put(e, bits, v);
  put_register(*reg, bits, related(bits, v));
  return e;
}

/* The same with /digit instead of a register. */
struct operand e_digit(unsigned op, unsigned digit, unsigned bits, enum where where) {
  prefixes(bits);
  opcode(op);
  const struct operand e = modrm(digit, bits, where);
  put(e, bits, value(bits));
  return e;
}
