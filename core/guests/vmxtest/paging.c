/* paging.c: guests with paging, under EPT (SDM volume 3, 4.3, 4.4, 28.2). */
#include "code.h"
#include "paging.h"
#include "tests.h"
#include "../primer/common/text.h"

static u32 directory[1024] __attribute__((aligned(PAGE)));
static u32 window_table[1024] __attribute__((aligned(PAGE)));
static u64 pae_directory[512] __attribute__((aligned(PAGE))), other_directory[512] __attribute__((aligned(PAGE)));
static u64 pae_window[512] __attribute__((aligned(PAGE))), other_window[512] __attribute__((aligned(PAGE)));
static u64 pae_pointers[4] __attribute__((aligned(32))), other_pointers[4] __attribute__((aligned(32)));

/* What the window shows. */
static u32 frame_a[1024] __attribute__((aligned(PAGE))), frame_b[1024] __attribute__((aligned(PAGE)));

#define KERNEL_BITS (PTE_PRESENT | PTE_WRITE)

void paging_two_levels(u32 table) {
  directory[0] = 0 | KERNEL_BITS | PTE_LARGE;
  directory[WINDOW >> 22] = table | KERNEL_BITS;
  set(GUEST_CR3, (u32)directory);
  add(GUEST_CR4, CR4_PSE);
  add(GUEST_CR0, CR0_PG | CR0_WP);
}

static void make_pae(u64 *pointers, u64 *directory_of, u64 *window) {
  directory_of[0] = 0 | KERNEL_BITS | PTE_LARGE;
  directory_of[1] = 0x200000 | KERNEL_BITS | PTE_LARGE;
  directory_of[WINDOW >> 21] = (u32)window | KERNEL_BITS;
  pointers[0] = (u32)directory_of | PTE_PRESENT;
}

void paging_pae(void) {
  make_pae(pae_pointers, pae_directory, pae_window);
  make_pae(other_pointers, other_directory, other_window);
  set(GUEST_CR3, (u32)pae_pointers);
  for (u32 n = 0; n < 4; n++) set64(GUEST_PDPTE0 + 2 * n, pae_pointers[n]);
  add(GUEST_CR4, CR4_PAE);
  add(GUEST_CR0, CR0_PG | CR0_WP);
}

static void boot_two_levels(struct code code) {
  boot(code);
  memset(window_table, 0, PAGE);
  window_table[0] = (u32)frame_a | KERNEL_BITS;
  window_table[1] = (u32)frame_b | PTE_PRESENT;
  paging_two_levels((u32)window_table);
  frame_a[0] = 0xaaaaaaaa;
  frame_b[0] = 0xbbbbbbbb;
  guest.ebx = WINDOW;
}

static void test_two_levels(void) {
  struct code read = CODE("mov eax, [ebx]"), write = CODE("mov [ebx], ecx"), read_twice = CODE_AFTER("mov eax, [ebx]\n\tcpuid", "mov eax, [ebx]");
  boot_two_levels(read);
  runs("32-bit paging: reading", read);
  want("EAX", guest.eax, 0xaaaaaaaa);
  want("flags", window_table[0] & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED);
  end();
  boot_two_levels(write);
  guest.ecx = 0x12345;
  runs("32-bit paging: writing", write);
  want("memory", frame_a[0], 0x12345);
  want("flags", window_table[0] & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED | PTE_DIRTY);
  end();

  /* The host changes the guest's page table at an exit, and says so. */
  boot_two_levels(read_twice);
  leaves("32-bit paging: the host changes an entry", EXIT_CPUID);
  want("EAX", guest.eax, 0xaaaaaaaa);
  window_table[0] = (u32)frame_b | KERNEL_BITS;
  ept_changed();
  set(GUEST_EIP, get(GUEST_EIP) + 2);
  want_outcome(enter(), OUTCOME_EXIT | EXIT_VMCALL);
  want("EAX", guest.eax, 0xbbbbbbbb);
  end();
}

/* A page fault that exits: the linear address is the qualification. */
static void faults(const char *name, struct code code, u32 address, u32 error_code) {
  leaves(name, EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), code.at);
  want("qualification", get(EXIT_QUALIFICATION), address);
  want_event(EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_PF);
  want("error code", get(EXIT_INTERRUPTION_ERROR_CODE), error_code);
  want_vectoring(0);
  end();
}

/* One that goes to the guest: CR2 has the address. */
static void faults_inside(const char *name, struct code code, u32 address, u32 error_code) {
  leaves(name, EXIT_VMCALL);
  const u32 *frame = want_handler(VECTOR_PF, true, code.at);
  want("error code", frame[0], error_code);
  want("CR2", read_cr2(), address);
  end();
}

static void match(struct code code, u32 offset, u32 bitmap, u32 mask, u32 value) {
  boot_two_levels(code);
  guest.ebx = WINDOW + offset;
  set(EXCEPTION_BITMAP, bitmap << VECTOR_PF);
  set(PAGE_FAULT_ERROR_CODE_MASK, mask);
  set(PAGE_FAULT_ERROR_CODE_MATCH, value);
}

static void test_page_faults(void) {
  struct code read = CODE("mov eax, [ebx]"), write = CODE("mov [ebx], ecx");
  u32 read_only = 0x1234, absent = 0x2008;
  match(read, absent, 1, 0, 0);
  faults("#PF, bit set, mask 0, match 0: exits", read, WINDOW + absent, 0);
  match(write, read_only, 1, 0, 0);
  faults("#PF of a write to a read-only page", write, WINDOW + read_only, 3);
  match(read, absent, 0, 0, 0);
  faults_inside("#PF, bit clear, mask 0, match 0: stays", read, WINDOW + absent, 0);
  match(read, absent, 1, 0, -1);
  faults_inside("#PF, bit set, no match: stays", read, WINDOW + absent, 0);
  match(read, absent, 0, 0, -1);
  faults("#PF, bit clear, no match: exits", read, WINDOW + absent, 0);
  match(write, read_only, 1, 1, 1);
  faults("#PF, bit set, P wanted and there: exits", write, WINDOW + read_only, 3);
  match(write, absent, 1, 1, 1);
  faults_inside("#PF, bit set, P wanted but not there: stays", write, WINDOW + absent, 2);
  match(write, absent, 0, 3, 3);
  faults("#PF, bit clear, P and W wanted but not both there: exits", write, WINDOW + absent, 2);
  match(write, read_only, 0, 3, 3);
  faults_inside("#PF, bit clear, P and W wanted and there: stays", write, WINDOW + read_only, 3);
}

static void boot_pae(struct code code) {
  boot(code);
  pae_window[0] = (u32)frame_a | KERNEL_BITS;
  other_window[0] = (u32)frame_b | KERNEL_BITS;
  paging_pae();
  frame_a[0] = 0xaaaaaaaa;
  frame_b[0] = 0xbbbbbbbb;
  guest.ebx = WINDOW;
}

/* An unrestricted guest switches paging on by itself, and changes its tables under a VPID of its own. */
static void test_switching_on(void) {
  struct code two_levels = CODE_AFTER("mov cr3, esi\n\tmov cr4, edi\n\tmov cr0, ecx", "mov eax, [ebx]");
  struct code change = CODE_AFTER("mov eax, [ebx]\n\tmov [edx], ecx\n\tinvlpg [ebx]", "mov eax, [ebx]");
  struct code reload = CODE_AFTER("mov eax, [ebx]\n\tmov [edx], ecx\n\tmov eax, cr3\n\tmov cr3, eax", "mov eax, [ebx]");
  u32 vpid = capabilities.secondary.may & SECONDARY_VPID;
  for (u32 pae = 0; pae < 2; pae++) {
    boot_two_levels(two_levels);
    if (pae) boot_pae(two_levels);
    guest.esi = get(GUEST_CR3);
    guest.edi = get(GUEST_CR4);
    guest.ecx = get(GUEST_CR0);
    set(GUEST_CR3, 0);
    drop(GUEST_CR4, CR4_PAE | CR4_PSE);
    drop(GUEST_CR0, CR0_PG | CR0_WP);
    runs(pae ? "a guest switches PAE paging on" : "a guest switches 32-bit paging on", two_levels);
    want("EAX", guest.eax, 0xaaaaaaaa);
    want("CR0", get(GUEST_CR0) & CR0_PG, CR0_PG);
    want("CR3", get(GUEST_CR3), guest.esi);
    if (pae) want("PDPTE 0", get(GUEST_PDPTE0), pae_pointers[0]);
    end();
  }
  for (u32 way = 0; way < 2; way++) {
    struct code code = way == 0 ? change : reload;
    boot_two_levels(code);
    add(SECONDARY_CONTROLS, vpid);
    set(VPID, 9);
    guest.edx = (u32)&window_table[0];
    guest.ecx = (u32)frame_b | KERNEL_BITS;
    runs(way == 0 ? "a guest changes an entry and drops it by INVLPG" : "a guest changes an entry and drops it by MOV to CR3", code);
    want("EAX", guest.eax, 0xbbbbbbbb);
    end();
    if (vpid) invvpid(INVVPID_ALL, 0, 0);
  }
}

static void test_pae(void) {
  struct code read = CODE("mov eax, [ebx]"), load = CODE_AFTER("mov cr3, ecx", "mov eax, [ebx]"), bad = CODE("mov cr3, ecx");
  boot_pae(read);
  runs("PAE paging: reading", read);
  want("EAX", guest.eax, 0xaaaaaaaa);
  want("flags", (u32)pae_window[0] & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED);
  end();
  boot_pae(read);
  set(GUEST_CR3, 0);
  runs("PAE paging: the entry takes the VMCS's PDPTEs, not memory's", read);
  want("EAX", guest.eax, 0xaaaaaaaa);
  end();
  boot_pae(load);
  guest.ecx = (u32)other_pointers;
  runs("PAE paging: MOV to CR3 loads PDPTEs", load);
  want("EAX", guest.eax, 0xbbbbbbbb);
  want("PDPTE 0 of the VMCS", get(GUEST_PDPTE0), other_pointers[0]);
  want("CR3", get(GUEST_CR3), (u32)other_pointers);
  end();
  static u64 broken[4] __attribute__((aligned(32)));
  broken[2] = 0x1e7;
  boot_pae(bad);
  guest.ecx = (u32)broken;
  leaves("PAE paging: MOV to CR3 with reserved bits in a PDPTE", EXIT_VMCALL);
  want_handler(VECTOR_GP, true, bad.at);
  want("CR3", get(GUEST_CR3), (u32)pae_pointers);
  end();
}

/* Translations of a guest with a VPID stay until somebody drops them. */
static void test_vpid(void) {
  if (!(capabilities.secondary.may & SECONDARY_VPID) || !(capabilities.ept_vpid & VPID_INVVPID)) {
    skip("VPID", "not there");
    return;
  }
  static const struct {
    const char *name;
    u64 capability;
    u32 type;
  } kinds[] = {
    { "VPID: the host drops one address", VPID_ADDRESS, INVVPID_ADDRESS },
    { "VPID: the host drops one context", VPID_SINGLE, INVVPID_SINGLE },
    { "VPID: the host drops all contexts", VPID_ALL, INVVPID_ALL },
    { "VPID: the host drops one context but for global pages", VPID_NOT_GLOBAL, INVVPID_NOT_GLOBAL },
  };
  struct code code = CODE_AFTER("mov eax, [ebx]\n\tcpuid", "mov eax, [ebx]");
  for (u32 n = 0; n < length_of(kinds); n++) {
    if (!(capabilities.ept_vpid & kinds[n].capability)) continue;
    boot_two_levels(code);
    add(SECONDARY_CONTROLS, SECONDARY_VPID);
    set(VPID, 7);
    /* What the last way has left. */
    invvpid(kinds[n].type, 7, WINDOW);
    leaves(kinds[n].name, EXIT_CPUID);
    want("EAX", guest.eax, 0xaaaaaaaa);
    window_table[0] = (u32)frame_b | KERNEL_BITS;
    want_outcome(invvpid(kinds[n].type, 7, WINDOW), OUTCOME_SUCCESS);
    set(GUEST_EIP, get(GUEST_EIP) + 2);
    want_outcome(enter(), OUTCOME_EXIT | EXIT_VMCALL);
    want("EAX", guest.eax, 0xbbbbbbbb);
    end();
  }
}

void test_paging(void) {
  test_two_levels();
  test_page_faults();
  test_pae();
  test_switching_on();
  test_vpid();
}
