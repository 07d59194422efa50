/* instructions.c: the VMX instructions in root operation (SDM volume 3, 23.7, 23.8, 30.2 to 30.4). */
#include "vmx.h"
#include "tests.h"

#define INVALID OUTCOME_FAIL_INVALID
#define FAULT_UD (OUTCOME_FAULT | VECTOR_UD)
#define FAULT_GP (OUTCOME_FAULT | VECTOR_GP)
#define NO_VMCS (~0ull)
#define BEYOND (1ull << 63) /* no processor has such physical addresses */

static u64 current_vmcs(void) {
  u64 pointer = 0;
  vmptrst(&pointer);
  return pointer;
}

static void check_pointer(const char *name, u64 saw, u64 wanted) {
  begin("%s", name);
  want("", saw, wanted);
  want("high word", saw >> 32, wanted >> 32);
  end();
}

static void enter_operation(const char *name) {
  make_region(vmxon_region, capabilities.revision);
  check_outcome(name, vmxon((u32)vmxon_region), OUTCOME_SUCCESS);
}

void test_vmxon(void) {
  u64 pointer = 0;
  u32 value = 0;
  make_region(vmxon_region, capabilities.revision);
  check_outcome("CR4.VMXE 0: VMXON", vmxon((u32)vmxon_region), FAULT_UD);
  check_outcome("CR4.VMXE can be set", attempt_write_cr4(read_cr4() | CR4_VMXE), OUTCOME_SUCCESS);
  check_outcome("outside VMX: VMCLEAR", vmclear((u32)vmcs_region), FAULT_UD);
  check_outcome("outside VMX: VMPTRLD", vmptrld((u32)vmcs_region), FAULT_UD);
  check_outcome("outside VMX: VMPTRST", vmptrst(&pointer), FAULT_UD);
  check_outcome("outside VMX: VMREAD", vmread(EXIT_REASON, &value), FAULT_UD);
  check_outcome("outside VMX: VMWRITE", vmwrite(GUEST_EIP, 0), FAULT_UD);
  check_outcome("outside VMX: VMLAUNCH", vmlaunch(), FAULT_UD);
  check_outcome("outside VMX: VMRESUME", vmresume(), FAULT_UD);
  check_outcome("outside VMX: VMCALL", vmcall(), FAULT_UD);
  check_outcome("outside VMX: VMXOFF", vmxoff(), FAULT_UD);
  check_outcome("outside VMX: INVEPT", invept(INVEPT_ALL, 0, 0), FAULT_UD);
  check_outcome("outside VMX: INVVPID", invvpid(INVVPID_ALL, 0, 0), FAULT_UD);

  attempt_write_cr0(read_cr0() & ~CR0_NE);
  check_outcome("VMXON with CR0.NE 0", vmxon((u32)vmxon_region), FAULT_GP);
  attempt_write_cr0(read_cr0() | CR0_NE);
  check_outcome("VMXON of an unaligned address", vmxon((u32)vmxon_region + 16), INVALID);
  check_outcome("VMXON beyond the physical addresses", vmxon((u32)vmxon_region | BEYOND), INVALID);
  make_region(vmxon_region, capabilities.revision ^ 1);
  check_outcome("VMXON of another revision", vmxon((u32)vmxon_region), INVALID);
  make_region(vmxon_region, capabilities.revision | 1u << 31);
  check_outcome("VMXON of a region with bit 31", vmxon((u32)vmxon_region), INVALID);
  enter_operation("VMXON");
}

/* The current VMCS is none. */
static void test_without_vmcs(void) {
  u32 value = 0;
  check_pointer("no VMCS: VMPTRST", current_vmcs(), NO_VMCS);
  check_outcome("no VMCS: VMREAD", vmread(EXIT_REASON, &value), INVALID);
  check_outcome("no VMCS: VMWRITE", vmwrite(GUEST_EIP, 0), INVALID);
  check_outcome("no VMCS: VMLAUNCH", vmlaunch(), INVALID);
  check_outcome("no VMCS: VMRESUME", vmresume(), INVALID);
  if (!left_out("vmcall-in-root")) check_outcome("no VMCS: VMCALL", vmcall(), INVALID);
  check_outcome("no VMCS: VMXON", vmxon((u32)vmxon_region), INVALID);
  check_outcome("no VMCS: VMCLEAR of an unaligned address", vmclear((u32)vmcs_region + 8), INVALID);
  check_outcome("no VMCS: VMPTRLD of the VMXON region", vmptrld((u32)vmxon_region), INVALID);
}

static void test_pointers(void) {
  make_region(vmcs_region, capabilities.revision);
  make_region(other_region, capabilities.revision);
  make_region(spare_region, capabilities.revision ^ 1);
  check_outcome("VMCLEAR", vmclear((u32)vmcs_region), OUTCOME_SUCCESS);
  check_pointer("VMCLEAR makes no VMCS current", current_vmcs(), NO_VMCS);
  check_outcome("VMPTRLD", vmptrld((u32)vmcs_region), OUTCOME_SUCCESS);
  check_pointer("VMPTRST after VMPTRLD", current_vmcs(), (u32)vmcs_region);

  u32 region = (u32)vmcs_region;
  check_outcome("VMCLEAR of an unaligned address", vmclear(region + 8), OUTCOME_ERROR | ERROR_VMCLEAR_ADDRESS);
  check_outcome("VMCLEAR beyond the addresses", vmclear(region | BEYOND), OUTCOME_ERROR | ERROR_VMCLEAR_ADDRESS);
  check_outcome("VMCLEAR of the VMXON region", vmclear((u32)vmxon_region), OUTCOME_ERROR | ERROR_VMCLEAR_VMXON_POINTER);
  check_outcome("VMPTRLD of an unaligned address", vmptrld(region + 8), OUTCOME_ERROR | ERROR_VMPTRLD_ADDRESS);
  check_outcome("VMPTRLD beyond the addresses", vmptrld(region | BEYOND), OUTCOME_ERROR | ERROR_VMPTRLD_ADDRESS);
  check_outcome("VMPTRLD of the VMXON region", vmptrld((u32)vmxon_region), OUTCOME_ERROR | ERROR_VMPTRLD_VMXON_POINTER);
  check_outcome("VMPTRLD of another revision", vmptrld((u32)spare_region), OUTCOME_ERROR | ERROR_VMPTRLD_REVISION);
  make_region(spare_region, capabilities.revision | 1u << 31);
  if (!(capabilities.secondary.may & SECONDARY_VMCS_SHADOWING)) {
    check_outcome("VMPTRLD of a shadow VMCS", vmptrld((u32)spare_region), OUTCOME_ERROR | ERROR_VMPTRLD_REVISION);
  }
  check_pointer("failures leave the current VMCS", current_vmcs(), region);
  check_outcome("VMXON in VMX operation", vmxon((u32)vmxon_region), OUTCOME_ERROR | ERROR_VMXON_IN_ROOT);
  if (!left_out("vmcall-in-root")) check_outcome("VMCALL in root operation", vmcall(), OUTCOME_ERROR | ERROR_VMCALL_IN_ROOT);
  check_outcome("VMRESUME of a VMCS that is clear", vmresume(), OUTCOME_ERROR | ERROR_VMRESUME_NOT_LAUNCHED);

  u32 value = 0x12345678;
  check_outcome("VMREAD of no field", vmread(0x7ffe, &value), OUTCOME_ERROR | ERROR_UNSUPPORTED_FIELD);
  check("it leaves the destination", value, 0x12345678);
  check_outcome("VMREAD: high word of a 32-bit field", vmread(PIN_CONTROLS + 1, &value),
                OUTCOME_ERROR | ERROR_UNSUPPORTED_FIELD);
  check_outcome("VMREAD: reserved bits of the encoding", vmread(PIN_CONTROLS | 1u << 15, &value),
                OUTCOME_ERROR | ERROR_UNSUPPORTED_FIELD);
  check_outcome("VMWRITE of no field", vmwrite(0x7ffe, 0), OUTCOME_ERROR | ERROR_UNSUPPORTED_FIELD);
  bool write_all = capabilities.misc & MISC_WRITE_ALL;
  if (write_all) skip("VMWRITE of a read-only field", "this processor lets VMWRITE write all");
  else check_outcome("VMWRITE of a read-only field", vmwrite(EXIT_REASON, 0), OUTCOME_ERROR | ERROR_READ_ONLY_FIELD);
  check_outcome("VMREAD gives the error's number", vmread(INSTRUCTION_ERROR, &value), OUTCOME_SUCCESS);
  check("which is the last one", value, write_all ? ERROR_UNSUPPORTED_FIELD : ERROR_READ_ONLY_FIELD);
}

static void test_invalidation(void) {
  u64 has = capabilities.ept_vpid;
  u32 operand = OUTCOME_ERROR | ERROR_OPERAND;
  if (has & EPT_INVEPT) {
    check_outcome("INVEPT of all contexts", invept(INVEPT_ALL, 0, 0), OUTCOME_SUCCESS);
    check_outcome("INVEPT of type 0", invept(0, ept_pointer(), 0), operand);
    check_outcome("INVEPT of type 3", invept(3, ept_pointer(), 0), operand);
    if (has & EPT_INVEPT_SINGLE) {
      check_outcome("INVEPT of one context", invept(INVEPT_SINGLE, ept_pointer(), 0), OUTCOME_SUCCESS);
      check_outcome("INVEPT of an EPT pointer that is none", invept(INVEPT_SINGLE, ept_pointer() | 7, 0), operand);
    }
  } else skip("INVEPT", "not there");
  if (has & VPID_INVVPID) {
    if (has & VPID_ALL) check_outcome("INVVPID of all contexts", invvpid(INVVPID_ALL, 0, 0), OUTCOME_SUCCESS);
    if (has & VPID_SINGLE) {
      check_outcome("INVVPID of one context", invvpid(INVVPID_SINGLE, 1, 0), OUTCOME_SUCCESS);
      check_outcome("INVVPID of context 0", invvpid(INVVPID_SINGLE, 0, 0), operand);
      check_outcome("INVVPID: reserved bits", invvpid(INVVPID_SINGLE, 0x10001, 0), operand);
    }
    if (has & VPID_ADDRESS) {
      check_outcome("INVVPID of one address", invvpid(INVVPID_ADDRESS, 1, 0x1000), OUTCOME_SUCCESS);
      check_outcome("INVVPID of an address of context 0", invvpid(INVVPID_ADDRESS, 0, 0x1000), operand);
    }
    check_outcome("INVVPID of type 4", invvpid(4, 1, 0), operand);
  } else skip("INVVPID", "not there");
}

void test_instructions(void) {
  test_without_vmcs();
  check_outcome("in VMX: CR4.VMXE stays", attempt_write_cr4(read_cr4() & ~CR4_VMXE), FAULT_GP);
  check_outcome("in VMX: CR0.NE stays", attempt_write_cr0(read_cr0() & ~CR0_NE), FAULT_GP);
  check_outcome("in VMX: CR0.PG stays", attempt_write_cr0(read_cr0() & ~CR0_PG), FAULT_GP);
  test_pointers();
  test_invalidation();
}

struct named_field {
  const char *name;
  u32 encoding;
};
static const struct named_field fields[] = {
#define FIELD_ROW(name, encoding) { #name, encoding },
  VMCS_FIELDS(FIELD_ROW)
};

/* A value that tells fields apart, with the bits that a field has. */
static u32 pattern(u32 encoding) {
  u32 value = 0xa5c30000 ^ encoding * 0x01010421u;
  bool is_rights = encoding >= GUEST_ES_ACCESS_RIGHTS && encoding <= GUEST_TR_ACCESS_RIGHTS;
  /* A processor need not keep the reserved bits of access rights (SDM volume 3, 24.4.1). */
  if (is_rights) return value & 0x1f0ff;
  return field_width(encoding) == WIDTH_16 ? value & 0xffff : value;
}

/* Every word of every field that can be written, twice over: with all bits of the register, and in two VMCSs. */
void test_fields(void) {
  vmclear((u32)vmcs_region);
  vmclear((u32)other_region);
  u32 highest = 0;
  for (u32 pass = 0; pass < 2; pass++) {
    vmptrld(pass == 0 ? (u32)vmcs_region : (u32)other_region);
    for (const struct named_field *f = fields; f < fields + length_of(fields); f++) {
      if (field_kind(f->encoding) == KIND_READ_ONLY) continue;
      u32 value = pattern(f->encoding);
      vmwrite(f->encoding, field_width(f->encoding) == WIDTH_16 ? value | 0xffff0000 : value);
      if (field_width(f->encoding) == WIDTH_64) vmwrite(f->encoding + 1, ~value);
    }
  }
  vmptrld((u32)other_region);
  vmwrite(GUEST_EIP, 0x11111111);
  vmwrite(VPID, 0x2222);
  vmptrld((u32)vmcs_region);
  for (const struct named_field *f = fields; f < fields + length_of(fields); f++) {
    u32 wanted = pattern(f->encoding), low = 0, high = 0;
    begin("VMREAD %x %s", f->encoding, f->name);
    want_outcome(vmread(f->encoding, &low), OUTCOME_SUCCESS);
    if (field_kind(f->encoding) != KIND_READ_ONLY) want("value", low, wanted);
    if (field_width(f->encoding) == WIDTH_64) {
      want_outcome(vmread(f->encoding + 1, &high), OUTCOME_SUCCESS);
      if (field_kind(f->encoding) != KIND_READ_ONLY) want("high word", high, ~wanted);
    }
    end();
  }
  u32 in_memory = 0, field = GUEST_EFLAGS, copy = 0xfeedbeef;
  asm volatile("vmread %0, %1" : "=m"(in_memory) : "r"(field) : "cc");
  check("VMREAD to memory", in_memory, pattern(GUEST_EFLAGS));
  asm volatile("vmwrite %0, %1" ::"r"(field), "m"(copy) : "cc");
  check("VMWRITE from memory", get(GUEST_EFLAGS), 0xfeedbeef);

  for (u32 encoding = 0; encoding < 0x8000; encoding++) {
    u32 value = 0, index = encoding >> 1 & 0x1ff;
    if (vmread(encoding, &value) == OUTCOME_SUCCESS && index > highest) highest = index;
  }
  begin("IA32_VMX_VMCS_ENUM: no field has a higher index");
  want("index", highest > highest_index() ? highest : highest_index(), highest_index());
  end();
  vmptrld((u32)other_region);
  begin("a second VMCS has values of its own");
  want("GUEST_EIP", get(GUEST_EIP), 0x11111111);
  want("VPID", get(VPID), 0x2222);
  end();
  vmclear((u32)other_region);
  vmclear((u32)vmcs_region);
}

void test_vmxoff(void) {
  u32 value = 0;
  check_outcome("VMXOFF", vmxoff(), OUTCOME_SUCCESS);
  check_outcome("after VMXOFF: VMREAD", vmread(EXIT_REASON, &value), FAULT_UD);
  check_outcome("after VMXOFF: VMXOFF", vmxoff(), FAULT_UD);
  check_outcome("after VMXOFF: CR4.VMXE can be cleared", attempt_write_cr4(read_cr4() & ~CR4_VMXE), OUTCOME_SUCCESS);
  attempt_write_cr4(read_cr4() | CR4_VMXE);
  enter_operation("VMXON again");
  check_pointer("no VMCS is current again", current_vmcs(), NO_VMCS);
}
