/* capabilities.c: what VMX of this processor can do, by its registers, and the rules for them (SDM volume 3, appendix A). */
#include "vmx.h"

#define IA32_FEATURE_CONTROL 0x3au
#define FEATURE_CONTROL_LOCK 1u
#define FEATURE_CONTROL_VMX 4u
#define IA32_VMX_BASIC 0x480u
#define IA32_VMX_VMFUNC 0x491u

struct capabilities capabilities;
static u64 registers[IA32_VMX_VMFUNC - IA32_VMX_BASIC + 1];
static u32 outcomes[length_of(registers)];

static u64 capability(u32 number) { return registers[number - IA32_VMX_BASIC]; }

static struct allowed allowed(u32 number) {
  u64 value = capability(number);
  return (struct allowed){ value, value >> 32 };
}

bool capabilities_read(void) {
  if (!(cpuid(1).ecx & CPUID_VMX)) {
    print("vmxtest: this processor has no VMX (CPUID.1:ECX.VMX is 0), so there is nothing to test\n");
    return false;
  }
  u64 control;
  if (attempt_read_msr(IA32_FEATURE_CONTROL, &control) != OUTCOME_SUCCESS) {
    print("vmxtest: CPUID announces VMX, but IA32_FEATURE_CONTROL cannot be read: a monitor hides VMX, so there is nothing to test\n");
    return false;
  }
  if (!(control & FEATURE_CONTROL_LOCK)) {
    control |= FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX;
    attempt_write_msr(IA32_FEATURE_CONTROL, control);
  }
  if (!(control & FEATURE_CONTROL_VMX)) {
    print("vmxtest: the firmware has switched VMX off (IA32_FEATURE_CONTROL is %x), so there is nothing to test\n",
          (u32)control);
    return false;
  }

  for (u32 n = 0; n < length_of(registers); n++) outcomes[n] = attempt_read_msr(IA32_VMX_BASIC + n, &registers[n]);
  capabilities.basic = capability(0x480);
  capabilities.revision = capabilities.basic;
  capabilities.misc = capability(0x485);
  bool has_true = capabilities.basic & BASIC_TRUE_CONTROLS;
  capabilities.pin = allowed(has_true ? 0x48d : 0x481);
  capabilities.processor = allowed(has_true ? 0x48e : 0x482);
  capabilities.exit = allowed(has_true ? 0x48f : 0x483);
  capabilities.entry = allowed(has_true ? 0x490 : 0x484);
  capabilities.cr0_must = capability(0x486);
  capabilities.cr0_may = capability(0x487);
  capabilities.cr4_must = capability(0x488);
  capabilities.cr4_may = capability(0x489);
  if (capabilities.processor.may & PROCESSOR_SECONDARY) capabilities.secondary = allowed(0x48b);
  if (capabilities.secondary.may & (SECONDARY_EPT | SECONDARY_VPID)) capabilities.ept_vpid = capability(0x48c);
  return true;
}

static void check_allowed(const char *name, u32 plain, u32 truth, u32 default1) {
  struct allowed a = allowed(plain);
  begin("%s: a bit that must be 1 may be 1", name);
  want("bits", a.must & ~a.may, 0);
  end();
  begin("%s: the default1 class must be 1", name);
  want("bits", a.must & default1, default1);
  end();
  if (!(capabilities.basic & BASIC_TRUE_CONTROLS)) return;
  struct allowed t = allowed(truth);
  begin("%s: the TRUE register allows the same bits, and only default1 to be 0", name);
  want("allowed-1", t.may, a.may);
  want("allowed-0", t.must & ~a.must, 0);
  want("more zeroes", a.must & ~t.must & ~default1, 0);
  end();
}

static void check_basic(void) {
  u64 basic = capabilities.basic;
  check("IA32_VMX_BASIC: bit 31 is 0", basic >> 31 & 1, 0);
  u32 size = basic >> 32 & 0x1fff;
  begin("IA32_VMX_BASIC: a region has 1 to 4096 bytes");
  want("size", size > 0 && size <= 4096 ? size : 0, size);
  want("size", size == 0, false);
  end();
  u32 type = basic >> 50 & 15;
  check("IA32_VMX_BASIC: the memory type is uncacheable or write-back", type == 0 || type == 6, true);
  check("IA32_VMX_BASIC: reserved bits are 0", (basic >> 45 & 7) | (u32)(basic >> 59), 0);
}

static void check_misc(void) {
  u64 misc = capabilities.misc;
  check("IA32_VMX_MISC: at most 256 CR3-target values", (misc >> 16 & 0x1ff) <= 256, true);
  bool unrestricted = capabilities.secondary.may & SECONDARY_UNRESTRICTED;
  check("IA32_VMX_MISC: with unrestricted guest, exits store EFER.LMA", unrestricted ? misc >> 5 & 1 : 1, 1);
  check("IA32_VMX_MISC: reserved bits are 0", (misc >> 9 & 0x1f) | (u32)(misc >> 31 & 1), 0);
}

static void check_fixed(const char *name, u32 must, u32 may, u32 least, u32 now) {
  begin("%s: bits fixed to 1 are not fixed to 0", name);
  want("bits", must & ~may, 0);
  want("fixed to 1", must & least, least);
  end();
  begin("%s: its present value is one that VMX takes", name);
  want("bits that may not be 1", now & ~may, 0);
  end();
}

static void check_ept(void) {
  if (!(capabilities.secondary.may & SECONDARY_EPT)) return;
  u64 ept = capabilities.ept_vpid;
  check("IA32_VMX_EPT_VPID_CAP: walks of four levels", ept >> 6 & 1, 1);
  check("IA32_VMX_EPT_VPID_CAP: some memory type for the tables", (ept >> 8 & 1) | (ept >> 14 & 1), 1);
  check("IA32_VMX_EPT_VPID_CAP: INVEPT has a type", ept & EPT_INVEPT ? (ept >> 25 & 3) != 0 : 1, 1);
  check("IA32_VMX_EPT_VPID_CAP: INVVPID has a type", ept & VPID_INVVPID ? (ept >> 40 & 15) != 0 : 1, 1);
  bool needs_ept = capabilities.secondary.may & SECONDARY_UNRESTRICTED;
  check("unrestricted guest comes with EPT", needs_ept ? capabilities.secondary.may & SECONDARY_EPT : SECONDARY_EPT,
        SECONDARY_EPT);
}

void capabilities_check(void) {
  for (u32 n = 0; n < length_of(registers); n++) {
    if (outcomes[n] == OUTCOME_SUCCESS) {
      print("     MSR %x: %08x %08x\n", IA32_VMX_BASIC + n, (u32)(registers[n] >> 32), (u32)registers[n]);
    } else {
      print("     MSR %x: %s\n", IA32_VMX_BASIC + n, outcome_text(outcomes[n]));
    }
  }
  check("CPUID announces VMX", cpuid(1).ecx & CPUID_VMX, CPUID_VMX);
  u64 control = read_msr(IA32_FEATURE_CONTROL);
  check("IA32_FEATURE_CONTROL: locked, VMX outside SMX", control & 5, FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX);
  check_outcome("IA32_FEATURE_CONTROL, locked, cannot be written", attempt_write_msr(IA32_FEATURE_CONTROL, control),
                OUTCOME_FAULT | VECTOR_GP);
  check_outcome("IA32_VMX_BASIC cannot be written", attempt_write_msr(IA32_VMX_BASIC, capabilities.basic),
                OUTCOME_FAULT | VECTOR_GP);
  for (u32 number = 0x480; number <= 0x48a; number++) {
    begin("MSR %x is there", number);
    want_outcome(outcomes[number - IA32_VMX_BASIC], OUTCOME_SUCCESS);
    end();
  }
  bool has_functions = capabilities.secondary.may & SECONDARY_VM_FUNCTIONS;
  check_outcome("IA32_VMX_VMFUNC is there exactly with VM functions", outcomes[IA32_VMX_VMFUNC - IA32_VMX_BASIC],
                has_functions ? OUTCOME_SUCCESS : OUTCOME_FAULT | VECTOR_GP);

  check_basic();
  check_allowed("pin-based controls", 0x481, 0x48d, 0x16);
  check_allowed("processor-based controls", 0x482, 0x48e, 0x0401e172);
  check_allowed("VM-exit controls", 0x483, 0x48f, 0x36dff);
  check_allowed("VM-entry controls", 0x484, 0x490, 0x11ff);
  if (capabilities.processor.may & PROCESSOR_SECONDARY) {
    check("secondary controls: none must be 1", capabilities.secondary.must, 0);
  }
  check_misc();
  check_fixed("CR0", capabilities.cr0_must, capabilities.cr0_may, CR0_PE | CR0_NE | CR0_PG, read_cr0());
  check_fixed("CR4", capabilities.cr4_must, capabilities.cr4_may, CR4_VMXE, read_cr4());
  check("IA32_VMX_VMCS_ENUM: reserved bits are 0", (u32)capability(0x48a) & ~0x3feu, 0);
  check_ept();
}

u32 highest_index(void) { return (u32)capability(0x48a) >> 1 & 0x1ff; }
