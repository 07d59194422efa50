/*
 * main.c: random tests of a processor. The tests lie in memory, as tools/fuzz/generator wrote them. For each case a sum of what became of all
 * its steps is printed, or with "tell" on the command line every step.
 */
#include "kernel.h"
#include "../primer/common/text.h"

struct state state;
u32 kernel_stack; /* where launch() returns to */

static bool tells_steps;
static u32 sum;
static u32 own_hash; /* of the kernel, before the first test */
static u32 now_cr0, now_cr4; /* as they are */

static u8 floats[512] __attribute__((aligned(16)));
extern u8 launch_first[], launch_last[];

static void tell_state(const char *when) {
  const u32 *r = state.general, *s = state.segment;
  print("%s eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x esi %08x edi %08x eip %08x fl %06x es %04x cs %04x ss %04x ds %04x fs %04x gs %04x",
        when, r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], state.eip, state.eflags, s[0], s[1], s[2], s[3], s[4], s[5]);
}

static void tell_segment(const char *name, u32 selector) {
  if (state.eflags & FLAG_VM) {
    print(" %s %08x %08x %06x", name, selector << 4, 0xffff, 0xf3);
    return;
  }
  const struct descriptor *d = (selector & 4 ? ldt : gdt) + ((selector & 0x1ff) >> 3);
  u32 limit = (d->high & 0xf0000) | (d->low & 0xffff);
  print(" %s %08x %08x %06x", name, (d->high & 0xff000000) | (d->high & 0xff) << 16 | d->low >> 16,
        d->high & 1 << 23 ? limit << 12 | 0xfff : limit, d->high >> 8 & 0xffff);
}

/* Room for x87 and SSE instructions of the kernel's own. */
static void allow_floats(void) {
  if (now_cr0 & (CR0_TS | CR0_EM)) write_cr0(now_cr0 &= ~(CR0_TS | CR0_EM));
  if (!(now_cr4 & CR4_OSFXSR)) write_cr4(now_cr4 |= CR4_OSFXSR);
}

static void load_floats(const struct floats *from) {
  allow_floats();
  u32 *words = (u32 *)floats;
  for (u32 n = 2; n < 6; n++) words[n] = 0;
  words[0] = from->control_status;
  words[1] = from->tags_opcode;
  words[6] = from->mxcsr;
  for (u32 n = 0; n < 8; n++) {
    for (u32 k = 0; k < 5; k++) ((u16 *)(floats + 32 + 16 * n))[k] = from->st[n][k];
    for (u32 k = 0; k < 4; k++) words[40 + 4 * n + k] = from->xmm[n][k];
  }
  asm volatile("fxrstor %0" ::"m"(floats));
}

static void look_at_floats(bool loose) {
  allow_floats();
  asm volatile("fxsave %0" : "=m"(floats));
  const u32 *words = (const u32 *)floats;
  u32 about[7] = { words[0], words[1], words[2], words[3] & 0xffff, words[4], words[5] & 0xffff, words[6] };
  if (loose) about[0] &= ~(0x82bau << 16); /* C1 says how a result was rounded; DE, OE, UE, PE and what follows from these */
  sum = mix(sum, about, 7);
  if (loose) return;
  for (u32 n = 0; n < 8; n++) {
    const u32 *r = words + 8 + 4 * n;
    sum = ((sum * 9 ^ r[0]) * 9 ^ r[1]) * 9 ^ (r[2] & 0xffff);
  }
  sum = mix(sum, words + 40, 32);
}

static void tell_floats(bool loose) {
  const u32 *words = (const u32 *)floats;
  print(" control %04x status %04x tags %02x opcode %03x ip %x:%08x dp %x:%08x mxcsr %x", words[0] & 0xffff, words[0] >> 16, words[1] & 0xff,
        words[1] >> 16, words[3] & 0xffff, words[2], words[5] & 0xffff, words[4], words[6]);
  if (loose) return;
  for (u32 n = 0; n < 8; n++) print(" st%u %04x.%08x.%08x", n, words[10 + 4 * n] & 0xffff, words[9 + 4 * n], words[8 + 4 * n]);
  for (u32 n = 0; n < 8; n++) print(" xmm%u %08x.%08x.%08x.%08x", n, words[43 + 4 * n], words[42 + 4 * n], words[41 + 4 * n], words[40 + 4 * n]);
}

/* Looks at what a step has left. */
static void record(u32 flags, u32 loose_register) {
  struct table_register r, i;
  state.cr0 = now_cr0 = read_cr0();
  state.cr2 = read_cr2();
  state.cr3 = read_cr3();
  state.cr4 = now_cr4 = read_cr4();
  state.dr3 = read_dr3();
  state.selectors = read_ldtr() << 16 | read_tr();
  asm volatile("sgdt %0" : "=m"(r));
  asm volatile("sidt %0" : "=m"(i));
  state.limits = r.limit << 16 | i.limit;
  if (flags & STEP_LOSES_CR2 && state.vector == 14) write_cr2(state.cr2 = 0);
  if (loose_register) state.general[loose_register - 1] &= 0xfff0ffff;
  if (flags & STEP_WATCHES) state.dr6 &= ~7u; /* the kernel has something in the other three registers */
  sum = mix(sum, state.general, STATE_SUM_WORDS);
  if (state.dr6 != 0xffff0ff0) write_dr6(0xffff0ff0);
  if (flags & STEP_FLOATS) look_at_floats(flags & STEP_LOOSE_FLOATS);
}

/* Does the next step of a case, and returns where the one behind it begins. */
static const void *run_step(const struct case_start *c, const struct step *step, u32 number) {
  const struct patch *patch = (const struct patch *)(step + 1);
  const u8 *bytes = (const u8 *)(patch + 1);
  u32 flags = step->flags, looks = step->looks[0] | step->looks[1] << 16, loose_register = step->loose_register;
  if (tells_steps) {
    print("step %u:", number);
    for (u32 n = 0; n < step->length; n++) print(" %02x", bytes[n]);
  }
  for (u32 n = step->patches; n > 0; n--) {
    u8 *to = (u8 *)(TEST_ALIAS + patch->offset);
    const u32 *words = (const u32 *)(patch + 1);
    u32 count = patch->bytes;
    for (; count >= 4; count -= 4, to += 4) *(u32 *)to = *words++;
    if (count) {
      u32 rest = *words++;
      for (; count > 0; count--, rest >>= 8) *to++ = rest;
    }
    patch = (const struct patch *)words;
  }
  const u32 *more = (const u32 *)patch;
  state.first_dr7 = 0x400;
  if (flags & STEP_WATCHES) {
    write_dr3(*more++);
    state.first_dr7 = *more++;
  }
  if (flags & STEP_LOADS_FLOATS) {
    load_floats((const struct floats *)more);
    more += sizeof(struct floats) / 4;
  }
  for (u32 n = 0; n < 8; n++) state.general[n] = step->general[n];
  for (u32 n = 0; n < 6; n++) state.segment[n] = step->segment[n];
  state.eip = step->eip;
  state.eflags = step->eflags;
  state.settled = step->settled;
  state.settled_trap = step->settled_trap;
  state.loads_fs_gs = flags & STEP_LOADS_FS_GS;
  const u32 *s = state.segment;
  state.frame[0] = state.eip;
  state.frame[1] = s[CS];
  state.frame[2] = state.eflags;
  state.frame[3] = state.general[ESP];
  state.frame[4] = s[SS];
  state.frame[5] = s[ES];
  state.frame[6] = s[DS];
  state.frame[7] = s[FS];
  state.frame[8] = s[GS];
  u32 kernel_cr4 = c->cr4 | CR4_OSFXSR;
  if (now_cr4 != step->cr4) write_cr4(step->cr4);
  if (now_cr0 != step->cr0) write_cr0(step->cr0);
  if (tells_steps) {
    tell_state("\n from");
    tell_segment("code", s[CS]);
    tell_segment("stack", s[SS]);
    print(" cr0 %08x cr4 %x dr3 %x dr7 %x\n", read_cr0(), read_cr4(), read_dr3(), state.first_dr7);
  }

  launch();

  record(flags, loose_register);
  if (now_cr4 != kernel_cr4) write_cr4(now_cr4 = kernel_cr4); /* the tests are mapped by large pages */
  if (state.limits >> 16 != c->gdt_limit) load_gdt(c->gdt_limit); /* the next step begins where it can */
  if (state.selectors >> 16 != TEST_LDT) write_ldtr(TEST_LDT);
  if (state.vector == 8 || (flags & STEP_SPOILS && state.vector != 1 && state.vector != 3)) fill_memory(c);
  else {
    sum = mix(sum, (const u32 *)(TEST_ALIAS + (looks & 0xffff)), 4);
    sum = mix(sum, (const u32 *)(TEST_ALIAS + (looks >> 16)), 4);
    if (flags & STEP_LOOSE_PAGES) fill_memory(c);
  }
  if (tells_steps) {
    bool launched = state.segment[CS] != KERNEL_CODE || state.eip < (u32)launch_first || state.eip > (u32)launch_last;
    tell_state(" to  ");
    print(" vector %u error %x cr0 %08x cr2 %08x cr3 %x cr4 %x dr3 %x dr6 %x dr7 %x ldtr-tr %x limits %x memory %x %x %x%s", state.vector, state.error,
          state.cr0, state.cr2, state.cr3, state.cr4, state.dr3, state.dr6, state.dr7, state.selectors, state.limits, memory_hash(), pages_hash(),
          tables_hash(), launched ? "" : " (not begun)");
    if (flags & STEP_FLOATS) tell_floats(flags & STEP_LOOSE_FLOATS);
    print("\n");
  }
  return more;
}

/* What is in the kernel's code and constants, which nothing writes to but a test that has gone astray in ring 0. */
static u32 kernel_hash(void) {
  extern const u32 kernel_first[], kernel_last[];
  return mix(4, kernel_first, kernel_last - kernel_first);
}

static const void *run_case(const struct case_start *c) {
  sum = 0;
  begin(c);
  now_cr0 = read_cr0();
  now_cr4 = read_cr4();
  if (tells_steps) print("case %u cr0 %08x cr4 %08x efer %x\n", c->number, now_cr0, now_cr4, c->efer);
  const void *at = c + 1;
  u32 steps = c->steps, number = c->number;
  for (u32 n = 0; n < steps; n++) at = run_step(c, at, n);
  const u32 hashes[] = { memory_hash(), pages_hash(), tables_hash() };
  sum = mix(sum, hashes, 3);
  if (kernel_hash() != own_hash) {
    print("case %u has written to the kernel\n", number);
    power_off();
  }
  print("%u %08x\n", number, sum);
  return at;
}

/* Whether the text is somewhere in the line. */
static bool says(const char *line, const char *text) {
  for (; *line; line++) {
    const char *a = line, *b = text;
    while (*b && *a == *b) a++, b++;
    if (*b == 0) return true;
  }
  return false;
}

void main(u32 magic, const u32 *information) {
  console_start();
  /* The fifth word of the loader's information, if the first has bit 2. */
  if (magic == 0x2badb002 && (information[0] & 4)) tells_steps = says((const char *)information[4], "tell");
  setup_start();
  const struct script *script = (const struct script *)SCRIPT_AT;
  if (script->magic != MAGIC) read_tests();
  if (script->magic != MAGIC) print("no tests\n");
  const void *at = script + 1;
  own_hash = kernel_hash();
  for (u32 n = 0; script->magic == MAGIC && n < script->cases; n++) at = run_case(at);
  print("end\n");
  power_off();
}
