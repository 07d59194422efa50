/*
 * descriptor.h: the 8 bytes of a segment or gate descriptor (SDM 3A, 3.4.5 and 6.11), as two
 * words.
 *
 * A segment:
 *    31        24 23 22 21 20 19     16 15 14 13 12 11   8 7          0
 *   +------------+--+--+--+--+---------+--+-----+--+------+------------+
 *   | base 31:24 | G| B| 0| 0| lim19:16| P| DPL | S| type | base 23:16 |
 *   +------------+--+--+--+--+---------+--+-----+--+------+------------+
 *   |           base 15:0              |          limit 15:0           |
 *   +----------------------------------+-------------------------------+
 *
 * A gate:
 *    31                              16 15 14 13 12    8 7            0
 *   +----------------------------------+--+-----+-------+--------------+
 *   |           offset 31:16           | P| DPL |  type |      0       |
 *   +----------------------------------+--+-----+-------+--------------+
 *   |            selector              |          offset 15:0          |
 *   +----------------------------------+-------------------------------+
 */
#pragma once

#include "../common/types.h"

struct descriptor {
  u32 low, high;
};

/* A flat segment: base 0, limit 4 GB (G = 1 counts in pages, B = 1 is 32 bits). */
#define SEGMENT_CODE 0x1au /* S = 1, execute and read */
#define SEGMENT_DATA 0x12u /* S = 1, read and write */

static inline struct descriptor flat_segment(u32 type, u32 dpl) {
  return (struct descriptor){ 0x0000ffff, 0x00cf0000 | 1 << 15 | dpl << 13 | type << 8 };
}

/* A system segment: a task-state segment has type 9. */
#define SEGMENT_TASK 0x09u

static inline struct descriptor system_segment(u32 type, u32 base, u32 limit) {
  return (struct descriptor){ base << 16 | limit, (base & 0xff000000) | 1 << 15 | type << 8 | (base >> 16 & 0xff) };
}

/*
 * On the way through an interrupt gate the processor clears IF; through a trap gate it leaves IF
 * as it is.
 */
#define GATE_INTERRUPT 0x0eu
#define GATE_TRAP 0x0fu

static inline struct descriptor gate(u32 type, u32 dpl, u32 selector, u32 offset) {
  return (struct descriptor){ selector << 16 | (offset & 0xffff), (offset & 0xffff0000) | 1 << 15 | dpl << 13 | type << 8 };
}
