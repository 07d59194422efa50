/* outcome.c: what came of an instruction, as one number and in words. */
#include "vmx.h"
#include "../primer/common/text.h"

static const char *const exit_names[EXIT_REASON_COUNT] = {
#define EXIT_NAME(constant, number, name) [number] = name,
  EXIT_REASONS(EXIT_NAME)
};

const char *exit_name(unsigned reason) { return reason < EXIT_REASON_COUNT ? exit_names[reason] : NULL; }

#define STATUS_CF 1u
#define STATUS_ZF 0x40u
#define STATUS_FLAGS 0x8d5u

u32 outcome_of(u32 flags) {
  if (flags == -1u) return OUTCOME_FAULT | fault_vector;
  u32 status = flags & STATUS_FLAGS;
  if (status == 0) return OUTCOME_SUCCESS;
  if (status == STATUS_CF) return OUTCOME_FAIL_INVALID;
  if (status != STATUS_ZF) return OUTCOME_STRANGE | status;
  u32 error = 0;
  vmread(INSTRUCTION_ERROR, &error);
  return OUTCOME_ERROR | error;
}

const char *outcome_text(u32 outcome) {
  static char buffers[4][48];
  static u32 next;
  char *text = buffers[next++ % 4];
  u32 detail = outcome & 0xfff;
  const char *name = exit_name(detail);
  switch (outcome & ~0xfffu) {
  case OUTCOME_SUCCESS:
    return "success";
  case OUTCOME_FAIL_INVALID:
    return "VMfailInvalid";
  case OUTCOME_ERROR:
    format_into(text, sizeof buffers[0], "VMfailValid %u", detail);
    return text;
  case OUTCOME_FAULT:
    format_into(text, sizeof buffers[0], "exception %u", detail);
    return text;
  case OUTCOME_EXIT:
    format_into(text, sizeof buffers[0], "exit %u %s", detail, name ? name : "");
    return text;
  case OUTCOME_ENTRY_FAILED:
    format_into(text, sizeof buffers[0], "failed entry %u %s", detail, name ? name : "");
    return text;
  default:
    format_into(text, sizeof buffers[0], "status flags %x", detail);
    return text;
  }
}
