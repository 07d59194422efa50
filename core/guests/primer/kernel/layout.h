/*
 * layout.h: who lives where in a linear address space, and how a linear address is cut.
 *
 *   ffffffff +--------------------------+
 *            |                          |
 *   c2000000 +--------------------------+  (32 MB of memory)
 *            | all of physical memory,  |
 *            | the kernel's image at    |  PDPT entry 3: the kernel's,
 *            | 1 MB                     |  the same in every space
 *   c0000000 +--------------------------+  KERNEL_BASE
 *            | nothing                  |
 *   40000000 +--------------------------+  STACK_TOP
 *            | stack, grows downwards   |
 *            | heap, from HEAP          |  PDPT entry 0: the process's own
 *            | program, from its ELF    |
 *   00000000 +--------------------------+
 *
 * PAE paging cuts a linear address into three indexes and an offset (SDM 3A, 4.4.2):
 *
 *    31 30 29                21 20                12 11                     0
 *   +-----+--------------------+--------------------+------------------------+
 *   | PDPT|  page directory    |  page table        |  offset in the page    |
 *   +-----+--------------------+--------------------+------------------------+
 */
#pragma once

#include "../common/types.h"

#define KERNEL_BASE 0xc0000000u
#define STACK_TOP 0x40000000u
#define STACK_SIZE 0x00010000u
#define USER_END STACK_TOP

/* Memory beyond this is left alone. */
#define MEMORY_MAX 0x08000000u

#define PDPT_INDEX(address) ((address) >> 30)
#define DIRECTORY_INDEX(address) ((address) >> 21 & 511)
#define TABLE_INDEX(address) ((address) >> 12 & 511)

/* Marks that the linker script sets. */
extern char text_start[], text_end[], rodata_end[], kernel_end[];
