/* parts.h: what the files of para/ know of each other. */
#pragma once

#include "../common/types.h"

/* tables.c */
void tables_start(void);
u64 machine_address(u32 frame);
void keep_read_only(u32 frame);

/* events.c */
void events_start(void);
u32 bind_virtual_interrupt(u32 interrupt);
void send_event(u32 port);

/* ring.c */
u32 console_port(void);
void console_event(void);
