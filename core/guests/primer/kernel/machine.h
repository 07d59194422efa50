/*
 * machine.h: all that primer asks of what lies below it. The native kernel owns the processor
 * and executes the privileged instructions itself: native/native.h has them, one function each.
 * The para kernel asks a monitor: para/para.h. Nothing outside native/ executes a privileged
 * instruction, but for the experiments of sensitive.asm.
 */
#pragma once

#include "entry.h"
#ifdef PARA
#include "../para/para.h"
#else
#include "../native/native.h"
#endif

/* Descriptor tables, interrupt controller and timer. Interrupts stay off. */
void machine_start(void);

/* The stack that the processor takes when it leaves ring 3. */
void set_kernel_stack(u32 top);

/* An interrupt came on this line: serve the device. */
void machine_interrupt(u32 line);

/* Does an interrupt wait at the interrupt controller for the processor to take it? */
bool interrupt_pending(void);

/* Bytes of memory, from address 0. */
u32 machine_memory(u32 magic, u32 info);

/* How much of it is in use from the start, from address 0 on. */
u32 machine_memory_used(void);


/* May pages be marked as not executable? Switches that on if the processor can. */
bool machine_has_execute_disable(void);

/*
 * The console: a serial line. What is sent waits in a buffer until the line takes it. After
 * console_finish() nothing waits: for those who are about to stop the machine.
 */
void console_start(void);
void console_send(char c);
void console_finish(void);

/*
 * What the kernel loaded into the system registers, to be compared with what an instruction
 * sees.
 */
void machine_tables(struct table_register *gdt, struct table_register *idt, u16 *ldt, u16 *task);

void machine_reboot(void) __attribute__((noreturn));
