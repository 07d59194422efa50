/* generator.h: what the files of the generator share. It makes the tests that the kernel in core/guests/fuzz carries out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "../../../core/guests/fuzz/fuzz.h"

/* What the next step begins with. */
struct state {
  u32 general[8];
  u32 eip, eflags;
  u32 segment[6];
};
extern struct state state;
extern struct case_start now; /* the case that is being made */
extern u32 now_cr0, now_cr4;  /* what the next step runs with */

/* random.c: numbers that follow from a seed. */
void seed_random(u32 seed, u32 number);
u32 random_bits(void);
u32 below(u32 count);
static inline bool chance(u32 of) { return below(of) == 0; } /* one in so many */
u32 edge_value(void); /* numbers near which something happens */

/* tables.c */
void random_tables(void);
struct segment {
  u32 base, limit, attributes; /* the descriptor's upper word */
  bool valid;                  /* there is such a descriptor, and it is of a segment that is present */
};
struct segment segment_of(u32 selector);     /* as the tables have it, or as virtual-8086 mode does */
bool offset_valid(const struct segment *s, u32 offset);
struct segment gate_target(u32 selector, u32 *offset); /* where a call gate leads */
u32 random_selector(void);
/* Selectors of segments that fit a privilege level, or 0. */
u32 code_selector(u32 level);
u32 stack_selector(u32 level);
u32 data_selector(u32 level);

/* pages.c */
void random_pages(void);
u32 page_directory(void);
#define PAGE_WRITABLE 2u
#define PAGE_USER 4u
#define NO_MEMORY 0xffffffffu
/* Where in test memory this address is, or NO_MEMORY: not mapped, or without a bit it needs. */
u32 memory_at(u32 linear, u32 need);

/* instruction.c: makes `state` a test of one instruction, and puts the instruction where it is executed. */
struct instruction {
  u8 bytes[128];
  u32 length;
  u32 undefined;      /* status flags that are the processor's own affair afterwards */
  bool repeats;
  bool spoils;        /* memory and pages, when it faults after it has begun to write */
  u32 loose_register; /* one plus the number of one whose bits 19 to 16 are undefined: LAR */
  bool loses_cr2;     /* an address of a page fault is one of several */
  bool loads_segments; /* FS or GS may be another afterwards */
  bool unwatched;     /* no breakpoint: it holds traps off, or how many bytes it reaches is a choice */
  bool needs_fs_gs;   /* FS and GS are what the tables say: whether it is tried depends on them */
  bool floats, loose_floats, loose_pages;
};
extern struct instruction instruction;
void put(u32 linear, u32 value, u32 size); /* into test memory, as far as there is any */
u32 instruction_linear(void);
u32 operand_linear(void);
void new_place(void);
void new_instruction(void);

/* generate.c: the bytes that the step puts into memory. */
void patch_byte(u32 offset, u32 value);
void forget_patches(void);
