/* system.h: what a process can ask of the kernel, and the small library of both programs. */
#pragma once

#include "../common/calls.h"
#include "../common/text.h"

/* EAX: number, then the answer. EBX, ECX: arguments. */
static inline __attribute__((always_inline)) int call(u32 number, u32 a, u32 b) {
  int answer;
  asm volatile("int 0x80" : "=a"(answer) : "a"(number), "b"(a), "c"(b) : "memory");
  return answer;
}

static inline void exit(int status) {
  call(CALL_EXIT, status, 0);
  __builtin_unreachable();
}
static inline int fork(void) { return call(CALL_FORK, 0, 0); }
static inline int read(char *to, u32 size) { return call(CALL_READ, (u32)to, size); }
static inline int write(const char *from, u32 size) { return call(CALL_WRITE, (u32)from, size); }
static inline int getpid(void) { return call(CALL_GETPID, 0, 0); }
static inline int wait(int *status) { return call(CALL_WAIT, (u32)status, 0); }
static inline int yield(void) { return call(CALL_YIELD, 0, 0); }
static inline int sleep(u32 ticks) { return call(CALL_SLEEP, ticks, 0); }
static inline u32 ticks(void) { return call(CALL_TICKS, 0, 0); }
static inline u32 own_ticks(void) { return call(CALL_TICKS, 1, 0); }

/* library.c: formatted text, one write for each call. */
void print(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* The programs. */
int main(void);
