/* The vocabulary of the generator: one test case, what the processor made of it, and the files they go to. */
#ifndef VECTORS_H
#define VECTORS_H

#include <stdbool.h>
#include <stdint.h>

enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };
enum { ES, CS, SS, DS, FS, GS };

/* EFLAGS, SDM volume 1, section 3.4.3. */
enum {
  CF = 1 << 0,
  PF = 1 << 2,
  AF = 1 << 4,
  ZF = 1 << 6,
  SF = 1 << 7,
  TF = 1 << 8,
  IF = 1 << 9,
  DF = 1 << 10,
  OF = 1 << 11,
  NT = 1 << 14,
  RF = 1 << 16,
  AC = 1 << 18,
  ID = 1 << 21,
  X87_C1 = 1 << 25, /* in rules: C1 of the x87's status word, 16 places up, where EFLAGS has nothing */
};

/*
 * The address space of every case. All of it lies around the 64 KB line so that 16-bit addresses and a 16-bit IP reach it:
 * one page of code, two pages of data that can be written, one that can only be read, and nothing mapped around them.
 */
enum {
  PAGE = 0x1000,
  CODE = 0x8000,
  DATA = 0xF000,
  READ_ONLY = 0x11000,
  DATA_END = 0x12000,
  DATA_SIZE = DATA_END - DATA,
  START = 0x8400, /* where the instruction lies unless the case says otherwise */
};

/* FS has a base and a limit of its own (through the GDT's TLS entries), GS is null, the others are flat. */
enum { FS_BASE = 0x1000, FS_LIMIT = 0xFFFF, GS_SELECTOR = 0 };

/* The x87 as FNSAVE shows it, with the registers by their physical numbers, SDM volume 1, 8.1. */
enum { CONTROL, STATUS, TAG, OPCODE, IP, IP_SELECTOR, DP, DP_SELECTOR, X87_WORDS };
struct x87 {
  uint32_t word[X87_WORDS];
  uint8_t reg[8][10];
};
/* XMM0 to XMM7 and MXCSR, SDM volume 1, 10.2. */
struct sse {
  uint32_t xmm[8][4];
  uint32_t mxcsr;
};
enum { ES_BIT = 1 << 7 }; /* of the status word: an exception is pending */

struct state {
  uint32_t reg[8];
  uint32_t eip;
  uint32_t eflags;
  uint16_t selector[6];
  struct x87 x87;
  struct sse sse;
};

/* One case while it is built. `pinned` holds the registers whose value an address or an operand already depends on. */
struct test {
  struct state initial;
  uint8_t code[16];
  uint8_t length;
  bool with_x87; /* the family has the x87's banks */
  bool with_sse; /* and those of SSE behind them */
  bool traced; /* stopped by the trap flag instead of INT3 after the instruction: for everything that branches */
  uint8_t pinned;
  bool address16;
  uint32_t segment_base;
  uint32_t esp_bias; /* what POP has added to ESP before it computes an address, SDM volume 2, POP */
  uint8_t undefined; /* 1 + index of the form's rule, or 0 */
  uint8_t undefined_if_exception;
  uint8_t undefined_registers;
  struct {
    uint32_t address, size;
  } left_out[2]; /* data bytes that an extension writes which is no part of the record */
};

struct outcome {
  struct state final;
  uint8_t exception; /* the vector, or NONE when the instruction retired */
  uint8_t signal;
  uint32_t error_code;
  uint32_t fault_address; /* CR2, for a page fault */
};
enum { NONE = 0xFF };

extern struct test t;           /* the case being built */
extern uint16_t segments[6];    /* the selectors every case starts with */
extern uint8_t *data;           /* the data pages through a second mapping that is always writable: data[0] is at DATA */

/* sandbox.c: the real processor */
void sandbox_open(void);
void sandbox_run(const struct test *test, struct outcome *outcome);
void settle(struct x87 *x87);

/* write.c: forms, cases and files */
void family(const char *name);
void family_with_x87(const char *name);
void family_with_sse(const char *name);
void form(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool next_case(void);
void run_case(void);
void undefined(uint32_t flags, const char *words);
void undefined_destination(uint8_t registers, uint32_t flags, const char *words);
void undefined_after_exception(uint32_t flags, const char *words);
void undefined_destination_after_exception(uint8_t registers, const char *words);
void image_after_exception(const char *words);
void within_one_unit(const char *words);
void approximation(const char *words);
void leave_out(uint32_t address, uint32_t size);

/* random.c */
uint32_t mix(uint32_t x);
void reseed(uint32_t seed);
uint32_t random32(void);
uint32_t draw(uint32_t below);
bool one_in(uint32_t n);
uint32_t value(unsigned bits);
uint32_t related(unsigned bits, uint32_t other);

/* build.c: instruction bytes and the operands they reach */
enum where { ANYWHERE, IN_REGISTER, IN_MEMORY };
struct operand {
  bool memory;
  uint8_t reg;
  uint32_t address;
};
enum { ANY_REGISTER = 8 };

void byte(unsigned b);
void opcode(unsigned op);
void immediate(unsigned bits, uint32_t v);
void operand_prefix(unsigned bits);
void prefixes(unsigned bits);
uint32_t pick_address(unsigned bytes);
struct operand modrm(unsigned reg, unsigned bits, enum where where);
struct operand modrm_at(unsigned reg, uint32_t address);
void put_register(unsigned reg, unsigned bits, uint32_t v);
uint32_t get_register(unsigned reg, unsigned bits);
void put_memory(uint32_t address, unsigned bits, uint32_t v);
uint32_t get_memory(uint32_t address, unsigned bits);
void put(struct operand o, unsigned bits, uint32_t v);
uint32_t get(struct operand o, unsigned bits);
void stack(unsigned bytes_below, unsigned bytes_above);
void pin(unsigned reg);
struct operand e_g(unsigned op, unsigned bits, enum where where, unsigned *reg);
struct operand e_digit(unsigned op, unsigned digit, unsigned bits, enum where where);

/* x87-state.c: what the x87 and its operands in memory hold before the instruction */
struct real {
  uint64_t mantissa;
  uint16_t sign_exponent;
} __attribute__((packed));
enum format { F32, F64, F80, I16, I32, I64, BCD, FORMATS };
extern const uint8_t FORMAT_BYTES[FORMATS];

uint64_t random64(void);
void x87_state(unsigned other, bool pushes);
void put_st(unsigned index, struct real r);
bool is_empty(unsigned index);
struct real any_real(void);
struct real around(int low, int high);
struct real beside(struct real a);
void put_operand(uint32_t address, enum format format);
void put_image(uint32_t address, unsigned bits, bool registers);

/* x87-arithmetic.c: forms as all of the x87's families have them */
struct operand x87_memory(unsigned op, unsigned digit, enum format format);
void x87_memory_form(const char *name, unsigned op, unsigned digit, enum format format, bool pushes);
void x87_register_form(const char *name, unsigned op);
void x87_plain_form(const char *name, unsigned op, bool pushes);

/* sse-operand.c: instructions with vector operands, and what these hold */
enum kind { GPR, MMR, XMMR };
enum contents { BYTES, WORDS, DWORDS, SINGLES, DOUBLES };
struct vector_form {
  const char *name;
  uint8_t prefix; /* 0, 66, F3 or F2 as a part of the opcode */
  uint8_t op;
  enum kind reg; /* what the reg field of ModRM names */
  enum kind rm;
  enum where where;
  uint8_t bytes; /* of the r/m operand where it is memory */
  bool aligned;
  bool immediate;
  enum contents reg_holds, rm_holds;
};
struct shared {
  const char *name;
  uint8_t op;
  enum contents holds;
};
extern const struct shared SHARED[];
extern const unsigned SHARED_COUNT;
void shift_forms(enum kind kind, const char *suffix);
void vector_form(const struct vector_form *f);
void vector_case(const struct vector_form *f, int digit);
uint32_t any_mxcsr(void);

/* families */
void arithmetic(void);
void move(void);
void shift(void);
void multiply(void);
void bits(void);
void atomic(void);
void stack_family(void);
void control(void);
void string(void);
void invalid(void);
void alignment(void);
void segment(void);
void x87_arithmetic(void);
void x87_transfer(void);
void x87_transcendental(void);
void x87_control(void);
void mmx(void);
void sse_move(void);
void sse_integer(void);
void sse_float(void);
void sse_convert(void);
void sse_state(void);

#endif
