/*
 * ring.c: the console of a domain is a page with two rings, which it shares with whoever
 * shows the text, and an event that says that something changed. The first domain writes to the
 * monitor's own console instead: nobody else is there yet.
 */
#include "../kernel/kernel.h"
#include "parts.h"

static bool first_domain;
static volatile struct console_ring *ring;

void console_start(void) {
  first_domain = start_info->flags & START_FIRST_DOMAIN;
  if (!first_domain) ring = at_frame(frame_of((u64)start_info->console_frame * PAGE));
}

u32 console_port(void) {
  return first_domain ? bind_virtual_interrupt(VIRTUAL_INTERRUPT_CONSOLE) : start_info->console_port;
}

/* Lets others run, who may take what is in the ring. */
static void give_way(void) {
  send_event(start_info->console_port);
  hypercall(HYPERCALL_SCHED_OP, SCHED_YIELD, 0, 0, 0);
}

/* The character is in the ring before the index says so. */
void console_send(char c) {
  if (first_domain) {
    hypercall(HYPERCALL_CONSOLE_IO, CONSOLE_WRITE, 1, &c, 0);
    return;
  }
  u32 flags = save_flags();
  cli();
  while (ring->out_produced - ring->out_consumed >= sizeof ring->out) give_way();
  ring->out[ring->out_produced % sizeof ring->out] = c;
  ring->out_produced++;
  restore_flags(flags);
  send_event(start_info->console_port);
}

void console_finish(void) {
  if (first_domain) return;
  for (u32 patience = 10000; patience > 0 && ring->out_produced != ring->out_consumed; patience--) give_way();
}

/* Something came, or something was taken. */
void console_event(void) {
  if (first_domain) {
    char text[16];
    int size;
    while ((size = hypercall(HYPERCALL_CONSOLE_IO, CONSOLE_READ, sizeof text, text, 0)) > 0) {
      for (int i = 0; i < size; i++) console_received(text[i]);
    }
    return;
  }
  bool some = ring->in_consumed != ring->in_produced;
  while (ring->in_consumed != ring->in_produced) {
    console_received(ring->in[ring->in_consumed % sizeof ring->in]);
    ring->in_consumed++;
  }
  if (some) send_event(start_info->console_port);
}
