/* What user mode may not do, what no mode may do, and instructions that are too long or end in an unmapped page. */
#include "vectors.h"

/* Opcodes and /digits that no processor defines, SDM volume 2, tables. */
static void undefined_opcodes(void) {
  static const uint16_t ALONE[] = {0x0F0B, 0x0F04, 0x0F0A, 0x0F0C, 0x0F24, 0x0F26, 0x0F36, 0x0F3F};
  for (unsigned i = 0; i < sizeof ALONE / sizeof *ALONE; i++) {
    for (form("undefined %04x", ALONE[i]); next_case(); run_case()) {
      opcode(ALONE[i]);
      immediate(8, random32());
    }
  }
  static const struct {
    uint16_t op;
    uint8_t digit;
    enum where where;
  } GROUP[] = {
      {0xFE, 2, ANYWHERE},   {0xFE, 3, ANYWHERE},   {0xFE, 4, ANYWHERE},   {0xFE, 5, ANYWHERE},   {0xFE, 6, ANYWHERE},
      {0xFE, 7, ANYWHERE},   {0xFF, 7, ANYWHERE},   {0x0FBA, 0, ANYWHERE}, {0x0FBA, 1, ANYWHERE}, {0x0FBA, 2, ANYWHERE},
      {0x0FBA, 3, ANYWHERE}, {0xC6, 1, ANYWHERE},   {0xC6, 4, ANYWHERE},   {0xC7, 1, ANYWHERE},   {0xC7, 4, ANYWHERE},
      {0x0FB9, 0, ANYWHERE}, {0x0FFF, 0, ANYWHERE}, {0x0FC7, 1, IN_REGISTER}, {0x8D, 3, IN_REGISTER},
      {0xFF, 3, IN_REGISTER}, {0xFF, 5, IN_REGISTER},
  };
  for (unsigned i = 0; i < sizeof GROUP / sizeof *GROUP; i++) {
    for (form("undefined %02x /%u%s", GROUP[i].op, GROUP[i].digit, GROUP[i].where == IN_REGISTER ? " register" : "");
         next_case(); run_case()) {
      prefixes(32);
      opcode(GROUP[i].op);
      modrm(GROUP[i].digit, 32, GROUP[i].where);
      immediate(32, random32());
    }
  }
}

/* Sensitive instructions that trap in ring 3 with IOPL 0: #GP(0), before any operand is touched. */
static void privileged(void) {
  static const struct {
    const char *name;
    uint16_t op;
    uint8_t immediate_bytes;
  } PLAIN[] = {
      {"hlt", 0xF4, 0},       {"cli", 0xFA, 0},       {"sti", 0xFB, 0},       {"in AL,Ib", 0xE4, 1},  {"in eAX,Ib", 0xE5, 1},
      {"out Ib,AL", 0xE6, 1}, {"out Ib,eAX", 0xE7, 1}, {"in AL,DX", 0xEC, 0}, {"in eAX,DX", 0xED, 0}, {"out DX,AL", 0xEE, 0},
      {"out DX,eAX", 0xEF, 0}, {"insb", 0x6C, 0},     {"insd", 0x6D, 0},      {"outsb", 0x6E, 0},     {"outsd", 0x6F, 0},
      {"clts", 0x0F06, 0},    {"invd", 0x0F08, 0},    {"wbinvd", 0x0F09, 0},  {"wrmsr", 0x0F30, 0},   {"rdmsr", 0x0F32, 0},
  };
  for (unsigned i = 0; i < sizeof PLAIN / sizeof *PLAIN; i++) {
    for (form("privileged %s", PLAIN[i].name); next_case(); run_case()) {
      opcode(PLAIN[i].op);
      immediate(PLAIN[i].immediate_bytes * 8u, random32());
    }
  }
  static const struct {
    const char *name;
    uint16_t op;
    uint8_t digit;
    enum where where;
  } GROUP[] = {
      {"lldt", 0x0F00, 2, ANYWHERE},      {"ltr", 0x0F00, 3, ANYWHERE},         {"lgdt", 0x0F01, 2, IN_MEMORY},
      {"lidt", 0x0F01, 3, IN_MEMORY},     {"lmsw", 0x0F01, 6, ANYWHERE},        {"invlpg", 0x0F01, 7, IN_MEMORY},
      {"mov Rd,CR0", 0x0F20, 0, IN_REGISTER}, {"mov Rd,CR3", 0x0F20, 3, IN_REGISTER}, {"mov CR0,Rd", 0x0F22, 0, IN_REGISTER},
      {"mov CR3,Rd", 0x0F22, 3, IN_REGISTER}, {"mov CR4,Rd", 0x0F22, 4, IN_REGISTER}, {"mov Rd,DR7", 0x0F21, 7, IN_REGISTER},
      {"mov DR7,Rd", 0x0F23, 7, IN_REGISTER},
  };
  for (unsigned i = 0; i < sizeof GROUP / sizeof *GROUP; i++) {
    for (form("privileged %s", GROUP[i].name); next_case(); run_case()) {
      opcode(GROUP[i].op);
      modrm(GROUP[i].digit, 32, GROUP[i].where);
    }
  }
  /* Gates of DPL 0: #GP with the vector and the IDT bit as error code. 3 and 4 have DPL 3, 80 is the system call. */
  for (form("int Ib through a gate of DPL 0"); next_case(); run_case()) {
    const unsigned vector = draw(256);
    byte(0xCD);
    byte(vector == 3 || vector == 4 || vector == 0x80 ? 0x21 : vector);
  }
}

/* 15 bytes are an instruction, 16 are #GP(0), SDM volume 2, 2.3.11. */
static void length(void) {
  for (unsigned n = 14; n <= 16; n++) {
    for (form("%u bytes", n); next_case(); run_case()) {
      while (t.length < n - 2) byte(one_in(2) ? 0x66 : 0x3E);
      byte(0x8B);
      byte(0xC0 | draw(64));
    }
  }
}

/* The page behind the code is not mapped: #PF at its first byte when the instruction goes on there. */
static void fetch(void) {
  for (form("mov Ev,Iz at the end of the page"); next_case(); run_case()) {
    prefixes(32);
    opcode(0xC7);
    put(modrm(0, 32, ANYWHERE), 32, value(32));
    immediate(32, random32());
    t.initial.eip = CODE + PAGE - 1 - draw(t.length - 1u);
  }
}

void invalid(void) {
  family("invalid");
  undefined_opcodes();
  privileged();
  length();
  fetch();
}
