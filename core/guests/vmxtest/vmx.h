/*
 * vmx.h: the VMX instructions, what the processor offers, and a virtual machine of one
 * processor to try it on.
 */
#pragma once

#include "attempt.h"
#include "check.h"
#include "controls.h"
#include "exits.h"
#include "fields.h"

#define POINTER_INSTRUCTION(name)                                                                                   \
  static inline u32 name(u64 pointer) {                                                                             \
    u32 flags;                                                                                                      \
    asm volatile(ATTEMPT(#name " %1") : "=&r"(flags) : "m"(pointer) : "memory", "cc");                              \
    return outcome_of(flags);                                                                                       \
  }
POINTER_INSTRUCTION(vmxon)
POINTER_INSTRUCTION(vmclear)
POINTER_INSTRUCTION(vmptrld)

static inline u32 vmptrst(u64 *pointer) {
  u32 flags;
  asm volatile(ATTEMPT("vmptrst %1") : "=&r"(flags), "=m"(*pointer)::"memory", "cc");
  return outcome_of(flags);
}

#define PLAIN_INSTRUCTION(name)                                                                                     \
  static inline u32 name(void) {                                                                                    \
    u32 flags;                                                                                                      \
    asm volatile(ATTEMPT(#name) : "=&r"(flags)::"memory", "cc");                                                    \
    return outcome_of(flags);                                                                                       \
  }
PLAIN_INSTRUCTION(vmxoff)
PLAIN_INSTRUCTION(vmcall)
/* Only where they are sure to fail: enter() is for the others. */
PLAIN_INSTRUCTION(vmlaunch)
PLAIN_INSTRUCTION(vmresume)

static inline u32 vmread(u32 encoding, u32 *value) {
  u32 flags;
  asm volatile(ATTEMPT("vmread %1, %2") : "=&r"(flags), "+&r"(*value) : "r"(encoding) : "memory", "cc");
  return outcome_of(flags);
}
static inline u32 vmwrite(u32 encoding, u32 value) {
  u32 flags;
  asm volatile(ATTEMPT("vmwrite %1, %2") : "=&r"(flags) : "r"(encoding), "r"(value) : "memory", "cc");
  return outcome_of(flags);
}

struct invalidation {
  u64 context, address;
};
#define INVALIDATION_INSTRUCTION(name)                                                                              \
  static inline u32 name(u32 type, u64 context, u64 address) {                                                      \
    u32 flags;                                                                                                      \
    struct invalidation what = { context, address };                                                                \
    asm volatile(ATTEMPT(#name " %1, %2") : "=&r"(flags) : "r"(type), "m"(what) : "memory", "cc");                  \
    return outcome_of(flags);                                                                                       \
  }
INVALIDATION_INSTRUCTION(invept)
INVALIDATION_INSTRUCTION(invvpid)
#define INVEPT_SINGLE 1u
#define INVEPT_ALL 2u
#define INVVPID_ADDRESS 0u
#define INVVPID_SINGLE 1u
#define INVVPID_ALL 2u
#define INVVPID_NOT_GLOBAL 3u

/* Fields that are there: fails the run where one is not. */
u32 get(enum field field);
void set(enum field field, u32 value);
void set64(enum field field, u64 value);
/* Sets, and clears, bits of a field. */
void add(enum field field, u32 bits);
void drop(enum field field, u32 bits);

/* Controls: bits that must be 1, and bits that may be (SDM volume 3, appendix A). */
struct allowed {
  u32 must, may;
};

extern struct capabilities {
  u64 basic, misc, ept_vpid;
  struct allowed pin, processor, secondary, exit, entry;
  u32 cr0_must, cr0_may, cr4_must, cr4_may;
  u32 revision;
} capabilities;

#define BASIC_TRUE_CONTROLS (1ull << 55)
#define BASIC_ANY_ERROR_CODE (1ull << 56)
#define MISC_WRITE_ALL (1ull << 29)
#define MISC_LENGTH_0 (1ull << 30)
#define EPT_EXECUTE_ONLY (1ull << 0)
#define EPT_1GB (1ull << 17)
#define EPT_INVEPT (1ull << 20)
#define EPT_ACCESSED_DIRTY_FLAGS (1ull << 21)
#define EPT_INVEPT_SINGLE (1ull << 25)
#define VPID_INVVPID (1ull << 32)
#define VPID_ADDRESS (1ull << 40)
#define VPID_SINGLE (1ull << 41)
#define VPID_ALL (1ull << 42)
#define VPID_NOT_GLOBAL (1ull << 43)

/* Reads them. False, with a line that says why, where there is nothing to test. */
bool capabilities_read(void);
void capabilities_check(void);
/* The highest index that an encoding can have, as IA32_VMX_VMCS_ENUM says. */
u32 highest_index(void);

/* Regions of 4 KB. The first is the one of VMXON. */
extern u8 vmxon_region[PAGE], vmcs_region[PAGE], other_region[PAGE], spare_region[PAGE];

/* A page as a region: zeroes and a revision identifier. */
void make_region(u8 *region, u32 revision);

/* The guest's general registers, before and after. */
extern struct registers {
  u32 eax, ecx, edx, ebx, ebp, esi, edi;
} guest;

/* What the processor had directly after the last exit. */
extern u32 exit_flags;
extern struct table_register exit_gdtr, exit_idtr;
/* Where the guest begins, and where its stack ends. */
extern u8 guest_stack[PAGE];
#define GUEST_STACK ((u32)guest_stack + PAGE)
extern struct descriptor guest_idt[256];

/*
 * The VMCS begins anew: 32-bit protected mode without paging, flat segments, all memory through EPT at the addresses that it
 * has, and no exits but those that cannot be prevented.
 */
void guest_fresh(void);
/* VMLAUNCH or VMRESUME, whichever it takes; answers the outcome. */
u32 enter(void);
/* The exits that there were, by basic reason. */
extern bool exits_seen[EXIT_REASON_COUNT];

/* EPT: guest-physical addresses below 1 GB are physical ones, but for what these change. */
void ept_start(void);
u64 ept_pointer(void);
/* A page that nothing uses but what checks map there. */
#define FREE_PAGE 0x20000u
/* The entry of a page below 2 MB. */
u64 *ept_entry(u32 address);
/* The entry of the second gigabyte, whose table is given, and in that the entry of the first 2 MB. */
void ept_far(u64 pointer_entry, u64 directory_entry);
#define EPT_READ 1u
#define EPT_WRITE 2u
#define EPT_EXECUTE 4u
#define EPT_ALL 7u
#define EPT_WRITE_BACK (6u << 3)
#define EPT_LARGE (1u << 7)
#define EPT_ACCESSED (1u << 8)
#define EPT_DIRTY (1u << 9)
/* The processor forgets what it knows of EPT. */
void ept_changed(void);
