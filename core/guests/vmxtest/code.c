/* code.c: runs a few instructions as a guest and looks at the exit. */
#include "code.h"

/* 256 times VMCALL and NOP: 4 bytes each. */
extern u8 guest_handlers[], guest_iret[];
asm(".pushsection .text\n"
    ".type guest_handlers, @function\n"
    "guest_handlers:\n"
    ".rept 256\n\tvmcall\n\tnop\n.endr\n"
    ".type guest_iret, @function\n"
    "guest_iret:\n\tiretd\n"
    ".popsection");
#define HANDLER_SIZE 4u

void guest_idt_fresh(void) {
  for (u32 n = 0; n < 256; n++) guest_idt[n] = gate(GATE_INTERRUPT, CODE_SELECTOR, (u32)guest_handlers + n * HANDLER_SIZE);
}

void boot(struct code code) {
  guest_fresh();
  guest_idt_fresh();
  set(GUEST_EIP, code.start);
}

void want_event(u32 information) { want("interruption information", get(EXIT_INTERRUPTION_INFORMATION), information); }

void want_no_event(void) { want("valid event", get(EXIT_INTERRUPTION_INFORMATION) & EVENT_VALID, 0); }

void want_vectoring(u32 information) {
  u32 saw = get(IDT_VECTORING_INFORMATION);
  want("vectoring information", saw & EVENT_VALID ? saw : 0, information);
}

/* What every exit leaves in the processor, and the flags of each (SDM volume 3, 27.5). */
static void want_host(void) {
  want("EFLAGS", exit_flags, FLAG_ONE);
  want("GDTR base", exit_gdtr.base, (u32)gdt);
  want("GDTR limit", exit_gdtr.limit, 0xffff);
  want("IDTR base", exit_idtr.base, (u32)idt);
  want("IDTR limit", exit_idtr.limit, 0xffff);
}

void leaves(const char *name, u32 reason) {
  u32 outcome = enter();
  begin("%s", name);
  want_outcome(outcome, OUTCOME_EXIT | reason);
  want_host();
}

void exits(const char *name, struct code code, u32 reason, u32 qualification) {
  leaves(name, reason);
  want("EIP", get(GUEST_EIP), code.at);
  want("qualification", get(EXIT_QUALIFICATION), qualification);
  want("instruction length", get(EXIT_INSTRUCTION_LENGTH), code.end - code.at);
  want_no_event();
  want_vectoring(0);
}

void goes_on(struct code code) {
  set(GUEST_EIP, code.end);
  want_outcome(enter(), OUTCOME_EXIT | EXIT_VMCALL);
  want("EIP, resumed", get(GUEST_EIP), code.end);
}

void exits_and_goes_on(const char *name, struct code code, u32 reason, u32 qualification) {
  exits(name, code, reason, qualification);
  goes_on(code);
  end();
}

void runs(const char *name, struct code code) {
  leaves(name, EXIT_VMCALL);
  want("EIP", get(GUEST_EIP), code.end);
}

const u32 *want_handler(u32 vector, bool has_code, u32 back) {
  u32 at = get(GUEST_EIP) - (u32)guest_handlers;
  want("exit", get(EXIT_REASON), EXIT_VMCALL);
  want("vector of the handler", at / HANDLER_SIZE, vector);
  const u32 *frame = (const u32 *)get(GUEST_ESP);
  want("EIP in the frame", frame[has_code], back);
  want("CS in the frame", frame[has_code + 1], CODE_SELECTOR);
  return frame;
}

void leave_handler(bool has_code) {
  set(GUEST_EIP, (u32)guest_iret);
  if (has_code) set(GUEST_ESP, get(GUEST_ESP) + 4);
}
