/* exits-instructions.c: instructions that exit always, or by a control (SDM volume 3, 25.1.2 and 25.1.3). */
#include "code.h"
#include "tests.h"

struct plain {
  const char *name;
  struct code code;
  u32 reason;
  enum field controls;
  u32 control; /* 0: it always exits */
  bool may;
};

/* Exits with its control; without, it runs. */
static void by_control(struct plain p) {
  if (!p.may) {
    skip(p.name, "there is no such control");
    return;
  }
  boot(p.code);
  add(p.controls, p.control);
  exits_and_goes_on(p.name, p.code, p.reason, 0);
}

#define PRIMARY(text, instruction, reason, control)                                                                 \
  by_control((struct plain){ text, CODE(instruction), reason, PROCESSOR_CONTROLS, control,                          \
                             capabilities.processor.may & (control) })
#define SECOND(text, instruction, reason, control)                                                                  \
  by_control((struct plain){ text, CODE(instruction), reason, SECONDARY_CONTROLS, control,                          \
                             capabilities.secondary.may & (control) })

static void always(const char *name, struct code code, u32 reason) {
  boot(code);
  exits_and_goes_on(name, code, reason, 0);
}

static void never(const char *name, struct code code) {
  boot(code);
  runs(name, code);
  end();
}

static void test_plain(void) {
  always("CPUID", CODE("cpuid"), EXIT_CPUID);
  always("INVD", CODE("invd"), EXIT_INVD);
  always("VMCALL", CODE("vmcall"), EXIT_VMCALL);
  always("VMLAUNCH", CODE("vmlaunch"), EXIT_VMLAUNCH);
  always("VMRESUME", CODE("vmresume"), EXIT_VMRESUME);
  always("VMXOFF", CODE("vmxoff"), EXIT_VMXOFF);
  PRIMARY("HLT", "hlt", EXIT_HLT, PROCESSOR_HLT);
  PRIMARY("RDPMC", "rdpmc", EXIT_RDPMC, PROCESSOR_RDPMC);
  PRIMARY("RDTSC", "rdtsc", EXIT_RDTSC, PROCESSOR_RDTSC);
  PRIMARY("PAUSE", "pause", EXIT_PAUSE, PROCESSOR_PAUSE);
  SECOND("WBINVD", "wbinvd", EXIT_WBINVD, SECONDARY_WBINVD);
  never("without its control: RDTSC", CODE("rdtsc"));
  never("without its control: PAUSE", CODE("pause"));
  never("without its control: WBINVD", CODE("wbinvd"));
  never("without its control: INVLPG", CODE("invlpg [ebx]"));

  struct code code = CODE("invlpg [ebx + esi * 2 + 0x10]");
  boot(code);
  add(PROCESSOR_CONTROLS, PROCESSOR_INVLPG);
  guest.ebx = 0x12340000;
  guest.esi = 0x101;
  exits_and_goes_on("INVLPG: the linear address", code, EXIT_INVLPG, 0x12340212);
}

/*
 * The instruction-information field (SDM volume 3, tables 27-10 to 27-14): bits 1:0 scale, 6:3 register, 9:7 address size, 10
 * a register and not memory, 11 operand size of 32 bits, 17:15 segment, 21:18 index, 22 no index, 26:23 base, 27 no base,
 * 29:28 which instruction, or 31:28 a second register. The other bits are undefined, and those that an operand does not have.
 */
#define MEMORY_BITS 0x0fff8783u
#define NO_INDEX (1u << 22)
#define NO_INDEX_BITS 0x0fc38780u
#define NO_BASE (1u << 27)
#define NO_BASE_BITS 0x087f8783u
#define REGISTER_FORM (1u << 10)
#define REGISTER_BITS 0x00000478u
#define ADDRESS_32 (1u << 7)
#define OPERAND_32 (1u << 11)
#define SEGMENT(index) ((index) << 15)
#define INDEX(index) ((index) << 18)
#define BASE(index) ((index) << 23)
#define IDENTITY(number) ((u32)(number) << 28)
#define IDENTITY_BITS (3u << 28)
#define SECOND_REGISTER_BITS (15u << 28)
enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };
enum { ES, CS, SS, DS, FS, GS };

static void information(const char *name, struct code code, u32 reason, u32 displacement, u32 value, u32 defined) {
  exits(name, code, reason, displacement);
  want("instruction information", get(EXIT_INSTRUCTION_INFORMATION) & defined, value);
  goes_on(code);
  end();
}

static void vmx_operand(const char *name, struct code code, u32 reason, u32 displacement, u32 value, u32 defined) {
  boot(code);
  information(name, code, reason, displacement, value, defined);
}

static void test_vmx_operands(void) {
  vmx_operand("VMCLEAR [ebx]", CODE("vmclear [ebx]"), EXIT_VMCLEAR, 0, ADDRESS_32 | SEGMENT(DS) | NO_INDEX | BASE(EBX),
              NO_INDEX_BITS);
  vmx_operand("VMPTRLD es:[ebx+esi*4+10]", CODE("vmptrld es:[ebx + esi * 4 + 0x10]"), EXIT_VMPTRLD, 0x10,
              2 | ADDRESS_32 | SEGMENT(ES) | INDEX(ESI) | BASE(EBX), MEMORY_BITS);
  vmx_operand("VMPTRST [ebp-8]", CODE("vmptrst [ebp - 8]"), EXIT_VMPTRST, -8,
              ADDRESS_32 | SEGMENT(SS) | NO_INDEX | BASE(EBP), NO_INDEX_BITS);
  vmx_operand("VMXON [12345678]", CODE("vmxon ds:[0x12345678]"), EXIT_VMXON, 0x12345678,
              ADDRESS_32 | SEGMENT(DS) | NO_INDEX | NO_BASE, NO_INDEX_BITS & NO_BASE_BITS);
  vmx_operand("VMREAD edx, ecx", CODE("vmread edx, ecx"), EXIT_VMREAD, 0, REGISTER_FORM | EDX << 3 | ECX << 28,
              REGISTER_BITS | SECOND_REGISTER_BITS);
  vmx_operand("VMREAD [edi+eax*8-80], esi", CODE("vmread [edi + eax * 8 - 0x80], esi"), EXIT_VMREAD, -0x80,
              3 | ADDRESS_32 | SEGMENT(DS) | INDEX(EAX) | BASE(EDI) | (u32)ESI << 28, MEMORY_BITS | SECOND_REGISTER_BITS);
  vmx_operand("VMWRITE ebx, eax", CODE("vmwrite ebx, eax"), EXIT_VMWRITE, 0, REGISTER_FORM | EAX << 3 | (u32)EBX << 28,
              REGISTER_BITS | SECOND_REGISTER_BITS);
  vmx_operand("VMWRITE edi, [esp+4]", CODE("vmwrite edi, [esp + 4]"), EXIT_VMWRITE, 4,
              ADDRESS_32 | SEGMENT(SS) | NO_INDEX | BASE(ESP) | (u32)EDI << 28, NO_INDEX_BITS | SECOND_REGISTER_BITS);
  vmx_operand("INVEPT ecx, [eax]", CODE("invept ecx, [eax]"), EXIT_INVEPT, 0,
              ADDRESS_32 | SEGMENT(DS) | NO_INDEX | BASE(EAX) | (u32)ECX << 28, NO_INDEX_BITS | SECOND_REGISTER_BITS);
  vmx_operand("INVVPID edx, [eax*2+20]", CODE("invvpid edx, [eax * 2 + 0x20]"), EXIT_INVVPID, 0x20,
              1 | ADDRESS_32 | SEGMENT(DS) | INDEX(EAX) | NO_BASE | (u32)EDX << 28, NO_BASE_BITS | SECOND_REGISTER_BITS);
}

static void table(const char *name, struct code code, u32 reason, u32 displacement, u32 value, u32 defined) {
  boot(code);
  add(SECONDARY_CONTROLS, SECONDARY_DESCRIPTOR_TABLES);
  information(name, code, reason, displacement, value, defined | IDENTITY_BITS);
}

static void test_descriptor_tables(void) {
  if (!(capabilities.secondary.may & SECONDARY_DESCRIPTOR_TABLES)) {
    skip("descriptor-table exiting", "there is no such control");
    return;
  }
  u32 plain = ADDRESS_32 | SEGMENT(DS) | NO_INDEX | BASE(EBX);
  u32 bits = NO_INDEX_BITS | OPERAND_32;
  table("SGDT [ebx]", CODE("sgdt [ebx]"), EXIT_GDTR_IDTR_ACCESS, 0, plain | OPERAND_32 | IDENTITY(0), bits);
  table("SIDT [ebx]", CODE("sidt [ebx]"), EXIT_GDTR_IDTR_ACCESS, 0, plain | OPERAND_32 | IDENTITY(1), bits);
  table("LGDT [ebx+7f]", CODE("lgdt [ebx + 0x7f]"), EXIT_GDTR_IDTR_ACCESS, 0x7f, plain | OPERAND_32 | IDENTITY(2), bits);
  table("LIDT fs:[ebx], 16 bits", CODE("data16 lidt fs:[ebx]"), EXIT_GDTR_IDTR_ACCESS, 0,
        ADDRESS_32 | SEGMENT(FS) | NO_INDEX | BASE(EBX) | IDENTITY(3), bits);
  table("LIDT [bx+si+5]", CODE("addr16 lidt [bx + si + 5]"), EXIT_GDTR_IDTR_ACCESS, 5,
        OPERAND_32 | SEGMENT(DS) | INDEX(ESI) | BASE(EBX) | IDENTITY(3), MEMORY_BITS | OPERAND_32);
  table("SLDT eax", CODE("sldt eax"), EXIT_LDTR_TR_ACCESS, 0, REGISTER_FORM | EAX << 3 | IDENTITY(0), REGISTER_BITS);
  table("STR [ebx+4]", CODE("str word ptr [ebx + 4]"), EXIT_LDTR_TR_ACCESS, 4, plain | IDENTITY(1), NO_INDEX_BITS);
  table("LLDT cx", CODE("lldt cx"), EXIT_LDTR_TR_ACCESS, 0, REGISTER_FORM | ECX << 3 | IDENTITY(2), REGISTER_BITS);
  table("LTR dx", CODE("ltr dx"), EXIT_LDTR_TR_ACCESS, 0, REGISTER_FORM | EDX << 3 | IDENTITY(3), REGISTER_BITS);

  static struct table_register stored;
  struct code code = CODE("sgdt [ebx]");
  boot(code);
  guest.ebx = (u32)&stored;
  set(GUEST_GDTR_LIMIT, 0x1234);
  runs("without its control: SGDT stores the guest's", code);
  want("limit", stored.limit, 0x1234);
  want("base", stored.base, (u32)gdt);
  end();
}

/* Register numbers 0 to 1fff and c0000000 to c0001fff have a bit for reading and one for writing. */
static void msr(const char *name, struct code code, u32 number, bool is_write, bool has_bit, u32 reason) {
  boot(code);
  u8 *bitmaps = (u8 *)get(MSR_BITMAPS);
  u32 bit = (is_write ? 2048 * 8 : 0) + (number >> 31 ? 1024 * 8 : 0) + (number & 0x1fff);
  if (has_bit) bitmaps[bit / 8] = 1 << bit % 8;
  guest.ecx = number;
  exits_and_goes_on(name, code, reason, 0);
}

#define IA32_SYSENTER_CS 0x174u
#define IA32_SYSENTER_ESP 0x175u
#define IA32_EFER 0xc0000080u

static void test_msrs(void) {
  struct code read = CODE("rdmsr"), write = CODE("wrmsr");
  msr("RDMSR by the bitmap", read, IA32_SYSENTER_CS, false, true, EXIT_RDMSR);
  msr("WRMSR by the bitmap", write, IA32_SYSENTER_CS, true, true, EXIT_WRMSR);
  msr("RDMSR by the bitmap of high numbers", read, IA32_EFER, false, true, EXIT_RDMSR);
  msr("WRMSR by the bitmap of high numbers", write, IA32_EFER, true, true, EXIT_WRMSR);
  msr("RDMSR of a number beyond the bitmaps", read, 0x2000, false, false, EXIT_RDMSR);
  msr("WRMSR of a number beyond the bitmaps", write, 0xc0002000, true, false, EXIT_WRMSR);

  boot(read);
  drop(PROCESSOR_CONTROLS, PROCESSOR_MSR_BITMAPS);
  guest.ecx = IA32_SYSENTER_CS;
  exits_and_goes_on("RDMSR without bitmaps", read, EXIT_RDMSR, 0);

  boot(read);
  set(GUEST_SYSENTER_CS, 0x1230);
  guest.ecx = IA32_SYSENTER_CS;
  runs("RDMSR with a clear bit reads the guest's register", read);
  want("EAX", guest.eax, 0x1230);
  end();

  boot(write);
  guest.ecx = IA32_SYSENTER_ESP;
  guest.eax = 0x45670000;
  runs("WRMSR with a clear bit writes the guest's register", write);
  want("the guest's", get(GUEST_SYSENTER_ESP), 0x45670000);
  want("the host's", (u32)read_msr(IA32_SYSENTER_ESP), 0);
  end();
}

void test_instruction_exits(void) {
  test_plain();
  test_vmx_operands();
  test_descriptor_tables();
  test_msrs();
}
