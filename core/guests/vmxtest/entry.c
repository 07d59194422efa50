/* entry.c: VM entries that fail, and the number that each gives (SDM volume 3, 26.1 to 26.4 and 26.7). */
#include "vmx.h"
#include "entry.h"
#include "tests.h"

/* The lowest bit that a field of controls may not have, or 0. */
static u32 forbidden(struct allowed allowed) { return ~allowed.may & -~allowed.may; }
/* The lowest bit that it must have. */
static u32 demanded(struct allowed allowed) { return allowed.must & -allowed.must; }

static void event(u32 information) { set(ENTRY_INTERRUPTION_INFORMATION, EVENT_VALID | information); }

static void test_bits(const char *name, enum field field, struct allowed allowed) {
  if (forbidden(allowed)) {
    fresh_call();
    add(field, forbidden(allowed));
    begin("bad controls: %s, a bit that must be 0", name);
    want_outcome(enter(), OUTCOME_ERROR | ERROR_CONTROLS);
    end();
  }
  if (demanded(allowed)) {
    fresh_call();
    drop(field, demanded(allowed));
    begin("bad controls: %s, a bit that must be 1", name);
    want_outcome(enter(), OUTCOME_ERROR | ERROR_CONTROLS);
    end();
  }
}

static void test_bad_events(void) {
  u32 exception = EVENT_EXCEPTION, code = EVENT_ERROR_CODE;
  TRY("event of type 1", event(0x100));
  TRY("event with reserved bits", event(0x1020));
  TRY("NMI with vector 3", event(EVENT_NMI | 3));
  TRY("exception 32", event(exception | 32));
  if (!left_out("event-7")) TRY("other event with vector 1", event(EVENT_OTHER | 1));
  TRY("an error code for an interrupt", event(EVENT_EXTERNAL | code | 0x20));
  if (!(capabilities.basic & BASIC_ANY_ERROR_CODE)) {
    TRY("an error code for #UD", event(exception | code | VECTOR_UD));
    TRY("no error code for #GP", event(exception | VECTOR_GP));
  }
  TRY("an error code for #GP in real mode", drop(GUEST_CR0, CR0_PE), event(exception | code | VECTOR_GP));
  TRY("an error code of 17 bits", event(exception | code | VECTOR_GP), set(ENTRY_EXCEPTION_ERROR_CODE, 0x10000));
  TRY("INT of 16 bytes", event(EVENT_SOFTWARE_INTERRUPT | 0x30), set(ENTRY_INSTRUCTION_LENGTH, 16));
  if (!(capabilities.misc & MISC_LENGTH_0)) {
    TRY("INT of 0 bytes", event(EVENT_SOFTWARE_INTERRUPT | 0x30));
    TRY("INT3 of 0 bytes", event(EVENT_SOFTWARE_EXCEPTION | 3));
  }
}

void test_controls(void) {
  fresh_call();
  enters("the fresh machine enters");
  check_outcome("VMLAUNCH of a launched VMCS", vmlaunch(), OUTCOME_ERROR | ERROR_VMLAUNCH_NOT_CLEAR);
  enters("VMRESUME of a launched VMCS");
  vmclear((u32)vmcs_region);
  vmptrld((u32)vmcs_region);
  check_outcome("VMCLEAR makes it not launched", vmresume(), OUTCOME_ERROR | ERROR_VMRESUME_NOT_LAUNCHED);
  fresh_call();
  u32 flags;
  asm volatile("mov ss, %1\n\tvmlaunch\n\tpushf\n\tpop %0" : "=&r"(flags) : "r"(DATA_SELECTOR) : "memory", "cc");
  check_outcome("VMLAUNCH behind MOV to SS", outcome_of(flags), OUTCOME_ERROR | ERROR_MOV_SS);

  test_bits("pin-based", PIN_CONTROLS, capabilities.pin);
  test_bits("processor-based", PROCESSOR_CONTROLS, capabilities.processor);
  test_bits("secondary", SECONDARY_CONTROLS, capabilities.secondary);
  test_bits("VM exit", EXIT_CONTROLS, capabilities.exit);
  test_bits("VM entry", ENTRY_CONTROLS, capabilities.entry);

  expect("bad controls", OUTCOME_ERROR | ERROR_CONTROLS, 0);
  TRY("too many CR3 targets", set(CR3_TARGET_COUNT, (capabilities.misc >> 16 & 0x1ff) + 1));
  TRY("I/O bitmap A not aligned", add(PROCESSOR_CONTROLS, PROCESSOR_IO_BITMAPS), set64(IO_BITMAP_A, 0x1800),
      set64(IO_BITMAP_B, 0x1000));
  TRY("I/O bitmap B beyond the addresses", add(PROCESSOR_CONTROLS, PROCESSOR_IO_BITMAPS), set64(IO_BITMAP_A, 0x1000),
      set64(IO_BITMAP_B, 1ull << 63));
  TRY("MSR bitmaps not aligned", set64(MSR_BITMAPS, 0x1010));
  TRY("MSR bitmaps beyond the addresses", set64(MSR_BITMAPS, 1ull << 63));
  if (capabilities.secondary.may & SECONDARY_VPID) TRY("VPID 0", add(SECONDARY_CONTROLS, SECONDARY_VPID), set(VPID, 0));
  TRY("EPT pointer: memory type 2", set64(EPT_POINTER, (ept_pointer() & ~7ull) | 2));
  TRY("EPT pointer: three levels", set64(EPT_POINTER, (ept_pointer() & ~0x38ull) | 2 << 3));
  TRY("EPT pointer: reserved bit 8", set64(EPT_POINTER, ept_pointer() | 1 << 8));
  TRY("EPT pointer beyond the addresses", set64(EPT_POINTER, ept_pointer() | 1ull << 63));
  TRY("unrestricted guest without EPT", drop(SECONDARY_CONTROLS, SECONDARY_EPT));
  if (capabilities.exit.may & EXITING_SAVE_TIMER) {
    TRY("saving a timer that does not run", add(EXIT_CONTROLS, EXITING_SAVE_TIMER));
  }
  TRY("MSRs to store not aligned", set(EXIT_MSR_STORE_COUNT, 1), set64(EXIT_MSR_STORE_ADDRESS, 0x1008));
  TRY("MSRs to load on exit not aligned", set(EXIT_MSR_LOAD_COUNT, 1), set64(EXIT_MSR_LOAD_ADDRESS, 0x1008));
  TRY("MSRs to load on entry not aligned", set(ENTRY_MSR_LOAD_COUNT, 1), set64(ENTRY_MSR_LOAD_ADDRESS, 0x1008));
  TRY("MSRs to load beyond the addresses", set(ENTRY_MSR_LOAD_COUNT, 1), set64(ENTRY_MSR_LOAD_ADDRESS, 1ull << 63));
  test_bad_events();

  fresh_call();
  set64(IO_BITMAP_A, 1);
  set64(EXIT_MSR_STORE_ADDRESS, 1);
  set(ENTRY_INTERRUPTION_INFORMATION, 0x7fffffff);
  enters("what does not count is not checked");
}

/* The highest bit that VMX does not let CR4 have. */
static u32 forbidden_cr4(void) {
  u32 bit = 1u << 31;
  while (bit & capabilities.cr4_may) bit >>= 1;
  return bit;
}

void test_host_state(void) {
  expect("bad host state", OUTCOME_ERROR | ERROR_HOST_STATE, 0);
  TRY("CR0 without PE", drop(HOST_CR0, CR0_PE | CR0_PG));
  TRY("CR0 without PG", drop(HOST_CR0, CR0_PG));
  TRY("CR0 without NE", drop(HOST_CR0, CR0_NE));
  TRY("CR4 without VMXE", drop(HOST_CR4, CR4_VMXE));
  TRY("CR4 with a bit that is not there", add(HOST_CR4, forbidden_cr4()));
  TRY("CS null", set(HOST_CS_SELECTOR, 0));
  TRY("SS null", set(HOST_SS_SELECTOR, 0));
  TRY("TR null", set(HOST_TR_SELECTOR, 0));
  TRY("CS with RPL 3", set(HOST_CS_SELECTOR, CODE_SELECTOR | 3));
  TRY("SS with RPL 1", set(HOST_SS_SELECTOR, DATA_SELECTOR | 1));
  TRY("DS in the LDT", set(HOST_DS_SELECTOR, DATA_SELECTOR | 4));
  TRY("FS with RPL 1", set(HOST_FS_SELECTOR, DATA_SELECTOR | 1));
  TRY("TR in the LDT", set(HOST_TR_SELECTOR, TASK_SELECTOR | 4));
  if (capabilities.exit.may & EXITING_LOAD_PAT) {
    TRY("PAT with memory type 2", add(EXIT_CONTROLS, EXITING_LOAD_PAT), set64(HOST_PAT, 0x0007040600070402));
  }
  if (capabilities.exit.may & EXITING_LOAD_EFER) {
    TRY("EFER with reserved bits", add(EXIT_CONTROLS, EXITING_LOAD_EFER), set64(HOST_EFER, 2));
  }
}
