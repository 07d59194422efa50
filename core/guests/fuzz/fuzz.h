/* fuzz.h: what the kernel of random tests and the generator of its tests agree on. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define PAGE 4096u
#define length_of(array) (sizeof(array) / sizeof((array)[0]))

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
#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u

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
#define IDT_COUNT 64u

struct descriptor {
  u32 low, high;
};

/* Where the kernel has its tables, physical and linear. */
#define GDT_AT 0x00200000u
#define LDT_AT 0x00200200u
#define IDT_AT 0x00200400u
#define TASK_AT 0x00200600u
#define DOUBLE_FAULT_TASK_AT 0x00200800u
#define STACKS_AT 0x00201000u
#define DIRECTORY_AT 0x00210000u
#define LOW_TABLE_AT 0x00211000u
#define WINDOW_TABLE_AT 0x00212000u
#define TOP_TABLE_AT 0x00213000u
/* The same with PAE. */
#define POINTERS_AT 0x00214000u
#define DIRECTORIES_AT 0x00215000u /* four */
#define LOW_ENTRIES_AT 0x00219000u /* two */
#define WINDOW_ENTRIES_AT 0x0021b000u
#define TOP_ENTRIES_AT 0x0021c000u
#define SCRIPT_AT 0x02000000u /* the tests: a struct script, and cases */
#define MEMORY_END 0x08000000u

/* Where tests reach memory. */
#define TEST_MEMORY 0x10000u /* physical */
#define TEST_PAGES 4u
#define TEST_ALIAS 0x00300000u /* linear: where the kernel has it */
#define WINDOW 0x00800000u /* linear: pages at random */
#define WINDOW_PAGES 16u
#define TOP 0xffffc000u   /* the last pages of the address space */
#define TOP_PAGES 4u
#define LOW_PAGES 32u     /* the first ones, for virtual-8086 mode */
#define LARGE 0x01000000u /* linear: a large page */
#define LARGE_FRAME 0x00800000u /* physical */
#define LARGE_PAGES 2u /* of 4 KB at its beginning, that tests reach */
#define MEMORY_WORDS ((TEST_PAGES + LARGE_PAGES) * PAGE / 4)

/* From here on: what the generator writes and the kernel reads, words in little endian. */
#define MAGIC 0x7a7a7546u
struct script {
  u32 magic, cases;
  u32 sectors; /* of a disk that has all of it */
  u32 memory[2 * MEMORY_WORDS]; /* a stretch of it is what memory begins with */
};

/* The tables, pages and control registers of a case; its steps follow. */
struct case_start {
  u32 number, steps;
  u32 cr0, cr4, efer;
  u32 memory_from; /* a word of the script's memory */
  u32 gdt_limit, idt_limit;
  u32 sysenter[3];
  struct descriptor gdt[GDT_COUNT], ldt[LDT_COUNT], idt[IDT_COUNT]; /* those that are not the kernel's own */
  struct {
    u32 esp1, ss1, esp2, ss2, limit, map, redirection[8], ports[33];
  } task;
  u64 low[LOW_PAGES], window[WINDOW_PAGES], top[TOP_PAGES], window_directory, top_directory, large;
};

#define STEP_LOADS_FS_GS 1u   /* else they keep what is hidden in them */
#define STEP_SPOILS 2u        /* memory and pages, when the instruction faults after it has begun to write */
#define STEP_LOSES_CR2 4u     /* an address of a page fault is one of several */
#define STEP_FLOATS 8u        /* x87 and SSE are in the sum */
#define STEP_LOADS_FLOATS 16u /* a struct floats follows */
#define STEP_WATCHES 32u      /* DR3 and DR7 follow */
#define STEP_LOOSE_PAGES 128u  /* accessed and dirty bits are a choice: pages and memory are filled anew */
#define STEP_LOOSE_FLOATS 64u /* the sum leaves out registers of x87 and SSE: results are approximations */

struct step {
  u16 flags;
  u8 length;             /* of the instruction; its bytes are in the first of the patches */
  u8 patches;            /* bytes in memory that follow: a struct patch each, and words */
  u32 cr0, cr4;
  u32 general[8], eip, eflags;
  u16 segment[6];
  u32 settled, settled_trap; /* flags that count afterwards; those that do after a debug exception */
  u16 loose_register;    /* one plus the number of one whose bits 19 to 16 are undefined: LAR */
  u16 looks[2];          /* places in memory, from TEST_ALIAS, that are looked at afterwards: 16 bytes each */
  u16 unused;
};
struct patch {
  u16 offset, bytes; /* from TEST_ALIAS */
};
struct floats {
  u32 control_status, tags_opcode, mxcsr; /* the tags as FXSAVE has them */
  u16 st[8][5];
  u32 xmm[8][4];
};
