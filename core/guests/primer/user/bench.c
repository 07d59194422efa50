/* bench.c: how often in a timer tick? A virtual machine shows here what its monitor costs. */
#include "commands.h"
#include "system.h"

#define TICKS 10 /* for each measurement */

/* What this process gets done while `TICKS` timer ticks come that find it running. */
static u32 own_time(void (*work)(void), u32 each) {
  u32 count = 0;
  u32 start = own_ticks();
  while (own_ticks() == start) continue;
  start++;
  for (; own_ticks() - start < TICKS; count += each) work();
  return count;
}

#define LOOP 1000

static void loop(void) {
  static volatile u32 sum;
  for (u32 i = 0; i < LOOP; i++) sum += i;
}

#define CALLS 16

static void system_calls(void) {
  for (u32 i = 0; i < CALLS; i++) getpid();
}

#define PAGES 32

/* Each first touch of a heap page is a fault. */
static void page_faults(void) {
  for (u32 i = 0; i < PAGES; i++) *(volatile u8 *)(HEAP + i * PAGE) = 1;
  call(CALL_DROP, PAGES, 0);
}

/* Two processes give way to each other: two switches for each yield that comes back. */
static u32 context_switches(void) {
  u32 start = ticks();
  u32 end = start + TICKS;
  int child = fork();
  u32 count = 0;
  for (; ticks() < end; count += 2) yield();
  if (child == 0) exit(0);
  int status;
  wait(&status);
  return count;
}

static u32 forks(void) {
  u32 end = ticks() + TICKS;
  u32 count = 0;
  for (; ticks() < end; count++) {
    int child = fork();
    if (child == 0) exit(0);
    int status;
    wait(&status);
  }
  return count;
}

static u32 in_kernel(u32 which) { return call(CALL_BENCH, which, TICKS); }

/* A measurement took TICKS ticks. */
static void report(const char *name, u32 count) { print("%-22s %10u\n", name, count / TICKS); }

void run_bench(void) {
  print("operations in a timer tick of 10 ms\n");
  report("loop, additions", own_time(loop, LOOP));
  report("system call", own_time(system_calls, CALLS));
  report("page fault", own_time(page_faults, PAGES));
  report("context switch", context_switches());
  report("fork, exit and wait", forks());
  report("page-table change", in_kernel(BENCH_TABLE));
  report("CLI and STI", in_kernel(BENCH_CLI));
  report("IN from port 0x80", in_kernel(BENCH_PORT));
}
