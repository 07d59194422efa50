/*
 * uart.c: the console is the first serial line, a 16550 UART at port 0x3f8. It interrupts when
 * a byte came, and when its transmitter has sent all 16 bytes that it can hold.
 */
#include "../kernel/kernel.h"
#include "devices.h"

#define UART 0x3f8
#define DATA (UART + 0)             /* with DLAB: the divisor's low byte */
#define INTERRUPT_ENABLE (UART + 1) /* with DLAB: the divisor's high byte */
#define INTERRUPT_CAUSE (UART + 2)  /* when read */
#define FIFO_CONTROL (UART + 2)     /* when written */
#define LINE_CONTROL (UART + 3)
#define MODEM_CONTROL (UART + 4)
#define LINE_STATUS (UART + 5)

#define WHEN_RECEIVED 1     /* interrupt enable */
#define WHEN_SENT 2         /* interrupt enable */
#define NO_CAUSE 1          /* interrupt cause */
#define FIFO_ON_AND_EMPTY 7 /* FIFO control */
#define DLAB 0x80           /* line control: show the divisor */
#define EIGHT_BITS 0x03     /* line control: 8 data bits, no parity, 1 stop bit */
#define DTR_RTS_OUT2 0x0b   /* modem control: OUT2 lets the interrupt reach the controller */
#define RECEIVED 0x01       /* line status: a byte came */
#define SENT 0x20           /* line status: the transmitter is empty */

#define FIFO 16

static char line[2048];      /* what waits to be sent */
static u32 added, taken;     /* how many ever; the difference waits */
static bool with_interrupts; /* else sending waits for the line */

void console_start(void) {
  out8(INTERRUPT_ENABLE, 0);
  out8(LINE_CONTROL, DLAB);
  out8(DATA, 1); /* 115200 baud */
  out8(INTERRUPT_ENABLE, 0);
  out8(LINE_CONTROL, EIGHT_BITS);
  out8(FIFO_CONTROL, FIFO_ON_AND_EMPTY);
  out8(MODEM_CONTROL, DTR_RTS_OUT2);
}

/* The interrupt controller is ready. */
void serial_start(void) {
  out8(INTERRUPT_ENABLE, WHEN_RECEIVED);
  with_interrupts = true;
}

/* As much as the transmitter takes at once. When nothing waits any more, it need not report. */
static void send_some(void) {
  for (u32 i = 0; i < FIFO && taken != added; i++) out8(DATA, line[taken++ % sizeof line]);
  if (with_interrupts && taken == added) out8(INTERRUPT_ENABLE, WHEN_RECEIVED);
}

static void wait_until_sent(void) {
  while (!(in8(LINE_STATUS) & SENT)) continue;
}

void console_send(char c) {
  u32 flags = save_flags();
  cli();
  if (added - taken == sizeof line) {
    wait_until_sent();
    send_some();
  }
  bool first = taken == added;
  line[added++ % sizeof line] = c;
  if (!with_interrupts) {
    wait_until_sent();
    send_some();
  } else if (first) {
    out8(INTERRUPT_ENABLE, WHEN_RECEIVED | WHEN_SENT); /* an empty transmitter reports at once */
  }
  restore_flags(flags);
}

void console_finish(void) {
  with_interrupts = false;
  while (taken != added) {
    wait_until_sent();
    send_some();
  }
  wait_until_sent();
}

/*
 * The controller sees only a rising line, and the line stays up while there is any cause: so
 * this goes on until there is none.
 */
void serial_interrupt(void) {
  while (!(in8(INTERRUPT_CAUSE) & NO_CAUSE)) {
    u8 status = in8(LINE_STATUS);
    if (status & RECEIVED) console_received(in8(DATA));
    if (status & SENT) send_some();
  }
}
