/* privilege.c: guests in ring 3: faults by privilege come before exits, but for some (SDM volume 3, 25.1.1, 25.1.3). */
#include "code.h"
#include "tests.h"

/* The stack of the guest's ring 0. */
static u8 inner_stack[PAGE] __attribute__((aligned(16)));
#define INNER_STACK ((u32)inner_stack + PAGE)

static void boot_user(struct code code) {
  boot(code);
  set(GUEST_CS_SELECTOR, USER_CODE_SELECTOR);
  set(GUEST_CS_ACCESS_RIGHTS, 0xc0fb);
  for (u32 n = 0; n < 4; n++) {
    if (n == 1) continue;
    set(GUEST_ES_SELECTOR + 2 * n, USER_DATA_SELECTOR);
    set(GUEST_ES_ACCESS_RIGHTS + 2 * n, 0xc0f3);
  }
  task[1] = INNER_STACK;
  task[2] = DATA_SELECTOR;
}

/* #GP(0), which the bitmap makes an exit, and not the exit that the instruction would have in ring 0. */
static void protects(const char *name, struct code code, enum field controls, u32 control) {
  boot_user(code);
  add(controls, control);
  set(EXCEPTION_BITMAP, 1u << VECTOR_GP);
  leaves(name, EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), code.at);
  want_event(EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_GP);
  want("error code", get(EXIT_INTERRUPTION_ERROR_CODE), 0);
  end();
}

static void leaves_ring_3(const char *name, struct code code, enum field controls, u32 control, u32 reason) {
  boot_user(code);
  add(controls, control);
  leaves(name, reason);
  want("EIP", get(GUEST_EIP), code.at);
  want("instruction length", get(EXIT_INSTRUCTION_LENGTH), code.end - code.at);
  want("CS", get(GUEST_CS_SELECTOR), USER_CODE_SELECTOR);
  want("SS access rights", get(GUEST_SS_ACCESS_RIGHTS), 0xc0f3);
  goes_on(code);
  end();
}

static void test_faults_first(void) {
  enum field primary = PROCESSOR_CONTROLS;
  protects("ring 3: HLT", CODE("hlt"), primary, PROCESSOR_HLT);
  protects("ring 3: INVD", CODE("invd"), primary, 0);
  protects("ring 3: INVLPG", CODE("invlpg [eax]"), primary, PROCESSOR_INVLPG);
  protects("ring 3: RDMSR", CODE("rdmsr"), primary, 0);
  protects("ring 3: WRMSR", CODE("wrmsr"), primary, 0);
  protects("ring 3: MOV to CR3", CODE("mov cr3, eax"), primary, capabilities.processor.may & PROCESSOR_CR3_LOAD);
  protects("ring 3: MOV from CR3", CODE("mov eax, cr3"), primary, capabilities.processor.may & PROCESSOR_CR3_STORE);
  protects("ring 3: LMSW", CODE("lmsw ax"), CR0_MASK, CR0_TS);
  protects("ring 3: CLTS", CODE("clts"), CR0_MASK, CR0_TS);
  protects("ring 3: RDPMC without CR4.PCE", CODE("rdpmc"), primary, PROCESSOR_RDPMC);
  protects("ring 3: IN without permission", CODE("in al, 0x61"), primary, PROCESSOR_UNCONDITIONAL_IO);
  protects("ring 3: OUTSB without permission", CODE("outsb"), primary, PROCESSOR_UNCONDITIONAL_IO);
  struct code rdtsc = CODE("rdtsc");
  boot_user(rdtsc);
  add(PROCESSOR_CONTROLS, PROCESSOR_RDTSC);
  add(GUEST_CR4, CR4_TSD);
  set(EXCEPTION_BITMAP, 1u << VECTOR_GP);
  leaves("ring 3: RDTSC with CR4.TSD", EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), rdtsc.at);
  end();
  if (capabilities.secondary.may & SECONDARY_WBINVD) {
    protects("ring 3: WBINVD", CODE("wbinvd"), SECONDARY_CONTROLS, SECONDARY_WBINVD);
  }
  if (capabilities.secondary.may & SECONDARY_DESCRIPTOR_TABLES) {
    protects("ring 3: LGDT", CODE("lgdt [ebx]"), SECONDARY_CONTROLS, SECONDARY_DESCRIPTOR_TABLES);
    protects("ring 3: LTR", CODE("ltr ax"), SECONDARY_CONTROLS, SECONDARY_DESCRIPTOR_TABLES);
  }
}

static void test_exits_first(void) {
  enum field primary = PROCESSOR_CONTROLS;
  leaves_ring_3("ring 3: CPUID exits", CODE("cpuid"), primary, 0, EXIT_CPUID);
  leaves_ring_3("ring 3: VMCALL exits", CODE("vmcall"), primary, 0, EXIT_VMCALL);
  leaves_ring_3("ring 3: VMREAD exits", CODE("vmread eax, ebx"), primary, 0, EXIT_VMREAD);
  leaves_ring_3("ring 3: VMLAUNCH exits", CODE("vmlaunch"), primary, 0, EXIT_VMLAUNCH);
  leaves_ring_3("ring 3: VMXON exits", CODE("vmxon [eax]"), primary, 0, EXIT_VMXON);
  leaves_ring_3("ring 3: RDTSC exits", CODE("rdtsc"), primary, PROCESSOR_RDTSC, EXIT_RDTSC);
  leaves_ring_3("ring 3: PAUSE exits", CODE("pause"), primary, PROCESSOR_PAUSE, EXIT_PAUSE);
  leaves_ring_3("ring 3: MOV from DR7 exits", CODE("mov eax, dr7"), primary, PROCESSOR_MOV_DR, EXIT_MOV_DEBUG);
  if (capabilities.secondary.may & SECONDARY_DESCRIPTOR_TABLES) {
    leaves_ring_3("ring 3: SGDT exits", CODE("sgdt [ebx]"), SECONDARY_CONTROLS, SECONDARY_DESCRIPTOR_TABLES,
                  EXIT_GDTR_IDTR_ACCESS);
    leaves_ring_3("ring 3: STR exits", CODE("str eax"), SECONDARY_CONTROLS, SECONDARY_DESCRIPTOR_TABLES, EXIT_LDTR_TR_ACCESS);
  }
  struct code in = CODE("in al, 0x61");
  boot_user(in);
  set(GUEST_EFLAGS, FLAG_ONE | 3 << 12);
  add(PROCESSOR_CONTROLS, PROCESSOR_UNCONDITIONAL_IO);
  leaves("ring 3: IN exits with IOPL 3", EXIT_IO_INSTRUCTION);
  want("EIP", get(GUEST_EIP), in.at);
  goes_on(in);
  end();
}

/* The guest's ring 0 takes its stack from the guest's task-state segment. */
static void test_inner_stack(void) {
  struct code nop = CODE("nop"), ud = CODE("ud2"), interrupt = CODE("int 0x80");
  boot_user(ud);
  leaves("ring 3: #UD goes to the guest's ring 0", EXIT_VMCALL);
  want("CS", get(GUEST_CS_SELECTOR), CODE_SELECTOR);
  want("SS", get(GUEST_SS_SELECTOR), DATA_SELECTOR);
  want("ESP", get(GUEST_ESP), INNER_STACK - 20);
  const u32 *frame = (const u32 *)get(GUEST_ESP);
  want("EIP in the frame", frame[0], ud.at);
  want("CS in the frame", frame[1], USER_CODE_SELECTOR);
  want("ESP in the frame", frame[3], GUEST_STACK);
  want("SS in the frame", frame[4], USER_DATA_SELECTOR);
  end();

  boot_user(nop);
  set(ENTRY_INTERRUPTION_INFORMATION, EVENT_VALID | EVENT_EXTERNAL | 0x61);
  add(GUEST_EFLAGS, FLAG_IF);
  leaves("ring 3: an injected interrupt goes to the guest's ring 0", EXIT_VMCALL);
  want("ESP", get(GUEST_ESP), INNER_STACK - 20);
  want("EIP in the frame", ((const u32 *)get(GUEST_ESP))[0], nop.at);
  end();

  boot_user(interrupt);
  set(EXCEPTION_BITMAP, 1u << VECTOR_GP);
  leaves("ring 3: INT 80 through a gate of ring 0", EXIT_EXCEPTION_OR_NMI);
  want("error code", get(EXIT_INTERRUPTION_ERROR_CODE), 0x80 * 8 + 2);
  want_vectoring(EVENT_VALID | EVENT_SOFTWARE_INTERRUPT | 0x80);
  end();
}

void test_privilege(void) {
  test_faults_first();
  test_exits_first();
  test_inner_stack();
}
