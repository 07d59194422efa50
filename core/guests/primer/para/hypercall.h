/*
 * hypercall.h: how the kernel asks the monitor. Each hypercall has a stub of 32 bytes in the
 * hypercall page, which the monitor wrote: it loads EAX with the number and executes INT 0x82.
 * Arguments go in EBX, ECX, EDX and ESI and may come back changed; the answer is in EAX, and a
 * negative one is an error.
 */
#pragma once

#include "xen.h"

extern char hypercall_page[];

#define hypercall(number, first, second, third, fourth) \
  ({ \
    u32 ebx = (u32)(first), ecx = (u32)(second), edx = (u32)(third), esi = (u32)(fourth); \
    int answer; \
    asm volatile("call hypercall_page + %c[stub]" \
                 : "=a"(answer), "+b"(ebx), "+c"(ecx), "+d"(edx), "+S"(esi) \
                 : [stub] "i"((number) * 32) \
                 : "memory", "cc"); \
    answer; \
  })
