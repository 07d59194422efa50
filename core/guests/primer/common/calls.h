/*
 * calls.h: the system calls, as kernel and processes agree on them.
 *
 * A process puts the number into EAX and up to two arguments into EBX and ECX, and executes INT
 * 0x80. The answer is in EAX; a negative one is an error.
 */
#pragma once

#include "types.h"

#define CALL_EXIT 1      /* (status) ends the process */
#define CALL_FORK 2      /* () a copy of the process; answers 0 in the copy and its pid in the original */
#define CALL_READ 3      /* (buffer, size) waits for console input; answers how many bytes came */
#define CALL_WRITE 4     /* (buffer, size) to the console */
#define CALL_GETPID 5    /* () */
#define CALL_WAIT 6      /* (int *status) waits until a child has ended; answers its pid */
#define CALL_YIELD 7     /* () lets another process run */
#define CALL_SLEEP 8     /* (ticks) */
#define CALL_TICKS 9     /* (0) timer ticks since the start; (1) those that this process used */
#define CALL_PS 10       /* (slot, struct process_info *) answers 0, or 1 for an unused slot, or -1 after the last one */
#define CALL_MEM 11      /* () prints the page tables of the process */
#define CALL_SENSITIVE 12 /* () runs the sensitive instructions in the kernel and prints what they saw */
#define CALL_BENCH 13    /* (which, ticks) repeats a kernel operation for so long; answers how often */
#define CALL_DROP 14     /* (pages) gives the first pages of the heap back */
#define CALL_REBOOT 15   /* () */

/* What CALL_BENCH can repeat. */
#define BENCH_TABLE 0 /* change a page-table entry and invalidate its translation */
#define BENCH_CLI 1   /* CLI, then STI */
#define BENCH_PORT 2  /* IN from port 0x80 */

/* What CALL_PS tells. */
struct process_info {
  int pid;
  u32 ring;
  u32 cr3;
  u32 ticks;
  char state[12];
  char name[12];
};

/* The status of a process that an exception ended: this plus the vector. */
#define STATUS_EXCEPTION 128

/* A process's heap: its pages appear when they are touched first, filled with zeros. */
#define HEAP 0x10000000u
#define HEAP_SIZE 0x00400000u
