/*
 * sensitive.c: executes every instruction that is sensitive but not privileged, in the kernel,
 * and compares what it saw with what a kernel sees that really is in ring 0. Under a monitor
 * that moved the kernel to ring 1 the lines show which of them go wrong, and how.
 */
#include "kernel.h"

/* sensitive.asm */
typedef void routine(u32 *result);
routine sense_sgdt, sense_sidt, sense_sldt, sense_str, sense_smsw;
routine sense_pushf, sense_popf, sense_iret;
routine sense_lar, sense_lsl, sense_verr, sense_verw;
routine sense_push, sense_mov_from, sense_mov_to, sense_pop;
routine sense_call, sense_jmp, sense_int, sense_ret;

static u32 lines, right;

/* The end of a line: the verdict, in its column after what was seen. NULL: as in ring 0. */
static void verdict(int used, const char *difference) {
  for (; used < 42; used++) print(" ");
  print("%s\n", difference ? difference : "as in ring 0");
  lines++;
  if (!difference) right++;
}

/*
 * The beginning of a line: its name, and the experiment. False: it faulted, and the line is
 * complete.
 */
static bool sense(const char *name, routine *routine, u32 *result) {
  print("%-8s", name);
  u32 fault = attempt(routine, result);
  if (fault) verdict(print("exception %u", fault - 256), "faults");
  return !fault;
}

/* The low two bits of CS tell the ring. A para kernel knows that it is not 0; the experiment is not about that. */
static const char *ring_difference(u32 selector) {
  static const char *const rings[] = { "shows ring 0", "shows ring 1", "shows ring 2", "shows ring 3" };
  return (selector & 0xffff) == (KERNEL_CODE & ~3u) ? NULL : rings[selector & 3];
}

static void system_registers(void) {
  struct table_register gdt, idt;
  u16 ldt, task;
  machine_tables(&gdt, &idt, &ldt, &task);
  u32 seen[2] = { 0, 0 };
  struct table_register *table = (struct table_register *)seen;

  if (sense("sgdt", sense_sgdt, seen)) {
    bool same = table->base == gdt.base && table->limit == gdt.limit;
    verdict(print("base %08x limit %04x", table->base, table->limit), same ? NULL : "another table");
  }
  if (sense("sidt", sense_sidt, seen)) {
    bool same = table->base == idt.base && table->limit == idt.limit;
    verdict(print("base %08x limit %04x", table->base, table->limit), same ? NULL : "another table");
  }
  seen[0] = 0;
  if (sense("sldt", sense_sldt, seen)) verdict(print("%04x", seen[0]), seen[0] == ldt ? NULL : "another table");
  seen[0] = 0;
  if (sense("str", sense_str, seen)) verdict(print("%04x", seen[0]), seen[0] == task ? NULL : "another task");

  /* Only the low 16 bits are promised (SDM 2B, SMSW). */
  u32 cr0 = read_cr0();
  if (sense("smsw", sense_smsw, seen)) {
    verdict(print("%08x", seen[0]), (u16)seen[0] == (u16)cr0 ? NULL : "another CR0");
  }
}

/*
 * Do interrupts come? Waits for the next tick of the timer, and tells whether the interrupt
 * controller still holds it when it is there: then IF is really 0, whatever PUSHF says.
 */
static bool tick_is_held(void) {
  u32 before = tick_count;
  while (!interrupt_pending()) {
    if (tick_count != before) return false;
  }
  return tick_count == before;
}

/* POPF and IRET: do they set IF, and clear it? */
static void loads_flags(const char *name, routine *routine) {
  u32 flags = save_flags() & ~FLAG_IF;

  cli();
  tick_is_held();
  u32 before = tick_count;
  u32 operand = flags | FLAG_IF;
  bool whole = sense(name, routine, &operand);
  bool sets = tick_count != before;
  sti();
  if (!whole) return;

  operand = flags;
  bool clears = attempt(routine, &operand) == 0 && tick_is_held();
  sti();
  verdict(print("IF %s, IF %s", sets ? "set" : "not set", clears ? "cleared" : "not cleared"),
          sets && clears ? NULL : "IF lost");
}

static void flags(void) {
  u32 off = 0, on = 0;
  cli();
  bool whole = sense("pushf", sense_pushf, &off);
  sti();
  if (whole && attempt(sense_pushf, &on) == 0) {
    u32 iopl = on >> 12 & 3;
    bool same = !(off & FLAG_IF) && on & FLAG_IF && iopl == 0;
    verdict(print("IF=%u after CLI, IF=%u after STI, IOPL=%u", off >> 9 & 1, on >> 9 & 1, iopl),
            same ? NULL : "not the kernel's IF");
  }
  loads_flags("popf", sense_popf);
  loads_flags("iret", sense_iret);
}

/*
 * Access rights of a flat code segment that has been loaded: G, B, present, DPL 0, execute and
 * read, accessed.
 */
#define RIGHTS_CODE 0x00c09b00u
#define RIGHTS_ACCESSED 0x00000100u

static void descriptors(void) {
  u32 seen[2] = { KERNEL_CODE, 0 };
  if (sense("lar", sense_lar, seen)) {
    u32 rights = seen[0] & 0x00f0ff00; /* bits 16 to 19 are not promised (SDM 2A, LAR) */
    bool same = seen[1] && (rights | RIGHTS_ACCESSED) == RIGHTS_CODE;
    verdict(print("CS: rights %08x, DPL=%u", rights, rights >> 13 & 3), same ? NULL : "another descriptor");
  }
  seen[0] = KERNEL_DATA;
  if (sense("lsl", sense_lsl, seen)) {
    verdict(print("SS: limit %08x", seen[0]), seen[1] && seen[0] == 0xffffffff ? NULL : "another limit");
  }
  seen[0] = KERNEL_CODE;
  if (sense("verr", sense_verr, seen)) {
    verdict(print("CS: %s", seen[0] ? "readable" : "not readable"), seen[0] ? NULL : "not permitted");
  }
  seen[0] = KERNEL_DATA;
  if (sense("verw", sense_verw, seen)) {
    verdict(print("SS: %s", seen[0] ? "writable" : "not writable"), seen[0] ? NULL : "not permitted");
  }
}

static void selectors(void) {
  u32 seen[2] = { 0, 0 };
  if (sense("push", sense_push, seen)) {
    verdict(print("CS=%04x SS=%04x", seen[0] & 0xffff, seen[1] & 0xffff), ring_difference(seen[0]));
  }
  if (sense("mov", sense_mov_from, seen)) {
    verdict(print("CS=%04x SS=%04x", seen[0] & 0xffff, seen[1] & 0xffff), ring_difference(seen[0]));
  }
  seen[0] = KERNEL_DATA;
  if (sense("mov ss", sense_mov_to, seen)) verdict(print("takes %04x", KERNEL_DATA), NULL);
  seen[0] = KERNEL_DATA;
  if (sense("pop ss", sense_pop, seen)) verdict(print("takes %04x", KERNEL_DATA), NULL);
}

static u32 saved_cs;

/* INT 0x81 arrives here by way of trap(). */
void probe_interrupt(struct trap_frame *frame) { saved_cs = frame->cs & 0xffff; }

static void far_transfers(void) {
  static const struct {
    const char *name, *saw;
    routine *routine;
  } transfers[] = {
    { "call", "saves CS=", sense_call },
    { "jmp", "goes to CS=", sense_jmp },
    { "ret", "returns to CS=", sense_ret },
  };
  for (u32 i = 0; i < length_of(transfers); i++) {
    u32 seen = KERNEL_CODE;
    if (!sense(transfers[i].name, transfers[i].routine, &seen)) continue;
    verdict(print("%s%04x", transfers[i].saw, seen & 0xffff), ring_difference(seen));
  }
  if (sense("int", sense_int, NULL)) {
    verdict(print("saves CS=%04x", saved_cs), ring_difference(saved_cs));
  }
}

void print_sensitive(void) {
  lines = right = 0;
  system_registers();
  flags();
  descriptors();
  selectors();
  far_transfers();
  print("%u of %u as in ring 0\n", right, lines);
}
