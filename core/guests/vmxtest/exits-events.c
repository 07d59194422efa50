/* exits-events.c: exits that no instruction asks for: exceptions, interrupts, timers, traps (SDM volume 3, 25.2, 25.4, 25.5). */
#include "code.h"
#include "tests.h"

#define QUALIFICATION_BS (1u << 14)

/* An exception that the bitmap wants. It is a fault, so that the instruction would begin again: with RF set (27.3.3). */
static void fault(const char *name, struct code code, u32 vector, bool has_code, u32 error_code) {
  set(EXCEPTION_BITMAP, 1u << vector);
  leaves(name, EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), code.at);
  want("qualification", get(EXIT_QUALIFICATION), 0);
  want_event(EVENT_VALID | EVENT_EXCEPTION | vector | (has_code ? EVENT_ERROR_CODE : 0));
  if (has_code) want("error code", get(EXIT_INTERRUPTION_ERROR_CODE), error_code);
  want_vectoring(0);
  want("RF", get(GUEST_EFLAGS) & FLAG_RF, FLAG_RF);
  goes_on(code);
  end();
}

/* INT1, INT3 and INTO exit at themselves, with their length. */
static void software(const char *name, struct code code, u32 vector, u32 type) {
  boot(code);
  set(EXCEPTION_BITMAP, 1u << vector);
  set(GUEST_EFLAGS, FLAG_ONE | 1 << 11); /* OF */
  leaves(name, EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), code.at);
  want("instruction length", get(EXIT_INSTRUCTION_LENGTH), code.end - code.at);
  want_event(EVENT_VALID | type | vector);
  want_vectoring(0);
  goes_on(code);
  end();
}

static void test_exceptions(void) {
  struct code ud = CODE("ud2"), gp = CODE("mov fs, ax"), de = CODE("div ecx"), nop = CODE("nop");
  boot(ud);
  fault("#UD by the exception bitmap", ud, VECTOR_UD, false, 0);
  boot(gp);
  guest.eax = 0x7c;
  fault("#GP by the exception bitmap", gp, VECTOR_GP, true, 0x7c);
  boot(de);
  fault("#DE by the exception bitmap", de, 0, false, 0);
  static int bounds[2] = { 1, 5 };
  struct code br = CODE("bound ecx, [ebx]");
  boot(br);
  guest.ecx = 9;
  guest.ebx = (u32)bounds;
  fault("#BR by the exception bitmap", br, VECTOR_BR, false, 0);
  software("INT3 by the exception bitmap", CODE("int3"), VECTOR_BP, EVENT_SOFTWARE_EXCEPTION);
  software("INTO by the exception bitmap", CODE("into"), VECTOR_OF, EVENT_SOFTWARE_EXCEPTION);
  software("INT1 by the exception bitmap", CODE(".byte 0xf1"), VECTOR_DB, EVENT_PRIVILEGED_EXCEPTION);

  boot(nop);
  set(EXCEPTION_BITMAP, 1u << VECTOR_DB);
  set(GUEST_EFLAGS, FLAG_ONE | FLAG_TF);
  leaves("a single step by the exception bitmap", EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), nop.end);
  want("qualification", get(EXIT_QUALIFICATION), QUALIFICATION_BS);
  want_event(EVENT_VALID | EVENT_EXCEPTION | VECTOR_DB);
  end();

  boot(ud);
  set(EXCEPTION_BITMAP, ~(1u << VECTOR_UD));
  leaves("#UD without its bit goes to the guest", EXIT_VMCALL);
  want_handler(VECTOR_UD, false, ud.at);
  end();
  struct code software_int = CODE("int 6");
  boot(software_int);
  set(EXCEPTION_BITMAP, -1);
  leaves("INT 6 is no #UD", EXIT_VMCALL);
  want_handler(VECTOR_UD, false, software_int.end);
  end();
}

static void test_double_and_triple_fault(void) {
  struct code ud = CODE("ud2");
  boot(ud);
  set(GUEST_IDTR_LIMIT, 0);
  set(EXCEPTION_BITMAP, 1u << VECTOR_DF);
  leaves("#DF by the exception bitmap", EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), ud.at);
  want_event(EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_DF);
  want("error code", get(EXIT_INTERRUPTION_ERROR_CODE), 0);
  want_vectoring(0);
  end();
  boot(ud);
  set(GUEST_IDTR_LIMIT, 0);
  leaves("triple fault", EXIT_TRIPLE_FAULT);
  want("EIP", get(GUEST_EIP), ud.at);
  want("qualification", get(EXIT_QUALIFICATION), 0);
  want_no_event();
  want_vectoring(0);
  end();
}

/* Lets the interrupt that waits come through the kernel's own table. */
static u32 take_interrupts(void) {
  u32 before = interrupts_taken;
  sti();
  cli();
  return interrupts_taken - before;
}

/* Should nothing else end the guest, a timer does, where there is one. */
static void with_patience(void) {
  if (!(capabilities.pin.may & PIN_PREEMPTION_TIMER)) return;
  add(PIN_CONTROLS, PIN_PREEMPTION_TIMER);
  set(PREEMPTION_TIMER, 1000000 >> (capabilities.misc & 31));
}

/* A guest that an interrupt shall end. */
static void boot_to_wait(struct code code, u32 flags, u32 pin) {
  boot(code);
  set(GUEST_EFLAGS, FLAG_ONE | flags);
  add(PIN_CONTROLS, pin);
  with_patience();
  timer_shoot();
}

static void not_acknowledged(const char *name, struct code spin, u32 flags) {
  boot_to_wait(spin, flags, PIN_EXTERNAL_INTERRUPT);
  leaves(name, EXIT_EXTERNAL_INTERRUPT);
  want("EIP", get(GUEST_EIP), spin.at);
  want("qualification", get(EXIT_QUALIFICATION), 0);
  want_no_event();
  want_vectoring(0);
  want("interrupts taken by the host afterwards", take_interrupts(), 1);
  end();
}

static void test_external_interrupts(void) {
  struct code spin = CODE("1: jmp 1b"), halt = CODE("hlt"), open_halt = CODE_AFTER("sti", "hlt");
  not_acknowledged("external interrupt, not acknowledged", spin, FLAG_IF);
  not_acknowledged("external interrupt, IF 0 and not acknowledged", spin, 0);
  boot_to_wait(spin, FLAG_IF, PIN_EXTERNAL_INTERRUPT);
  add(EXIT_CONTROLS, EXITING_ACKNOWLEDGE);
  leaves("external interrupt, acknowledged", EXIT_EXTERNAL_INTERRUPT);
  want("EIP", get(GUEST_EIP), spin.at);
  want_event(EVENT_VALID | EVENT_EXTERNAL | VECTOR_TIMER);
  interrupt_end();
  want("interrupts taken by the host afterwards", take_interrupts(), 0);
  end();

  boot_to_wait(halt, FLAG_IF, PIN_EXTERNAL_INTERRUPT);
  leaves("external interrupt in HLT", EXIT_EXTERNAL_INTERRUPT);
  want("EIP", get(GUEST_EIP), halt.end);
  want("activity state", get(GUEST_ACTIVITY), ACTIVITY_HLT);
  want("interrupts taken by the host afterwards", take_interrupts(), 1);
  end();

  boot_to_wait(open_halt, 0, 0);
  leaves("an external interrupt that does not exit wakes the guest", EXIT_VMCALL);
  want_handler(VECTOR_TIMER, false, open_halt.end);
  interrupt_end();
  end();
}

static void test_windows(void) {
  struct code nop = CODE("nop"), open = CODE_AFTER("sti\n\tnop", "nop");
  boot(nop);
  add(PROCESSOR_CONTROLS, PROCESSOR_INTERRUPT_WINDOW);
  set(GUEST_EFLAGS, FLAG_ONE | FLAG_IF);
  leaves("interrupt window, open at once", EXIT_INTERRUPT_WINDOW);
  want("EIP", get(GUEST_EIP), nop.at);
  want("qualification", get(EXIT_QUALIFICATION), 0);
  want_no_event();
  end();
  boot(open);
  add(PROCESSOR_CONTROLS, PROCESSOR_INTERRUPT_WINDOW);
  leaves("interrupt window, one instruction behind STI", EXIT_INTERRUPT_WINDOW);
  want("EIP", get(GUEST_EIP), open.at);
  want("interruptibility", get(GUEST_INTERRUPTIBILITY), 0);
  end();
  boot(nop);
  add(PROCESSOR_CONTROLS, PROCESSOR_INTERRUPT_WINDOW);
  set(GUEST_EFLAGS, FLAG_ONE | FLAG_IF);
  set(GUEST_ACTIVITY, ACTIVITY_HLT);
  with_patience();
  leaves("interrupt window in HLT", EXIT_INTERRUPT_WINDOW);
  want("EIP", get(GUEST_EIP), nop.at);
  end();
  boot(nop);
  add(PROCESSOR_CONTROLS, PROCESSOR_INTERRUPT_WINDOW);
  runs("interrupt window that never opens", nop);
  end();
}

static void test_monitor_trap_flag(void) {
  if (!(capabilities.processor.may & PROCESSOR_MONITOR_TRAP_FLAG)) {
    skip("monitor trap flag", "there is no such control");
    return;
  }
  static u8 bytes[8];
  struct code nop = CODE("nop"), move = CODE("rep stosb");
  boot(nop);
  add(PROCESSOR_CONTROLS, PROCESSOR_MONITOR_TRAP_FLAG);
  leaves("monitor trap flag: one instruction", EXIT_MONITOR_TRAP_FLAG);
  want("EIP", get(GUEST_EIP), nop.end);
  want("qualification", get(EXIT_QUALIFICATION), 0);
  want_no_event();
  end();
  boot(move);
  add(PROCESSOR_CONTROLS, PROCESSOR_MONITOR_TRAP_FLAG);
  guest.ecx = 3;
  guest.edi = (u32)bytes;
  leaves("monitor trap flag: one iteration", EXIT_MONITOR_TRAP_FLAG);
  want("EIP", get(GUEST_EIP), move.at);
  want("ECX", guest.ecx, 2);
  end();
  boot(nop);
  add(PROCESSOR_CONTROLS, PROCESSOR_MONITOR_TRAP_FLAG);
  set(ENTRY_INTERRUPTION_INFORMATION, EVENT_VALID | EVENT_SOFTWARE_INTERRUPT | 0x40);
  set(ENTRY_INSTRUCTION_LENGTH, 2);
  leaves("monitor trap flag: an event that was injected", EXIT_MONITOR_TRAP_FLAG);
  want("vector", (get(GUEST_EIP) - get(GUEST_IDTR_BASE)) == 0, 0);
  want("ESP", get(GUEST_ESP), GUEST_STACK - 12);
  end();
  if (left_out("event-7")) return;
  boot(nop);
  set(ENTRY_INTERRUPTION_INFORMATION, EVENT_VALID | EVENT_OTHER);
  leaves("monitor trap flag: injected", EXIT_MONITOR_TRAP_FLAG);
  want("EIP", get(GUEST_EIP), nop.at);
  end();
}

static void test_preemption_timer(void) {
  if (!(capabilities.pin.may & PIN_PREEMPTION_TIMER)) {
    skip("VMX-preemption timer", "there is no such control");
    return;
  }
  struct code spin = CODE("1: jmp 1b"), cpuid = CODE("cpuid");
  boot(spin);
  add(PIN_CONTROLS, PIN_PREEMPTION_TIMER);
  set(PREEMPTION_TIMER, 0);
  leaves("VMX-preemption timer of 0", EXIT_PREEMPTION_TIMER);
  want("EIP", get(GUEST_EIP), spin.at);
  want("qualification", get(EXIT_QUALIFICATION), 0);
  want_no_event();
  end();
  static const u32 inactive[] = { ACTIVITY_HLT, ACTIVITY_SHUTDOWN };
  for (u32 n = 0; n < length_of(inactive); n++) {
    if (!(capabilities.misc & 1u << (5 + inactive[n]))) continue;
    boot(spin);
    add(PIN_CONTROLS, PIN_PREEMPTION_TIMER);
    set(PREEMPTION_TIMER, 5000);
    set(GUEST_ACTIVITY, inactive[n]);
    leaves(n == 0 ? "VMX-preemption timer in HLT" : "VMX-preemption timer in shutdown", EXIT_PREEMPTION_TIMER);
    want("EIP", get(GUEST_EIP), spin.at);
    want("activity state", get(GUEST_ACTIVITY), inactive[n]);
    end();
  }
  u32 save = capabilities.exit.may & EXITING_SAVE_TIMER;
  boot(spin);
  add(PIN_CONTROLS, PIN_PREEMPTION_TIMER);
  add(EXIT_CONTROLS, save);
  set(PREEMPTION_TIMER, 1000);
  leaves("VMX-preemption timer of 1000", EXIT_PREEMPTION_TIMER);
  want("EIP", get(GUEST_EIP), spin.at);
  want("timer", get(PREEMPTION_TIMER), save ? 0 : 1000);
  end();
  boot(cpuid);
  add(PIN_CONTROLS, PIN_PREEMPTION_TIMER);
  set(PREEMPTION_TIMER, 0x40000000);
  exits("VMX-preemption timer that is not saved", cpuid, EXIT_CPUID, 0);
  want("timer", get(PREEMPTION_TIMER), 0x40000000);
  end();
  if (!save) return;
  boot(cpuid);
  add(PIN_CONTROLS, PIN_PREEMPTION_TIMER);
  add(EXIT_CONTROLS, EXITING_SAVE_TIMER);
  set(PREEMPTION_TIMER, 0x40000000);
  exits("VMX-preemption timer that is saved", cpuid, EXIT_CPUID, 0);
  u32 timer = get(PREEMPTION_TIMER);
  want("timer is less than it was", timer <= 0x40000000 && timer > 0x30000000, true);
  end();
}

/* Qualification of a task switch: the selector, and in bits 31:30 where it comes from. */
#define FROM_CALL 0u
#define FROM_IRET (1u << 30)
#define FROM_JMP (2u << 30)
#define FROM_GATE (3u << 30)

static void test_task_switches(void) {
  struct code call = CODE(".byte 0x9a\n\t.long 0\n\t.word 0x20"), jump = CODE(".byte 0xea\n\t.long 0\n\t.word 0x20");
  struct code through_gate = CODE(".byte 0xea\n\t.long 0\n\t.word 0x30"), iret = CODE("iretd"), interrupt = CODE("int 0x50");
  boot(call);
  exits_and_goes_on("task switch by CALL", call, EXIT_TASK_SWITCH, FROM_CALL | OTHER_TASK_SELECTOR);
  boot(jump);
  exits_and_goes_on("task switch by JMP", jump, EXIT_TASK_SWITCH, FROM_JMP | OTHER_TASK_SELECTOR);
  boot(through_gate);
  exits_and_goes_on("task switch by JMP through a task gate", through_gate, EXIT_TASK_SWITCH, FROM_JMP | OTHER_TASK_SELECTOR);

  /* The task that IRET goes back to has to be busy. */
  gdt[OTHER_TASK_SELECTOR / 8].high |= 2 << 8;
  task[0] = OTHER_TASK_SELECTOR;
  boot(iret);
  set(GUEST_EFLAGS, FLAG_ONE | FLAG_NT);
  exits("task switch by IRET", iret, EXIT_TASK_SWITCH, FROM_IRET | OTHER_TASK_SELECTOR);
  end();
  gdt[OTHER_TASK_SELECTOR / 8].high &= ~(2u << 8);

  boot(interrupt);
  guest_idt[0x50] = gate(GATE_TASK, OTHER_TASK_SELECTOR, 0);
  leaves("task switch by INT through a task gate", EXIT_TASK_SWITCH);
  want("EIP", get(GUEST_EIP), interrupt.at);
  want("qualification", get(EXIT_QUALIFICATION), FROM_GATE | OTHER_TASK_SELECTOR);
  want("instruction length", get(EXIT_INSTRUCTION_LENGTH), 2);
  want_vectoring(EVENT_VALID | EVENT_SOFTWARE_INTERRUPT | 0x50);
  end();
  struct code ud = CODE("ud2");
  boot(ud);
  guest_idt[VECTOR_UD] = gate(GATE_TASK, OTHER_TASK_SELECTOR, 0);
  leaves("task switch by #UD through a task gate", EXIT_TASK_SWITCH);
  want("EIP", get(GUEST_EIP), ud.at);
  want("qualification", get(EXIT_QUALIFICATION), FROM_GATE | OTHER_TASK_SELECTOR);
  want_vectoring(EVENT_VALID | EVENT_EXCEPTION | VECTOR_UD);
  end();
}

void test_event_exits(void) {
  test_exceptions();
  test_external_interrupts();
  test_windows();
  test_monitor_trap_flag();
  test_preemption_timer();
  test_task_switches();
  test_double_and_triple_fault();
}
