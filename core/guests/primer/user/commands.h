/* commands.h: what the shell can do. */
#pragma once

void run_help(void);

/* commands.c */
void run_ps(void);
void run_mem(void);
void run_fault(void);
void run_sensitive(void);
void run_fork(void);
void run_reboot(void);

/* bench.c */
void run_bench(void);
