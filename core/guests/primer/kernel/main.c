/*
 * main.c: primer starts here, called by boot.asm with paging on, interrupts off and a
 * stack.
 */
#include "kernel.h"

void main(u32 magic, u32 info) {
  console_start();
  u32 memory = machine_memory(magic, info);
  print("primer 1.0, %s, %u MB\n", machine_name(), (memory + (1 << 19)) >> 20);

  machine_start();
  frames_start(memory);
  spaces_start(memory);
  processes_start();
  struct process *shell = process_start("shell");
  struct process *counter = process_start("counter");
  if (!shell || !counter) panic("no memory for the first two processes");
  print("paging on, 2 processes, timer 100 Hz\n");

  idle();
}
