/*
 * para.h: what native.h is for the native kernel, for a kernel that knows that it runs under a
 * monitor. It executes no privileged instruction: it runs in ring 1, and where ring 0 is needed
 * it asks for the whole of what it wants. Interrupts are events, and the flag that holds them
 * off is a byte of memory that it shares with the monitor.
 */
#pragma once

#include "../common/types.h"
#include "hypercall.h"

/*
 * Selectors of the global descriptor table in para.c; trap.asm and boot.asm know the first two
 * as well. As in native.h, but the kernel's are for ring 1.
 */
#define KERNEL_CODE 0x09u
#define KERNEL_DATA 0x11u
#define USER_CODE 0x1bu
#define USER_DATA 0x23u

#define inline_instruction static inline __attribute__((always_inline))

/* What SGDT and SIDT store; only for sensitive.c. */
struct table_register {
  u16 limit;
  u32 base;
} __attribute__((packed));

extern struct start_info *start_info;
extern volatile struct shared_info shared_info;

/* "para kernel on Xen 4.17.5" */
const char *machine_name(void);

/* Instead of CLI: a store, no hypercall. */
inline_instruction void cli(void) {
  shared_info.vcpu[0].upcall_mask = 1;
  asm volatile("" ::: "memory");
}

/* The monitor looks for events on the way out of any hypercall: so this one need not do anything. */
inline_instruction void take_events(void) { hypercall(HYPERCALL_XEN_VERSION, VERSION_NUMBER, 0, 0, 0); }

/* Instead of STI: a store, and a hypercall only if an event came meanwhile. */
inline_instruction void sti(void) {
  asm volatile("" ::: "memory");
  shared_info.vcpu[0].upcall_mask = 0;
  if (shared_info.vcpu[0].upcall_pending) take_events();
}

/* Instead of STI and HLT: no event is lost between the two. */
inline_instruction void wait_for_interrupt(void) { hypercall(HYPERCALL_SCHED_OP, SCHED_BLOCK, 0, 0, 0); }

/* Bits as in EFLAGS, but only the interrupt flag counts: 0x200. */
inline_instruction u32 save_flags(void) { return shared_info.vcpu[0].upcall_mask ? 0x002 : 0x202; }

inline_instruction void restore_flags(u32 flags) {
  if (flags & 0x200) sti();
  else cli();
}

/* A guest has no CR0 of its own to read. It would hold PE, EM, WP and PG, as in the native kernel. */
inline_instruction u32 read_cr0(void) { return 0x80010005; }

inline_instruction u32 fault_address(void) { return shared_info.vcpu[0].cr2; }

inline_instruction void extended_operation(u32 operation, u32 argument) {
  struct mmuext_op op = { operation, argument, 0 };
  hypercall(HYPERCALL_MMUEXT_OP, &op, 1, 0, DOMAIN_SELF);
}

inline_instruction void invalidate_page(u32 address) { extended_operation(MMUEXT_INVLPG_LOCAL, address); }

/* tables.c */
void write_cr3(u32 root);
u64 make_entry(u32 frame, u64 bits);
u32 frame_of(u64 entry);
void set_entry(u64 *where, u64 value);


/* A space will never be switched to again: its tables become memory like any other. */
void release_tables(u32 root);

/*
 * Where the entries of the directory for an address end that are the kernel's to fill: the monitor
 * lives at the end of every address space.
 */
u32 directory_end(u32 base);

/* Privileged: the monitor emulates it. For bench.c. */
inline_instruction u8 in8(u16 port) {
  u8 value;
  asm volatile("in %0, %1" : "=a"(value) : "Nd"(port));
  return value;
}

void halt_forever(void);
