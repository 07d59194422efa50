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
void test_instruction_exits(void); /* exits-*.c: instructions, registers, ports, events */
void test_register_exits(void);
void test_port_exits(void);
void test_event_exits(void);
void test_memory(void);
void test_paging(void);
void test_events(void);
void test_state(void);
void test_real(void);
void test_privilege(void);
void test_shadow(void);

/* Is this word on the command line? */
bool left_out(const char *word);
