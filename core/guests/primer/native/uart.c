/* uart.c: the console is the first serial line, a 16550 UART at port 0x3f8. */
#include "../kernel/kernel.h"
#include "devices.h"

#define UART 0x3f8
#define DATA (UART + 0)              /* with DLAB: the divisor's low byte */
#define INTERRUPT_ENABLE (UART + 1)  /* with DLAB: the divisor's high byte */
#define FIFO_CONTROL (UART + 2)
#define LINE_CONTROL (UART + 3)
#define MODEM_CONTROL (UART + 4)
#define LINE_STATUS (UART + 5)

#define DLAB 0x80             /* line control: show the divisor */
#define EIGHT_BITS 0x03       /* line control: 8 data bits, no parity, 1 stop bit */
#define RECEIVED_INTERRUPT 1  /* interrupt enable */
#define FIFO_ON_AND_EMPTY 7
#define DTR_RTS_OUT2 0x0b     /* modem control: OUT2 lets the interrupt through to the controller */
#define RECEIVED 0x01         /* line status: a byte came */
#define MAY_SEND 0x20         /* line status: the transmitter takes another byte */

void console_start(void) {
  out8(INTERRUPT_ENABLE, 0);
  out8(LINE_CONTROL, DLAB);
  out8(DATA, 1); /* 115200 baud */
  out8(INTERRUPT_ENABLE, 0);
  out8(LINE_CONTROL, EIGHT_BITS);
  out8(FIFO_CONTROL, FIFO_ON_AND_EMPTY);
  out8(MODEM_CONTROL, DTR_RTS_OUT2);
  out8(INTERRUPT_ENABLE, RECEIVED_INTERRUPT);
}

/* Sending waits for the line; receiving is told by an interrupt. */
void console_send(char c) {
  while (!(in8(LINE_STATUS) & MAY_SEND)) continue;
  out8(DATA, c);
}

void serial_interrupt(void) {
  while (in8(LINE_STATUS) & RECEIVED) console_received(in8(DATA));
}
