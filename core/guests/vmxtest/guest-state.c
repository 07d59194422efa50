/* guest-state.c: VM entries that fail at the guest's state or its MSRs: exits 33 and 34 (SDM volume 3, 26.3, 26.4, 26.7). */
#include "entry.h"
#include "tests.h"

/* Qualifications of exit 33. */
#define QUALIFICATION_OTHER 0u
#define QUALIFICATION_PDPTE 2u
#define QUALIFICATION_LINK_POINTER 4u

static void test_registers(void) {
  TRY("CR0 without NE", drop(GUEST_CR0, CR0_NE));
  TRY("CR0: PG without PE", drop(GUEST_CR0, CR0_PE), add(GUEST_CR0, CR0_PG));
  TRY("CR4 without VMXE", drop(GUEST_CR4, CR4_VMXE));
  u32 bit = 1u << 31;
  while (bit & capabilities.cr4_may) bit >>= 1;
  TRY("CR4 with a bit that is not there", add(GUEST_CR4, bit));
  if (capabilities.entry.may & ENTRY_LOAD_DEBUG) {
    TRY("IA32_DEBUGCTL with reserved bits", add(ENTRY_CONTROLS, ENTRY_LOAD_DEBUG), set64(GUEST_DEBUG_CONTROL, 1u << 31));
  }
  if (capabilities.entry.may & ENTRY_LOAD_PAT) {
    TRY("PAT with memory type 3", add(ENTRY_CONTROLS, ENTRY_LOAD_PAT), set64(GUEST_PAT, 0x0007040300070406));
  }
  if (capabilities.entry.may & ENTRY_LOAD_EFER) {
    TRY("EFER with reserved bits", add(ENTRY_CONTROLS, ENTRY_LOAD_EFER), set64(GUEST_EFER, 2));
  }
  TRY("EFLAGS without bit 1", drop(GUEST_EFLAGS, FLAG_ONE));
  TRY("EFLAGS with bit 3", add(GUEST_EFLAGS, 1 << 3));
  TRY("EFLAGS with bit 22", add(GUEST_EFLAGS, 1 << 22));
  TRY("EFLAGS.VM without PE", drop(GUEST_CR0, CR0_PE), add(GUEST_EFLAGS, FLAG_VM));
  TRY("GDTR limit over ffff", set(GUEST_GDTR_LIMIT, 0x10000));
  TRY("IDTR limit over ffff", set(GUEST_IDTR_LIMIT, 0x10000));
}

static void test_segments(void) {
  TRY("CS not present", drop(GUEST_CS_ACCESS_RIGHTS, 1 << 7));
  TRY("CS a system segment", drop(GUEST_CS_ACCESS_RIGHTS, 1 << 4));
  TRY("CS not accessed", drop(GUEST_CS_ACCESS_RIGHTS, 1));
  TRY("CS of DPL 3, SS of DPL 0", add(GUEST_CS_ACCESS_RIGHTS, 3 << 5));
  TRY("CS: limit too fine for its granularity", set(GUEST_CS_LIMIT, 0xfffffffe));
  TRY("CS: limit too large for its granularity", drop(GUEST_CS_ACCESS_RIGHTS, 1 << 15));
  TRY("SS a code segment", set(GUEST_SS_ACCESS_RIGHTS, 0xc09b));
  TRY("SS not writable", set(GUEST_SS_ACCESS_RIGHTS, 0xc091));
  TRY("SS of DPL 3 in real mode", drop(GUEST_CR0, CR0_PE), set(GUEST_SS_ACCESS_RIGHTS, 0xc0f3));
  TRY("DS not accessed", drop(GUEST_DS_ACCESS_RIGHTS, 1));
  TRY("DS execute-only", set(GUEST_DS_ACCESS_RIGHTS, 0xc099));
  TRY("ES not present", drop(GUEST_ES_ACCESS_RIGHTS, 1 << 7));
  TRY("FS usable, a system segment", set(GUEST_FS_ACCESS_RIGHTS, 0x83));
  TRY("TR not usable", add(GUEST_TR_ACCESS_RIGHTS, UNUSABLE));
  TRY("TR not busy", set(GUEST_TR_ACCESS_RIGHTS, 0x89));
  TRY("TR in the LDT", add(GUEST_TR_SELECTOR, 4));
  TRY("TR: reserved bits", add(GUEST_TR_ACCESS_RIGHTS, 1 << 8));
  TRY("LDTR usable, of another type", set(GUEST_LDTR_ACCESS_RIGHTS, 0x83));
  TRY("LDTR usable, not present", set(GUEST_LDTR_ACCESS_RIGHTS, 0x02));
  TRY("virtual-8086 mode with flat segments", add(GUEST_EFLAGS, FLAG_VM));
}

static void event(u32 information) { set(ENTRY_INTERRUPTION_INFORMATION, EVENT_VALID | information); }

static void test_other_state(void) {
  TRY("activity state 4", set(GUEST_ACTIVITY, 4));
  TRY("HLT behind STI", set(GUEST_ACTIVITY, ACTIVITY_HLT), set(GUEST_INTERRUPTIBILITY, BLOCKING_STI),
      add(GUEST_EFLAGS, FLAG_IF));
  TRY("HLT with CPL 3", set(GUEST_ACTIVITY, ACTIVITY_HLT), set(GUEST_SS_ACCESS_RIGHTS, 0xc0f3),
      set(GUEST_CS_ACCESS_RIGHTS, 0xc0fb));
  TRY("HLT and an exception", set(GUEST_ACTIVITY, ACTIVITY_HLT), event(EVENT_EXCEPTION | VECTOR_UD));
  TRY("interruptibility: reserved bits", set(GUEST_INTERRUPTIBILITY, 1u << 31));
  TRY("blocking by STI and by MOV to SS", set(GUEST_INTERRUPTIBILITY, 3), add(GUEST_EFLAGS, FLAG_IF));
  TRY("blocking by STI with IF 0", set(GUEST_INTERRUPTIBILITY, BLOCKING_STI));
  TRY("an interrupt with IF 0", event(EVENT_EXTERNAL | 0x30));
  TRY("an interrupt behind STI", event(EVENT_EXTERNAL | 0x30), add(GUEST_EFLAGS, FLAG_IF),
      set(GUEST_INTERRUPTIBILITY, BLOCKING_STI));
  TRY("an interrupt behind MOV to SS", event(EVENT_EXTERNAL | 0x30), add(GUEST_EFLAGS, FLAG_IF),
      set(GUEST_INTERRUPTIBILITY, BLOCKING_MOV_SS));
  TRY("an NMI behind MOV to SS", event(EVENT_NMI | 2), set(GUEST_INTERRUPTIBILITY, BLOCKING_MOV_SS));
  TRY("pending debug exceptions: reserved bits", set(GUEST_PENDING_DEBUG_EXCEPTIONS, 1 << 5));
  TRY("behind MOV to SS with TF, but no trap pends", set(GUEST_INTERRUPTIBILITY, BLOCKING_MOV_SS),
      add(GUEST_EFLAGS, FLAG_TF));
  TRY("behind MOV to SS without TF, but a trap pends", set(GUEST_INTERRUPTIBILITY, BLOCKING_MOV_SS),
      set(GUEST_PENDING_DEBUG_EXCEPTIONS, 1 << 14));
}

void test_guest_state(void) {
  u32 failed = OUTCOME_ENTRY_FAILED | EXIT_ENTRY_INVALID_GUEST_STATE;
  expect("bad guest state", failed, QUALIFICATION_OTHER);
  test_registers();
  test_segments();
  test_other_state();
  expect("bad guest state", failed, QUALIFICATION_LINK_POINTER);
  TRY("link pointer not aligned", set64(VMCS_LINK_POINTER, 0x1008));
  TRY("link pointer beyond the addresses", set64(VMCS_LINK_POINTER, 1ull << 63));
  TRY("link pointer to another revision", make_region(spare_region, capabilities.revision ^ 1),
      set64(VMCS_LINK_POINTER, (u32)spare_region));
  expect("bad guest state", failed, QUALIFICATION_PDPTE);
  TRY("PAE paging with reserved bits in a PDPTE", add(GUEST_CR0, CR0_PG), add(GUEST_CR4, CR4_PAE),
      set64(GUEST_PDPTE0, 0), set64(GUEST_PDPTE1, 0), set64(GUEST_PDPTE2, 0x1003), set64(GUEST_PDPTE3, 0));
  fresh_call();
  add(GUEST_CS_ACCESS_RIGHTS, UNUSABLE);
  enters("CS counts as usable, whatever its access rights say");
  fresh_call();
  enters("after all that, the machine enters");
}

static struct {
  u32 index, reserved;
  u64 value;
} msrs[3] __attribute__((aligned(16)));

#define IA32_PAT 0x277u
#define IA32_FS_BASE 0xc0000100u

/* A list whose first entry is good. */
static void list(u32 index, u32 reserved, u64 value) {
  msrs[0].index = IA32_PAT;
  msrs[0].reserved = 0;
  msrs[0].value = read_msr(IA32_PAT);
  msrs[1].index = index;
  msrs[1].reserved = reserved;
  msrs[1].value = value;
  set(ENTRY_MSR_LOAD_COUNT, 2);
  set64(ENTRY_MSR_LOAD_ADDRESS, (u32)msrs);
}

void test_msr_loading(void) {
  expect("bad MSRs to load", OUTCOME_ENTRY_FAILED | EXIT_ENTRY_MSR_LOADING, 2);
  TRY("FS base", list(IA32_FS_BASE, 0, 0));
  TRY("an x2APIC register", list(0x802, 0, 0));
  TRY("reserved bits", list(IA32_PAT, 1, read_msr(IA32_PAT)));
  TRY("a register that is not there", list(0x4fff, 0, 0));
  TRY("a value that WRMSR would not take", list(IA32_PAT, 0, 2));
  TRY("a register that cannot be written", list(0x480, 0, 0));
  fresh_call();
  list(IA32_PAT, 0, read_msr(IA32_PAT));
  enters("MSRs to load: a good list");
}
