/* instruction.c: one random instruction, with registers and memory that give it something to do. */
#include "generator.h"

/*
 * What follows an opcode. m: ModRM; B, Z: ModRM and an immediate of one byte, or of the operand size; b, w, z, e: an immediate of
 * one byte, two, the operand size, two and one; p: a far pointer; o: an offset of the address size; r, R: a displacement of one
 * byte, or of the operand size; a point: nothing; a dash: the opcode is not tried.
 */
static const char one_byte[] =
  "mmmmbz..mmmmbz.-mmmmbz..mmmmbz.."
  "mmmmbz-.mmmmbz-.mmmmbz-.mmmmbz-."
  "................................"
  "..mm----zZbB....rrrrrrrrrrrrrrrr"
  "BZBBmmmmmmmmmmmm..........p....."
  "oooo....bz......bbbbbbbbzzzzzzzz"
  "BBw.mmBZe.w..b..mmmmbb-.--------"
  "rrrrbbbbRRpr....-.--..mm......mm";
static const char two_byte[] =
  "mmmm.-.-.-.-.---"
  "--------mmmmmmmm"
  "mmmm------------"
  ".-.-..----------"
  "mmmmmmmmmmmmmmmm"
  "----------------"
  "----------------"
  "----------------"
  "RRRRRRRRRRRRRRRR"
  "mmmmmmmmmmmmmmmm"
  "..-mBm--...mBm-m"
  "mmmmmmmm-mBmmmmm"
  "mm-----m........"
  "----------------"
  "----------------"
  "----------------";

struct instruction instruction;

static bool wide_operand, wide_address, repeated;
static int override; /* a segment register, or -1 */
static u32 prefixes; /* how many bytes */
static u32 modrm;
static bool has_memory;
static u32 memory_segment, memory_offset;
static u32 address_registers; /* one bit each */
static u32 alignment;         /* of the operand's address, less one */
static u32 level;             /* privilege level that the instruction runs at */

static bool is_virtual(void) { return state.eflags & FLAG_VM; }

static void byte(u32 value) { instruction.bytes[instruction.length++] = value; }
static void bytes(u32 value, u32 size) {
  for (u32 n = 0; n < size; n++) byte(value >> 8 * n);
}
static u32 operand_size(void) { return wide_operand ? 4 : 2; }

static void set_register(u32 number, u32 value) {
  if (!(address_registers >> number & 1)) state.general[number] = value;
}

void put(u32 linear, u32 value, u32 size) {
  for (u32 n = 0; n < size; n++) {
    u32 offset = memory_at(linear + n, 0);
    if (offset != NO_MEMORY) patch_byte(offset, value >> 8 * n);
  }
}

static void put_at(u32 segment, u32 offset, u32 value, u32 size) {
  put(segment_of(state.segment[segment]).base + offset, value, size);
}

/* An offset into a segment: mostly within it and where there is memory, otherwise where it ends, or a page, or everything. */
static u32 random_offset(u32 selector, bool wide) {
  struct segment s = segment_of(selector);
  u32 offset = 0;
  switch (below(16)) {
  case 0: offset = s.limit - below(9); break;
  case 1: offset = s.limit + below(9) - 4; break;
  case 2: offset = -below(9); break;
  case 3: offset = edge_value(); break;
  case 4: offset = below(16); break;
  case 5: case 6:
    offset = WINDOW + below(WINDOW_PAGES) * PAGE - s.base - below(9);
    break;
  case 7: offset = LARGE + below(LARGE_PAGES * PAGE - 16) - s.base; break;
  default:
    for (u32 n = 0; n < 8; n++) {
      u32 linear = WINDOW + below(WINDOW_PAGES * PAGE);
      if (chance(8)) linear = TOP + below(TOP_PAGES * PAGE + LOW_PAGES * PAGE);
      offset = s.limit < WINDOW_PAGES * PAGE && chance(2) ? below(s.limit + 1) : linear - s.base;
      if (is_virtual()) offset = below(0x10000);
      if (!wide) offset &= 0xffff;
      if (offset_valid(&s, offset) && memory_at(s.base + offset, level == 3 ? PAGE_USER : 0) != NO_MEMORY) break;
    }
  }
  return wide ? offset : offset & 0xffff;
}

static bool stack_is_big(void) { return segment_of(state.segment[SS]).attributes & 1 << 22 && !is_virtual(); }

static u32 stack_linear(void) {
  return segment_of(state.segment[SS]).base + (stack_is_big() ? state.general[ESP] : state.general[ESP] & 0xffff);
}

/* Whether a few words can be pushed. */
static bool stack_has_room(u32 offset) {
  struct segment s = segment_of(state.segment[SS]);
  u32 need = PAGE_WRITABLE | (level == 3 ? PAGE_USER : 0);
  if (!stack_is_big()) offset &= 0xffff;
  return offset_valid(&s, offset - 1) && offset_valid(&s, offset - 32) && memory_at(s.base + offset - 1, need) != NO_MEMORY &&
         memory_at(s.base + offset - 32, need) != NO_MEMORY;
}

static u32 stack_offset(void) {
  bool big = stack_is_big();
  u32 offset = 0;
  for (u32 n = 0; n < 16; n++) {
    offset = random_offset(state.segment[SS], big) & ~(chance(4) ? 0u : 3u);
    if (stack_has_room(offset)) break;
  }
  return big ? offset : offset | (edge_value() & 0xffff0000);
}

static u32 code_offset(u32 selector) {
  struct segment s = segment_of(selector);
  u32 offset = 0;
  for (u32 n = 0; n < 8; n++) {
    offset = random_offset(selector, true);
    if (offset_valid(&s, offset) && memory_at(s.base + offset, level == 3 ? PAGE_USER : 0) != NO_MEMORY) break;
  }
  return offset;
}

/*
 * Any selector for SS, but for one of a segment that is not present: #NP or #SS, the manual says both of IRET; and one of
 * 4 GB, in which words may wrap around or not (SDM volume 3, 5.3). */
static u32 random_stack(u32 for_level) {
  u32 selector = random_selector();
  struct segment s = segment_of(selector);
  return s.attributes && (!(s.attributes & 0x8000) || s.limit == 0xffffffff) ? stack_selector(for_level) : selector;
}

static u32 random_flags(void) {
  u32 flags = FLAG_ONE | FLAG_TF | (random_bits() & (STATUS | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_ID));
  if (chance(4)) flags |= FLAG_AC;
  if (chance(8)) flags |= FLAG_NT;
  if (chance(16)) flags |= FLAG_RF;
  if (chance(8)) flags |= random_bits() & (FLAG_VIF | FLAG_VIP);
  return flags;
}

/* VIF and VIP both set are an exception where flags are virtual. Bochs has it with IOPL 3 as well, and by PVI in virtual-8086 mode. */
static u32 judged_flags(u32 flags) {
  bool virtual = (flags & FLAG_VM) && now_cr4 & CR4_PVI && !(now_cr4 & CR4_VME);
  return (flags & FLAG_IOPL) == FLAG_IOPL || virtual ? flags & ~FLAG_VIP : flags;
}

static u32 random_paragraph(void) {
  return chance(16) ? 0xffff - below(4) : chance(16) ? random_bits() & 0xffff : below(LOW_PAGES * PAGE / 16 - 0x800);
}

/* A stack for this level, mostly with room: without any, ring 0 has a double fault. */
static void choose_stack(void) {
  for (u32 n = 0; n < 8; n++) {
    u32 stack = stack_selector(level);
    state.segment[SS] = stack ? stack : 8 * (FIRST_TEST + (level == 0 ? 1 : 3)) | level;
    state.general[ESP] = stack_offset();
    if (stack_has_room(state.general[ESP]) || chance(32)) return;
  }
}

/* Another privilege level or mode, and segments that fit it, or nearly. */
void new_place(void) {
  static const u8 levels[] = { 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3 };
  instruction.loads_segments = true;
  state.eflags = random_flags();
  if (chance(5)) {
    level = 3;
    state.eflags |= FLAG_VM;
    for (u32 n = 0; n < 6; n++) state.segment[n] = random_paragraph();
  } else {
    level = levels[below(length_of(levels))];
    state.segment[CS] = code_selector(level);
    if (!(state.segment[CS] & 0xfffc) || chance(64) || !stack_selector(level)) {
      level = 3;
      state.segment[CS] = 8 * (FIRST_TEST + 2) | 3;
    }
    choose_stack();
    static const u8 others[] = { ES, DS, FS, GS };
    for (u32 n = 0; n < 4; n++)
      state.segment[others[n]] = chance(16) ? 0 : chance(64) ? random_selector() : data_selector(level);
    if (chance(64)) state.segment[SS] = random_stack(level);
  }
  state.eip = code_offset(state.segment[CS]);
  if (!stack_has_room(state.general[ESP])) state.general[ESP] = stack_offset();
}

static void prefix(u32 value) {
  if (prefixes < 14) byte(value), prefixes++;
  if (value == 0x66) wide_operand = !(segment_of(state.segment[CS]).attributes & 1 << 22) || is_virtual();
  if (value == 0x67) wide_address = !(segment_of(state.segment[CS]).attributes & 1 << 22) || is_virtual();
}

static void random_prefixes(void) {
  static const u8 segments[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
  override = -1;
  repeated = false;
  prefixes = 0;
  wide_operand = wide_address = segment_of(state.segment[CS]).attributes & 1 << 22 && !is_virtual();
  u32 rounds = chance(512) ? below(16) : 1;
  for (u32 n = 0; n < rounds; n++) {
    if (chance(5)) prefix(0x66);
    if (chance(6)) {
      override = below(6);
      prefix(segments[override]);
    }
    if (chance(7)) prefix(0x67);
    if (chance(32)) prefix(0xf0);
    if (chance(24)) {
      prefix(0xf2 + below(2));
      repeated = true;
    }
  }
}

/* ModRM, SIB and displacement, for an address that is worth a visit. */
static void random_operand(u32 field, bool register_too) {
  if (register_too) {
    modrm = 0xc0 | field << 3 | below(8);
    has_memory = false;
    byte(modrm);
    return;
  }
  has_memory = true;
  u32 mode = below(3), rm = below(8);
  u32 *r = state.general;
  modrm = mode << 6 | field << 3 | rm;
  byte(modrm);
  if (wide_address) {
    u32 base = rm, index = 4, scale = 0;
    if (rm == 4) {
      base = below(8);
      index = below(8);
      scale = below(4);
      byte(scale << 6 | index << 3 | base);
    }
    bool no_base = base == 5 && mode == 0;
    memory_segment = override >= 0 ? (u32)override : !no_base && (base == ESP || base == EBP) ? SS : DS;
    memory_offset = random_offset(state.segment[memory_segment], true);
    memory_offset -= (segment_of(state.segment[memory_segment]).base + memory_offset) & alignment;
    u32 indexed = 0;
    if (index != 4) {
      if (chance(4)) r[index] = edge_value();
      if (index != ESP) address_registers |= 1 << index;
      indexed = r[index] << scale;
    }
    if (no_base) {
      bytes(memory_offset - indexed, 4);
      return;
    }
    address_registers |= 1 << base;
    u32 displacement = mode == 0 ? 0 : mode == 1 ? (u32)(int)(signed char)random_bits() : edge_value();
    if (base == ESP || base == index) {
      if (mode == 2) displacement = memory_offset - r[base] - indexed;
      else memory_offset = r[base] + indexed + displacement;
    } else {
      r[base] = memory_offset - indexed - displacement;
    }
    if (mode) bytes(displacement, mode == 1 ? 1 : 4);
    return;
  }
  static const u8 bases[] = { EBX, EBX, EBP, EBP, ESI, EDI, EBP, EBX };
  static const u8 indices[] = { ESI, EDI, ESI, EDI };
  bool no_base = mode == 0 && rm == 6;
  u32 base = bases[rm];
  memory_segment = override >= 0 ? (u32)override : !no_base && base == EBP ? SS : DS;
  memory_offset = random_offset(state.segment[memory_segment], false);
  memory_offset -= (segment_of(state.segment[memory_segment]).base + memory_offset) & alignment;
  if (no_base) {
    bytes(memory_offset, 2);
    return;
  }
  u32 displacement = mode == 0 ? 0 : mode == 1 ? (u32)(int)(signed char)random_bits() : edge_value();
  u32 indexed = rm < 4 ? r[indices[rm]] : 0;
  r[base] = (r[base] & 0xffff0000) | ((memory_offset - indexed - displacement) & 0xffff);
  address_registers |= 1 << base | (rm < 4 ? 1u << indices[rm] : 0);
  if (mode) bytes(displacement, mode);
}

/* The operand that ModRM names becomes this. */
static void set_operand(u32 value, u32 size) {
  if (has_memory) put_at(memory_segment, memory_offset, value, size);
  else state.general[modrm & 7] = value;
}

/* Places a breakpoint instruction where the processor may arrive without its trap flag. */
static void guard(u32 selector, u32 offset) { put(segment_of(selector).base + offset, 0xcc, 1); }

static u32 return_offset(u32 selector) {
  u32 offset = chance(8) ? edge_value() : code_offset(selector);
  /* Bochs lets far returns and IRET leave the segment in virtual-8086 mode. */
  return wide_operand && !is_virtual() ? offset : offset & 0xffff;
}

/* A place for far transfers: mostly code of this level, or of a less privileged one if `outward`. */
static u32 far_selector(bool outward) {
  u32 to = outward && chance(2) ? level + below(4 - level) : level;
  if (is_virtual()) return random_paragraph();
  return chance(3) ? random_selector() : code_selector(to);
}

static u32 stack_slot; /* what the next word on the stack is at */
static void stack_word(u32 value) {
  struct segment s = segment_of(state.segment[SS]);
  put(s.base + (s.attributes & 1 << 22 && !is_virtual() ? stack_slot : stack_slot & 0xffff), value, operand_size());
  stack_slot += operand_size();
}

/* What a far return or IRET finds on the stack. */
static void return_frame(bool interrupt, u32 skipped) {
  u32 old_level = level;
  stack_slot = state.general[ESP];
  u32 selector = far_selector(true);
  u32 new_level = is_virtual() ? 3 : selector & 3;
  u32 flags = random_flags();
  if (chance(8)) flags &= ~FLAG_TF;
  if (chance(16)) {
    flags |= FLAG_VIF | FLAG_VIP;
    flags &= ~FLAG_TF; /* its trap would come first */
  }
  bool to_virtual = interrupt && !is_virtual() && chance(8);
  if (to_virtual) {
    flags |= FLAG_VM;
    selector = random_paragraph();
    new_level = 3;
  }
  flags = judged_flags(flags);
  level = new_level;
  u32 kept = state.eflags;
  if (to_virtual) state.eflags |= FLAG_VM;
  u32 offset = return_offset(selector);
  if (!(flags & FLAG_TF)) guard(selector, offset);
  struct segment target = segment_of(selector);
  bool offset_fits = offset_valid(&target, offset);
  state.eflags = kept;
  level = old_level;
  stack_word(offset);
  stack_word(selector | (chance(2) ? 0 : edge_value() << 16));
  if (interrupt) stack_word(flags);
  stack_slot += skipped;
  if (!to_virtual && new_level <= level) return;
  stack_word(edge_value());
  stack_word(to_virtual ? random_paragraph() : chance(16) && offset_fits ? random_stack(new_level) : stack_selector(new_level));
  for (u32 n = 0; to_virtual && n < 4; n++) stack_word(random_paragraph());
}

static u32 far_target; /* the last selector that a far pointer was given */
static void far_pointer(u32 *selector, u32 *offset) {
  *selector = far_target = far_selector(false);
  *offset = return_offset(*selector);
}

/* A gate in the interrupt descriptor table clears TF: its code must stop by itself. */
static u32 any_interrupt(void) {
  for (;;) {
    u32 vector = chance(3) ? below(32) : chance(8) ? below(256) : 32 + below(32);
    if (vector >= 64) return vector;
    if (vector == 8 || (vector >= 10 && vector <= 14) || vector == 17) {
      if (level == 0) continue;
      return vector;
    }
    if (vector >= 32) {
      u32 kept = state.eflags;
      state.eflags &= ~FLAG_VM;
      struct segment target = segment_of(now.idt[vector].low >> 16);
      if (!offset_valid(&target, (now.idt[vector].high & 0x800 ? now.idt[vector].high & 0xffff0000 : 0) | (now.idt[vector].low & 0xffff))) {
        state.eflags = kept;
        return 3; /* Bochs looks at the offset before the stack */
      }
      guard(now.idt[vector].low >> 16, (now.idt[vector].high & 0xffff0000) | (now.idt[vector].low & 0xffff));
      guard(now.idt[vector].low >> 16, now.idt[vector].low & 0xffff);
      state.eflags = kept;
    }
    return vector;
  }
}

static u32 software_interrupt(void) {
  u32 vector = any_interrupt();
  if (is_virtual() && now_cr4 & CR4_VME) {
    /* It may go to where the table at address 0 says, with TF clear (SDM volume 3, 20.3.3). */
    u32 paragraph = random_paragraph(), offset = below(0x10000);
    put(4 * vector, offset | paragraph << 16, 4);
    guard(paragraph, offset);
  }
  return vector;
}

static void string_operands(u32 opcode) {
  u32 mask = wide_address ? 0xffffffff : 0xffff;
  bool source = opcode != 0xaa && opcode != 0xab && opcode != 0xae && opcode != 0xaf && (opcode & ~1u) != 0x6c;
  bool target = opcode != 0xac && opcode != 0xad && (opcode & ~1u) != 0x6e;
  if (source) {
    u32 offset = random_offset(state.segment[override >= 0 ? override : DS], wide_address);
    state.general[ESI] = (state.general[ESI] & ~mask) | offset;
  }
  if (target) state.general[EDI] = (state.general[EDI] & ~mask) | random_offset(state.segment[ES], wide_address);
  if (repeated) {
    u32 count = chance(16) ? below(40) : below(5);
    state.general[ECX] = (chance(4) ? random_bits() & ~mask : state.general[ECX] & ~mask) | (count & mask);
  }
}

/* Flags that the manual leaves undefined (SDM volume 2, each instruction; volume 1, appendix A). */
static u32 undefined_flags(u32 opcode, bool second) {
  u32 field = modrm >> 3 & 7;
  if (second) {
    switch (opcode) {
    case 0xa3: case 0xab: case 0xb3: case 0xbb: case 0xba: return FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF;
    case 0xa4: case 0xa5: case 0xac: case 0xad: return FLAG_AF | FLAG_OF;
    case 0xaf: return FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF;
    case 0xbc: case 0xbd: return FLAG_CF | FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF;
    default: return 0;
    }
  }
  if (opcode < 0x40 && (opcode & 7) < 6) {
    u32 operation = opcode >> 3;
    return operation == 1 || operation == 4 || operation == 6 ? FLAG_AF : 0;
  }
  switch (opcode) {
  case 0x27: case 0x2f: return FLAG_OF;
  case 0x37: case 0x3f: return FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_PF;
  case 0x80: case 0x81: case 0x82: case 0x83: return field == 1 || field == 4 || field == 6 ? FLAG_AF : 0;
  case 0x84: case 0x85: case 0xa8: case 0xa9: return FLAG_AF;
  case 0x69: case 0x6b: return FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF;
  case 0xd4: case 0xd5: return FLAG_OF | FLAG_AF | FLAG_CF;
  case 0xc0: case 0xc1: case 0xd2: case 0xd3: return field < 4 ? FLAG_OF : FLAG_OF | FLAG_AF | FLAG_CF;
  case 0xd0: case 0xd1: return field < 4 ? 0 : FLAG_AF;
  case 0xf6: case 0xf7:
    if (field < 2) return FLAG_AF;
    if (field < 4) return 0;
    return field < 6 ? FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF : STATUS;
  default: return 0;
  }
}

static u32 control_value(u32 number) {
  switch (number) {
  case 0: {
    u32 value = now_cr0 ^ (random_bits() & (CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM));
    if (chance(4)) value ^= CR0_PE; /* refused while PG is set */
    if (chance(4)) value ^= CR0_NW;
    if (chance(4)) value ^= CR0_CD;
    if (chance(4)) value ^= random_bits() & 0x1ffaffc0;
    return value;
  }
  case 3: return page_directory() | (random_bits() & 0x18);
  case 4: {
    u32 value = now_cr4 ^ (random_bits() & (CR4_TSD | CR4_DE | CR4_PSE | CR4_PGE | CR4_PCE));
    return chance(4) ? value | 1u << (16 + below(16)) : value;
  }
  default: return edge_value();
  }
}

/* Registers and memory for what an instruction reads without naming it, and for what would lead nowhere at random. */
static bool prepare(u32 opcode, bool second) {
  u32 field = modrm >> 3 & 7;
  u32 selector, offset;
  bool privileged = level == 0 && !is_virtual();
  if (second) {
    switch (opcode) {
    case 0x00:
      set_operand(field == 2 && chance(2) ? TEST_LDT : random_selector(), 2);
      return true;
    case 0x01:
      if (!has_memory) return field == 4 || field == 6;
      if ((field & 6) == 2) { /* LGDT, LIDT: nothing but what the table register has, and another limit */
        u32 limit = field == 2 ? now.gdt_limit : now.idt_limit;
        if (chance(2)) limit = field == 2 ? 8 * FIRST_RANDOM + below(8 * (GDT_COUNT - FIRST_RANDOM)) : 256 + below(256);
        put_at(memory_segment, memory_offset, limit, 2);
        put_at(memory_segment, memory_offset + 2, field == 2 ? GDT_AT : IDT_AT, 4);
        return wide_operand || !privileged;
      }
      return true;
    case 0x02: case 0x03: set_operand(random_selector(), 2); return true;
    case 0x23:
      if ((field & 5) == 5) state.general[modrm & 7] &= 0xffffdf00; /* DR7: no breakpoint, no general detection */
      return true;
    case 0x22: state.general[modrm & 7] = control_value(field); return true;
    case 0x30: case 0x32: return !privileged;
    case 0xa1: case 0xa9:
      stack_slot = state.general[ESP];
      stack_word(random_selector());
      return true;
    case 0xa3: case 0xab: case 0xb3: case 0xbb:
      if (!chance(4)) set_register(field, (u32)(int)(short)(random_bits() & 0x83ff));
      return true;
    case 0xa4: case 0xac: case 0xa5: case 0xad:
      return true;
    case 0xb2: case 0xb4: case 0xb5:
      if (has_memory) put_at(memory_segment, memory_offset + operand_size(), random_selector(), 2);
      return true;
    case 0xc7: return field < 6;
    default: return true;
    }
  }
  if ((opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf) || (opcode >= 0x6c && opcode <= 0x6f)) {
    if (opcode >= 0x6c && opcode <= 0x6f) set_register(EDX, 0x300 + below(16));
    string_operands(opcode);
    return true;
  }
  switch (opcode) {
  case 0x07: case 0x17: case 0x1f:
    stack_slot = state.general[ESP];
    stack_word(is_virtual() ? random_paragraph() : chance(2) ? random_selector() : opcode == 0x17 ? stack_selector(level) : data_selector(level));
    return true;
  case 0x8e:
    set_operand(is_virtual() ? random_paragraph() : chance(2) ? random_selector() : field == SS ? stack_selector(level) : data_selector(level), 2);
    return true;
  case 0x63: set_operand(random_selector(), 2); return true;
  case 0xc4: case 0xc5:
    if (has_memory) put_at(memory_segment, memory_offset + operand_size(), is_virtual() ? random_paragraph() : random_selector(), 2);
    return true;
  case 0x62:
    if (chance(2)) set_operand(edge_value(), operand_size());
    return true;
  case 0x9d:
    stack_slot = state.general[ESP];
    stack_word(judged_flags((random_flags() & ~(chance(8) ? FLAG_TF : 0)) | (random_bits() & 0x3f0000)));
    return true;
  case 0xc2: case 0xc3:
    stack_slot = state.general[ESP];
    stack_word(return_offset(state.segment[CS]));
    return true;
  case 0xca: case 0xcb: return_frame(false, opcode == 0xca ? instruction.bytes[instruction.length - 2] | instruction.bytes[instruction.length - 1] << 8 : 0); return true;
  case 0xcf: return_frame(true, 0); return true;
  case 0xc9:
    if (!chance(4)) state.general[EBP] = stack_offset();
    return true;
  case 0xc8:
    if (!chance(4)) state.general[EBP] = stack_offset();
    return true;
  case 0xd7:
    if (wide_address) state.general[EBX] = random_offset(state.segment[override >= 0 ? override : DS], true) - (state.general[EAX] & 0xff);
    return true;
  case 0xe6: case 0xe7: case 0xe4: case 0xe5: return !privileged && (is_virtual() || level > (state.eflags >> 12 & 3));
  case 0xec: case 0xed: case 0xee: case 0xef: set_register(EDX, 0x300 + below(16)); return true;
  case 0xf4: return !privileged;
  case 0xf6: case 0xf7:
    if (field >= 6 && chance(2)) {
      set_register(EDX, chance(2) ? -(state.general[EAX] >> 31) : below(16));
      if (opcode == 0xf6) set_register(EAX, below(0x400));
    }
    return true;
  case 0xff:
    if (field == 2 || field == 4) {
      set_operand(return_offset(state.segment[CS]), operand_size());
    } else if (field == 3 || field == 5) {
      if (!has_memory) return true;
      far_pointer(&selector, &offset);
      put_at(memory_segment, memory_offset, offset, operand_size());
      put_at(memory_segment, memory_offset + operand_size(), selector, 2);
    }
    return true;
  default: return true;
  }
}

static void immediate(char kind) {
  u32 selector, offset;
  switch (kind) {
  case 'b': case 'B': case 'r': byte(chance(2) ? random_bits() : below(9) - 4); break;
  case 'w': bytes(chance(2) ? below(16) : edge_value(), 2); break;
  case 'e':
    bytes(chance(2) ? below(64) : edge_value(), 2);
    byte(chance(2) ? below(4) : chance(2) ? below(32) : random_bits());
    break;
  case 'R': bytes(chance(4) ? edge_value() : below(512) - 256, operand_size()); break;
  case 'z': case 'Z': bytes(edge_value(), operand_size()); break;
  case 'p':
    far_pointer(&selector, &offset);
    bytes(offset, operand_size());
    bytes(selector, 2);
    break;
  case 'o':
    has_memory = true;
    memory_segment = override >= 0 ? (u32)override : DS;
    memory_offset = random_offset(state.segment[memory_segment], wide_address);
    bytes(memory_offset, wide_address ? 4 : 2);
    break;
  default: break;
  }
}

static bool checks_alignment(void) { return level == 3 && state.eflags & FLAG_AC && now_cr0 & CR0_AM; }

/* IRET to an outer level makes a data segment null that is not for that one (SDM volume 2, IRET). */
static bool becomes_null(u32 segment) {
  if (segment == CS || segment == SS || level == 0 || is_virtual()) return false;
  u32 attributes = segment_of(state.segment[segment]).attributes;
  return (attributes & 0x1c00) != 0x1c00 && (attributes >> 13 & 3) < level;
}

static bool readable(u32 segment, u32 offset, u32 size) {
  struct segment s = segment_of(state.segment[segment]);
  if (!s.valid || becomes_null(segment) || (s.attributes & 0xa00) == 0x800 || offset + size < offset) return false;
  for (u32 n = 0; n < size; n++) {
    if (!offset_valid(&s, offset + n) || memory_at(s.base + offset + n, level == 3 ? PAGE_USER : 0) == NO_MEMORY) return false;
  }
  return true;
}

static bool stack_readable(u32 size) {
  return readable(SS, stack_is_big() ? state.general[ESP] : state.general[ESP] & 0xffff, size);
}

static bool writable(u32 segment, u32 offset, u32 size) {
  struct segment s = segment_of(state.segment[segment]);
  if ((s.attributes & 0xa00) != 0x200 || becomes_null(segment) || offset + size < offset) return false;
  for (u32 n = 0; n < size; n++) {
    if (!offset_valid(&s, offset + n) || memory_at(s.base + offset + n, PAGE_WRITABLE | (level == 3 ? PAGE_USER : 0)) == NO_MEMORY) return false;
  }
  return true;
}

/* Whether this is where the kernel is, or the tests themselves: random code in ring 0 may write there. */
static bool hits_kernel(u32 linear) {
  return (linear >= 0xff000 && linear < TEST_ALIAS + 0x100000) || (linear >= SCRIPT_AT - PAGE && linear < MEMORY_END);
}

/* If registers are to blame, they are others for the next try. */
static bool may_hit_kernel(void) {
  if (level == 3) return false;
  u32 top = stack_is_big() ? state.general[ESP] : state.general[ESP] & 0xffff;
  if (hits_kernel(segment_of(state.segment[SS]).base + top - 32)) {
    if (chance(4) && !is_virtual()) state.segment[SS] = 8 * (FIRST_TEST + (level == 0 ? 1 : 3)) | level;
    state.general[ESP] = stack_offset();
    return true;
  }
  if (hits_kernel(segment_of(state.segment[ES]).base + state.general[EDI])) {
    state.general[EDI] = random_bits();
    return true;
  }
  return has_memory && hits_kernel(segment_of(state.segment[memory_segment]).base + memory_offset);
}

/* Whether the instructions that are made lie in the same memory, whatever the addresses: they come there last. */
static bool near_code(u32 linear) {
  u32 code = segment_of(state.segment[CS]).base + state.eip, at = memory_at(linear, 0);
  for (u32 n = 0; n < 128; n += 127) { /* in either page */
    u32 there = memory_at(code + n, 0);
    if (at != NO_MEMORY && there != NO_MEMORY && at - there + n + 64 < 256) return true;
  }
  return false;
}

/* Where Bochs is known to be wrong, or the manual leaves a choice: see tools/fuzz/differences.txt. False: it is not tried. */
static bool can_be_judged(u32 opcode, bool second) {
  u32 field = modrm >> 3 & 7;
  bool far_call = !second && (opcode == 0x9a || (opcode == 0xff && field == 3));
  if (far_call && checks_alignment()) state.general[ESP] &= ~3u;
  bool push_segment = second ? opcode == 0xa0 || opcode == 0xa8 : opcode == 0x06 || opcode == 0x0e || opcode == 0x16 || opcode == 0x1e;
  if (push_segment && wide_operand) {
    /* The upper half is made what both leave: the instruction itself must not lie there. */
    struct segment code = segment_of(state.segment[CS]), stack = segment_of(state.segment[SS]);
    u32 between = (stack.base + state.general[ESP] - code.base - state.eip + 4) & (PAGE - 1);
    if (between < 40) return false;
    if (level == 0 || !readable(SS, (stack_is_big() ? state.general[ESP] : state.general[ESP] & 0xffff) - 4, 4)) return false;
    state.general[ESP] &= ~3u;
    stack_slot = state.general[ESP] - 4;
    stack_word(0);
  }
  if (!second && opcode == 0x9d && is_virtual() && (state.eflags & FLAG_IOPL) != FLAG_IOPL) return false;
  if (!second && (opcode & ~1u) == 0xa6) {
    u32 mask = wide_address ? 0xffffffff : 0xffff;
    if (checks_alignment() || !readable(override >= 0 ? override : DS, state.general[ESI] & mask, 4) ||
        !readable(ES, state.general[EDI] & mask, 4))
      return false;
  }
  bool pop_segment = second ? opcode == 0xa1 || opcode == 0xa9 : opcode == 0x07 || opcode == 0x17 || opcode == 0x1f;
  u32 top = stack_linear();
  if (pop_segment && wide_operand && (!stack_readable(4) || (top & (PAGE - 1)) > PAGE - 4)) return false;
  if ((pop_segment || push_segment) && wide_operand) instruction.unwatched = true;
  bool shifts = second ? (opcode & ~9u) == 0xa4 : (opcode & ~1u) == 0xc0 || (opcode & ~1u) == 0xd2;
  if (shifts && has_memory) instruction.unwatched = true;
  bool debug_alias = second && (opcode == 0x21 || opcode == 0x23) && (field & 6) == 4;
  if (debug_alias && level > 0) return false;
  if (!second && opcode == 0x63 && has_memory) {
    if (!writable(memory_segment, memory_offset, 2) || !(state.general[field] & 3) || near_code(operand_linear())) return false;
    set_operand(random_selector() & ~3u, 2);
  }
  if (!second && opcode == 0xcd && is_virtual()) instruction.loses_cr2 = true;
  bool near_call = !second && (opcode == 0xe8 || (opcode == 0xff && field == 2));
  if (near_call && !writable(SS, (stack_is_big() ? state.general[ESP] : state.general[ESP] & 0xffff) - operand_size(), operand_size()))
    return false;
  if (near_call && checks_alignment() && (segment_of(state.segment[SS]).base + state.general[ESP]) & 3) return false;
  if (second && opcode == 0x34 && level == 0 && segment_of(state.segment[SS]).base != 0) return false;
  bool load_table = second && opcode == 1 && (field & 6) == 2 && has_memory;
  /* The kernel needs its tables: only where put() has reached. */
  if (load_table && level == 0 && !is_virtual()) {
    struct segment s = segment_of(state.segment[memory_segment]), code = segment_of(state.segment[CS]);
    u32 operand = memory_at(s.base + memory_offset, 0), in_code = memory_at(code.base + state.eip, 0), top = memory_at(stack_linear() - 4, 0);
    if (!readable(memory_segment, memory_offset, 6) || operand - in_code + 128 < 256 || operand - top + 128 < 256) return false;
  }
  bool store_table = second && opcode == 1 && field < 2;
  if (store_table && has_memory) {
    if (checks_alignment() || memory_offset > 0xfffffff0) return false;
    struct segment s = segment_of(state.segment[memory_segment]);
    if (((s.base + memory_offset) & (PAGE - 1)) > PAGE - 6 || offset_valid(&s, memory_offset) != offset_valid(&s, memory_offset + 5))
      return false;
  }
  if ((far_call || (!second && opcode == 0xcd)) && checks_alignment() && (segment_of(state.segment[SS]).base + state.general[ESP]) & 3) return false;
  if (second && opcode == 0x02 && wide_operand && field == ESP) return false;
  if (far_call && level > 0 && !is_virtual() && (segment_of(far_target).attributes & 0x1700) == 0x400) {
    /* A call gate. Of its parameters, any may be read first; and Bochs pushes SP and a zero where a 32-bit gate asks for ESP. */
    if ((top & (PAGE - 1)) > PAGE - 128 || (!stack_is_big() && segment_of(far_target).attributes & 0x800)) return false;
    instruction.loses_cr2 = true;
    /* Bochs reads them before it looks at the offset in the gate, and while it writes to the new stack: ring 0's has room. */
    u32 size = (segment_of(far_target).attributes & 31) * (segment_of(far_target).attributes & 0x800 ? 4 : 2), offset;
    struct segment to = gate_target(far_target, &offset), from = segment_of(state.segment[SS]);
    u32 first = stack_is_big() ? state.general[ESP] : state.general[ESP] & 0xffff;
    if (!stack_is_big() && first + size > 0x10000) return false;
    if (size && !stack_readable(size)) {
      if (to.attributes & 3 << 13 || !offset_valid(&to, offset) || offset_valid(&from, first) != offset_valid(&from, first + size - 1)) return false;
    }
  }
  if (far_call && (stack_is_big() ? state.general[ESP] : state.general[ESP] & 0xffff) < 64) return false;
  if (far_call && level == 3 && !is_virtual() && !writable(SS, (stack_is_big() ? state.general[ESP] : state.general[ESP] & 0xffff) - 8, 8))
    return false;
  if ((pop_segment || push_segment) && checks_alignment() && (segment_of(state.segment[SS]).base + state.general[ESP]) & 3) return false;
  if (!second && ((opcode & ~1u) == 0xc4 || opcode == 0x62 || (opcode == 0x8f && field != 0)) && !has_memory) return false;
  if (debug_alias && opcode == 0x23) state.general[modrm & 7] &= ~0x800fu;
  if (second && (opcode & ~1u) == 0x22 && opcode == 0x23 && (field & 6) == 6) state.general[modrm & 7] &= ~0x800fu;
  if (second && !wide_operand) {
    if (opcode == 0xa4 || opcode == 0xac) instruction.bytes[instruction.length - 1] &= 0xef;
    if (opcode == 0xa5 || opcode == 0xad) state.general[ECX] &= ~0x10u;
  }
  if (second && opcode == 0x02 && wide_operand) instruction.loose_register = field + 1;
  instruction.spoils |= near_call || store_table || (!second && (opcode == 0xc8 || opcode == 0x60 || opcode == 0x9a || (opcode == 0xff && field == 3) || opcode == 0xcd));

  /* Two reads, in an order of the processor's own: they are within a page, and CR2 is not looked at. */
  bool far_jump = !second && opcode == 0xff && (field == 3 || field == 5);
  bool load_pointer = second ? opcode == 0xb2 || opcode == 0xb4 || opcode == 0xb5 : opcode == 0xc4 || opcode == 0xc5;
  bool far_return = !second && (opcode == 0xca || opcode == 0xcb || opcode == 0xcf);
  if (has_memory && (far_jump || load_pointer || (!second && opcode == 0x62))) {
    if (checks_alignment() || memory_offset > 0xfffffff0 || (far_jump && near_code(operand_linear()))) return false;
    struct segment s = segment_of(state.segment[memory_segment]);
    if (((s.base + memory_offset) & (PAGE - 1)) > PAGE - 8 || (!wide_address && memory_offset > 0xfff0)) return false;
    if (offset_valid(&s, memory_offset) != offset_valid(&s, memory_offset + 7)) return false;
    instruction.loses_cr2 = true;
  }
  if (far_return) {
    struct segment s = segment_of(state.segment[SS]);
    u32 offset = s.attributes & 1 << 22 && !is_virtual() ? state.general[ESP] : state.general[ESP] & 0xffff;
    if (near_code(s.base + offset)) return false; /* it is what return_frame() says */
    if (((s.base + offset) & (PAGE - 1)) > PAGE - 40 || offset > 0xffffff00 || (!stack_is_big() && offset > 0xff00)) return false;
    if (opcode == 0xca && (instruction.bytes[instruction.length - 1] || instruction.bytes[instruction.length - 2] > 64)) {
      instruction.bytes[instruction.length - 1] = instruction.bytes[instruction.length - 2] = 0;
      return_frame(false, 0);
    }
    if (offset_valid(&s, offset) != offset_valid(&s, offset + 39)) return false;
    instruction.loses_cr2 = true;
  }
  return true;
}

/* With addresses of 16 bits: whether the parts of a wide operand wrap around each by itself. */
static bool wraps_around(void) { return !wide_address && memory_offset > 0x10000 - 512; }

static bool in_block, in_loop;

/* x87, MMX and SSE. */
static bool try_floats(void) {
  struct segment code = segment_of(state.segment[CS]);
  /* How many bytes are fetched of what is undefined is a choice: it ends within segment and page. */
  if (!offset_valid(&code, state.eip + 100) || state.eip > 0xffffff00 || ((code.base + state.eip) & (PAGE - 1)) > PAGE - 100) return false;
  random_prefixes();
  instruction.floats = true;
  if (chance(2)) {
    u32 opcode = 0xd8 + below(8), field = below(8);
    byte(opcode);
    random_operand(field, chance(2));
    /* F2XM1, FYL2X, FPTAN, FPATAN; FYL2XP1, FSINCOS; FSIN, FCOS: approximations (SDM volume 1, 8.3.10); FSCALE; FPREM1, FPREM. */
    bool loose = opcode == 0xd9 && !has_memory && ((modrm >= 0xf0 && modrm < 0xf4) || modrm == 0xf5 || modrm == 0xf8 || modrm == 0xf9 || modrm == 0xfb || modrm >= 0xfd);
    if (loose) instruction.loose_floats = true;
    if (has_memory && (checks_alignment() || wraps_around())) return false;
    /* A store that faults: Bochs has changed pointers and flags by then. Environments and images: many accesses, in an order of the processor's own. */
    bool image = (opcode == 0xd9 || opcode == 0xdd) && (field & 4);
    bool stores = (opcode & 1) && ((field >= 1 && field < 4) || field >= 6);
    if (has_memory && (image || stores)) {
      if (!writable(memory_segment, memory_offset, image ? 108 : 10)) return false;
      instruction.spoils |= image;
      instruction.loose_pages = true; /* where an unmasked exception keeps it from storing */
    }
    bool wide_load = (opcode == 0xdf && field == 4) || (opcode == 0xdb && field == 5);
    if (has_memory && (in_block || (wide_load && !readable(memory_segment, memory_offset, 10)))) return false;
    /* FSTPNCE; and FLD of a register, which may find one empty and another one full. */
    if (opcode == 0xd9 && !has_memory && (modrm < 0xc8 || (modrm >= 0xd8 && modrm < 0xe0))) return false;
    return true;
  }
  static const u8 mandatory[] = { 0, 0x66, 0xf3, 0xf2 };
  static const struct {
    u8 first, count;
  } ranges[] = { { 0x10, 8 }, { 0x28, 8 }, { 0x50, 16 }, { 0x60, 16 }, { 0x70, 8 }, { 0x7c, 4 }, { 0xc2, 5 }, { 0xd0, 16 }, { 0xe0, 16 }, { 0xf0, 15 }, { 0xae, 1 } };
  u32 n = below(length_of(ranges)), opcode = ranges[n].first + below(ranges[n].count), before = mandatory[below(4)];
  if (opcode == 0xc3 && before) before = 0;
  if (before) prefix(before);
  byte(0x0f);
  byte(opcode);
  /* Two prefixes that each choose an instruction. */
  bool has_66 = wide_operand != (code.attributes >> 22 & 1 && !is_virtual());
  if (repeated || (before >= 0xf2 && has_66)) return false;
  bool to_general = opcode == 0x2c || opcode == 0x2d || opcode == 0x50 || opcode == 0xc5 || opcode == 0xd7 || opcode == 0x7e;
  if (to_general && level == 0) return false; /* ESP might wrap around */
  if (opcode == 0x77) return before == 0;
  alignment = chance(4) ? 0 : 15;
  random_operand(below(8), chance(3));
  alignment = 0;
  if (has_memory && (in_block || checks_alignment() || wraps_around())) return false;
  /* What comes first, the segment's limit or the alignment of 16 bytes. */
  bool aligned = has_memory && ((segment_of(state.segment[memory_segment]).base + memory_offset) & 15) == 0;
  if (has_memory && !aligned && !readable(memory_segment, memory_offset, 16)) return false;
  if (opcode == 0x52 || opcode == 0x53) instruction.loose_floats = true; /* RSQRTPS, RCPPS */
  if ((opcode >= 0x70 && opcode < 0x74) || opcode == 0xc2 || (opcode >= 0xc4 && opcode < 0xc7)) byte(chance(2) ? below(16) : random_bits());
  /* By 0, Bochs leaves the exponent of the x87 register alone. */
  if (opcode > 0x70 && opcode < 0x74 && instruction.bytes[instruction.length - 1] == 0) instruction.bytes[instruction.length - 1] = 1;
  /* By exactly 64, Bochs's PSRLQ leaves an XMM register alone. */
  if (opcode == 0x73 && has_66 && (modrm >> 3 & 7) == 2 && instruction.bytes[instruction.length - 1] == 64) instruction.bytes[instruction.length - 1] = 65;
  if (opcode == 0xae) {
    if (now_cr0 & CR0_EM || !(now_cr4 & CR4_OSFXSR) || (has_memory && !writable(memory_segment, memory_offset, 512))) return false;
    if (has_memory && (modrm >> 3 & 7) == 1) put_at(memory_segment, memory_offset + 24, (random_bits() & 0xffff) | 0xc00, 4); /* MXCSR */
    if (has_memory && (modrm >> 3 & 7) == 2 && !chance(8)) put_at(memory_segment, memory_offset, (random_bits() & 0xffff) | 0xc00, 4);
    /* Of an image, Bochs does not access the bytes that hold nothing. */
    u32 in_page = PAGE - (operand_linear() & (PAGE - 1));
    if (has_memory && !(modrm >> 4 & 3) && in_page >= 288 && in_page < 512) instruction.loose_pages = true;
    instruction.spoils = instruction.unwatched = true;
  }
  if (opcode == 0xf7) {
    if (checks_alignment()) return false;
    state.general[EDI] = random_offset(state.segment[override >= 0 ? override : DS], wide_address);
    if (!wide_address && state.general[EDI] > 0x10000 - 16) return false; /* it wraps around */
    if (in_block || !writable(override >= 0 ? override : DS, wide_address ? state.general[EDI] : state.general[EDI] & 0xffff, 16)) return false;
    instruction.spoils = instruction.unwatched = true;
  }
  return true;
}

static u32 begins_at; /* where the next instruction of a block comes; 0 for the first one */

/* Whether an instruction may be one of several that run without the trap flag: it comes to the next one, unless it faults. */
static bool fits_block(u32 opcode, bool second) {
  u32 field = modrm >> 3 & 7;
  if (second) {
    return (opcode >= 0x40 && opcode < 0x50) || (opcode >= 0x90 && opcode < 0xa0) || opcode == 0xa3 || opcode == 0xab || opcode == 0xb3 ||
           opcode == 0xbb || opcode == 0xba || (opcode & ~9u) == 0xa4 || opcode == 0xaf || (opcode & ~9u) == 0xb6 || opcode == 0xb0 ||
           opcode == 0xb1 || (opcode & ~1u) == 0xbc || (opcode & ~1u) == 0xc0 || opcode >= 0xc8;
  }
  if (opcode < 0x40) return (opcode & 7) < 6 || opcode == 0x27 || opcode == 0x2f || opcode == 0x37 || opcode == 0x3f;
  return opcode < 0x60 || opcode == 0x68 || opcode == 0x69 || opcode == 0x6a || opcode == 0x6b || (opcode >= 0x80 && opcode < 0x8c) || opcode == 0x8d ||
         (opcode >= 0x90 && opcode < 0x9a) || (opcode >= 0xa0 && opcode < 0xa6) || (opcode >= 0xa8 && opcode < 0xae) || (opcode >= 0xb0 && opcode < 0xc2) ||
         opcode == 0xc6 || opcode == 0xc7 || (opcode >= 0xd0 && opcode < 0xd4) || opcode == 0xf6 || opcode == 0xf7 || opcode == 0xfe ||
         (opcode == 0xff && (field < 2 || field == 6)) || (opcode >= 0xf8 && opcode < 0xfe && opcode != 0xfa && opcode != 0xfb);
}

/* Whether ECX or a part of it is named: a loop counts in it. */
static bool names_ecx(u32 opcode, bool second, char kind) {
  if (kind == 'm' || kind == 'B' || kind == 'Z') return (modrm >> 3 & 3) == ECX || (!has_memory && (modrm & 3) == ECX);
  if (second) return (opcode & 7) == ECX;
  return ((opcode >= 0x40 && opcode < 0x60) || (opcode >= 0x90 && opcode < 0x98) || (opcode >= 0xb0 && opcode < 0xc0)) && (opcode & 3) == ECX;
}

/* Returns false if it came upon something that is not tried. */
static bool try_instruction(void) {
  instruction.length = begins_at;
  /* An IRET to an outer 16-bit stack leaves the upper half of the kernel's ESP. */
  if (level > 0 && !is_virtual() && !stack_is_big()) state.general[ESP] = (state.general[ESP] & 0xffff) | 0x00100000;
  modrm = 0;
  has_memory = false;
  if (begins_at == 0) {
    forget_patches(); /* those of one that is not tried */
    instruction.loses_cr2 = instruction.spoils = instruction.floats = instruction.loose_floats = instruction.loose_pages = instruction.unwatched = instruction.repeats = instruction.needs_fs_gs = false;
    instruction.loose_register = 0;
    instruction.undefined = 0;
    address_registers = 0;
  }
  /* One of more than 15 bytes, if it is undefined as well, may raise either exception. */
  if (chance(5)) return try_floats() && instruction.length - begins_at <= 15 && !may_hit_kernel() && !(in_block && (instruction.loose_floats || instruction.spoils || in_loop));
  bool second = chance(4);
  u32 opcode = below(256);
  if (!second && chance(6)) {
    static const u8 favourites[] = { 0x9a, 0xca, 0xcb, 0xcd, 0xcf, 0xea, 0xff, 0x8e, 0xcf, 0x9d, 0xa4, 0xa5 };
    opcode = favourites[below(length_of(favourites))];
  }
  if (second && chance(3)) {
    static const u8 favourites[] = { 0x00, 0x01, 0x02, 0x03, 0x20, 0x22, 0xb2, 0xc7, 0x06 };
    opcode = favourites[below(length_of(favourites))];
  }
  char kind = (second ? two_byte : one_byte)[opcode];
  if (kind == '-') return false;
  random_prefixes();
  if (!second && ((opcode >= 0xa4 && opcode <= 0xaf && (opcode & ~1u) != 0xa8) || (opcode >= 0x6c && opcode <= 0x6f)) && chance(2)) {
    prefix(0xf2 + below(2));
    repeated = true;
  }
  if (second) byte(0x0f);
  byte(opcode);
  if (kind == 'm' || kind == 'B' || kind == 'Z') {
    u32 field = below(8);
    if (!second && opcode == 0xff && chance(2)) field = 2 + below(4);
    bool far = !second && opcode == 0xff && (field == 3 || field == 5);
    random_operand(field, chance(far ? 32 : second && opcode == 1 ? 8 : 4));
    if (!second && (opcode & ~1u) == 0xf6 && field < 2) kind = opcode == 0xf6 ? 'B' : 'Z';
  }
  if (!second && opcode == 0xcd) byte(software_interrupt());
  else immediate(kind);
  if (in_block && (!fits_block(opcode, second) || (in_loop && (repeated || names_ecx(opcode, second, kind))))) return false;
  if (!prepare(opcode, second) || !can_be_judged(opcode, second) || may_hit_kernel()) return false;
  /* ESP that becomes small in ring 0: the exception's frame would wrap around. */
  bool names_esp = (kind == 'm' || kind == 'B' || kind == 'Z') && ((modrm >> 3 & 7) == ESP || (!has_memory && (modrm & 7) == ESP));
  if (level == 0 && stack_is_big() && names_esp) return false;
  names_esp |= !second && (opcode == 0x5c || opcode == 0x94 || opcode == 0xbc);
  /* A block changes itself only where make_block() says: anything could come of it, such as PUSH of a segment register. */
  if (in_block && names_esp) return false;
  if (in_block && (has_memory || (!second && opcode >= 0xa4 && opcode < 0xb0)) && near_code(operand_linear())) return false;
  if (in_block && repeated) {
    /* A repeated instruction that overwrites itself: whether it goes on is the processor's own affair. */
    u32 code = memory_at(segment_of(state.segment[CS]).base + state.eip, 0), to = memory_at(segment_of(state.segment[ES]).base + state.general[EDI], 0);
    if (begins_at || code / PAGE == to / PAGE || to % PAGE < 256 || to % PAGE > PAGE - 256) return false;
  }
  instruction.repeats |= repeated;
  if (override >= FS && !fits_block(opcode, second)) instruction.needs_fs_gs = true;
  instruction.unwatched |= !second && (opcode == 0x17 || opcode == 0xc8 || (opcode == 0x8e && (modrm >> 3 & 7) == SS));
  u32 undefined = undefined_flags(opcode, second);
  instruction.undefined |= undefined;
  if (in_block && undefined) {
    /* CMP EAX, imm8: none of them is read. */
    byte(0x83);
    byte(0xf8);
    byte(below(256));
  }
  return true;
}

static u32 toggled; /* where in the instruction bytes the address is that it changes itself at, or 0 */
static u32 toggled_by; /* the segment register */

/* If a block's code lies where it pushes, its stack is another for the next try. */
static bool stack_in_code(void) {
  if (!near_code(stack_linear() - 16)) return false;
  state.general[ESP] = stack_offset();
  return true;
}

/* One more of a block: it leaves the registers that are in the addresses of those before it. */
static void add_instruction(void) {
  for (;;) {
    struct state kept = state;
    u32 kept_registers = address_registers;
    bool same = try_instruction();
    for (u32 n = 0; n < 8; n++) {
      if (kept_registers >> n & 1 && state.general[n] != kept.general[n]) same = false;
    }
    if (same) return;
    state = kept;
    address_registers = kept_registers;
  }
}

/* Several instructions that run without the trap flag, up to the breakpoint instruction behind them; perhaps a loop, perhaps one that changes itself. */
static void make_block(void) {
  static const u8 counting[] = { 0x40, 0x42, 0x43, 0x45, 0x46, 0x47 }; /* INC of a register but for ECX and ESP */
  state.eflags &= ~FLAG_TF;
  u32 count = 2 + below(4), skips = 0;
  bool wide = segment_of(state.segment[CS]).attributes & 1 << 22 && !is_virtual();
  while (!try_instruction() || stack_in_code()) continue;
  for (u32 n = 1; n < count; n++) {
    bool skip = chance(4);
    if (skip) {
      /* A short jump over the next one. */
      byte(0x70 + below(16));
      byte(0);
      skips = instruction.length;
    }
    begins_at = instruction.length;
    add_instruction();
    if (skip) instruction.bytes[skips - 1] = instruction.length - skips;
  }
  if (chance(3)) {
    /* XOR of the INC behind it makes it a DEC, and the other way round. */
    toggled_by = chance(2) ? DS : SS;
    byte(toggled_by == DS ? 0x3e : 0x36);
    if (!wide) byte(0x67);
    byte(0x80);
    byte(0x35);
    toggled = instruction.length;
    bytes(0, 4);
    byte(8);
    byte(counting[below(length_of(counting))]);
  }
  if (in_loop) {
    state.general[ECX] = wide ? 1 + below(4) : (state.general[ECX] & 0xffff0000) | (1 + below(4));
    byte(0xe2);
    byte(-(instruction.length + 1));
  }
  if (instruction.repeats) state.general[ECX] = below(5);
  instruction.repeats |= in_loop;
}

void new_instruction(void) {
  level = is_virtual() ? 3 : state.segment[CS] & 3;
  for (u32 n = 0; n < 8; n++) {
    if (n != ESP && chance(10)) state.general[n] = edge_value();
  }
  if (chance(16)) state.general[ESP] = stack_offset();
  if (chance(64)) state.general[ESP] = edge_value();
  if (chance(8)) state.eflags = random_flags() | (state.eflags & FLAG_VM);
  state.eflags = judged_flags(state.eflags | FLAG_TF);
  /* No word of the stack wraps around: that is the processor's own affair (SDM volume 3, 5.3). */
  if (state.general[ESP] < 64 || state.general[ESP] > 0xffffffc0) state.general[ESP] &= ~3u;
  /* Nothing is put into the large page: what lies there would be tried as it is. */
  for (u32 n = 0; n < 8 && instruction_linear() - (LARGE - 128) < (4u << 20) + 128; n++) state.eip = code_offset(state.segment[CS]);
  begins_at = toggled = 0;
  struct segment place = segment_of(state.segment[CS]);
  in_block = chance(5) && offset_valid(&place, state.eip + 100) && state.eip < (place.attributes & 1 << 22 && !is_virtual() ? 0xffffff00 : 0xff00);
  in_loop = in_block && chance(3);
  if (in_block) make_block();
  else while (!try_instruction()) continue;
  struct segment code = segment_of(state.segment[CS]), stack = segment_of(state.segment[SS]);
  if (level == 0 && (stack_is_big() ? state.general[ESP] : state.general[ESP] & 0xffff) < 0x40) state.general[ESP] += 0x40;
  if (level == 0 && state.general[ESP] > 0xffffffc0) state.general[ESP] -= 0x40; /* no push wraps around */
  /* What launch() pushes would change the instruction, perhaps to one that is not tried. */
  u32 above = (stack.base + state.general[ESP] - code.base - state.eip) & (PAGE - 1);
  if (level == 0 && above < 160) state.general[ESP] += (state.general[ESP] & 0xffff) < 512 ? 192 : -64 - (int)above;
  if (level > 0 && !offset_valid(&code, state.eip)) state.eip = 0; /* IRET may find the stack wrong first, or this */
  if (state.eip > 0xffffffe0) state.eip -= 0x40; /* what lies behind FFFFFFFF is the processor's own affair (SDM volume 3, 5.3) */
  u32 linear = code.base + state.eip;
  if (toggled) {
    u32 at = linear + instruction.length - 1 - (in_loop ? 2 : 0) - segment_of(state.segment[toggled_by]).base;
    for (u32 n = 0; n < 4; n++) instruction.bytes[toggled + n] = at >> 8 * n;
  }
  for (u32 n = 0; n < instruction.length; n++) put(linear + n, instruction.bytes[n], 1);
  put(linear + instruction.length, 0xcc, 1);
}

u32 instruction_linear(void) { return segment_of(state.segment[CS]).base + state.eip; }

u32 operand_linear(void) {
  return has_memory ? segment_of(state.segment[memory_segment]).base + memory_offset : segment_of(state.segment[ES]).base + state.general[EDI];
}
