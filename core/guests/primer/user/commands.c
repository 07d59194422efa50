/* commands.c: the shell's shorter commands. */
#include "commands.h"
#include "system.h"

void run_ps(void) {
  struct process_info p;
  print("PID  STATE    RING  CR3       TICKS  NAME\n");
  for (u32 slot = 0;; slot++) {
    int answer = call(CALL_PS, slot, (u32)&p);
    if (answer < 0) break;
    if (answer == 0) print("%3d  %-7s  %-4u  %08x  %5u  %s\n", p.pid, p.state, p.ring, p.cr3, p.ticks, p.name);
  }
}

void run_mem(void) { call(CALL_MEM, 0, 0); }

void run_sensitive(void) { call(CALL_SENSITIVE, 0, 0); }

/* Waits for one child of ours. */
static int wait_for(int child) {
  int status;
  while (wait(&status) != child) continue;
  return status;
}

/* The kernel's memory is mapped in every space, but not for ring 3. */
void run_fault(void) {
  volatile u32 *kernel = (volatile u32 *)0xc0101000;
  print("a process reads the kernel's memory at %08x\n", (u32)kernel);
  int child = fork();
  if (child == 0) {
    print("it read %08x: there is no protection!\n", *kernel);
    exit(1);
  }
  int status = wait_for(child);
  if (status == STATUS_EXCEPTION + 14) print("process %d was ended; the kernel and the shell live\n", child);
  else print("process %d ended with status %d\n", child, status);
}

#define CHILDREN 3

void run_fork(void) {
  int started = 0;
  for (int i = 0; i < CHILDREN; i++) {
    int child = fork();
    if (child == 0) {
      print("I am process %d\n", getpid());
      exit(i);
    }
    if (child > 0) started++;
  }
  for (; started > 0; started--) {
    int status;
    int child = wait(&status);
    print("process %d has ended with status %d\n", child, status);
  }
}

void run_reboot(void) { call(CALL_REBOOT, 0, 0); }
