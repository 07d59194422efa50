/* memory.c: EPT: translation, violations, misconfigurations, accessed and dirty flags (SDM volume 3, 28.2 and table 27-7). */
#include "code.h"
#include "paging.h"
#include "tests.h"
#include "../primer/common/text.h"

/* Qualification: what was tried, what the entries allow, whether there is a linear address, whether it was its page. */
#define READ 1u
#define WRITE 2u
#define FETCH 4u
#define ALLOWED(permissions) ((permissions) << 3)
#define LINEAR (1u << 7)
#define PAGE_ITSELF (1u << 8)
/* Bit 6 is undefined, bits 11:9 are there with advanced information only. */
#define DEFINED 0x11bfu

static u8 page[PAGE] __attribute__((aligned(PAGE)));

/* The page is this one now, with these bits. */
static void map(u32 address, u64 bits) {
  *ept_entry(address) = (u32)page | bits;
  ept_changed();
}

static void unmap(u32 address) {
  *ept_entry(address) = (address & -PAGE) | EPT_WRITE_BACK | EPT_ALL;
  ept_changed();
}

/* A check begins: an EPT violation. */
static void violates(const char *name, u32 at, u32 qualification, u32 physical, u32 linear) {
  leaves(name, EXIT_EPT_VIOLATION);
  want("EIP", get(GUEST_EIP), at);
  want("qualification", get(EXIT_QUALIFICATION) & DEFINED, qualification);
  want("guest-physical address", get(GUEST_PHYSICAL_ADDRESS), physical);
  want("its high word", get(GUEST_PHYSICAL_ADDRESS + 1), 0);
  if (qualification & LINEAR) want("linear address", get(GUEST_LINEAR_ADDRESS), linear);
  want_no_event();
  want_vectoring(0);
}

/* Part of a check: the page is mapped whole now, and the instruction runs. */
static void goes_on_mapped(struct code code) {
  map(FREE_PAGE, EPT_WRITE_BACK | EPT_ALL);
  want_outcome(enter(), OUTCOME_EXIT | EXIT_VMCALL);
  want("EIP, resumed", get(GUEST_EIP), code.end);
}

static void access(const char *name, struct code code, u64 bits, u32 qualification) {
  boot(code);
  map(FREE_PAGE, bits);
  memset(page, 0x5a, PAGE);
  guest.ebx = FREE_PAGE + 4;
  violates(name, code.at, qualification | LINEAR | PAGE_ITSELF, FREE_PAGE + 4, FREE_PAGE + 4);
  goes_on_mapped(code);
  want("the value read or written", qualification & WRITE ? *(u32 *)(page + 4) : guest.eax,
       qualification & WRITE ? 0 : 0x5a5a5a5a);
  end();
  unmap(FREE_PAGE);
}

static void test_violations(void) {
  struct code read = CODE("mov eax, [ebx]"), write = CODE("mov [ebx], eax"), jump = CODE("jmp ebx");
  access("EPT violation: reading a page that is not there", read, 0, READ);
  access("EPT violation: writing a page that is not there", write, 0, WRITE);
  access("EPT violation: writing a page to be read", write, EPT_WRITE_BACK | EPT_READ, WRITE | ALLOWED(EPT_READ));
  access("EPT violation: writing a page to be read and executed", write, EPT_WRITE_BACK | EPT_READ | EPT_EXECUTE,
         WRITE | ALLOWED(EPT_READ | EPT_EXECUTE));
  if (capabilities.ept_vpid & EPT_EXECUTE_ONLY) {
    access("EPT violation: reading a page to be executed", read, EPT_WRITE_BACK | EPT_EXECUTE, READ | ALLOWED(EPT_EXECUTE));
  }

  boot(jump);
  map(FREE_PAGE, EPT_WRITE_BACK | EPT_READ | EPT_WRITE);
  memcpy(page + 8, (const u8 *)jump.end, 3); /* VMCALL */
  guest.ebx = FREE_PAGE + 8;
  violates("EPT violation: executing a page to be read and written", FREE_PAGE + 8,
           FETCH | ALLOWED(EPT_READ | EPT_WRITE) | LINEAR | PAGE_ITSELF, FREE_PAGE + 8, FREE_PAGE + 8);
  map(FREE_PAGE, EPT_WRITE_BACK | EPT_ALL);
  want_outcome(enter(), OUTCOME_EXIT | EXIT_VMCALL);
  want("EIP, resumed", get(GUEST_EIP), FREE_PAGE + 8);
  end();
  unmap(FREE_PAGE);
}

static void misconfigured(const char *name, u64 bits) {
  struct code read = CODE("mov eax, [ebx]");
  boot(read);
  map(FREE_PAGE, bits);
  guest.ebx = FREE_PAGE + 0x10;
  leaves(name, EXIT_EPT_MISCONFIGURATION);
  want("EIP", get(GUEST_EIP), read.at);
  want("guest-physical address", get(GUEST_PHYSICAL_ADDRESS), FREE_PAGE + 0x10);
  want_no_event();
  goes_on_mapped(read);
  end();
  unmap(FREE_PAGE);
}

static void test_misconfigurations(void) {
  misconfigured("EPT misconfiguration: to be written but not read", EPT_WRITE_BACK | EPT_WRITE);
  misconfigured("EPT misconfiguration: to be written and executed but not read", EPT_WRITE_BACK | EPT_WRITE | EPT_EXECUTE);
  misconfigured("EPT misconfiguration: memory type 2", 2u << 3 | EPT_ALL);
  misconfigured("EPT misconfiguration: memory type 7", 7u << 3 | EPT_ALL);
  misconfigured("EPT misconfiguration: an address beyond the machine's", 1ull << 51 | EPT_WRITE_BACK | EPT_ALL);
  if (!(capabilities.ept_vpid & EPT_EXECUTE_ONLY)) {
    misconfigured("EPT misconfiguration: to be executed only", EPT_WRITE_BACK | EPT_EXECUTE);
  }
}

/* Entries of the higher levels, for the second gigabyte, of which nothing is mapped at first. */
#define FAR_AWAY 0x40000000u

static void boot_far(struct code code, u64 pointer_entry, u64 directory_entry) {
  boot(code);
  ept_far(pointer_entry, directory_entry);
  guest.ebx = FAR_AWAY + 0x123450;
}

static void far_violates(const char *name, struct code code, u64 pointer_entry, u64 directory_entry, u32 qualification) {
  boot_far(code, pointer_entry, directory_entry);
  violates(name, code.at, qualification | LINEAR | PAGE_ITSELF, FAR_AWAY + 0x123450, FAR_AWAY + 0x123450);
  end();
  ept_far(0, 0);
}

static void far_misconfigured(const char *name, u64 pointer_entry, u64 directory_entry) {
  struct code read = CODE("mov eax, [ebx]");
  boot_far(read, pointer_entry, directory_entry);
  leaves(name, EXIT_EPT_MISCONFIGURATION);
  want("EIP", get(GUEST_EIP), read.at);
  want("guest-physical address", get(GUEST_PHYSICAL_ADDRESS), FAR_AWAY + 0x123450);
  end();
  ept_far(0, 0);
}

static void test_higher_levels(void) {
  u64 large = EPT_LARGE | EPT_WRITE_BACK | EPT_ALL;
  struct code read = CODE("mov eax, [ebx]"), write = CODE("mov [ebx], eax");
  far_violates("EPT violation: no entry for 1 GB", read, 0, 0, READ);
  far_violates("EPT violation: no entry for 2 MB", read, EPT_ALL, 0, READ);
  far_violates("EPT violation: what all levels together allow", write, EPT_READ | EPT_WRITE,
               EPT_LARGE | EPT_WRITE_BACK | EPT_READ | EPT_EXECUTE, WRITE | ALLOWED(EPT_READ));
  far_misconfigured("EPT misconfiguration: bits 6:3 of a table's entry", 1 << 3 | EPT_ALL, large);
  far_misconfigured("EPT misconfiguration: a table to be written but not read", EPT_WRITE, large);
  far_misconfigured("EPT misconfiguration: bits 20:12 of a page of 2 MB", EPT_ALL, 1 << 12 | large);
  far_misconfigured("EPT misconfiguration: memory type 3 of a page of 2 MB", EPT_ALL, EPT_LARGE | 3 << 3 | EPT_ALL);
  if (!(capabilities.ept_vpid & EPT_1GB)) {
    far_misconfigured("EPT misconfiguration: a page of 1 GB", EPT_LARGE | EPT_ALL, large);
  }
}

/* A guest with paging whose page table lies in a page that EPT does not map. */
static void test_walks(void) {
  struct code read = CODE("mov eax, [ebx]"), write = CODE("mov [ebx], eax"), jump = CODE("jmp ebx");
  struct code load = CODE("mov cr3, ebx"), interrupt = CODE("int 0x40"), ud = CODE("ud2");
  boot(read);
  paging_two_levels(FREE_PAGE);
  map(FREE_PAGE, 0);
  memset(page, 0, PAGE);
  ((u32 *)page)[3] = (u32)spare_region | PTE_PRESENT | PTE_WRITE;
  *(u32 *)spare_region = 0x1234567;
  guest.ebx = WINDOW + 0x3000;
  violates("EPT violation: a page table that is not there", read.at, READ | LINEAR, FREE_PAGE + 3 * 4, WINDOW + 0x3000);
  goes_on_mapped(read);
  want("EAX", guest.eax, 0x1234567);
  want("the page-table entry's accessed flag", ((u32 *)page)[3] & PTE_ACCESSED, PTE_ACCESSED);
  end();

  boot(read);
  paging_two_levels(FREE_PAGE);
  map(FREE_PAGE, EPT_WRITE_BACK | EPT_READ);
  ((u32 *)page)[3] &= ~PTE_ACCESSED;
  guest.ebx = WINDOW + 0x3000;
  /* Bit 0 of what reads, changes and writes is for the processor to choose. */
  leaves("EPT violation: a page table that the walk cannot mark", EXIT_EPT_VIOLATION);
  want("qualification", (get(EXIT_QUALIFICATION) | READ) & DEFINED, READ | WRITE | ALLOWED(EPT_READ) | LINEAR);
  want("guest-physical address", get(GUEST_PHYSICAL_ADDRESS), FREE_PAGE + 3 * 4);
  goes_on_mapped(read);
  end();

  /* A walk reads, whatever it is for. */
  boot(write);
  paging_two_levels(FREE_PAGE);
  map(FREE_PAGE, 0);
  guest.ebx = WINDOW + 0x3000;
  violates("EPT violation: a page table that is not there, for a write", write.at, READ | LINEAR, FREE_PAGE + 3 * 4,
           WINDOW + 0x3000);
  end();
  boot(jump);
  paging_two_levels(FREE_PAGE);
  guest.ebx = WINDOW + 0x3000;
  violates("EPT violation: a page table that is not there, for a fetch", WINDOW + 0x3000, READ | LINEAR, FREE_PAGE + 3 * 4,
           WINDOW + 0x3000);
  end();

  boot(load);
  paging_pae();
  map(FREE_PAGE, 0);
  guest.ebx = FREE_PAGE + 0x20;
  violates("EPT violation: MOV to CR3 loads PDPTEs", load.at, READ, FREE_PAGE + 0x20, 0);
  end();

  boot(interrupt);
  map(FREE_PAGE, EPT_WRITE_BACK | EPT_READ | EPT_EXECUTE);
  set(GUEST_ESP, FREE_PAGE + PAGE);
  leaves("EPT violation: the stack of INT", EXIT_EPT_VIOLATION);
  want("EIP", get(GUEST_EIP), interrupt.at);
  want("qualification", get(EXIT_QUALIFICATION) & DEFINED,
       WRITE | ALLOWED(EPT_READ | EPT_EXECUTE) | LINEAR | PAGE_ITSELF);
  want("page", get(GUEST_PHYSICAL_ADDRESS) & -PAGE, FREE_PAGE);
  want("instruction length", get(EXIT_INSTRUCTION_LENGTH), 2);
  want_vectoring(EVENT_VALID | EVENT_SOFTWARE_INTERRUPT | 0x40);
  want("ESP", get(GUEST_ESP), FREE_PAGE + PAGE);
  end();

  boot(ud);
  map(FREE_PAGE, 0);
  set(GUEST_IDTR_BASE, FREE_PAGE);
  leaves("EPT violation: the interrupt table", EXIT_EPT_VIOLATION);
  want("EIP", get(GUEST_EIP), ud.at);
  want("qualification", get(EXIT_QUALIFICATION) & DEFINED, READ | LINEAR | PAGE_ITSELF);
  want("guest-physical address", get(GUEST_PHYSICAL_ADDRESS) & ~7u, FREE_PAGE + 8 * VECTOR_UD);
  want_vectoring(EVENT_VALID | EVENT_EXCEPTION | VECTOR_UD);
  end();
  unmap(FREE_PAGE);
}

static void flags(const char *name, struct code code, bool with_paging, u32 address, u64 wanted) {
  boot(code);
  set64(EPT_POINTER, ept_pointer() | EPTP_ACCESSED_DIRTY);
  if (with_paging) paging_two_levels(FREE_PAGE);
  map(FREE_PAGE, EPT_WRITE_BACK | EPT_ALL);
  ((u32 *)page)[3] = (u32)spare_region | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED;
  guest.ebx = address;
  runs(name, code);
  want("flags", (u32)*ept_entry(FREE_PAGE) & (EPT_ACCESSED | EPT_DIRTY), wanted);
  end();
  unmap(FREE_PAGE);
}

static void test_accessed_dirty(void) {
  if (!(capabilities.ept_vpid & EPT_ACCESSED_DIRTY_FLAGS)) {
    skip("EPT accessed and dirty flags", "not there");
    return;
  }
  struct code read = CODE("mov eax, [ebx]"), write = CODE("mov [ebx], eax"), nop = CODE("nop");
  flags("EPT flags: no access", nop, false, 0, 0);
  flags("EPT flags: reading sets accessed", read, false, FREE_PAGE, EPT_ACCESSED);
  flags("EPT flags: writing sets accessed and dirty", write, false, FREE_PAGE, EPT_ACCESSED | EPT_DIRTY);
  flags("EPT flags: a walk counts as writing", read, true, WINDOW + 0x3000, EPT_ACCESSED | EPT_DIRTY);

  boot(read);
  set64(EPT_POINTER, ept_pointer() | EPTP_ACCESSED_DIRTY);
  paging_two_levels(FREE_PAGE);
  map(FREE_PAGE, EPT_WRITE_BACK | EPT_READ);
  guest.ebx = WINDOW + 0x3000;
  violates("EPT flags: a page table to be read only", read.at, READ | WRITE | ALLOWED(EPT_READ) | LINEAR, FREE_PAGE + 3 * 4,
           WINDOW + 0x3000);
  end();
  unmap(FREE_PAGE);

  boot(read);
  map(FREE_PAGE, EPT_WRITE_BACK | EPT_ALL);
  guest.ebx = FREE_PAGE;
  runs("without EPT flags none is set", read);
  want("flags", (u32)*ept_entry(FREE_PAGE) & (EPT_ACCESSED | EPT_DIRTY), 0);
  end();
  unmap(FREE_PAGE);
}

void test_memory(void) {
  test_violations();
  test_misconfigurations();
  test_higher_levels();
  test_walks();
  test_accessed_dirty();
}
