/*
 * schedule.c: who runs next. Round robin: the processes that are ready take turns of one timer
 * tick. The kernel itself is not preempted: a tick that comes while it works is counted, and
 * the switch waits until it returns to ring 3.
 */
#include "kernel.h"
#include "process.h"

volatile u32 tick_count;
bool switch_wanted;

/* The first ready process after the current one, or the idle process. */
static struct process *next_ready(void) {
  u32 start = current - processes;
  for (u32 i = 1; i <= PROCESSES; i++) {
    struct process *p = &processes[(start + i) % PROCESSES];
    if (p != &processes[0] && p->state == READY) return p;
  }
  return &processes[0];
}

/* Another process runs, until one of its own calls of schedule() comes back to this one. */
void schedule(void) {
  u32 flags = save_flags();
  cli();
  switch_wanted = false;
  struct process *last = current;
  if (last->state == RUNNING) last->state = READY;
  struct process *next = next_ready();
  next->state = RUNNING;
  if (next != last) {
    current = next;
    if (next->stack) set_kernel_stack((u32)at_frame(next->stack + PAGE));
    switch_space(&next->space);
    switch_stack(&last->esp, next->esp);
  }
  restore_flags(flags);
}

/*
 * The current process waits until somebody wakes those who wait for this. Interrupts are off,
 * and off again after it.
 */
void wait_for(void *event) {
  current->event = event;
  current->state = WAITING;
  schedule();
}

/* The address stands for the event. Interrupts are off. */
void wake(void *event) {
  for (struct process *p = processes; p < processes + PROCESSES; p++) {
    if (p->state == WAITING && p->event == event) {
      p->state = READY;
      switch_wanted = true;
    }
  }
}

void sleep_ticks(u32 count) {
  u32 flags = save_flags();
  cli();
  current->wake_at = tick_count + count;
  if (count > 0) wait_for((void *)&tick_count);
  restore_flags(flags);
}

/* Called by the timer interrupt. */
void timer_tick(void) {
  tick_count++;
  current->ticks++;
  switch_wanted = true;
  for (struct process *p = processes; p < processes + PROCESSES; p++) {
    bool sleeps = p->state == WAITING && p->event == &tick_count;
    if (sleeps && p->wake_at == tick_count) p->state = READY;
  }
}

/* What main() becomes: nobody is ready, so the processor may stop until the next interrupt. */
void idle(void) {
  for (;;) {
    cli();
    schedule();
    wait_for_interrupt();
  }
}
