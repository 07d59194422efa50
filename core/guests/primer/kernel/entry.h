/*
 * entry.h: one entry of a PAE page table (SDM 3A, 4.4.2). 512 of them make a table of 4 KB.
 *
 *    63 62          52 51                           12 11    9 8 7 6 5 4 3 2 1 0
 *   +--+--------------+-------------------------------+-------+-+-+-+-+-+-+-+-+-+
 *   |XD|   reserved   |  physical address of a frame  | ours  |G|S|D|A|C|T|U|W|P|
 *   +--+--------------+-------------------------------+-------+-+-+-+-+-+-+-+-+-+
 *
 * A page directory's entries look the same, with S set for a page of 2 MB. The four entries of
 * the page-directory-pointer table know only P, T and C: the processor refuses them when W, U
 * or XD is set.
 */
#pragma once

#include "../common/types.h"

typedef u64 entry;

#define ENTRY_P 0x001u /* present */
#define ENTRY_W 0x002u /* writable */
#define ENTRY_U 0x004u /* user: ring 3 may use the page */
#define ENTRY_A 0x020u /* accessed, set by the processor */
#define ENTRY_D 0x040u /* dirty, set by the processor */
#define ENTRY_COPY 0x200u /* ours: shared since a fork, to be copied at the first write */
#define ENTRY_XD (1ull << 63) /* execute disable; reserved unless EFER.NXE is set */

/* Everything but the frame's address. */
#define ENTRY_BITS (ENTRY_XD | 0xfffu)

/* Bits of a page fault's error code (SDM 3A, 4.7). */
#define FAULT_P 0x01u /* the page was present, the access not permitted */
#define FAULT_W 0x02u /* a write */
#define FAULT_U 0x04u /* from ring 3 */
#define FAULT_RSVD 0x08u /* a reserved bit was set in an entry */
#define FAULT_I 0x10u /* an instruction fetch */
