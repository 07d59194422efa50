/* try.c: VM entries that fail as they should. */
#include "entry.h"

extern u8 a_call[];
asm(".pushsection .text\n.type a_call, @function\na_call: vmcall\n.popsection");

static struct {
  const char *group;
  u32 outcome, qualification;
} expected;

void fresh_call(void) {
  guest_fresh();
  set(GUEST_EIP, (u32)a_call);
}

void enters(const char *name) { check_outcome(name, enter(), OUTCOME_EXIT | EXIT_VMCALL); }

void expect(const char *group, u32 outcome, u32 qualification) {
  expected.group = group;
  expected.outcome = outcome;
  expected.qualification = qualification;
}

/* An entry that fails late gives an exit, but the machine was not launched and its event stays (26.7). */
void tried(const char *name) {
  u32 event = get(ENTRY_INTERRUPTION_INFORMATION);
  u32 outcome = enter();
  begin("%s: %s", expected.group, name);
  want_outcome(outcome, expected.outcome);
  if ((expected.outcome & ~0xfffu) == OUTCOME_ENTRY_FAILED && outcome == expected.outcome) {
    want("qualification", get(EXIT_QUALIFICATION), expected.qualification);
    want("the event's field", get(ENTRY_INTERRUPTION_INFORMATION), event);
    want_outcome(vmresume(), OUTCOME_ERROR | ERROR_VMRESUME_NOT_LAUNCHED);
  }
  end();
}
