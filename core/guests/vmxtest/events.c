/* events.c: events that VM entries inject, and events whose delivery exits (SDM volume 3, 26.5, 27.2.3, 27.2.4). */
#include "code.h"
#include "tests.h"

static void inject(struct code code, u32 information, u32 flags) {
  boot(code);
  set(GUEST_EFLAGS, FLAG_ONE | flags);
  set(ENTRY_INTERRUPTION_INFORMATION, EVENT_VALID | information);
}

/* A check begins: the event has gone through the guest's table, and its field is not valid any more. */
static const u32 *injects(const char *name, u32 vector, bool has_code, u32 back, u32 flags) {
  leaves(name, EXIT_VMCALL);
  const u32 *frame = want_handler(vector, has_code, back);
  want("EFLAGS in the frame", frame[has_code + 2], FLAG_ONE | flags);
  want("IF", get(GUEST_EFLAGS) & FLAG_IF, 0);
  want("the event's valid bit", get(ENTRY_INTERRUPTION_INFORMATION) & EVENT_VALID, 0);
  want_vectoring(0);
  return frame;
}

/* Part of a check: IRET goes back. */
static void goes_back(struct code code, bool has_code) {
  leave_handler(has_code);
  want_outcome(enter(), OUTCOME_EXIT | EXIT_VMCALL);
  want("EIP after IRET", get(GUEST_EIP), code.end);
  want("ESP after IRET", get(GUEST_ESP), GUEST_STACK);
}

static void test_injection(void) {
  struct code nop = CODE("nop");
  inject(nop, EVENT_EXTERNAL | 0x61, FLAG_IF);
  injects("injected: external interrupt 61", 0x61, false, nop.at, FLAG_IF);
  goes_back(nop, false);
  end();
  inject(nop, EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_GP, 0);
  set(ENTRY_EXCEPTION_ERROR_CODE, 0x1230);
  const u32 *frame = injects("injected: #GP with an error code", VECTOR_GP, true, nop.at, 0);
  want("error code", frame[0], 0x1230);
  goes_back(nop, true);
  end();
  inject(nop, EVENT_EXCEPTION | VECTOR_UD, 0);
  injects("injected: #UD", VECTOR_UD, false, nop.at, 0);
  end();
  inject(nop, EVENT_SOFTWARE_INTERRUPT | 0x80, 0);
  set(ENTRY_INSTRUCTION_LENGTH, 2);
  injects("injected: INT 80 of 2 bytes", 0x80, false, nop.at + 2, 0);
  end();
  inject(nop, EVENT_SOFTWARE_EXCEPTION | VECTOR_BP, 0);
  set(ENTRY_INSTRUCTION_LENGTH, 1);
  injects("injected: INT3", VECTOR_BP, false, nop.at + 1, 0);
  goes_back(nop, false);
  end();
  inject(nop, EVENT_PRIVILEGED_EXCEPTION | VECTOR_DB, 0);
  set(ENTRY_INSTRUCTION_LENGTH, 1);
  injects("injected: INT1", VECTOR_DB, false, nop.at + 1, 0);
  end();

  inject(nop, EVENT_EXCEPTION | VECTOR_UD, 0);
  set(EXCEPTION_BITMAP, -1);
  injects("injected: the exception bitmap does not count", VECTOR_UD, false, nop.at, 0);
  end();
  inject(nop, EVENT_EXTERNAL | 0x61, FLAG_IF);
  add(PIN_CONTROLS, PIN_EXTERNAL_INTERRUPT);
  injects("injected: external-interrupt exiting does not count", 0x61, false, nop.at, FLAG_IF);
  end();
  inject(nop, EVENT_EXTERNAL | 0x61, FLAG_IF);
  set(GUEST_ACTIVITY, ACTIVITY_HLT);
  injects("injected: an interrupt ends HLT", 0x61, false, nop.at, FLAG_IF);
  want("activity state", get(GUEST_ACTIVITY), ACTIVITY_ACTIVE);
  goes_back(nop, false);
  end();
  inject(nop, EVENT_EXTERNAL | 0x61, FLAG_IF);
  add(PROCESSOR_CONTROLS, PROCESSOR_INTERRUPT_WINDOW);
  injects("injected: a window opens after the handler only", 0x61, false, nop.at, FLAG_IF);
  leave_handler(false);
  want_outcome(enter(), OUTCOME_EXIT | EXIT_INTERRUPT_WINDOW);
  want("EIP of the window", get(GUEST_EIP), nop.at);
  end();
}

/* From an NMI's delivery to the next IRET other NMIs are held off. */
static void test_nmi(void) {
  struct code nop = CODE("nop");
  inject(nop, EVENT_NMI | 2, 0);
  injects("injected: NMI", 2, false, nop.at, 0);
  want("interruptibility", get(GUEST_INTERRUPTIBILITY), BLOCKING_NMI);
  goes_back(nop, false);
  want("interruptibility after IRET", get(GUEST_INTERRUPTIBILITY), 0);
  end();
}

/* Where NMIs exit, IRET has nothing to do with them (25.3). */
static void test_nmi_exiting(void) {
  struct code nop = CODE("nop");
  inject(nop, EVENT_NMI | 2, 0);
  add(PIN_CONTROLS, PIN_NMI);
  injects("IRET from an NMI, with NMI exiting", 2, false, nop.at, 0);
  goes_back(nop, false);
  want("interruptibility after IRET", get(GUEST_INTERRUPTIBILITY), BLOCKING_NMI);
  end();
}

/* An IRET that faults has ended the blocking nevertheless, and the exit tells (27.2.2). */
static void test_nmi_unblocking(void) {
  struct code nop = CODE("nop");
  inject(nop, EVENT_NMI | 2, 0);
  set(EXCEPTION_BITMAP, 1u << VECTOR_GP);
  leaves("IRET from an NMI that faults", EXIT_VMCALL);
  ((u32 *)get(GUEST_ESP))[1] = 0x7c; /* CS */
  leave_handler(false);
  want_outcome(enter(), OUTCOME_EXIT | EXIT_EXCEPTION_OR_NMI);
  want_event(EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | EVENT_NMI_UNBLOCKED | VECTOR_GP);
  want("error code", get(EXIT_INTERRUPTION_ERROR_CODE), 0x7c);
  want("interruptibility", get(GUEST_INTERRUPTIBILITY), 0);
  end();

  inject(nop, EVENT_NMI | 2, 0);
  leaves("IRET from an NMI that violates EPT", EXIT_VMCALL);
  *ept_entry(FREE_PAGE) = 0;
  ept_changed();
  leave_handler(false);
  set(GUEST_ESP, FREE_PAGE);
  want_outcome(enter(), OUTCOME_EXIT | EXIT_EPT_VIOLATION);
  want("qualification", get(EXIT_QUALIFICATION) & 0x11bf, 0x1181);
  want("interruptibility", get(GUEST_INTERRUPTIBILITY), 0);
  end();
  ept_start();
}

/* A trap that is due when an instruction shadow or an exit comes first waits in a field. */
static void test_pending_debug(void) {
  struct code stack = CODE_AFTER("mov eax, ss\n\tmov ss, eax", "cpuid"), cpuid = CODE("cpuid"), nop = CODE("nop");
  boot(stack);
  set(GUEST_EIP, stack.start + 2);
  add(GUEST_EFLAGS, FLAG_TF);
  guest.eax = DATA_SELECTOR;
  exits("a single step waits behind MOV to SS", stack, EXIT_CPUID, 0);
  want("pending debug exceptions", get(GUEST_PENDING_DEBUG_EXCEPTIONS), 1 << 14);
  want("interruptibility", get(GUEST_INTERRUPTIBILITY), BLOCKING_MOV_SS);
  end();
  boot(cpuid);
  add(GUEST_EFLAGS, FLAG_TF);
  exits("an instruction that exits has no single step", cpuid, EXIT_CPUID, 0);
  want("pending debug exceptions", get(GUEST_PENDING_DEBUG_EXCEPTIONS), 0);
  end();
  boot(nop);
  set(EXCEPTION_BITMAP, 1u << VECTOR_DB);
  set(GUEST_PENDING_DEBUG_EXCEPTIONS, 1 << 14);
  leaves("a pending single step comes before the first instruction", EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), nop.at);
  want("qualification", get(EXIT_QUALIFICATION), 1 << 14);
  want_event(EVENT_VALID | EVENT_EXCEPTION | VECTOR_DB);
  end();
}

static void test_blocking(void) {
  struct code sti = CODE_AFTER("sti", "cpuid"), stack = CODE_AFTER("mov eax, ss\n\tmov ss, eax", "cpuid");
  boot(sti);
  exits("blocking by STI is saved", sti, EXIT_CPUID, 0);
  want("interruptibility", get(GUEST_INTERRUPTIBILITY), BLOCKING_STI);
  end();
  boot(stack);
  exits("blocking by MOV to SS is saved", stack, EXIT_CPUID, 0);
  want("interruptibility", get(GUEST_INTERRUPTIBILITY), BLOCKING_MOV_SS);
  end();
}

/* An event of the guest's whose delivery runs into an exception that exits. */
static void test_vectoring(void) {
  struct code interrupt = CODE("int 0x40"), ud = CODE("ud2"), nop = CODE("nop");
  boot(interrupt);
  guest_idt[0x40].high &= ~(1u << 15);
  set(EXCEPTION_BITMAP, 1u << VECTOR_NP);
  leaves("INT through a gate that is not present", EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), interrupt.at);
  want_event(EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_NP);
  want("error code", get(EXIT_INTERRUPTION_ERROR_CODE), 0x40 * 8 + 2);
  want_vectoring(EVENT_VALID | EVENT_SOFTWARE_INTERRUPT | 0x40);
  want("instruction length", get(EXIT_INSTRUCTION_LENGTH), 2);
  end();

  boot(ud);
  guest_idt[VECTOR_UD].high &= ~(1u << 15);
  set(EXCEPTION_BITMAP, 1u << VECTOR_NP);
  leaves("#UD through a gate that is not present", EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), ud.at);
  want_event(EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_NP);
  want("error code", get(EXIT_INTERRUPTION_ERROR_CODE), VECTOR_UD * 8 + 3);
  want_vectoring(EVENT_VALID | EVENT_EXCEPTION | VECTOR_UD);
  end();

  /* What the host does with it: it injects the same event again. */
  guest_idt_fresh();
  set(ENTRY_INTERRUPTION_INFORMATION, get(IDT_VECTORING_INFORMATION));
  injects("the event in delivery, injected again", VECTOR_UD, false, ud.at, FLAG_RF);
  end();

  struct code int3 = CODE("int3"), spin = CODE("1: jmp 1b");
  boot(int3);
  guest_idt[VECTOR_BP].high &= ~(1u << 15);
  set(EXCEPTION_BITMAP, 1u << VECTOR_NP);
  leaves("INT3 through a gate that is not present", EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), int3.at);
  want("error code", get(EXIT_INTERRUPTION_ERROR_CODE), VECTOR_BP * 8 + 2);
  want_vectoring(EVENT_VALID | EVENT_SOFTWARE_EXCEPTION | VECTOR_BP);
  want("instruction length", get(EXIT_INSTRUCTION_LENGTH), 1);
  end();

  boot(spin);
  guest_idt[VECTOR_TIMER].high &= ~(1u << 15);
  set(EXCEPTION_BITMAP, 1u << VECTOR_NP);
  add(GUEST_EFLAGS, FLAG_IF);
  timer_shoot();
  leaves("an interrupt of the board's through a gate that is not present", EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), spin.at);
  want("error code", get(EXIT_INTERRUPTION_ERROR_CODE), VECTOR_TIMER * 8 + 3);
  want_vectoring(EVENT_VALID | EVENT_EXTERNAL | VECTOR_TIMER);
  interrupt_end();
  end();

  inject(nop, EVENT_EXTERNAL | 0x61, FLAG_IF);
  guest_idt[0x61].high &= ~(1u << 15);
  set(EXCEPTION_BITMAP, 1u << VECTOR_NP);
  leaves("an injected interrupt through a gate that is not present", EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), nop.at);
  want("error code", get(EXIT_INTERRUPTION_ERROR_CODE), 0x61 * 8 + 3);
  want_vectoring(EVENT_VALID | EVENT_EXTERNAL | 0x61);
  end();

  inject(nop, EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_GP, 0);
  set(ENTRY_EXCEPTION_ERROR_CODE, 0x88);
  guest_idt[VECTOR_GP].high &= ~(1u << 15);
  set(EXCEPTION_BITMAP, 1u << VECTOR_DF);
  leaves("#NP in the delivery of an injected #GP is #DF", EXIT_EXCEPTION_OR_NMI);
  want_event(EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_DF);
  want_vectoring(0);
  end();

  inject(nop, EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_PF, 0);
  set(ENTRY_EXCEPTION_ERROR_CODE, 2);
  guest_idt[VECTOR_PF] = gate(GATE_TASK, OTHER_TASK_SELECTOR, 0);
  leaves("an injected #PF through a task gate", EXIT_TASK_SWITCH);
  want_vectoring(EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_PF);
  want("error code in delivery", get(IDT_VECTORING_ERROR_CODE), 2);
  end();
}

void test_events(void) {
  test_injection();
  test_nmi();
  test_nmi_exiting();
  test_nmi_unblocking();
  test_pending_debug();
  test_blocking();
  test_vectoring();
}
