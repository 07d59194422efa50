/* process.c: processes begin, are copied, end, and are waited for. */
#include "kernel.h"
#include "process.h"

struct process processes[PROCESSES];
struct process *current = &processes[0];
static int last_pid;

static const char *const state_names[] = {
  [FREE] = "free", [READY] = "ready", [RUNNING] = "running", [WAITING] = "waiting", [ENDED] = "ended",
};

/*
 * Process 0 is what runs already: main(), on the stack of boot.asm. It becomes the idle
 * process.
 */
void processes_start(void) {
  current->state = RUNNING;
  current->space = kernel_space;
  copy_text(current->name, "idle", sizeof current->name);
}

/* A new process returns from its first switch_stack() to here, and from here to trap_return. */
static void begin(void) { sti(); }

/*
 * A free slot, a kernel stack, and on it the frame with which the process will go to ring 3.
 * Below the frame lies what switch_stack() pops: four registers and an address.
 */
static struct process *make_process(const char *name, const struct trap_frame *frame) {
  struct process *process = &processes[1];
  while (process < processes + PROCESSES && process->state != FREE) process++;
  if (process == processes + PROCESSES) return NULL;
  process->stack = frame_take();
  if (!process->stack) return NULL;

  struct trap_frame *top = (struct trap_frame *)at_frame(process->stack + PAGE) - 1;
  *top = *frame;
  u32 *word = (u32 *)top;
  *--word = (u32)trap_return;
  *--word = (u32)begin;
  *--word = 0; /* EBP: the end of the chain of frames */
  *--word = 0; /* EBX */
  *--word = 0; /* ESI */
  *--word = 0; /* EDI */
  process->esp = (u32)word;

  process->pid = ++last_pid;
  process->ticks = 0;
  process->parent = current;
  copy_text(process->name, name, sizeof process->name);
  return process;
}

/* A process from a program of the image. NULL: no memory. */
struct process *process_start(const char *program) {
  struct trap_frame frame = {
    .cs = USER_CODE, .ds = USER_DATA, .es = USER_DATA, .ss = USER_DATA, .esp = STACK_TOP, .eflags = FLAG_IF,
  };
  struct space space;
  if (!space_make(&space)) return NULL;
  struct process *process = program_load(program, &space, &frame.eip) ? make_process(program, &frame) : NULL;
  if (!process) {
    space_release(&space);
    return NULL;
  }
  process->space = space;
  process->state = READY;
  return process;
}

/*
 * A copy of the current process that returns to ring 3 with 0 in EAX. Answers its pid, or -1.
 */
int process_fork(struct trap_frame *frame) {
  struct trap_frame copy = *frame;
  copy.eax = 0;
  struct space space;
  if (!space_fork(&space, &current->space)) return -1;
  struct process *child = make_process(current->name, &copy);
  if (!child) {
    space_release(&space);
    return -1;
  }
  child->space = space;
  child->state = READY;
  return child->pid;
}

/* The process still runs on its stack and in its space: its parent gives them back. */
void process_exit(int status) {
  if (current->pid == 1) panic("the shell has ended");
  cli();
  current->status = status;
  current->state = ENDED;
  for (struct process *p = processes; p < processes + PROCESSES; p++) {
    if (p->parent == current) p->parent = &processes[1]; /* orphans become the shell's */
  }
  wake(current->parent);
  schedule();
  panic("an ended process runs");
}

/* Answers the pid of a child that has ended, or -1 if there are no children. */
int process_wait(int *status) {
  for (;;) {
    u32 flags = save_flags();
    cli();
    bool children = false;
    for (struct process *p = &processes[1]; p < processes + PROCESSES; p++) {
      if (p->state == FREE || p->parent != current) continue;
      children = true;
      if (p->state != ENDED) continue;
      restore_flags(flags);
      *status = p->status;
      space_release(&p->space);
      frame_release(p->stack);
      p->state = FREE;
      return p->pid;
    }
    if (children) wait_for(current);
    restore_flags(flags);
    if (!children) return -1;
  }
}

/* For ps. Answers 0, or 1 for a slot that nobody uses, or -1 when there are no more slots. */
int process_describe(u32 slot, struct process_info *info) {
  if (slot + 1 >= PROCESSES) return -1;
  struct process *p = &processes[slot + 1];
  if (p->state == FREE) return 1;
  info->pid = p->pid;
  info->ring = USER_CODE & 3;
  info->cr3 = p->space.root;
  info->ticks = p->ticks;
  copy_text(info->state, state_names[p->state], sizeof info->state);
  copy_text(info->name, p->name, sizeof info->name);
  return 0;
}
