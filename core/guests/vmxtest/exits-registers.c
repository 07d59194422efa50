/* exits-registers.c: accesses to control and debug registers (SDM volume 3, 25.1.3, 25.3, tables 27-3 and 27-4). */
#include "code.h"
#include "tests.h"

/* Qualification: bits 3:0 the register, 5:4 the kind of access, 6 LMSW from memory, 11:8 the general register, 31:16 LMSW's data. */
#define CR_TO (0u << 4)
#define CR_FROM (1u << 4)
#define CR_CLTS (2u << 4)
#define CR_LMSW (3u << 4)
#define CR_LMSW_MEMORY (1u << 6)
#define GENERAL(index) ((index) << 8)

/* TS belongs to the host, and the guest believes that it is as in the shadow. */
static void boot_owning_ts(struct code code, u32 shadow) {
  boot(code);
  set(CR0_MASK, CR0_TS);
  set(CR0_SHADOW, shadow);
}

static void test_cr0(void) {
  struct code write = CODE("mov cr0, edx"), read = CODE("mov eax, cr0"), word = CODE("smsw eax"), clts = CODE("clts");
  u32 cr0 = (capabilities.cr0_must & ~CR0_PG) | CR0_PE;
  boot_owning_ts(write, 0);
  guest.edx = cr0 | CR0_TS;
  exits_and_goes_on("MOV to CR0 of another value than the shadow's", write, EXIT_CONTROL_REGISTER_ACCESS,
                    0 | CR_TO | GENERAL(2));
  boot_owning_ts(write, CR0_TS);
  guest.edx = cr0 | CR0_TS;
  runs("MOV to CR0 of the shadow's value", write);
  want("the host's bit", get(GUEST_CR0) & CR0_TS, 0);
  end();
  boot_owning_ts(read, CR0_TS);
  runs("MOV from CR0 shows the shadow", read);
  want("TS", guest.eax & CR0_TS, CR0_TS);
  want("the host's bit", get(GUEST_CR0) & CR0_TS, 0);
  end();
  boot_owning_ts(word, CR0_TS);
  runs("SMSW shows the shadow", word);
  want("TS", guest.eax & CR0_TS, CR0_TS);
  end();
  boot_owning_ts(clts, CR0_TS);
  exits_and_goes_on("CLTS", clts, EXIT_CONTROL_REGISTER_ACCESS, CR_CLTS);
  boot_owning_ts(clts, 0);
  add(GUEST_CR0, CR0_TS);
  runs("CLTS of a bit that the guest believes clear", clts);
  want("the host's bit", get(GUEST_CR0) & CR0_TS, CR0_TS);
  end();
}

static void test_lmsw(void) {
  static u16 word;
  struct code from_register = CODE("lmsw bx"), from_memory = CODE("lmsw [ebx]");
  boot_owning_ts(from_register, 0);
  guest.ebx = 0x1239;
  exits_and_goes_on("LMSW from a register", from_register, EXIT_CONTROL_REGISTER_ACCESS, CR_LMSW | 0x12390000);
  word = 9;
  boot_owning_ts(from_memory, 0);
  guest.ebx = (u32)&word;
  exits("LMSW from memory", from_memory, EXIT_CONTROL_REGISTER_ACCESS, CR_LMSW | CR_LMSW_MEMORY | 9u << 16);
  want("linear address", get(GUEST_LINEAR_ADDRESS), (u32)&word);
  goes_on(from_memory);
  end();
  boot(from_register);
  set(CR0_MASK, CR0_PE);
  set(CR0_SHADOW, CR0_PE);
  runs("LMSW does not clear PE, and does not try", from_register);
  want("PE", get(GUEST_CR0) & CR0_PE, CR0_PE);
  end();
  boot(from_register);
  set(CR0_MASK, CR0_PE);
  set(CR0_SHADOW, 0);
  guest.ebx = 1;
  exits_and_goes_on("LMSW that sets PE", from_register, EXIT_CONTROL_REGISTER_ACCESS, CR_LMSW | 0x00010000);
}

static void test_cr3(void) {
  struct code write = CODE("mov cr3, esi"), read = CODE("mov edi, cr3");
  boot(write);
  add(PROCESSOR_CONTROLS, PROCESSOR_CR3_LOAD);
  guest.esi = 0x5000;
  exits_and_goes_on("MOV to CR3", write, EXIT_CONTROL_REGISTER_ACCESS, 3 | CR_TO | GENERAL(6));
  u32 targets = capabilities.misc >> 16 & 0x1ff;
  if (targets >= 2) {
    boot(write);
    add(PROCESSOR_CONTROLS, PROCESSOR_CR3_LOAD);
    set(CR3_TARGET_COUNT, 2);
    set(CR3_TARGET_0, 0x1000);
    set(CR3_TARGET_1, 0x5000);
    guest.esi = 0x5000;
    runs("MOV to CR3 of a target value", write);
    want("CR3", get(GUEST_CR3), 0x5000);
    end();
    boot(write);
    add(PROCESSOR_CONTROLS, PROCESSOR_CR3_LOAD);
    set(CR3_TARGET_COUNT, 1);
    set(CR3_TARGET_1, 0x5000);
    guest.esi = 0x5000;
    exits_and_goes_on("MOV to CR3 of a target value that does not count", write, EXIT_CONTROL_REGISTER_ACCESS,
                      3 | CR_TO | GENERAL(6));
  } else skip("CR3-target values", "there are none");
  boot(read);
  add(PROCESSOR_CONTROLS, PROCESSOR_CR3_STORE);
  exits_and_goes_on("MOV from CR3", read, EXIT_CONTROL_REGISTER_ACCESS, 3 | CR_FROM | GENERAL(7));
  boot(read);
  drop(PROCESSOR_CONTROLS, PROCESSOR_CR3_STORE);
  set(GUEST_CR3, 0x7000);
  runs("without its control: MOV from CR3", read);
  want("EDI", guest.edi, 0x7000);
  end();
}

static void test_cr4(void) {
  struct code write = CODE("mov cr4, ebp"), read = CODE("mov eax, cr4");
  u32 cr4 = capabilities.cr4_must;
  boot(write);
  set(CR4_MASK, CR4_VMXE);
  set(CR4_SHADOW, 0);
  guest.ebp = cr4;
  exits_and_goes_on("MOV to CR4 of another value than the shadow's", write, EXIT_CONTROL_REGISTER_ACCESS,
                    4 | CR_TO | GENERAL(5));
  boot(write);
  set(CR4_MASK, CR4_VMXE);
  set(CR4_SHADOW, 0);
  guest.ebp = (cr4 & ~CR4_VMXE) | CR4_TSD;
  runs("MOV to CR4 of the shadow's value", write);
  want("CR4", get(GUEST_CR4), cr4 | CR4_TSD);
  end();
  boot(read);
  set(CR4_MASK, CR4_VMXE);
  set(CR4_SHADOW, 0);
  runs("MOV from CR4 shows the shadow", read);
  want("EAX", guest.eax, cr4 & ~CR4_VMXE);
  end();
  struct code clear = CODE("mov cr4, eax");
  boot(clear);
  guest.eax = cr4 & ~CR4_VMXE;
  leaves("a guest cannot clear a CR4.VMXE that it owns", EXIT_VMCALL);
  want_handler(VECTOR_GP, true, clear.at);
  end();
}

static void test_dr(void) {
  struct code write = CODE("mov dr7, edx"), read = CODE("mov ebx, dr6");
  boot(write);
  add(PROCESSOR_CONTROLS, PROCESSOR_MOV_DR);
  exits_and_goes_on("MOV to DR7", write, EXIT_MOV_DEBUG, 7 | GENERAL(2));
  boot(read);
  add(PROCESSOR_CONTROLS, PROCESSOR_MOV_DR);
  exits_and_goes_on("MOV from DR6", read, EXIT_MOV_DEBUG, 6 | 1 << 4 | GENERAL(3));
  boot(read);
  runs("without its control: MOV from DR6", read);
  end();
}

void test_register_exits(void) {
  test_cr0();
  test_lmsw();
  test_cr3();
  test_cr4();
  test_dr();
}
