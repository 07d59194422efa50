/* text.c: bytes and formatted text, the same for kernel and processes. */
#include "text.h"

/* The string instructions do it: EDI is where to, ESI where from, ECX how often. */
void *memset(void *to, int value, size_t size) {
  void *at = to;
  u32 words = size / 4, bytes = size % 4;
  asm volatile("rep stosd" : "+D"(at), "+c"(words) : "a"((value & 0xff) * 0x01010101u) : "memory");
  asm volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(value) : "memory");
  return to;
}

void *memcpy(void *to, const void *from, size_t size) {
  void *at = to;
  u32 words = size / 4, bytes = size % 4;
  asm volatile("rep movsd" : "+D"(at), "+S"(from), "+c"(words)::"memory");
  asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(bytes)::"memory");
  return to;
}

bool same_text(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

/* Copies at most size - 1 characters and a zero byte. */
void copy_text(char *to, const char *from, size_t size) {
  while (--size > 0 && *from) *to++ = *from++;
  *to = 0;
}

/*
 * Writes the digits of a number to the end of a buffer of 12 characters and returns where they
 * begin.
 */
static char *digits_of(u32 value, u32 base, char *end) {
  *--end = 0;
  do {
    *--end = "0123456789abcdef"[value % base];
    value /= base;
  } while (value > 0);
  return end;
}

static void pad(void (*put)(char c, void *to), void *to, char with, int count) {
  while (count-- > 0) put(with, to);
}

void format(void (*put)(char c, void *to), void *to, const char *text, va_list values) {
  for (; *text; text++) {
    if (*text != '%') {
      put(*text, to);
      continue;
    }
    text++;

    bool left = false;
    char fill = ' ';
    int width = 0;
    for (; *text == '-' || *text == '0'; text++) {
      if (*text == '-') left = true;
      else fill = '0';
    }
    for (; *text >= '0' && *text <= '9'; text++) width = width * 10 + (*text - '0');

    char digits[12], *end = digits + sizeof digits;
    const char *piece;
    bool minus = false;
    if (*text == 's') {
      piece = va_arg(values, const char *);
    } else if (*text == 'c') {
      digits[0] = va_arg(values, int);
      digits[1] = 0;
      piece = digits;
    } else if (*text == 'x') {
      piece = digits_of(va_arg(values, u32), 16, end);
    } else if (*text == 'u') {
      piece = digits_of(va_arg(values, u32), 10, end);
    } else if (*text == 'd') {
      int value = va_arg(values, int);
      minus = value < 0;
      piece = digits_of(minus ? -(u32)value : (u32)value, 10, end);
    } else {
      piece = "%";
    }

    int used = minus;
    for (const char *c = piece; *c; c++) used++;
    if (!left && fill == ' ') pad(put, to, ' ', width - used);
    if (minus) put('-', to);
    if (!left && fill == '0') pad(put, to, '0', width - used);
    while (*piece) put(*piece++, to);
    if (left) pad(put, to, ' ', width - used);
  }
}

struct buffer {
  char *next, *last;
};

static void put_into_buffer(char c, void *to) {
  struct buffer *buffer = to;
  if (buffer->next < buffer->last) *buffer->next++ = c;
}

void format_into(char *buffer, size_t size, const char *text, ...) {
  struct buffer to = { buffer, buffer + size - 1 };
  va_list values;
  va_start(values, text);
  format(put_into_buffer, &to, text, values);
  va_end(values);
  *to.next = 0;
}
