/* text.h: bytes and formatted text, the same for kernel and processes. */
#pragma once

#include "types.h"

void *memset(void *to, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
bool same_text(const char *a, const char *b);
void copy_text(char *to, const char *from, size_t size);

/*
 * Hands each character of the formatted text to `put`. Knows %c %s %d %u %x %%, a width, and
 * the flags 0 and -.
 */
void format(void (*put)(char c, void *to), void *to, const char *text, va_list values);

/* The formatted text goes into a buffer, which always ends in a zero byte. */
void format_into(char *buffer, size_t size, const char *text, ...) __attribute__((format(printf, 3, 4)));
