/* setup.c: from what a case says to the processor's tables, pages and control registers. */
#include "kernel.h"

extern u32 entries[32];
extern u8 double_fault_entry[];

#define PRESENT 1u
#define WRITABLE 2u
#define USER 4u
#define GATE_PRESENT (1u << 15)

static u32 *const directory = (u32 *)DIRECTORY_AT, *const low_table = (u32 *)LOW_TABLE_AT;
static u32 *const window_table = (u32 *)WINDOW_TABLE_AT, *const top_table = (u32 *)TOP_TABLE_AT;
static u64 *const pointers = (u64 *)POINTERS_AT, *const directories = (u64 *)DIRECTORIES_AT;
static u64 *const low_entries = (u64 *)LOW_ENTRIES_AT, *const window_entries = (u64 *)WINDOW_ENTRIES_AT;
static u64 *const top_entries = (u64 *)TOP_ENTRIES_AT;
static u32 *const trap_stack = (u32 *)STACKS_AT;
#define TRAP_STACK_WORDS 256u

static bool extended; /* the pages are PAE's */

static struct descriptor descriptor(u32 base, u32 limit, u32 attributes) {
  return (struct descriptor){ base << 16 | (limit & 0xffff),
                              (base & 0xff000000) | (base >> 16 & 0xff) | (limit & 0xf0000) | attributes };
}
static struct descriptor gate(u32 selector, u32 offset, u32 attributes) {
  return (struct descriptor){ selector << 16 | (offset & 0xffff), (offset & 0xffff0000) | attributes };
}

static u32 kernel_frame(u32 page) {
  u32 alias = page - TEST_ALIAS / PAGE;
  if (alias < TEST_PAGES) return TEST_MEMORY + alias * PAGE;
  alias -= TEST_PAGES;
  return alias < LARGE_PAGES ? LARGE_FRAME + alias * PAGE : page * PAGE;
}

void setup_start(void) {
  for (u32 *word = (u32 *)GDT_AT; word < (u32 *)(TOP_ENTRIES_AT + PAGE); word++) *word = 0;
  gdt[KERNEL_CODE / 8] = descriptor(0, 0xfffff, 0xc09b00);
  gdt[KERNEL_DATA / 8] = descriptor(0, 0xfffff, 0xc09300);
  gdt[DOUBLE_FAULT_TASK / 8] = descriptor(DOUBLE_FAULT_TASK_AT, 103, 0x8900);
  gdt[TEST_LDT / 8] = descriptor(LDT_AT, 8 * LDT_COUNT - 1, 0x8200);
  double_fault_task = (struct task){
    .eip = (u32)double_fault_entry, .eflags = FLAG_ONE, .map = 104 << 16,
    .segment = { KERNEL_DATA, KERNEL_CODE, KERNEL_DATA, KERNEL_DATA, 0, 0 },
  };
  double_fault_task.general[ESP] = STACKS_AT + 0x800;

  for (u32 n = 256; n < 1024; n++) low_entries[n] = low_table[n] = kernel_frame(n) | PRESENT | WRITABLE;
  directory[0] = (u32)low_table | PRESENT | WRITABLE | USER;
  for (u32 n = 0; n < 2; n++) directories[n] = ((u32)low_entries + n * PAGE) | PRESENT | WRITABLE | USER;
  for (u32 n = 0; n < 4; n++) pointers[n] = ((u32)directories + n * PAGE) | PRESENT;
  /* The tests, by large pages. */
  for (u32 at = SCRIPT_AT; at < MEMORY_END; at += 1u << 22) directory[at >> 22] = at | 1u << 7 | PRESENT;
  for (u32 at = SCRIPT_AT; at < MEMORY_END; at += 1u << 21) directories[at >> 21] = at | 1u << 7 | PRESENT;
}

void load_gdt(u32 limit) {
  struct table_register gdtr = { limit, GDT_AT };
  asm volatile("lgdt %0" ::"m"(gdtr));
}

static void load_tables(u32 gdt_limit, u32 idt_limit) {
  struct table_register gdtr = { gdt_limit, GDT_AT }, idtr = { idt_limit, IDT_AT };
  asm volatile("lgdt %0\n\t"
               "lidt %1\n\t"
               "push %2\n\t"
               "push offset 1f\n\t"
               "retf\n"
               "1:\n\t"
               "mov ds, %3\n\t"
               "mov es, %3\n\t"
               "mov ss, %3\n\t"
               "mov fs, %4\n\t"
               "mov gs, %4"
               ::"m"(gdtr), "m"(idtr), "i"(KERNEL_CODE), "r"(KERNEL_DATA), "r"(0)
               : "memory");
}

static void set_tables(const struct case_start *c, u32 cr3) {
  copy_words(gdt + FIRST_TEST, c->gdt + FIRST_TEST, 2 * (GDT_COUNT - FIRST_TEST));
  copy_words(ldt, c->ldt, 2 * LDT_COUNT);
  copy_words(idt, c->idt, 2 * IDT_COUNT);
  gdt[KERNEL_TASK / 8] = descriptor(TASK_AT, c->task.limit, 0x8900);
  gdt[DOUBLE_FAULT_TASK / 8].high &= ~0x200u; /* not busy */
  for (u32 n = 0; n < 32; n++) idt[n] = gate(KERNEL_CODE, entries[n], GATE_PRESENT | 14 << 8 | (c->idt[n].high & 3 << 13));
  idt[8] = gate(DOUBLE_FAULT_TASK, 0, GATE_PRESENT | 5 << 8);
  for (u32 n = 0; n < TRAP_STACK_WORDS; n++) trap_stack[n] = 0;
  kernel_task = (struct task){
    .esp0 = (u32)(trap_stack + TRAP_STACK_WORDS), .ss0 = KERNEL_DATA,
    .esp1 = c->task.esp1, .ss1 = c->task.ss1, .esp2 = c->task.esp2, .ss2 = c->task.ss2,
    .cr3 = cr3, .eflags = FLAG_ONE, .map = c->task.map,
  };
  copy_words(kernel_task.maps, c->task.redirection, length_of(kernel_task.maps));
  double_fault_task.cr3 = cr3;
  load_tables(c->gdt_limit, c->idt_limit);
  write_tr(KERNEL_TASK);
  write_ldtr(TEST_LDT);
}

static void set_pages(const struct case_start *c) {
  if (extended) {
    copy_words(low_entries, c->low, 2 * LOW_PAGES);
    copy_words(window_entries, c->window, 2 * WINDOW_PAGES);
    copy_words(top_entries + 512 - TOP_PAGES, c->top, 2 * TOP_PAGES);
    directories[WINDOW >> 21] = c->window_directory;
    directories[TOP >> 21] = c->top_directory;
    directories[LARGE >> 21] = c->large;
    return;
  }
  for (u32 n = 0; n < LOW_PAGES; n++) low_table[n] = c->low[n];
  for (u32 n = 0; n < WINDOW_PAGES; n++) window_table[n] = c->window[n];
  for (u32 n = 0; n < TOP_PAGES; n++) top_table[1024 - TOP_PAGES + n] = c->top[n];
  directory[WINDOW >> 22] = c->window_directory;
  directory[TOP >> 22] = c->top_directory;
  directory[LARGE >> 22] = c->large;
}

/* Pages and memory as the case has them in the beginning. */
void fill_memory(const struct case_start *c) {
  set_pages(c);
  write_cr4(read_cr4() ^ CR4_PGE); /* twice: nothing of the old ones stays in the TLB (SDM volume 3, 4.10.4.1) */
  write_cr4(read_cr4() ^ CR4_PGE);
  write_cr3(read_cr3());
  copy_words((void *)TEST_ALIAS, ((const struct script *)SCRIPT_AT)->memory + c->memory_from, MEMORY_WORDS);
}

void begin(const struct case_start *c) {
  asm volatile("push 2; popfd" ::: "memory", "cc");
  write_dr7(0x400);
  write_dr0(0);
  write_dr1(0);
  write_dr2(0);
  write_dr3(0);
  write_dr6(0);
  write_cr2(0);
  bool pae = c->cr4 & CR4_PAE;
  u32 cr3 = pae ? POINTERS_AT : DIRECTORY_AT;
  /* The script is where it is loaded, but test memory has its alias with paging only. */
  write_cr0(CR0_PE | CR0_ET | CR0_NE);
  extended = pae;
  write_cr4(c->cr4);
  write_cr3(cr3);
  write_msr(0xc0000080, c->efer);
  for (u32 n = 0; n < 3; n++) write_msr(0x174 + n, c->sysenter[n]);
  write_cr0(CR0_PE | CR0_PG | CR0_ET | CR0_NE);
  set_tables(c, cr3);
  fill_memory(c);
  asm volatile("fninit");
  write_cr0(c->cr0);
}

u32 memory_hash(void) { return mix(1, (u32 *)TEST_ALIAS, MEMORY_WORDS); }

u32 pages_hash(void) {
  if (extended) {
    u32 hash = mix(2, (u32 *)low_entries, 2 * LOW_PAGES);
    hash = mix(hash, (u32 *)window_entries, 2 * WINDOW_PAGES);
    hash = mix(hash, (u32 *)(top_entries + 512 - TOP_PAGES), 2 * TOP_PAGES);
    hash = mix(hash, (u32 *)&directories[WINDOW >> 21], 2);
    hash = mix(hash, (u32 *)&directories[TOP >> 21], 2);
    return mix(hash, (u32 *)&directories[LARGE >> 21], 2);
  }
  u32 hash = mix(2, low_table, LOW_PAGES);
  hash = mix(hash, window_table, WINDOW_PAGES);
  hash = mix(hash, top_table + 1024 - TOP_PAGES, TOP_PAGES);
  hash = mix(hash, &directory[WINDOW >> 22], 1);
  hash = mix(hash, &directory[TOP >> 22], 1);
  return mix(hash, &directory[LARGE >> 22], 1);
}

u32 tables_hash(void) { return mix(3, (u32 *)GDT_AT, 2 * (GDT_COUNT + 16 + LDT_COUNT)); }

/* The state of the task that could not take an exception, which the processor has left in the task's segment. */
void double_fault(void) {
  for (u32 n = 0; n < 8; n++) state.general[n] = kernel_task.general[n];
  for (u32 n = 0; n < 6; n++) state.segment[n] = kernel_task.segment[n] & 0xffff;
  state.eip = kernel_task.eip;
  state.eflags = kernel_task.eflags & ~FLAG_RF & state.settled; /* Bochs sets RF for the fault before the double fault: tools/fuzz/differences.txt */
  state.error ^= double_fault_task.link << 16;
  gdt[KERNEL_TASK / 8].high &= ~0x200u;
  gdt[DOUBLE_FAULT_TASK / 8].high &= ~0x200u;
  write_tr(KERNEL_TASK);
  write_ldtr(kernel_task.ldtr);
}
