/* fuzz.h: what the files of this kernel share. */
#pragma once

#include "../primer/common/types.h"

enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };
enum { ES, CS, SS, DS, FS, GS };

#define FLAG_CF (1u << 0)
#define FLAG_ONE (1u << 1)
#define FLAG_PF (1u << 2)
#define FLAG_AF (1u << 4)
#define FLAG_ZF (1u << 6)
#define FLAG_SF (1u << 7)
#define FLAG_TF (1u << 8)
#define FLAG_IF (1u << 9)
#define FLAG_DF (1u << 10)
#define FLAG_OF (1u << 11)
#define FLAG_IOPL (3u << 12)
#define FLAG_NT (1u << 14)
#define FLAG_RF (1u << 16)
#define FLAG_VM (1u << 17)
#define FLAG_AC (1u << 18)
#define FLAG_VIF (1u << 19)
#define FLAG_VIP (1u << 20)
#define FLAG_ID (1u << 21)
#define STATUS (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* What a test begins with, and what it has become when an exception ends it. entry.asm knows the offsets. */
struct state {
  u32 general[8];
  u32 eip, eflags;
  u32 segment[6];
  u32 vector, error;
  u32 loads_fs_gs;                                /* whether launch() loads FS and GS; else they keep what is hidden in them */
  u32 room[8];
  u32 frame[9];                                   /* what launch() returns from with IRET: EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS */
  u32 cr0, cr2, cr3, cr4, dr3, dr6, dr7, ldtr, tr; /* as they were afterwards */
  u16 gdt_limit, idt_limit;
};
extern struct state state;

void launch(void);

/* random.c: numbers that follow from a seed. */
void seed_random(u32 seed, u32 number);
u32 random_bits(void);
u32 below(u32 count);
static inline bool chance(u32 of) { return below(of) == 0; } /* one in so many */
u32 edge_value(void); /* numbers near which something happens */

/* Selectors of the kernel's own segments; the tests' own begin behind them. */
#define KERNEL_CODE 0x08u
#define KERNEL_DATA 0x10u
#define KERNEL_TASK 0x18u
#define DOUBLE_FAULT_TASK 0x20u
#define TEST_LDT 0x28u
#define FIRST_TEST 8u /* by number, as those below */
#define FIRST_RANDOM 16u
#define GDT_COUNT 48u
#define LDT_COUNT 16u

struct descriptor {
  u32 low, high;
};
struct task {
  u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags, general[8], segment[6], ldtr, map;
};
struct table_register {
  u16 limit;
  u32 base;
} __attribute__((packed));

extern struct descriptor gdt[GDT_COUNT], ldt[LDT_COUNT], idt[64];
extern struct task kernel_task;

/* tables.c */
void tables_start(void);
void random_tables(void);
struct segment {
  u32 base, limit, attributes; /* the descriptor's upper word */
  bool valid;                  /* there is such a descriptor, and it is of a segment that is present */
};
struct segment segment_of(u32 selector);     /* as the tables have it, or as virtual-8086 mode does */
bool offset_valid(const struct segment *s, u32 offset);
u32 random_selector(void);
/* Selectors of segments that fit a privilege level, or 0. */
u32 code_selector(u32 level);
u32 stack_selector(u32 level);
u32 data_selector(u32 level);
u32 tables_hash(void);

/* pages.c: where tests reach memory. */
#define TEST_MEMORY 0x10000u /* physical */
#define TEST_PAGES 4u
#define TEST_ALIAS 0x00300000u /* linear: where the kernel has it */
#define WINDOW 0x00800000u /* linear: pages at random */
#define WINDOW_PAGES 16u
#define TOP 0xffffc000u    /* the last pages of the address space */
#define TOP_PAGES 4u
#define LOW_PAGES 32u      /* the first ones, for virtual-8086 mode */
#define LARGE 0x01000000u  /* linear: a page of 4 MB */
#define LARGE_PAGES 2u     /* of 4 KB at its beginning, that tests reach */
void pages_start(void);
void random_pages(void);
void random_memory(void); /* once paging is on */
#define PAGE_WRITABLE 2u
#define PAGE_USER 4u
u8 *memory_at(u32 linear, u32 need); /* the byte of test memory at this address, or NULL: not mapped, or without a bit it needs */
u32 page_directory(void);
u32 memory_hash(void);
u32 pages_hash(void);

/* instruction.c: makes `state` a test of one instruction, and puts the instruction where it is executed. */
struct instruction {
  u8 bytes[32];
  u32 length;
  u32 undefined; /* status flags that are the processor's own affair afterwards */
  bool repeats;
  bool spoils;    /* memory and pages, when it faults after it has begun to write */
  u32 loose_register; /* one plus the number of one whose bits 19 to 16 are undefined: LAR */
  bool loses_cr2; /* an address of a page fault is one of several */
};
extern struct instruction instruction;
void put(u32 linear, u32 value, u32 size); /* into test memory, as far as there is any */
void new_place(void);
void new_instruction(void);

/* print.c */
void console_start(void);
void print(const char *text, ...);
void power_off(void) __attribute__((noreturn));

#define inline_instruction static inline __attribute__((always_inline))
#define READ(name, type, text) \
  inline_instruction type name(void) { \
    type value; \
    asm volatile(text : "=r"(value)::"memory"); \
    return value; \
  }
#define WRITE(name, type, text) \
  inline_instruction void name(type value) { asm volatile(text ::"r"(value) : "memory"); }
READ(read_cr0, u32, "mov %0, cr0")
READ(read_cr2, u32, "mov %0, cr2")
READ(read_cr3, u32, "mov %0, cr3")
READ(read_cr4, u32, "mov %0, cr4")
READ(read_dr3, u32, "mov %0, dr3")
READ(read_dr6, u32, "mov %0, dr6")
READ(read_dr7, u32, "mov %0, dr7")
READ(read_ldtr, u16, "sldt %0")
READ(read_tr, u16, "str %0")
WRITE(write_cr0, u32, "mov cr0, %0")
WRITE(write_cr2, u32, "mov cr2, %0")
WRITE(write_cr3, u32, "mov cr3, %0")
WRITE(write_cr4, u32, "mov cr4, %0")
WRITE(write_dr0, u32, "mov dr0, %0")
WRITE(write_dr1, u32, "mov dr1, %0")
WRITE(write_dr2, u32, "mov dr2, %0")
WRITE(write_dr3, u32, "mov dr3, %0")
WRITE(write_dr6, u32, "mov dr6, %0")
WRITE(write_dr7, u32, "mov dr7, %0")
WRITE(write_ldtr, u16, "lldt %0")
WRITE(write_tr, u16, "ltr %0")

#define CR0_PE 1u
#define CR0_MP 2u
#define CR0_EM 4u
#define CR0_TS 8u
#define CR0_ET 0x10u
#define CR0_NE 0x20u
#define CR0_WP 0x10000u
#define CR0_AM 0x40000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u
#define CR4_VME 1u
#define CR4_PVI 2u
#define CR4_TSD 4u
#define CR4_DE 8u
#define CR4_PSE 0x10u
#define CR4_PAE 0x20u
#define CR4_PGE 0x80u
#define CR4_PCE 0x100u
