/* print.c: formatted text to the console, and the last words of a kernel that cannot go on. */
#include "kernel.h"

static void put(char c, void *to) {
  int *count = to;
  if (c == '\n') console_send('\r');
  console_send(c);
  ++*count;
}

/* Answers how many characters it printed. */
int print(const char *text, ...) {
  int count = 0;
  va_list values;
  va_start(values, text);
  format(put, &count, text, values);
  va_end(values);
  return count;
}

void panic(const char *text, ...) {
  cli();
  console_finish();
  int count = 0;
  va_list values;
  va_start(values, text);
  print("\nkernel panic: ");
  format(put, &count, text, values);
  va_end(values);
  print("\nThe processor halts.\n");
  halt_forever();
  __builtin_unreachable();
}
