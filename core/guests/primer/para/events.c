/*
 * events.c: instead of an interrupt controller. Xen sets a port's bit in the shared page, the
 * bit of its word in the selector, and then calls event_entry, unless events are masked.
 */
#include "../kernel/kernel.h"
#include "parts.h"

#define NANOSECONDS_PER_TICK 10000000ull /* 100 Hz, as the native kernel's timer */

static u32 timer_port, serial_port;

/* A port that tells of one of the monitor's own sources. */
u32 bind_virtual_interrupt(u32 interrupt) {
  struct bind_virtual_interrupt bind = { interrupt, 0, 0 };
  if (hypercall(HYPERCALL_EVENT_CHANNEL_OP, EVENT_BIND_VIRTUAL_INTERRUPT, &bind, 0, 0) < 0) {
    panic("virtual interrupt %u cannot be bound", interrupt);
  }
  return bind.port;
}

/* Tells whoever is at the other end of the port. */
void send_event(u32 port) { hypercall(HYPERCALL_EVENT_CHANNEL_OP, EVENT_SEND, &port, 0, 0); }

/* Instead of a store: an event may have come while the port was masked. */
static void unmask(u32 port) { hypercall(HYPERCALL_EVENT_CHANNEL_OP, EVENT_UNMASK, &port, 0, 0); }

void events_start(void) {
  timer_port = bind_virtual_interrupt(VIRTUAL_INTERRUPT_TIMER);
  serial_port = console_port();
  unmask(timer_port);
  unmask(serial_port);
  u64 period = NANOSECONDS_PER_TICK;
  hypercall(HYPERCALL_VCPU_OP, VCPU_SET_PERIODIC_TIMER, 0, &period, 0);
}

/* Reads and clears at once: the monitor may set bits between two instructions. */
static u32 take(volatile u32 *word) {
  u32 value = 0;
  asm volatile("xchg %0, %1" : "+r"(value), "+m"(*word)::"memory");
  return value;
}

static void take_bit(volatile u32 *word, u32 bit) {
  asm volatile("lock btr %0, %1" : "+m"(*word) : "r"(bit) : "memory", "cc");
}

static void serve(u32 port) {
  if (port == timer_port) timer_tick();
  else if (port == serial_port) console_event();
}

/* All events come on one line. The flag is cleared first, or an event could be overlooked. */
void machine_interrupt(u32 line) {
  (void)line;
  shared_info.vcpu[0].upcall_pending = 0;
  u32 words = take(&shared_info.vcpu[0].pending_selector);
  for (u32 word = 0; word < 32; word++) {
    if (!(words >> word & 1)) continue;
    u32 bits = shared_info.event_pending[word] & ~shared_info.event_mask[word];
    for (u32 bit = 0; bit < 32; bit++) {
      if (!(bits >> bit & 1)) continue;
      take_bit(&shared_info.event_pending[word], bit);
      serve(word * 32 + bit);
    }
  }
}

bool interrupt_pending(void) { return shared_info.event_pending[timer_port / 32] >> timer_port % 32 & 1; }
