/* para.c: what the kernel tells the monitor when it starts, and what it learns from it. */
#include "../kernel/kernel.h"
#include "../kernel/descriptor.h"
#include "parts.h"

struct start_info *start_info;

/* boot.asm */
extern struct descriptor descriptor_table[];

/* trap.asm */
extern u32 trap_entries[32];
extern char event_entry[], failsafe_entry[], call_entry[], probe_entry[];

/* Before all else, called by boot.asm: without the shared page there is no interrupt flag. */
void para_start(struct start_info *info) {
  start_info = info;
  tables_start();
}

const char *machine_name(void) {
  static char name[48];
  char extra[16] = "";
  u32 version = hypercall(HYPERCALL_XEN_VERSION, VERSION_NUMBER, 0, 0, 0);
  hypercall(HYPERCALL_XEN_VERSION, VERSION_EXTRA, extra, 0, 0);
  extra[sizeof extra - 1] = 0;
  format_into(name, sizeof name, "para kernel on Xen %u.%u%s", version >> 16, version & 0xffff, extra);
  return name;
}

/* A descriptor table is the monitor's to write, as page tables are: it checks each descriptor. */
static void make_gdt(void) {
  static const struct {
    u32 selector, type, ring;
  } segments[] = {
    { KERNEL_CODE, SEGMENT_CODE, 1 },
    { KERNEL_DATA, SEGMENT_DATA, 1 },
    { USER_CODE, SEGMENT_CODE, 3 },
    { USER_DATA, SEGMENT_DATA, 3 },
  };
  u32 frame = (u32)descriptor_table - KERNEL_BASE;
  u64 machine = machine_address(frame);
  u32 number = machine / PAGE;
  keep_read_only(frame);
  hypercall(HYPERCALL_SET_GDT, &number, PAGE / sizeof(struct descriptor), 0, 0);
  for (u32 i = 0; i < length_of(segments); i++) {
    struct descriptor d = flat_segment(segments[i].type, segments[i].ring);
    u64 where = machine + (segments[i].selector & ~7u);
    hypercall(HYPERCALL_UPDATE_DESCRIPTOR, where, where >> 32, d.low, d.high);
  }
}

/* Until now the segment registers hold those that every descriptor table has for the start. */
static void load_segments(void) {
  asm volatile("push %0\n\t"
               "push offset 1f\n\t"
               "retf\n"
               "1:\n\t"
               "mov ds, %1\n\t"
               "mov es, %1\n\t"
               "mov ss, %1\n\t"
               "mov fs, %2\n\t"
               "mov gs, %2"
               ::"r"(KERNEL_CODE), "r"(KERNEL_DATA), "r"(0)
               : "memory");
}

/* As make_idt() of the native kernel, but a table that the monitor reads, and once only. */
static void set_traps(void) {
  static struct trap_info traps[32 + 2 + 1]; /* the last one stays zero */
  for (u32 vector = 0; vector < 32; vector++) {
    u32 level = vector == 3 || vector == 4 ? 3 : 0;
    traps[vector] = (struct trap_info){ vector, TRAP_MASKS_EVENTS | level, KERNEL_CODE, trap_entries[vector] };
  }
  traps[32] = (struct trap_info){ VECTOR_CALL, 3, KERNEL_CODE, (u32)call_entry };
  traps[33] = (struct trap_info){ VECTOR_PROBE, TRAP_MASKS_EVENTS | 1, KERNEL_CODE, (u32)probe_entry };
  hypercall(HYPERCALL_SET_TRAP_TABLE, traps, 0, 0, 0);
  hypercall(HYPERCALL_SET_CALLBACKS, KERNEL_CODE, event_entry, KERNEL_CODE, failsafe_entry);
}

void machine_start(void) {
  make_gdt();
  load_segments();
  set_traps();

  /* FPU instructions fault, as in the native kernel. */
  hypercall(HYPERCALL_FPU_TASKSWITCH, 1, 0, 0, 0);

  /* The kernel's ring may use I/O ports, as far as the monitor thinks that there are any. */
  u32 level = 1;
  hypercall(HYPERCALL_PHYSDEV_OP, PHYSDEV_SET_IOPL, &level, 0, 0);

  events_start();
}

/* The stack for ring 1, of which the monitor keeps note in the processor's task-state segment. */
void set_kernel_stack(u32 top) { hypercall(HYPERCALL_STACK_SWITCH, KERNEL_DATA, top, 0, 0); }

/* What a guest has of its own: a descriptor table, and no others. */
void machine_tables(struct table_register *gdt, struct table_register *idt, u16 *ldt, u16 *task) {
  *gdt = (struct table_register){ PAGE - 1, (u32)descriptor_table };
  *idt = (struct table_register){ 0, 0 };
  *ldt = 0;
  *task = 0;
}

u32 machine_memory(u32 magic, u32 info) {
  if (magic != 0x2d6e6578) panic("primer was not started by a Xen domain builder"); /* "xen-" */
  u32 pages = ((struct start_info *)info)->pages;
  return pages > MEMORY_MAX / PAGE ? MEMORY_MAX : pages * PAGE;
}

/*
 * Behind the image lie, in this order, the list of frames, start_info, the pages of xenstore
 * and console, the page tables, and one page of stack.
 */
u32 machine_memory_used(void) {
  return start_info->table - KERNEL_BASE + (start_info->table_frames + 1) * PAGE;
}

/* With the monitor's prefix: it answers rather than the processor (arch-x86/xen.h). */
static void cpuid(u32 leaf, u32 *eax, u32 *edx) {
  u32 ebx, ecx = 0;
  asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e\n\tcpuid"
               : "=a"(*eax), "=b"(ebx), "+c"(ecx), "=d"(*edx)
               : "a"(leaf));
}

/* The monitor has set EFER.NXE already, if the processor has it. */
bool machine_has_execute_disable(void) {
  u32 eax, edx;
  cpuid(0x80000000, &eax, &edx);
  if (eax < 0x80000001) return false;
  cpuid(0x80000001, &eax, &edx);
  return edx & 1 << 20;
}

static void shut_down(u32 reason) {
  cli();
  console_finish();
  hypercall(HYPERCALL_SCHED_OP, SCHED_SHUTDOWN, &reason, 0, 0);
}

void machine_reboot(void) {
  shut_down(SHUTDOWN_REBOOT);
  __builtin_unreachable();
}

/* Only after a panic: the monitor learns that the kernel has crashed. */
void halt_forever(void) {
  for (;;) shut_down(SHUTDOWN_CRASH);
}
