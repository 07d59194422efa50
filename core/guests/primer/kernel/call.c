/*
 * call.c: system calls. A pointer from a process is checked before the kernel follows it: the
 * kernel could read and write what the process may not.
 */
#include "kernel.h"
#include "process.h"

static int call_exit(struct trap_frame *frame) { process_exit(frame->ebx & 0x7f); }

static int call_fork(struct trap_frame *frame) { return process_fork(frame); }

static int call_read(struct trap_frame *frame) {
  char *buffer = (char *)frame->ebx;
  if (!reachable(&current->space, buffer, frame->ecx, true)) return -1;
  return frame->ecx > 0 ? console_read(buffer, frame->ecx) : 0;
}

static int call_write(struct trap_frame *frame) {
  const char *buffer = (const char *)frame->ebx;
  if (!reachable(&current->space, buffer, frame->ecx, false)) return -1;
  for (u32 i = 0; i < frame->ecx; i++) print("%c", buffer[i]);
  return frame->ecx;
}

static int call_getpid(struct trap_frame *frame) {
  (void)frame;
  return current->pid;
}

static int call_wait(struct trap_frame *frame) {
  int *status = (int *)frame->ebx;
  if (!reachable(&current->space, status, sizeof *status, true)) return -1;
  return process_wait(status);
}

static int call_yield(struct trap_frame *frame) {
  (void)frame;
  schedule();
  return 0;
}

static int call_sleep(struct trap_frame *frame) {
  sleep_ticks(frame->ebx);
  return 0;
}

static int call_ticks(struct trap_frame *frame) { return frame->ebx ? current->ticks : tick_count; }

static int call_ps(struct trap_frame *frame) {
  struct process_info *info = (struct process_info *)frame->ecx;
  if (!reachable(&current->space, info, sizeof *info, true)) return -1;
  return process_describe(frame->ebx, info);
}

static int call_mem(struct trap_frame *frame) {
  (void)frame;
  print_space(&current->space);
  return 0;
}

static int call_sensitive(struct trap_frame *frame) {
  (void)frame;
  print_sensitive();
  return 0;
}

static int call_bench(struct trap_frame *frame) { return bench(frame->ebx, frame->ecx); }

static int call_drop(struct trap_frame *frame) {
  u32 pages = frame->ebx;
  if (pages > HEAP_SIZE / PAGE) return -1;
  unmap_range(&current->space, HEAP, HEAP + pages * PAGE);
  return 0;
}

static int call_reboot(struct trap_frame *frame) {
  (void)frame;
  machine_reboot();
}

static int (*const calls[])(struct trap_frame *frame) = {
  [CALL_EXIT] = call_exit,     [CALL_FORK] = call_fork,   [CALL_READ] = call_read,
  [CALL_WRITE] = call_write,   [CALL_GETPID] = call_getpid, [CALL_WAIT] = call_wait,
  [CALL_YIELD] = call_yield,   [CALL_SLEEP] = call_sleep, [CALL_TICKS] = call_ticks,
  [CALL_PS] = call_ps,         [CALL_MEM] = call_mem,     [CALL_SENSITIVE] = call_sensitive,
  [CALL_BENCH] = call_bench,   [CALL_DROP] = call_drop,   [CALL_REBOOT] = call_reboot,
};

/* Answers what the process finds in EAX. */
int system_call(struct trap_frame *frame) {
  u32 number = frame->eax;
  if (number >= length_of(calls) || !calls[number]) return -1;
  return calls[number](frame);
}
