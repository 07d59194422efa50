/* kernel.h: what the kernel's files know of each other, file by file. */
#pragma once

#include "layout.h"
#include "machine.h"
#include "trap.h"
#include "../common/calls.h"
#include "../common/text.h"

/* print.c */
int print(const char *text, ...) __attribute__((format(printf, 1, 2)));
void panic(const char *text, ...) __attribute__((format(printf, 1, 2), noreturn));
#define assert(truth) ((truth) ? (void)0 : panic("%s:%d: not true: %s", __FILE__, __LINE__, #truth))

/* console.c */
void console_received(char c);
int console_read(char *to, u32 size);

/* frame.c */
void frames_start(u32 memory);
u32 frame_take(void);
void frame_share(u32 frame);
void frame_release(u32 frame);
u32 frame_holders(u32 frame);
u32 frames_free(void);
u32 frames_total(void);
static inline void *at_frame(u32 frame) { return (void *)(frame + KERNEL_BASE); }

/* space.c */
struct space {
  u32 root; /* physical address of the page-directory-pointer table, the value for CR3 */
};
extern struct space kernel_space;
void spaces_start(u32 memory);
bool space_make(struct space *space);
bool space_fork(struct space *child, struct space *parent);
void space_release(struct space *space);
void switch_space(struct space *space);
entry *find_entry(struct space *space, u32 address, bool make);
bool map(struct space *space, u32 address, u32 frame, entry bits);
void unmap_range(struct space *space, u32 from, u32 to);

/* fault.c */
bool resolve_fault(struct space *space, u32 address, u32 error);
bool reachable(struct space *space, const void *buffer, u32 size, bool to_write);

/* mem.c */
void print_space(struct space *space);

/* process.c */
struct process;
extern struct process *current;
void processes_start(void);
struct process *process_start(const char *program);
int process_fork(struct trap_frame *frame);
void process_exit(int status) __attribute__((noreturn));
int process_wait(int *status);
int process_describe(u32 slot, struct process_info *info);

/* schedule.c */
void schedule(void);
void wait_for(void *event);
void wake(void *event);
void sleep_ticks(u32 count);
void timer_tick(void);
void idle(void) __attribute__((noreturn));
extern volatile u32 tick_count;
extern bool switch_wanted;

/* switch.asm */
void switch_stack(u32 *save_here, u32 go_there);

/* program.c */
bool program_load(const char *name, struct space *space, u32 *start);

/* trap.c and its entries in trap.asm */
void trap(struct trap_frame *frame);
void trap_return(void);

/* call.c */
int system_call(struct trap_frame *frame);

/* attempt.asm: runs a routine that may fault. Answers 0, or 256 + the vector. */
u32 attempt(void (*routine)(u32 *result), u32 *result);
extern u32 attempt_landing;

/* sensitive.c */
void print_sensitive(void);
void probe_interrupt(struct trap_frame *frame);

/* bench.c */
int bench(u32 which, u32 ticks);
