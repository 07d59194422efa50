/* trap.c: all roads into the kernel meet here: exceptions, interrupts, and system calls. */
#include "kernel.h"
#include "process.h"

static const char *const exception_names[32] = {
  "divide error", "debug", "non-maskable interrupt", "breakpoint", "overflow", "bound range exceeded", "invalid opcode",
  "no coprocessor", "double fault", "coprocessor segment overrun", "invalid TSS", "segment not present", "stack fault",
  "general protection", "page fault", "reserved 15", "floating point", "alignment check", "machine check", "SIMD",
  "virtualization", "control protection", "reserved 22", "reserved 23", "reserved 24", "reserved 25", "reserved 26",
  "reserved 27", "reserved 28", "reserved 29", "reserved 30", "reserved 31",
};

/*
 * What an exception was, in words: the vector, and for a page fault the address and the error
 * code.
 */
static void describe(struct trap_frame *frame, u32 address) {
  print("exception %u, %s", frame->vector, exception_names[frame->vector]);
  if (frame->vector == VECTOR_PAGE_FAULT) print(" at %08x", address);
  print("\n  error code %08x", frame->error);
  if (frame->vector == VECTOR_PAGE_FAULT) {
    u32 e = frame->error;
    print(": %s from ring %s, %s", e & FAULT_I ? "fetch" : e & FAULT_W ? "write" : "read", e & FAULT_U ? "3" : "0",
          e & FAULT_RSVD ? "a reserved bit is set" : e & FAULT_P ? "the page is present but not permitted"
                                                                 : "the page is not present");
  }
  print("\n  eip %08x cs %04x eflags %08x", frame->eip, frame->cs & 0xffff, frame->eflags);
  if (from_process(frame)) print(" esp %08x", frame->esp);
  print("\n  eax %08x ebx %08x ecx %08x edx %08x esi %08x edi %08x ebp %08x\n", frame->eax, frame->ebx, frame->ecx,
        frame->edx, frame->esi, frame->edi, frame->ebp);
}

static void exception(struct trap_frame *frame) {
  u32 address = frame->vector == VECTOR_PAGE_FAULT ? fault_address() : 0;
  if (from_process(frame)) {
    if (frame->vector == VECTOR_PAGE_FAULT && resolve_fault(&current->space, address, frame->error)) return;
    print("process %d (%s) ends: ", current->pid, current->name);
    describe(frame, address);
    process_exit(STATUS_EXCEPTION + frame->vector);
  }
  if (attempt_landing) { /* an experiment of sensitive.c went wrong: it goes on elsewhere */
    frame->eip = attempt_landing;
    frame->eax = frame->vector;
    return;
  }
  print("\nthe kernel itself: ");
  describe(frame, address);
  panic("an exception in the kernel");
}

/* Called by trap.asm with interrupts off, but for a system call. */
void trap(struct trap_frame *frame) {
  if (frame->vector < VECTOR_INTERRUPT) exception(frame);
  else if (frame->vector < VECTOR_INTERRUPT + 16) machine_interrupt(frame->vector - VECTOR_INTERRUPT);
  else if (frame->vector == VECTOR_CALL) frame->eax = system_call(frame);
  else if (frame->vector == VECTOR_PROBE) probe_interrupt(frame);

  /*
   * On the way back to a process: its turn may be over. Interrupts that wait come here rather
   * than after IRET.
   */
  if (from_process(frame)) {
    if (switch_wanted) schedule();
    sti();
  }
}
