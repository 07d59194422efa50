/*
 * tests.h: what main() tries, in this order. A word on the kernel's command line leaves out what some emulator does not stand:
 * vmcall-in-root, event-7.
 */
#pragma once

#include "../primer/common/types.h"

void test_vmxon(void); /* instructions.c: into VMX operation */
void test_instructions(void);
void test_fields(void);
void test_vmxoff(void);   /* out of it again, and in once more */
void test_controls(void); /* entry.c: entries that fail */
void test_host_state(void);
void test_guest_state(void);
void test_msr_loading(void);

/* Is this word on the command line? */
bool left_out(const char *word);
