/* library.c: where a program begins, and how it prints. */
#include "system.h"

/* The ELF file's entry: the kernel starts the process here, with an empty stack. */
void start(void) __attribute__((noreturn));
void start(void) {
  exit(main());
  __builtin_unreachable();
}

struct text {
  char characters[120];
  u32 length;
};

static void flush(struct text *text) {
  write(text->characters, text->length);
  text->length = 0;
}

static void put(char c, void *to) {
  struct text *text = to;
  text->characters[text->length++] = c;
  if (text->length == sizeof text->characters) flush(text);
}

void print(const char *text, ...) {
  struct text printed;
  printed.length = 0;
  va_list values;
  va_start(values, text);
  format(put, &printed, text, values);
  va_end(values);
  flush(&printed);
}
