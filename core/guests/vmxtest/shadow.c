/* shadow.c: guests without EPT, whose paging structures the host keeps; and a host with PAE paging (SDM volume 3, 26.3, 27.5). */
#include "code.h"
#include "entry.h"
#include "paging.h"
#include "tests.h"

/* The guest walks the host's own tables, as under shadow paging. */
static void without_ept(void) {
  drop(SECONDARY_CONTROLS, SECONDARY_EPT | SECONDARY_UNRESTRICTED);
  set(GUEST_CR0, get(HOST_CR0));
  set(GUEST_CR3, get(HOST_CR3));
  add(GUEST_CR4, CR4_PSE);
}

static void test_without_ept(void) {
  static u32 word = 0x13579bdf;
  struct code read = CODE("mov eax, [ebx]"), load = CODE("mov cr3, eax"), paging_off = CODE("mov cr0, eax");
  boot(read);
  without_ept();
  guest.ebx = (u32)&word;
  runs("without EPT: reading", read);
  want("EAX", guest.eax, 0x13579bdf);
  end();
  boot(load);
  without_ept();
  guest.eax = get(HOST_CR3);
  runs("without EPT: MOV to CR3", load);
  end();
  boot(paging_off);
  without_ept();
  set(EXCEPTION_BITMAP, 1u << VECTOR_GP);
  guest.eax = get(HOST_CR0) & ~CR0_PG;
  leaves("without unrestricted guest: CR0.PG stays", EXIT_EXCEPTION_OR_NMI);
  want("EIP", get(GUEST_EIP), paging_off.at);
  want_event(EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_GP);
  end();

  boot(read);
  without_ept();
  paging_two_levels(0);
  set(EXCEPTION_BITMAP, 1u << VECTOR_PF);
  guest.ebx = 0x80000000;
  leaves("without EPT: #PF", EXIT_EXCEPTION_OR_NMI);
  want("qualification", get(EXIT_QUALIFICATION), 0x80000000);
  want_event(EVENT_VALID | EVENT_EXCEPTION | EVENT_ERROR_CODE | VECTOR_PF);
  end();

  boot(read);
  without_ept();
  paging_pae();
  for (u32 n = 0; n < 4; n++) set64(GUEST_PDPTE0 + 2 * n, 0);
  guest.ebx = (u32)&word;
  runs("without EPT: PAE paging takes PDPTEs from memory", read);
  want("EAX", guest.eax, 0x13579bdf);
  end();
}

static void test_bad_state(void) {
  static u64 broken[4] __attribute__((aligned(32)));
  broken[1] = 0x1e7;
  expect("without EPT", OUTCOME_ENTRY_FAILED | EXIT_ENTRY_INVALID_GUEST_STATE, 0);
  TRY("CR0 without PG", without_ept(), drop(GUEST_CR0, CR0_PG));
  TRY("CR0 without PE", without_ept(), drop(GUEST_CR0, CR0_PE | CR0_PG));
  TRY("CS of type 3", without_ept(), set(GUEST_CS_ACCESS_RIGHTS, 0xc093));
  TRY("RPL of SS and CS differ", without_ept(), set(GUEST_SS_SELECTOR, DATA_SELECTOR | 1));
  TRY("DPL and RPL of SS differ", without_ept(), set(GUEST_SS_ACCESS_RIGHTS, 0xc0f3));
  TRY("RPL of DS above its DPL", without_ept(), set(GUEST_DS_SELECTOR, DATA_SELECTOR | 3));
  expect("without EPT", OUTCOME_ENTRY_FAILED | EXIT_ENTRY_INVALID_GUEST_STATE, 2);
  TRY("PAE paging with reserved bits in a PDPTE", without_ept(), add(GUEST_CR4, CR4_PAE), set(GUEST_CR3, (u32)broken));
}

/* An exit can change the host's paging, too. The second one changes it back. */
static void test_host_pae(void) {
  struct code cpuid = CODE("cpuid");
  u32 cr3 = read_cr3(), cr4 = read_cr4();
  boot(cpuid);
  set(GUEST_EIP, cpuid.at);
  paging_pae();
  u32 pae_cr3 = get(GUEST_CR3);
  boot(cpuid);
  set(HOST_CR3, pae_cr3);
  set(HOST_CR4, (cr4 & ~CR4_PSE) | CR4_PAE);
  exits("an exit to a host with PAE paging", cpuid, EXIT_CPUID, 0);
  want("CR3", read_cr3(), pae_cr3);
  want("CR4", read_cr4(), (cr4 & ~CR4_PSE) | CR4_PAE);
  set(HOST_CR3, cr3);
  set(HOST_CR4, cr4);
  goes_on(cpuid);
  want("CR3, back", read_cr3(), cr3);
  want("CR4, back", read_cr4(), cr4);
  end();
}

void test_shadow(void) {
  test_without_ept();
  test_bad_state();
  test_host_pae();
}
