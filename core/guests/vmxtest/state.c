/* state.c: what entries load and exits save and load: registers, lists of MSRs, the time-stamp counter (SDM volume 3, 26.3.2, 27.3 to 27.6). */
#include "code.h"
#include "tests.h"
#include "../primer/common/text.h"

#define IA32_TIME_STAMP_COUNTER 0x10u
#define IA32_SYSENTER_CS 0x174u
#define IA32_PAT 0x277u
#define IA32_EFER 0xc0000080u

/* Memory types in another order than the host has them: all are good. */
#define GUEST_PAT_VALUE 0x0606060604040606ull

/* What an entry loads, an exit that comes at once saves again. */
static void test_guest_state_round_trip(void) {
  static const struct {
    enum field field;
    u32 value;
  } values[] = {
    { GUEST_ES_SELECTOR, 0x7b },       { GUEST_ES_BASE, 0x12345678 },  { GUEST_ES_LIMIT, 0xabcde },
    { GUEST_ES_ACCESS_RIGHTS, 0x40f3 }, { GUEST_FS_SELECTOR, 0x1234 },  { GUEST_FS_BASE, 0x89abcdef },
    { GUEST_FS_LIMIT, 0xfffff },       { GUEST_FS_ACCESS_RIGHTS, 0x4093 }, { GUEST_LDTR_SELECTOR, 0x28 },
    { GUEST_LDTR_BASE, 0x00445566 },   { GUEST_LDTR_LIMIT, 0x3333 },   { GUEST_LDTR_ACCESS_RIGHTS, 0x82 },
    { GUEST_TR_SELECTOR, 0x38 },       { GUEST_TR_BASE, 0x00778899 },  { GUEST_TR_LIMIT, 0x77 },
    { GUEST_GDTR_BASE, 0x00987654 },   { GUEST_GDTR_LIMIT, 0x4321 },   { GUEST_IDTR_BASE, 0x00345678 },
    { GUEST_IDTR_LIMIT, 0x765 },       { GUEST_DR7, 0x700 },           { GUEST_SYSENTER_CS, 0x5678 },
    { GUEST_SYSENTER_ESP, 0x13572468 }, { GUEST_SYSENTER_EIP, 0x24681357 }, { GUEST_ESP, 0x98765432 },
    { GUEST_EFLAGS, 0xcd7 },           { GUEST_CR3, 0x00abc000 },      { GUEST_SS_ACCESS_RIGHTS, 0xc097 },
  };
  struct code cpuid = CODE("cpuid");
  boot(cpuid);
  for (u32 n = 0; n < length_of(values); n++) set(values[n].field, values[n].value);
  guest = (struct registers){ 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77 };
  exits("an exit saves what the entry loaded", cpuid, EXIT_CPUID, 0);
  for (u32 n = 0; n < length_of(values); n++) {
    char text[24];
    format_into(text, sizeof text, "field %x", values[n].field);
    want(text, get(values[n].field), values[n].value);
  }
  want("GS usable", get(GUEST_GS_ACCESS_RIGHTS) & UNUSABLE, UNUSABLE);
  want("EAX", guest.eax, 0x11);
  want("EBX", guest.ebx, 0x44);
  want("EBP", guest.ebp, 0x55);
  want("EDI", guest.edi, 0x77);
  end();
}

/* RF as an exit saves it (27.3.3): whether the instruction would run again without meeting its breakpoint. */
static void test_rf(void) {
  struct code cpuid = CODE("cpuid"), read = CODE("mov eax, [ebx]"), ud = CODE("ud2"), interrupt = CODE("int 0x50");
  boot(cpuid);
  add(GUEST_EFLAGS, FLAG_RF);
  exits("RF: an instruction that exits clears it", cpuid, EXIT_CPUID, 0);
  want("RF", get(GUEST_EFLAGS) & FLAG_RF, 0);
  end();

  boot(read);
  *ept_entry(FREE_PAGE) = 0;
  ept_changed();
  guest.ebx = FREE_PAGE;
  leaves("RF: an EPT violation sets it", EXIT_EPT_VIOLATION);
  want("RF", get(GUEST_EFLAGS) & FLAG_RF, FLAG_RF);
  end();
  boot(ud);
  set(GUEST_IDTR_BASE, FREE_PAGE);
  leaves("RF: an EPT violation in the delivery of #UD sets it", EXIT_EPT_VIOLATION);
  want("RF", get(GUEST_EFLAGS) & FLAG_RF, FLAG_RF);
  end();
  boot(interrupt);
  set(GUEST_IDTR_BASE, FREE_PAGE);
  leaves("RF: an EPT violation in the delivery of INT does not", EXIT_EPT_VIOLATION);
  want("RF", get(GUEST_EFLAGS) & FLAG_RF, 0);
  end();
  ept_start();

  boot(ud);
  guest_idt[VECTOR_UD] = gate(GATE_TASK, OTHER_TASK_SELECTOR, 0);
  leaves("RF: a task switch by #UD sets it", EXIT_TASK_SWITCH);
  want("RF", get(GUEST_EFLAGS) & FLAG_RF, FLAG_RF);
  end();
  boot(interrupt);
  guest_idt[0x50] = gate(GATE_TASK, OTHER_TASK_SELECTOR, 0);
  leaves("RF: a task switch by INT does not", EXIT_TASK_SWITCH);
  want("RF", get(GUEST_EFLAGS) & FLAG_RF, 0);
  end();
}

static u32 selector(const char *which) {
  u32 value = 0;
  if (*which == 'd') asm volatile("mov %0, ds" : "=r"(value));
  if (*which == 'f') asm volatile("mov %0, fs" : "=r"(value));
  if (*which == 't') asm volatile("str %0" : "=r"(value));
  if (*which == 'l') asm volatile("sldt %0" : "=r"(value));
  return value & 0xffff;
}

/* A guest that leaves everything in another state than the host's. */
static void test_host_state_loading(void) {
  struct code code = CODE_AFTER("lgdt [ebx]\n\tlidt [ebx]\n\tmov dr7, eax\n\tmov ds, edx\n\tmov fs, ecx\n\tstd\n\tstc", "nop");
  static struct table_register other;
  u32 cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4();
  boot(code);
  other = (struct table_register){ sizeof gdt - 1, (u32)gdt };
  set(GUEST_CR4, capabilities.cr4_must | CR4_TSD);
  set(GUEST_SYSENTER_CS, 0x1111);
  guest.ebx = (u32)&other;
  guest.ecx = DATA_SELECTOR;
  guest.edx = DATA_SELECTOR;
  guest.eax = 0x00000700;
  runs("an exit loads the host's state", code);
  want("CR0", read_cr0(), cr0);
  want("CR3", read_cr3(), cr3);
  want("CR4", read_cr4(), cr4);
  want("DR7", read_dr7(), 0x400);
  want("DS", selector("ds"), DATA_SELECTOR);
  want("FS", selector("fs"), 0);
  want("TR", selector("tr"), TASK_SELECTOR);
  want("LDTR", selector("ldtr"), 0);
  want("IA32_SYSENTER_CS", (u32)read_msr(IA32_SYSENTER_CS), 0);
  want("the guest's DR7", get(GUEST_DR7), 0x700);
  want("the guest's IDTR", get(GUEST_IDTR_BASE), (u32)gdt);
  want("the guest's flags", get(GUEST_EFLAGS) & 0x401, 0x401);
  end();
}

#define CR0_CD (1u << 30)

/* Entries leave some bits of CR0 as they are (26.3.2.1), and DR7 without their control. */
static void test_kept(void) {
  struct code cr0 = CODE("mov eax, cr0"), dr7 = CODE("mov eax, dr7");
  boot(cr0);
  set(GUEST_CR0, get(GUEST_CR0) ^ CR0_CD);
  runs("CR0.CD is not the guest's", cr0);
  want("CD", guest.eax & CR0_CD, read_cr0() & CR0_CD);
  want("ET", guest.eax & 1 << 4, 1 << 4);
  end();
  if ((capabilities.entry.must & ENTRY_LOAD_DEBUG) || (capabilities.exit.must & EXITING_SAVE_DEBUG)) {
    skip("DR7 without its controls", "they must be 1");
    return;
  }
  boot(dr7);
  drop(ENTRY_CONTROLS, ENTRY_LOAD_DEBUG);
  drop(EXIT_CONTROLS, EXITING_SAVE_DEBUG);
  set(GUEST_DR7, 0x700);
  write_dr7(0x500);
  runs("DR7 without its controls", dr7);
  want("in the guest", guest.eax, 0x500);
  want("saved", get(GUEST_DR7), 0x700);
  want("after the exit", read_dr7(), 0x400);
  end();
}

static void test_pat(void) {
  struct code read = CODE("rdmsr"), write = CODE("wrmsr");
  u64 host = read_msr(IA32_PAT);
  if (!(capabilities.entry.may & ENTRY_LOAD_PAT) || !(capabilities.exit.may & EXITING_LOAD_PAT)) {
    skip("loading PAT", "there is no such control");
    return;
  }
  boot(read);
  add(ENTRY_CONTROLS, ENTRY_LOAD_PAT);
  add(EXIT_CONTROLS, EXITING_LOAD_PAT | EXITING_SAVE_PAT);
  set64(GUEST_PAT, GUEST_PAT_VALUE);
  set64(HOST_PAT, host);
  guest.ecx = IA32_PAT;
  runs("PAT: the entry loads it", read);
  want("EAX", guest.eax, (u32)GUEST_PAT_VALUE);
  want("EDX", guest.edx, GUEST_PAT_VALUE >> 32);
  want("the host's", (u32)read_msr(IA32_PAT), (u32)host);
  end();
  boot(write);
  add(EXIT_CONTROLS, EXITING_LOAD_PAT | EXITING_SAVE_PAT);
  set64(HOST_PAT, host);
  guest.ecx = IA32_PAT;
  guest.eax = 0x06060606;
  guest.edx = 0x04040404;
  runs("PAT: the exit saves the guest's and loads the host's", write);
  want("low", get(GUEST_PAT), 0x06060606);
  want("high", get(GUEST_PAT + 1), 0x04040404);
  want("the host's", (u32)read_msr(IA32_PAT), (u32)host);
  end();
}

static void test_efer(void) {
  if (!(capabilities.entry.may & ENTRY_LOAD_EFER) || !(capabilities.exit.may & EXITING_LOAD_EFER)) {
    skip("loading EFER", "there is no such control");
    return;
  }
  struct code read = CODE("rdmsr");
  u64 host = read_msr(IA32_EFER);
  boot(read);
  add(ENTRY_CONTROLS, ENTRY_LOAD_EFER);
  add(EXIT_CONTROLS, EXITING_LOAD_EFER | EXITING_SAVE_EFER);
  set64(GUEST_EFER, 1 << 11);
  set64(HOST_EFER, host);
  guest.ecx = IA32_EFER;
  runs("EFER: the entry loads it, the exit saves it and loads the host's", read);
  want("EAX", guest.eax, 1 << 11);
  want("saved", get(GUEST_EFER), 1 << 11);
  want("the host's", (u32)read_msr(IA32_EFER), (u32)host);
  end();
}

struct msr_entry {
  u32 index, reserved;
  u64 value;
};
static struct msr_entry to_load[2] __attribute__((aligned(16))), to_store[2] __attribute__((aligned(16)));
static struct msr_entry back[1] __attribute__((aligned(16)));

static void test_msr_lists(void) {
  struct code code = CODE_AFTER("rdmsr\n\tmov esi, eax\n\tmov edi, edx\n\tmov eax, 0x04040404\n\tmov edx, 0x06060606\n\twrmsr", "nop");
  u64 host = read_msr(IA32_PAT);
  boot(code);
  to_load[0] = (struct msr_entry){ IA32_PAT, 0, host };
  to_load[1] = (struct msr_entry){ IA32_PAT, 0, GUEST_PAT_VALUE };
  to_store[0] = (struct msr_entry){ IA32_PAT, 0, 0 };
  to_store[1] = (struct msr_entry){ IA32_TIME_STAMP_COUNTER, 0, 0 };
  back[0] = (struct msr_entry){ IA32_PAT, 0, host };
  set(ENTRY_MSR_LOAD_COUNT, 2);
  set64(ENTRY_MSR_LOAD_ADDRESS, (u32)to_load);
  set(EXIT_MSR_STORE_COUNT, 2);
  set64(EXIT_MSR_STORE_ADDRESS, (u32)to_store);
  set(EXIT_MSR_LOAD_COUNT, 1);
  set64(EXIT_MSR_LOAD_ADDRESS, (u32)back);
  guest.ecx = IA32_PAT;
  u64 before = read_tsc();
  runs("lists of MSRs: loaded by the entry, stored and loaded by the exit", code);
  want("the guest saw", guest.esi, (u32)GUEST_PAT_VALUE);
  want("its high word", guest.edi, GUEST_PAT_VALUE >> 32);
  want("stored", (u32)to_store[0].value, 0x04040404);
  want("its high word", to_store[0].value >> 32, 0x06060606);
  want("the stored time lies between", to_store[1].value > before && to_store[1].value < read_tsc(), true);
  want("the host's", (u32)read_msr(IA32_PAT), (u32)host);
  end();
}

static void test_tsc_offset(void) {
  struct code read = CODE("rdtsc"), msr = CODE("rdmsr");
  const u64 offset = 0x123400000000ull;
  for (u32 way = 0; way < 2; way++) {
    struct code code = way == 0 ? read : msr;
    boot(code);
    add(PROCESSOR_CONTROLS, PROCESSOR_TSC_OFFSETTING);
    set64(TSC_OFFSET, offset);
    guest.ecx = IA32_TIME_STAMP_COUNTER;
    u64 before = read_tsc();
    runs(way == 0 ? "TSC offset: RDTSC" : "TSC offset: RDMSR", code);
    u64 shown = ((u64)guest.edx << 32 | guest.eax) - offset;
    want("the time less the offset lies between", shown > before && shown < read_tsc(), true);
    end();
  }
  boot(read);
  set64(TSC_OFFSET, offset);
  u64 before = read_tsc();
  runs("without its control the TSC offset does not count", read);
  u64 shown = (u64)guest.edx << 32 | guest.eax;
  want("the time lies between", shown > before && shown < read_tsc(), true);
  end();
}

void test_state(void) {
  test_guest_state_round_trip();
  test_rf();
  test_host_state_loading();
  test_kept();
  test_pat();
  test_efer();
  test_msr_lists();
  test_tsc_offset();
}
