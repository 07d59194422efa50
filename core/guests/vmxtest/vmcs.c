/* vmcs.c: a virtual machine of one processor, made anew for each check. */
#include "vmx.h"
#include "../primer/common/text.h"

u8 vmxon_region[PAGE] __attribute__((aligned(PAGE)));
u8 vmcs_region[PAGE] __attribute__((aligned(PAGE)));
u8 other_region[PAGE] __attribute__((aligned(PAGE)));
u8 spare_region[PAGE] __attribute__((aligned(PAGE)));
u8 guest_stack[PAGE] __attribute__((aligned(PAGE)));
static u8 msr_bitmaps[PAGE] __attribute__((aligned(PAGE)));
struct descriptor guest_idt[256] __attribute__((aligned(8)));

struct registers guest;
u32 exit_flags;
struct table_register exit_gdtr, exit_idtr;
bool exits_seen[EXIT_REASON_COUNT];
static bool launched;

extern u8 exit_landing[];
u32 enter_guest(bool resume);

void make_region(u8 *region, u32 revision) {
  memset(region, 0, PAGE);
  *(u32 *)region = revision;
}

static void must(const char *what, u32 field, u32 outcome) {
  if (outcome == OUTCOME_SUCCESS) return;
  begin("%s of field %x", what, field);
  want_outcome(outcome, OUTCOME_SUCCESS);
  end();
}

u32 get(enum field field) {
  u32 value = 0;
  must("VMREAD", field, vmread(field, &value));
  return value;
}

void set(enum field field, u32 value) { must("VMWRITE", field, vmwrite(field, value)); }

void set64(enum field field, u64 value) {
  set(field, value);
  set(field + 1, value >> 32);
}

void add(enum field field, u32 bits) { set(field, get(field) | bits); }
void drop(enum field field, u32 bits) { set(field, get(field) & ~bits); }

static u32 adjusted(struct allowed allowed, u32 wanted) { return (wanted & allowed.may) | allowed.must; }

static void fresh_controls(void) {
  set(PIN_CONTROLS, capabilities.pin.must);
  set(PROCESSOR_CONTROLS, adjusted(capabilities.processor, PROCESSOR_MSR_BITMAPS | PROCESSOR_SECONDARY));
  set(SECONDARY_CONTROLS, SECONDARY_EPT | SECONDARY_UNRESTRICTED);
  set(EXIT_CONTROLS, adjusted(capabilities.exit, EXITING_SAVE_DEBUG));
  set(ENTRY_CONTROLS, adjusted(capabilities.entry, ENTRY_LOAD_DEBUG));
  set(EXCEPTION_BITMAP, 0);
  set(PAGE_FAULT_ERROR_CODE_MASK, 0);
  set(PAGE_FAULT_ERROR_CODE_MATCH, 0);
  set(CR3_TARGET_COUNT, 0);
  set(EXIT_MSR_STORE_COUNT, 0);
  set(EXIT_MSR_LOAD_COUNT, 0);
  set(ENTRY_MSR_LOAD_COUNT, 0);
  set(ENTRY_INTERRUPTION_INFORMATION, 0);
  set(ENTRY_EXCEPTION_ERROR_CODE, 0);
  set(ENTRY_INSTRUCTION_LENGTH, 0);
  set64(MSR_BITMAPS, (u32)msr_bitmaps);
  set64(TSC_OFFSET, 0);
  set64(EPT_POINTER, ept_pointer());
  set64(VMCS_LINK_POINTER, -1ull);
  set(CR0_MASK, 0);
  set(CR0_SHADOW, 0);
  set(CR4_MASK, 0);
  set(CR4_SHADOW, 0);
  memset(msr_bitmaps, 0, PAGE);
}

static void fresh_host(void) {
  set(HOST_CR0, read_cr0());
  set(HOST_CR3, read_cr3());
  set(HOST_CR4, read_cr4());
  set(HOST_CS_SELECTOR, CODE_SELECTOR);
  set(HOST_SS_SELECTOR, DATA_SELECTOR);
  set(HOST_DS_SELECTOR, DATA_SELECTOR);
  set(HOST_ES_SELECTOR, DATA_SELECTOR);
  set(HOST_FS_SELECTOR, 0);
  set(HOST_GS_SELECTOR, 0);
  set(HOST_TR_SELECTOR, TASK_SELECTOR);
  set(HOST_FS_BASE, 0);
  set(HOST_GS_BASE, 0);
  set(HOST_TR_BASE, (u32)task);
  set(HOST_GDTR_BASE, (u32)gdt);
  set(HOST_IDTR_BASE, (u32)idt);
  set(HOST_SYSENTER_CS, 0);
  set(HOST_SYSENTER_ESP, 0);
  set(HOST_SYSENTER_EIP, 0);
  set(HOST_ESP, 0);
  set(HOST_EIP, (u32)exit_landing);
}

/* The fields of a segment register follow each other in the order ES, CS, SS, DS, FS, GS, LDTR, TR. */
static void set_segment(u32 index, u32 selector, u32 base, u32 limit, u32 rights) {
  set(GUEST_ES_SELECTOR + 2 * index, selector);
  set(GUEST_ES_BASE + 2 * index, base);
  set(GUEST_ES_LIMIT + 2 * index, limit);
  set(GUEST_ES_ACCESS_RIGHTS + 2 * index, rights);
}

static void fresh_guest(void) {
  set(GUEST_CR0, (capabilities.cr0_must & ~(CR0_PE | CR0_PG)) | CR0_PE);
  set(GUEST_CR3, 0);
  set(GUEST_CR4, capabilities.cr4_must);
  set_segment(0, DATA_SELECTOR, 0, -1, 0xc093);
  set_segment(1, CODE_SELECTOR, 0, -1, 0xc09b);
  set_segment(2, DATA_SELECTOR, 0, -1, 0xc093);
  set_segment(3, DATA_SELECTOR, 0, -1, 0xc093);
  set_segment(4, 0, 0, 0, UNUSABLE);
  set_segment(5, 0, 0, 0, UNUSABLE);
  set_segment(6, 0, 0, 0, UNUSABLE);
  set_segment(7, TASK_SELECTOR, (u32)task, TASK_LIMIT, 0x8b);
  set(GUEST_GDTR_BASE, (u32)gdt);
  set(GUEST_GDTR_LIMIT, sizeof gdt - 1);
  set(GUEST_IDTR_BASE, (u32)guest_idt);
  set(GUEST_IDTR_LIMIT, sizeof guest_idt - 1);
  set(GUEST_DR7, 0x400);
  set64(GUEST_DEBUG_CONTROL, 0);
  set(GUEST_ESP, GUEST_STACK);
  set(GUEST_EIP, 0);
  set(GUEST_EFLAGS, FLAG_ONE);
  set(GUEST_INTERRUPTIBILITY, 0);
  set(GUEST_ACTIVITY, ACTIVITY_ACTIVE);
  set(GUEST_PENDING_DEBUG_EXCEPTIONS, 0);
  set(GUEST_SYSENTER_CS, 0);
  set(GUEST_SYSENTER_ESP, 0);
  set(GUEST_SYSENTER_EIP, 0);
  memset(&guest, 0, sizeof guest);
}

void guest_fresh(void) {
  vmclear((u32)vmcs_region);
  vmptrld((u32)vmcs_region);
  launched = false;
  fresh_controls();
  fresh_host();
  fresh_guest();
}

u32 enter(void) {
  u32 flags = enter_guest(launched);
  if (flags != -1u) return outcome_of(flags);
  u32 reason = get(EXIT_REASON), basic = reason & 0xffff;
  if (basic < EXIT_REASON_COUNT) exits_seen[basic] = true;
  if (reason >> 31) return OUTCOME_ENTRY_FAILED | basic;
  launched = true;
  return OUTCOME_EXIT | basic;
}
