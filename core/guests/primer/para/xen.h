/*
 * xen.h: what a guest and Xen agree on, as far as primer needs it: the public interface for
 * x86_32 with PAE (its headers are xen/include/public, named below). Sizes are of 32-bit
 * guests.
 */
#pragma once

#include "../common/types.h"

/* Hypercalls (xen.h): the number is the place of its stub in the hypercall page. */
#define HYPERCALL_SET_TRAP_TABLE 0
#define HYPERCALL_MMU_UPDATE 1
#define HYPERCALL_SET_GDT 2
#define HYPERCALL_STACK_SWITCH 3
#define HYPERCALL_SET_CALLBACKS 4
#define HYPERCALL_FPU_TASKSWITCH 5
#define HYPERCALL_UPDATE_DESCRIPTOR 10
#define HYPERCALL_MEMORY_OP 12
#define HYPERCALL_UPDATE_VA_MAPPING 14
#define HYPERCALL_XEN_VERSION 17
#define HYPERCALL_CONSOLE_IO 18
#define HYPERCALL_VCPU_OP 24
#define HYPERCALL_MMUEXT_OP 26
#define HYPERCALL_SCHED_OP 29
#define HYPERCALL_EVENT_CHANNEL_OP 32
#define HYPERCALL_PHYSDEV_OP 33

/* The domain that asks, where a hypercall could be about another one (xen.h). */
#define DOMAIN_SELF 0x7ff0u

/* One of the entries of a virtual interrupt descriptor table; the last one is all zero (arch-x86/xen.h). */
struct trap_info {
  u8 vector;
  u8 flags; /* the privilege level that INT n needs, and TRAP_MASKS_EVENTS */
  u16 cs;
  u32 address;
};
#define TRAP_MASKS_EVENTS 4u

/* A change of a page-table entry: its machine address, whose low two bits are 0, and what to store (xen.h). */
struct mmu_update {
  u64 where, value;
};

/* One extended operation on tables and translations (xen.h). */
struct mmuext_op {
  u32 operation;
  u32 argument; /* a machine frame's number, or a linear address */
  u32 second;
};
#define MMUEXT_PIN_L3_TABLE 2
#define MMUEXT_UNPIN_TABLE 4
#define MMUEXT_NEW_BASEPTR 5
#define MMUEXT_TLB_FLUSH_LOCAL 6
#define MMUEXT_INVLPG_LOCAL 7

/* How update_va_mapping drops the old translation: that of the page, on this processor (xen.h). */
#define UPDATE_INVALIDATES_PAGE 2u

/* Where Xen shows which frame of ours a frame of the machine is (memory.h). */
struct machine_to_physical {
  u32 start, end, last;
};
#define MEMORY_MACHINE_TO_PHYSICAL 12

/* xen_version (version.h). */
#define VERSION_NUMBER 0 /* answers the major number, shifted by 16, and the minor one */
#define VERSION_EXTRA 1  /* stores 16 characters, such as ".4-rc1" */

/* console_io: the monitor's own console, which belongs to the first domain (xen.h). */
#define CONSOLE_WRITE 0
#define CONSOLE_READ 1

/* vcpu_op (vcpu.h): its argument is a period in nanoseconds, of 64 bits. */
#define VCPU_SET_PERIODIC_TIMER 6

/* sched_op (sched.h). Blocking unmasks events first, and no event is lost between the two. */
#define SCHED_YIELD 0
#define SCHED_BLOCK 1
#define SCHED_SHUTDOWN 2 /* its argument points to a reason */
#define SHUTDOWN_REBOOT 1
#define SHUTDOWN_CRASH 3

/* event_channel_op (event_channel.h): one bit from somebody to a port of ours. */
struct bind_virtual_interrupt {
  u32 interrupt, vcpu;
  u32 port; /* the answer */
};
#define EVENT_BIND_VIRTUAL_INTERRUPT 1
#define EVENT_SEND 4   /* its argument points to a port */
#define EVENT_UNMASK 9 /* its argument points to a port */
#define VIRTUAL_INTERRUPT_TIMER 0
#define VIRTUAL_INTERRUPT_CONSOLE 2

/* physdev_op (physdev.h): its argument points to the I/O privilege level of our kernel. */
#define PHYSDEV_SET_IOPL 6

/* What a virtual processor shares with Xen (xen.h). */
struct vcpu_info {
  u8 upcall_pending; /* an event came */
  u8 upcall_mask;    /* set: no upcalls, please. This is the guest's interrupt flag, upside down. */
  u8 unused[2];
  u32 pending_selector; /* a bit for each word of event_pending[] that has news */
  u32 cr2;              /* the linear address of the last page fault */
  u32 reserved[5];
  struct {
    u32 version, unused;
    u64 tsc, nanoseconds;
    u32 multiplier;
    u8 shift, rest[3];
  } time;
};

/* The page that a domain shares with Xen (xen.h). A port is a bit number, over all words. */
struct shared_info {
  struct vcpu_info vcpu[32];
  u32 event_pending[32];
  u32 event_mask[32];
  u32 wall_clock_version, wall_clock_seconds, wall_clock_nanoseconds;
};

/* The console of a domain that is not the first: two rings in one page (io/console.h). Indexes run on and on. */
struct console_ring {
  char in[1024];
  char out[2048];
  u32 in_consumed, in_produced;
  u32 out_consumed, out_produced;
};

/* What the domain builder leaves for the kernel; ESI holds its address at the entry (xen.h). */
struct start_info {
  char magic[32]; /* "xen-3.0-x86_32p" */
  u32 pages;
  u32 shared_info; /* a machine address */
  u32 flags;
  u32 store_frame, store_port;
  u32 console_frame, console_port; /* a machine frame's number and a port; something else for the first domain */
  u32 table;                       /* the linear address of the page-directory-pointer table */
  u32 table_frames;                /* how many page tables begin there */
  u32 frame_list;                  /* linear address: for each frame of ours the number of the machine's frame */
  u32 module, module_size;
  char command_line[1024];
};
#define START_FIRST_DOMAIN 2u /* flags: this is domain 0 */
