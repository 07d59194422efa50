/* real.c: an unrestricted guest: real mode, and the way from there to protected mode, under EPT (SDM volume 3, 31.6). */
#include "code.h"
#include "tests.h"
#include "../primer/common/text.h"

extern u8 real_page[PAGE], real_handler[];

#define REAL_PAGE 0x10000u
#define REAL_DATA 0x20000u
#define REAL_SEGMENT(address) ((address) >> 4)

static u8 vectors[PAGE] __attribute__((aligned(PAGE))), data[PAGE] __attribute__((aligned(PAGE)));

static void map(u32 address, const u8 *page) { *ept_entry(address) = (u32)page | EPT_WRITE_BACK | EPT_ALL; }

/* All of memory that the guest sees in the first megabyte lies elsewhere. */
static void boot_real(void) {
  boot((struct code){ 0, 0, 0 });
  map(0, vectors);
  map(REAL_PAGE, real_page);
  map(REAL_DATA, data);
  ept_changed();
  memset(vectors, 0, PAGE);
  memset(data, 0, PAGE);
  ((u32 *)vectors)[0x21] = REAL_SEGMENT(REAL_PAGE) << 16 | (real_handler - real_page);

  drop(GUEST_CR0, CR0_PE);
  static const u32 bases[6] = { REAL_DATA, REAL_PAGE, REAL_DATA, 0, 0, 0 };
  for (u32 n = 0; n < 6; n++) {
    set(GUEST_ES_SELECTOR + 2 * n, REAL_SEGMENT(bases[n]));
    set(GUEST_ES_BASE + 2 * n, bases[n]);
    set(GUEST_ES_LIMIT + 2 * n, 0xffff);
    set(GUEST_ES_ACCESS_RIGHTS + 2 * n, n == 1 ? 0x9b : 0x93);
  }
  set(GUEST_IDTR_BASE, 0);
  set(GUEST_IDTR_LIMIT, 0x3ff);
  set(GUEST_ESP, PAGE);
  set(GUEST_EIP, 0);
}

static void boot_real_end(void) {
  for (u32 address = 0; address <= REAL_DATA; address += REAL_PAGE) map(address, (const u8 *)address);
  ept_changed();
}

/* Where an instruction of the page lies in it. */
static u32 place(const char *bytes, u32 length) {
  for (u32 at = 0; at < PAGE - length; at++) {
    u32 n = 0;
    while (n < length && real_page[at + n] == (u8)bytes[n]) n++;
    if (n == length) return at;
  }
  return -1;
}

static void test_real_mode(void) {
  u32 cpuid_at = place("\x0f\xa2", 2), int_at = place("\xcd\x21", 2);
  boot_real();
  leaves("real mode: segments, memory and INT through its vectors", EXIT_CPUID);
  want("EIP", get(GUEST_EIP), cpuid_at);
  want("CS", get(GUEST_CS_SELECTOR), REAL_SEGMENT(REAL_PAGE));
  want("CS base", get(GUEST_CS_BASE), REAL_PAGE);
  want("DS base", get(GUEST_DS_BASE), REAL_DATA);
  want("memory", *(u32 *)(data + 0x10), 0x12345678);
  want("ECX", guest.ecx, 0x12345678);
  want("calls of the handler", guest.esi, 1);
  want("the caller's IP", guest.edi, int_at + 2);
  want("SP", get(GUEST_ESP), PAGE);
  want("CR0", get(GUEST_CR0) & (CR0_PE | CR0_PG), 0);
  end();

  set(GUEST_EIP, get(GUEST_EIP) + 2);
  leaves("real mode: on to protected mode", EXIT_VMCALL);
  want("CS", get(GUEST_CS_SELECTOR), 8);
  want("CS access rights", get(GUEST_CS_ACCESS_RIGHTS), 0xc09b);
  want("DS access rights", get(GUEST_DS_ACCESS_RIGHTS), 0xc093);
  want("EAX", guest.eax, 0x12345678);
  want("CR0", get(GUEST_CR0) & (CR0_PE | CR0_PG), CR0_PE);
  end();

  boot_real();
  set(ENTRY_INTERRUPTION_INFORMATION, EVENT_VALID | EVENT_EXTERNAL | 0x21);
  set(GUEST_EFLAGS, FLAG_ONE | FLAG_IF);
  leaves("real mode: an injected interrupt", EXIT_CPUID);
  want("calls of the handler", guest.esi, 2);
  end();

  boot_real();
  set(EXCEPTION_BITMAP, 1u << VECTOR_GP);
  set(GUEST_IDTR_LIMIT, 0x83);
  leaves("real mode: #GP has no error code", EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), int_at);
  want_event(EVENT_VALID | EVENT_EXCEPTION | VECTOR_GP);
  want_vectoring(EVENT_VALID | EVENT_SOFTWARE_INTERRUPT | 0x21);
  end();
  boot_real_end();
}

/* Where there is no protected mode, most VMX instructions do not exist (30.3). */
static void vmx_in_real_mode(const char *name, const char *bytes, u32 length, bool exists, u32 flags) {
  boot_real();
  map(REAL_PAGE, spare_region);
  ept_changed();
  memcpy(spare_region, bytes, length);
  if (flags & FLAG_VM) {
    add(GUEST_CR0, CR0_PE);
    for (u32 n = 0; n < 6; n++) set(GUEST_ES_ACCESS_RIGHTS + 2 * n, 0xf3);
  }
  add(GUEST_EFLAGS, flags);
  set(EXCEPTION_BITMAP, 1u << VECTOR_UD);
  leaves(name, exists ? EXIT_VMCALL : EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), 0);
  if (!exists) want_event(EVENT_VALID | EVENT_EXCEPTION | VECTOR_UD);
  end();
  boot_real_end();
}

static void test_vmx_in_real_mode(void) {
  vmx_in_real_mode("real mode: VMCALL exits", "\x0f\x01\xc1", 3, true, 0);
  vmx_in_real_mode("real mode: VMLAUNCH is #UD", "\x0f\x01\xc2", 3, false, 0);
  vmx_in_real_mode("real mode: VMXOFF is #UD", "\x0f\x01\xc4", 3, false, 0);
  vmx_in_real_mode("real mode: VMREAD is #UD", "\x0f\x78\xc0", 3, false, 0);
  vmx_in_real_mode("real mode: VMCLEAR is #UD", "\x66\x0f\xc7\x37", 4, false, 0);
  vmx_in_real_mode("real mode: INVEPT is #UD", "\x66\x0f\x38\x80\x07", 5, false, 0);
  vmx_in_real_mode("virtual-8086 mode: VMWRITE is #UD", "\x0f\x79\xc0", 3, false, FLAG_VM);
  vmx_in_real_mode("virtual-8086 mode: VMXON is #UD", "\xf3\x0f\xc7\x37", 4, false, FLAG_VM);
}

/* Virtual-8086 mode needs no unrestricted guest. */
static void test_virtual_8086(void) {
  boot_real();
  add(GUEST_CR0, CR0_PE);
  for (u32 n = 0; n < 6; n++) set(GUEST_ES_ACCESS_RIGHTS + 2 * n, 0xf3);
  set(GUEST_EFLAGS, FLAG_ONE | FLAG_VM | 3 << 12);
  set(EXCEPTION_BITMAP, 1u << VECTOR_GP);
  leaves("virtual-8086 mode: INT through a gate of ring 0 is #GP", EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), place("\xcd\x21", 2));
  want("ECX", guest.ecx, 0x12345678);
  want("VM", get(GUEST_EFLAGS) & FLAG_VM, FLAG_VM);
  want_event(EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_GP);
  end();
  boot_real_end();
}

void test_real(void) {
  test_real_mode();
  test_virtual_8086();
  test_vmx_in_real_mode();
}
