/*
 * Debugging by hardware, as a program of Linux sees it: a parent traces its child through single steps, breakpoints and watchpoints in the
 * debug registers, and signals with their addresses. Prints a line for each check, the same ones on every processor that does it right; ends
 * with `debug: N checks, all right` or with status 1. Needs neither a C library at run time nor any file:
 *
 * gcc -m32 -static -O1 -fno-pie -no-pie -o debug debug.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static int checks;
static int failures;

static void check(const char *what, unsigned long actual, unsigned long expected) {
  checks++;
  if (actual == expected) {
    printf("ok %s\n", what);
    return;
  }
  failures++;
  printf("NOT ok %s: %lx, expected %lx\n", what, actual, expected);
}

/* What the child does: labels are where the parent expects it. */
extern char run_start[], run_second[], run_store[], run_behind[], run_load[], run_loaded[], run_byte[], run_byte_done[];
extern char run_strings[], run_copied[], run_flags[], run_pushed[], run_call[], run_called[], run_end[];
volatile uint32_t watched[4] __attribute__((aligned(16)));
uint32_t copied[8] __attribute__((aligned(32)));

__asm__(".text\n"
        "run:\n"
        "run_start: movl $1, %eax\n"
        "run_second: movl $2, %eax\n"
        "run_store: movl %eax, watched+4\n"
        "run_behind: nop\n"
        "run_load: movl watched+4, %edx\n"
        "run_loaded: nop\n"
        "run_byte: movb $7, watched+11\n"
        "run_byte_done: nop\n"
        "  movl $8, %ecx\n"
        "  movl $copied, %edi\n"
        "run_strings: rep stosl\n"
        "run_copied: nop\n"
        "run_flags: pushfl\n"
        "  popl %ebx\n"
        "run_pushed: nop\n"
        "run_call: call run_called\n"
        "run_end: ret\n"
        "run_called: ret\n");
void run(void);

static struct user_regs_struct registers(pid_t child) {
  struct user_regs_struct regs;
  if (ptrace(PTRACE_GETREGS, child, NULL, &regs) != 0) perror("PTRACE_GETREGS");
  return regs;
}

static unsigned long pc(pid_t child) {
  return (unsigned long)registers(child).eip;
}

static int set_debug(pid_t child, int number, unsigned long value) {
  void *at = (void *)(offsetof(struct user, u_debugreg) + sizeof(int) * (unsigned)number);
  return (int)ptrace(PTRACE_POKEUSER, child, at, (void *)value);
}

static unsigned long debug_status(pid_t child) {
  void *at = (void *)(offsetof(struct user, u_debugreg) + sizeof(int) * 6);
  unsigned long status = (unsigned long)ptrace(PTRACE_PEEKUSER, child, at, NULL) & 0xe00f;
  set_debug(child, 6, 0);
  return status;
}

/* Lets the child go on; returns the signal that stopped it, or 0 when it has ended. */
static int resume(pid_t child, enum __ptrace_request how) {
  int status;
  ptrace(how, child, NULL, NULL);
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return 0;
  return WSTOPSIG(status);
}

static pid_t start(void) {
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    run();
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  return child;
}

static void finish(pid_t child) {
  kill(child, SIGKILL);
  int status;
  waitpid(child, &status, 0);
}

/* R/W and LEN fields of DR7. */
enum { EXECUTE = 0, WRITE = 1, ACCESS = 3 };

static unsigned long control(int number, int type, int length) {
  return (1UL << (2 * number)) | ((unsigned long)(type | ((length - 1) << 2)) << (16 + 4 * number));
}

static void breakpoints(void) {
  pid_t child = start();
  set_debug(child, 0, (unsigned long)run_second);
  set_debug(child, 1, (unsigned long)run_called);
  set_debug(child, 7, control(0, EXECUTE, 1) | control(1, EXECUTE, 1));
  check("breakpoint stops with SIGTRAP", resume(child, PTRACE_CONT), SIGTRAP);
  check("before the instruction", pc(child), (unsigned long)run_second);
  check("which has not run", (unsigned long)registers(child).eax, 1);
  check("DR6 says B0", debug_status(child) & 15, 1);
  check("the next one stops", resume(child, PTRACE_CONT), SIGTRAP);
  check("at its instruction", pc(child), (unsigned long)run_called);
  check("DR6 says B1", debug_status(child) & 15, 2);
  check("and the child ends", resume(child, PTRACE_CONT), 0);
}

static void watchpoints(void) {
  pid_t child = start();
  set_debug(child, 0, (unsigned long)&watched[1]);
  set_debug(child, 7, control(0, WRITE, 4));
  check("a write stops", resume(child, PTRACE_CONT), SIGTRAP);
  check("behind the instruction", pc(child), (unsigned long)run_behind);
  check("which is done", (unsigned long)ptrace(PTRACE_PEEKDATA, child, (void *)&watched[1], NULL), 2);
  check("DR6 says B0", debug_status(child) & 15, 1);
  check("a read does not stop", resume(child, PTRACE_CONT), 0);

  child = start();
  set_debug(child, 2, (unsigned long)&watched[1]);
  set_debug(child, 7, control(2, ACCESS, 4));
  resume(child, PTRACE_CONT);
  check("reads and writes: first the write", pc(child), (unsigned long)run_behind);
  check("DR6 says B2", debug_status(child) & 15, 4);
  resume(child, PTRACE_CONT);
  check("then the read", pc(child), (unsigned long)run_loaded);
  finish(child);

  child = start();
  set_debug(child, 0, (unsigned long)&watched[2]);
  set_debug(child, 7, control(0, WRITE, 4));
  check("a byte in a doubleword stops", resume(child, PTRACE_CONT), SIGTRAP);
  check("behind it", pc(child), (unsigned long)run_byte_done);
  finish(child);

  child = start();
  set_debug(child, 0, (unsigned long)&watched[2]);
  set_debug(child, 7, control(0, WRITE, 2));
  check("a byte beside a word does not", resume(child, PTRACE_CONT), 0);

  child = start();
  set_debug(child, 0, (unsigned long)&copied[7]);
  set_debug(child, 7, control(0, WRITE, 4));
  check("the last element of a repeated store stops", resume(child, PTRACE_CONT), SIGTRAP);
  check("behind the instruction", pc(child), (unsigned long)run_copied);
  check("with nothing left", (unsigned long)registers(child).ecx, 0);
  finish(child);
}

static void single_steps(void) {
  pid_t child = start();
  set_debug(child, 0, (unsigned long)run_start);
  set_debug(child, 7, control(0, EXECUTE, 1));
  resume(child, PTRACE_CONT);
  set_debug(child, 7, 0);
  debug_status(child);
  static char *const expected[] = {run_second, run_store, run_behind, run_load, run_loaded, run_byte, run_byte_done};
  for (unsigned n = 0; n < sizeof expected / sizeof *expected; n++) {
    check("a step stops with SIGTRAP", resume(child, PTRACE_SINGLESTEP), SIGTRAP);
    check("behind one instruction", pc(child), (unsigned long)expected[n]);
    check("DR6 says BS", debug_status(child), 0x4000);
  }
  for (int n = 0; n < 3; n++) resume(child, PTRACE_SINGLESTEP);
  check("at a repeated store", pc(child), (unsigned long)run_strings);
  for (int n = 7; n >= 1; n--) {
    resume(child, PTRACE_SINGLESTEP);
    check("a step is one element", (unsigned long)registers(child).ecx, (unsigned long)n);
    check("at the instruction", pc(child), (unsigned long)run_strings);
  }
  resume(child, PTRACE_SINGLESTEP);
  check("the last one leaves it", pc(child), (unsigned long)run_copied);
  for (int n = 0; n < 3; n++) resume(child, PTRACE_SINGLESTEP);
  check("a stepped PUSHF shows TF", (unsigned long)registers(child).ebx & 0x100, 0x100);
  resume(child, PTRACE_SINGLESTEP);
  resume(child, PTRACE_SINGLESTEP);
  check("a step follows a call", pc(child), (unsigned long)run_called);
  resume(child, PTRACE_SINGLESTEP);
  check("and its return", pc(child), (unsigned long)run_end);
  finish(child);
}

/* Signals of the program itself. */
static sigjmp_buf back;
static volatile int caught;
static volatile int caught_code;
static volatile unsigned long caught_address;
static volatile unsigned long caught_eip;
static volatile unsigned long caught_error;

static void handler(int number, siginfo_t *info, void *context) {
  /* Linux leaves AC set for the handler; the C library does not care for alignment. */
  __asm__ volatile("pushfl\nandl $~0x40000, (%%esp)\npopfl" ::: "memory");
  const ucontext_t *u = context;
  caught = number;
  caught_code = info->si_code;
  caught_address = (unsigned long)info->si_addr;
  caught_eip = (unsigned long)u->uc_mcontext.gregs[REG_EIP];
  caught_error = (unsigned long)u->uc_mcontext.gregs[REG_ERR];
  siglongjmp(back, 1);
}

extern char fault_divide[], fault_overflow[], fault_write[], fault_read[], fault_jump[], fault_undefined[], fault_privileged[];
extern char fault_aligned[], fault_int3[], fault_bound[], fault_trap[];

#define TRY(code) \
  do { \
    caught = 0; \
    if (sigsetjmp(back, 1) == 0) { \
      code; \
    } \
  } while (0)

static void signals(void) {
  static const int numbers[] = {SIGFPE, SIGSEGV, SIGILL, SIGBUS, SIGTRAP};
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  for (unsigned n = 0; n < sizeof numbers / sizeof *numbers; n++) sigaction(numbers[n], &action, NULL);

  TRY(__asm__ volatile("xorl %%ecx, %%ecx\nmovl $1, %%eax\ncltd\nfault_divide: idivl %%ecx" ::: "eax", "ecx", "edx"));
  check("division by zero is SIGFPE", caught, SIGFPE);
  check("FPE_INTDIV", caught_code, FPE_INTDIV);
  check("at the division", caught_address, (unsigned long)fault_divide);
  TRY(__asm__ volatile("movl $-1, %%ecx\nmovl $0x80000000, %%eax\ncltd\nfault_overflow: idivl %%ecx" ::: "eax", "ecx", "edx"));
  check("a quotient that is too large is SIGFPE", caught, SIGFPE);
  check("at the division", caught_eip, (unsigned long)fault_overflow);

  char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  page[0] = 1;
  mprotect(page + 4096, 4096, PROT_NONE);
  mprotect(page, 4096, PROT_READ);
  TRY(__asm__ volatile("fault_write: movl $1, (%0)" ::"r"(page + 16) : "memory"));
  check("a write to what is read-only is SIGSEGV", caught, SIGSEGV);
  check("SEGV_ACCERR", caught_code, SEGV_ACCERR);
  check("with its address", caught_address, (unsigned long)(page + 16));
  check("and the instruction", caught_eip, (unsigned long)fault_write);
  check("error code: user, write, protection", caught_error & 7, 7);
  TRY(__asm__ volatile("fault_read: movl (%0), %%eax" ::"r"(page + 4094) : "eax"));
  check("a read over the end of a page is SIGSEGV", caught, SIGSEGV);
  check("with the address of the second page", caught_address, (unsigned long)(page + 4096));
  check("and the instruction", caught_eip, (unsigned long)fault_read);
  TRY(__asm__ volatile("movl $0x10, %%eax\nfault_jump: jmp *%%eax" ::: "eax"));
  check("a jump to nowhere is SIGSEGV", caught, SIGSEGV);
  check("at the target", caught_eip, 0x10);
  check("SEGV_MAPERR", caught_code, SEGV_MAPERR);

  TRY(__asm__ volatile("fault_undefined: ud2"));
  check("UD2 is SIGILL", caught, SIGILL);
  check("at the instruction", caught_address, (unsigned long)fault_undefined);
  TRY(__asm__ volatile("fault_privileged: hlt"));
  check("HLT is SIGSEGV", caught, SIGSEGV);
  check("at the instruction", caught_eip, (unsigned long)fault_privileged);
  static int bounds[2] = {0, 3};
  TRY(__asm__ volatile("movl $4, %%eax\nfault_bound: boundl %%eax, %0" ::"m"(bounds) : "eax"));
  check("BOUND is SIGSEGV", caught, SIGSEGV);
  check("at the instruction", caught_eip, (unsigned long)fault_bound);

  TRY(__asm__ volatile("int3\nfault_int3: nop"));
  check("INT3 is SIGTRAP", caught, SIGTRAP);
  check("behind it", caught_eip, (unsigned long)fault_int3);
  /* Some hypervisors put EIP back to it. */
  TRY(__asm__ volatile(".byte 0xf1"));
  check("ICEBP is SIGTRAP", caught, SIGTRAP);
  TRY(__asm__ volatile("pushfl\norl $0x100, (%%esp)\npopfl\nnop\nfault_trap: nop\npushfl\nandl $~0x100, (%%esp)\npopfl" ::: "memory"));
  check("TF of the program's own is SIGTRAP", caught, SIGTRAP);
  check("behind one instruction", caught_eip, (unsigned long)fault_trap);

  TRY(__asm__ volatile("pushfl\norl $0x40000, (%%esp)\npopfl\nfault_aligned: movl (%0), %%eax\npushfl\nandl $~0x40000, (%%esp)\npopfl" ::"r"((char *)copied + 1) : "eax", "memory"));
  check("AC is SIGBUS", caught, SIGBUS);
  check("BUS_ADRALN", caught_code, BUS_ADRALN);
  check("at the instruction", caught_eip, (unsigned long)fault_aligned);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  signals();
  breakpoints();
  watchpoints();
  single_steps();
  if (failures == 0) printf("debug: %d checks, all right\n", checks);
  else printf("debug: %d of %d checks failed\n", failures, checks);
  return failures != 0;
}
