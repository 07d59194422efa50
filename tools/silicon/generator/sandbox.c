/*
 * Runs one instruction on this processor, in this process. A UD2 in sandbox_run() brings us into the signal handler, which
 * puts the test's registers into the signal's context: returning from it starts the instruction with exactly that state.
 * The trap behind the instruction (or its own exception) brings us back with exactly the state after it.
 *
 * The x87 is loaded by an FRSTOR before the instruction and read by an FNSAVE behind it, without the kernel in between: where
 * a signal saves and restores the x87's pointers, this processor keeps them only while an exception is pending.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "vectors.h"

uint16_t segments[6];
uint8_t *data;
uint32_t host_gs;

static uint8_t *code;
static enum { IDLE, ENTERING, TESTING, SAVING } phase;
static const struct test *current;
static struct outcome *result;
static gregset_t host;

/* FRSTOR or FNSAVE (DD /4, DD /6) of an image at a fixed address: these many bytes. */
enum { FRSTOR = 0x25DD, FNSAVE = 0x35DD, MOVE = 6 };
/* FXRSTOR or FXSAVE (0F AE /1, /0) the same way, for SSE. */
enum { FXRSTOR = 0x0DAE, FXSAVE = 0x05AE, FX_MOVE = 7 };
enum { SAVE_STUB = 16 }; /* offset in the code page of an FNSAVE for cases that raise an exception */

/* The image in memory, protected mode, 32 bits: SDM volume 1, figure 8-9, then the registers from ST(0). */
struct image {
  uint32_t control, status, tag, ip, selector_and_opcode, dp, dp_selector;
  uint8_t st[8][10];
};
static struct image before, after;

/* FXSAVE's: of it only MXCSR and the XMM registers are used, SDM volume 2, table 3-43. */
struct fx_image {
  uint16_t control, status, tag, opcode;
  uint32_t pointers[4];
  uint32_t mxcsr, mxcsr_mask;
  uint8_t st[8][16];
  uint32_t xmm[8][4];
  uint8_t rest[224];
};
static struct fx_image fx_before __attribute__((aligned(16))), fx_after __attribute__((aligned(16)));

/* Bytes of code that load the state before the instruction, and that store it behind. */
static uint32_t move_bytes(void) {
  return (current->with_x87 ? MOVE : 0) + (current->with_sse ? FX_MOVE : 0);
}

/* In the order of the instruction encoding: EAX ECX EDX EBX ESP EBP ESI EDI, ES CS SS DS FS GS. */
static const int GENERAL[8] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI};
static const int SEGMENT[6] = {REG_ES, REG_CS, REG_SS, REG_DS, REG_FS, REG_GS};

static void die(const char *what) {
  fprintf(stderr, "generate: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void to_image(const struct x87 *x, struct image *image) {
  const uint32_t *w = x->word;
  *image = (struct image){w[CONTROL], w[STATUS], w[TAG], w[IP], w[IP_SELECTOR] | w[OPCODE] << 16, w[DP], w[DP_SELECTOR], {{0}}};
  for (unsigned i = 0; i < 8; i++) memcpy(image->st[i], x->reg[((w[STATUS] >> 11) + i) & 7], 10);
}

static void from_image(const struct image *image, struct x87 *x) {
  uint32_t *w = x->word;
  w[CONTROL] = image->control & 0xFFFF;
  w[STATUS] = image->status & 0xFFFF;
  w[TAG] = image->tag & 0xFFFF;
  w[IP] = image->ip;
  w[IP_SELECTOR] = image->selector_and_opcode & 0xFFFF;
  w[OPCODE] = image->selector_and_opcode >> 16;
  w[DP] = image->dp;
  w[DP_SELECTOR] = image->dp_selector & 0xFFFF;
  for (unsigned i = 0; i < 8; i++) memcpy(x->reg[((w[STATUS] >> 11) + i) & 7], image->st[i], 10);
}

/* Makes of any values what the processor makes of them when it loads them: reserved bits, ES, B and the tags. */
void settle(struct x87 *x) {
  struct image image;
  to_image(x, &image);
  __asm__ volatile("frstor %0\n\tfnsave %0" : "+m"(image));
  from_image(&image, x);
}

static void enter(greg_t *regs) {
  memcpy(host, regs, sizeof host);
  const struct state *s = &current->initial;
  for (int i = 0; i < 8; i++) regs[GENERAL[i]] = (greg_t)s->reg[i];
  for (int i = 0; i < 6; i++) regs[SEGMENT[i]] = s->selector[i];
  regs[REG_EIP] = (greg_t)(s->eip - move_bytes());
  regs[REG_EFL] = (greg_t)(s->eflags | (current->traced ? TF : 0));
}

/* Returns whether the instruction retired. */
static bool note(greg_t *regs, uint32_t cr2, int signal) {
  memset(result, 0, sizeof *result);
  result->exception = NONE;
  struct state *s = &result->final;
  for (int i = 0; i < 8; i++) s->reg[i] = (uint32_t)regs[GENERAL[i]];
  for (int i = 0; i < 6; i++) s->selector[i] = (uint16_t)regs[SEGMENT[i]];
  s->eip = (uint32_t)regs[REG_EIP];
  /* RF in the pushed image tells a fault from a trap (SDM volume 3, 18.3.1.1); it is no result of the instruction. */
  s->eflags = (uint32_t)regs[REG_EFL] & ~(uint32_t)RF;
  if (current->traced) s->eflags &= ~(uint32_t)TF;

  const uint32_t vector = (uint32_t)regs[REG_TRAPNO];
  const uint32_t next = current->initial.eip + current->length;
  const bool stopped_behind = vector == 3 && !current->traced && s->eip == next + move_bytes() + 1;
  const bool stopped_by_trace = vector == 1 && current->traced;
  if (stopped_behind) {
    s->eip = next;
  } else if (!stopped_by_trace) {
    result->exception = (uint8_t)vector;
    result->signal = (uint8_t)signal;
    result->error_code = (uint32_t)regs[REG_ERR];
    if (vector == 14) result->fault_address = cr2;
  }
  return result->exception == NONE;
}

static void leave(greg_t *regs) {
  memcpy(regs, host, sizeof host);
  regs[REG_EIP] += 2; /* past the UD2 */
}

/* The kernel gives the x87 back as the exception found it, except for selectors and opcode, and pointers without ES. */
static void save_x87(greg_t *regs) {
  memcpy(regs, host, sizeof host);
  regs[REG_EIP] = CODE + SAVE_STUB;
}

static void note_x87(void) {
  struct x87 *x = &result->final.x87;
  from_image(&after, x);
  if (current->with_sse) {
    memcpy(result->final.sse.xmm, fx_after.xmm, sizeof fx_after.xmm);
    result->final.sse.mxcsr = fx_after.mxcsr;
  }
  if (result->exception == NONE) return;
  const uint32_t *initial = current->initial.x87.word;
  x->word[IP_SELECTOR] = initial[IP_SELECTOR];
  x->word[DP_SELECTOR] = initial[DP_SELECTOR];
  x->word[OPCODE] = initial[OPCODE];
  if (x->word[STATUS] & ES_BIT) return;
  x->word[IP] = initial[IP];
  x->word[DP] = initial[DP];
}

__attribute__((used)) static void handle(int signal, siginfo_t *info, void *context) {
  (void)info;
  ucontext_t *uc = context;
  if (signal == SIGALRM) {
    fprintf(stderr, "generate: no end at %x:", current->initial.eip);
    for (int i = 0; i < current->length; i++) fprintf(stderr, " %02x", current->code[i]);
    fprintf(stderr, "\n");
    _exit(1);
  }
  switch (phase) {
    case ENTERING:
      enter(uc->uc_mcontext.gregs);
      phase = TESTING;
      return;
    case TESTING:
      if (note(uc->uc_mcontext.gregs, uc->uc_mcontext.cr2, signal) || !current->with_x87) {
        leave(uc->uc_mcontext.gregs);
        phase = IDLE;
        return;
      }
      save_x87(uc->uc_mcontext.gregs);
      phase = SAVING;
      return;
    case SAVING:
      leave(uc->uc_mcontext.gregs);
      phase = IDLE;
      return;
    case IDLE:
      fprintf(stderr, "generate: signal %d in the generator itself at %x\n", signal, uc->uc_mcontext.gregs[REG_EIP]);
      _exit(1);
  }
}

/* The instruction may have left AC, NT or ID set, and GS is not the C library's: it gets what it needs. */
void handle_entry(int signal, siginfo_t *info, void *context);
__asm__(
    "handle_entry:\n"
    "  pushl $0x202\n"
    "  popfl\n"
    "  movl host_gs, %eax\n"
    "  movl %eax, %gs\n"
    "  jmp handle\n");

static void *map(uint32_t address, int fd, uint32_t offset, uint32_t size, int rights) {
  void *want = (void *)address;
  void *got = mmap(want, size, rights, MAP_SHARED | (want ? MAP_FIXED_NOREPLACE : 0), fd, (off_t)offset);
  if (got == MAP_FAILED || (want && got != want)) {
    fprintf(stderr, "generate: cannot map 0x%x: %s (the pages lie below 64 KB: sysctl vm.mmap_min_addr=4096 allows it)\n",
            address, strerror(errno));
    exit(1);
  }
  return got;
}

static void open_memory(void) {
  const int fd = memfd_create("sandbox", 0);
  if (fd < 0 || ftruncate(fd, PAGE + DATA_SIZE) < 0) die("memfd");
  map(CODE, fd, 0, PAGE, PROT_READ | PROT_EXEC);
  map(DATA, fd, PAGE, READ_ONLY - DATA, PROT_READ | PROT_WRITE);
  map(READ_ONLY, fd, PAGE + READ_ONLY - DATA, DATA_END - READ_ONLY, PROT_READ);
  code = map(0, fd, 0, PAGE + DATA_SIZE, PROT_READ | PROT_WRITE);
  data = code + PAGE;
  /* A page that was never touched is not there yet: a store to the read-only one would report P = 0. */
  for (uint32_t page = READ_ONLY; page < DATA_END; page += PAGE) (void)*(volatile uint8_t *)page;
}

static void open_segments(void) {
  struct user_desc d = {.entry_number = (unsigned)-1, .base_addr = FS_BASE, .limit = FS_LIMIT, .seg_32bit = 1, .useable = 1};
  if (syscall(SYS_set_thread_area, &d) < 0) die("set_thread_area");
  __asm__("movl %%gs, %0" : "=r"(host_gs));
  __asm__("movw %%es, %0" : "=r"(segments[ES]));
  __asm__("movw %%cs, %0" : "=r"(segments[CS]));
  __asm__("movw %%ss, %0" : "=r"(segments[SS]));
  __asm__("movw %%ds, %0" : "=r"(segments[DS]));
  segments[FS] = (uint16_t)(d.entry_number * 8 + 3);
  segments[GS] = GS_SELECTOR;
}

void sandbox_open(void) {
  open_memory();
  open_segments();
  static uint8_t stack_of_handler[1 << 16];
  const stack_t ss = {.ss_sp = stack_of_handler, .ss_size = sizeof stack_of_handler};
  if (sigaltstack(&ss, NULL) < 0) die("sigaltstack");
  static const int SIGNALS[] = {SIGSEGV, SIGILL, SIGTRAP, SIGFPE, SIGBUS, SIGALRM};
  for (unsigned i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++) {
    struct sigaction sa = {.sa_sigaction = handle_entry, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    if (sigaction(SIGNALS[i], &sa, NULL) < 0) die("sigaction");
  }
}

static void put_move(uint32_t offset, uint16_t opcode, const struct image *image) {
  memcpy(code + offset, &opcode, 2);
  memcpy(code + offset + 2, &image, 4);
}

static void put_fx_move(uint32_t offset, uint16_t opcode, const struct fx_image *image) {
  code[offset] = 0x0F;
  memcpy(code + offset + 1, &opcode, 2);
  memcpy(code + offset + 3, &image, 4);
}

static void put_sse(const struct sse *sse, uint32_t offset, uint32_t length) {
  memset(&fx_before, 0, sizeof fx_before);
  fx_before.control = 0x37F;
  fx_before.mxcsr = sse->mxcsr;
  memcpy(fx_before.xmm, sse->xmm, sizeof fx_before.xmm);
  put_fx_move(offset - MOVE - FX_MOVE, FXRSTOR, &fx_before);
  put_fx_move(offset + length + MOVE, FXSAVE, &fx_after);
  put_fx_move(SAVE_STUB + MOVE, FXSAVE, &fx_after);
}

/* Every other byte of the code page is INT3, so whatever comes after the instruction traps. */
void sandbox_run(const struct test *test, struct outcome *outcome) {
  memset(code, 0xCC, PAGE);
  const uint32_t offset = test->initial.eip - CODE;
  for (uint32_t i = 0; i < test->length && offset + i < PAGE; i++) code[offset + i] = test->code[i];
  if (test->with_x87) {
    to_image(&test->initial.x87, &before);
    put_move(offset - MOVE, FRSTOR, &before);
    put_move(offset + test->length, FNSAVE, &after);
    put_move(SAVE_STUB, FNSAVE, &after);
  }
  if (test->with_sse) put_sse(&test->initial.sse, offset, test->length);
  current = test;
  result = outcome;
  phase = ENTERING;
  __asm__ volatile("ud2" ::: "memory");
  if (test->with_x87) note_x87();
}
