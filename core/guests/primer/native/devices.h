/* devices.h: the three devices of the native kernel, and their interrupt lines. */
#pragma once

#include "../common/types.h"

#define LINE_TIMER 0
#define LINE_SERIAL 4

/* pic.c */
void interrupt_controller_start(void);
bool is_spurious(u32 line);
void end_interrupt(u32 line);

/* pit.c */
#define TICKS_PER_SECOND 100
void timer_start(void);

/* uart.c */
void serial_start(void);
void serial_interrupt(void);
