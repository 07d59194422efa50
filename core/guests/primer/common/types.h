/* types.h: the sizes of things. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define PAGE 4096u

#define length_of(array) (sizeof(array) / sizeof((array)[0]))
