/* paging.h: page tables of guests: the first 4 MB at the addresses that they have, and a window. */
#pragma once

#include "vmx.h"

#define PTE_PRESENT 1u
#define PTE_WRITE 2u
#define PTE_USER 4u
#define PTE_ACCESSED (1u << 5)
#define PTE_DIRTY (1u << 6)
#define PTE_LARGE (1u << 7)

/* Linear address of the window: what a page table of the check's own maps. */
#define WINDOW 0x00400000u

/* Paging with 32-bit entries: the window is mapped by the page table at this guest-physical address. */
void paging_two_levels(u32 window_table);
/* PAE paging, whose PDPTEs come from the VMCS. */
void paging_pae(void);
