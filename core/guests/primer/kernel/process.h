/*
 * process.h: what the kernel knows of a process. For process.c, schedule.c and those who ask
 * for current.
 */
#pragma once

#include "kernel.h"

#define PROCESSES 16

enum state { FREE, READY, RUNNING, WAITING, ENDED };

struct process {
  int pid;
  enum state state;
  struct space space;
  u32 stack; /* the frame of its kernel stack */
  u32 esp;   /* where its kernel stack ends while another process runs */
  void *event;  /* what it waits for */
  u32 wake_at;  /* or the tick at which it wakes, while event is &tick_count */
  u32 ticks;    /* timer interrupts that came while it ran */
  int status;   /* how it ended */
  struct process *parent;
  char name[12];
};

extern struct process processes[PROCESSES];
