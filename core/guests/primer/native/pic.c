/*
 * pic.c: two 8259A programmable interrupt controllers, eight lines each. The second one reports
 * through line 2 of the first.
 */
#include "../kernel/kernel.h"
#include "devices.h"

#define FIRST 0x20
#define SECOND 0xa0
#define DATA 1 /* a controller's second port */

#define READ_REQUESTS 0x0a /* OCW3: the next read tells which lines ask */
#define READ_SERVICE 0x0b  /* OCW3: the next read tells which are being served */
#define END_OF_INTERRUPT 0x20

static void initialize(u16 controller, u8 first_vector, u8 cascade) {
  out8(controller, 0x11);                /* ICW1: start, edge triggered, four words */
  out8(controller + DATA, first_vector); /* ICW2 */
  out8(controller + DATA, cascade);      /* ICW3: where the other one is */
  out8(controller + DATA, 0x01);         /* ICW4: 8086 mode */
}

/*
 * The BIOS left lines 0 to 7 at vectors 8 to 15, which are exceptions in protected mode: move
 * them.
 */
void interrupt_controller_start(void) {
  initialize(FIRST, VECTOR_INTERRUPT, 1 << 2);
  initialize(SECOND, VECTOR_INTERRUPT + 8, 2);
  out8(FIRST + DATA, (u8) ~(1 << LINE_TIMER | 1 << LINE_SERIAL)); /* a set bit masks the line */
  out8(SECOND + DATA, 0xff);
}

static u8 read_register(u16 controller, u8 which) {
  out8(controller, which);
  return in8(controller);
}

/* A line that asked and took it back shows up as the lowest line, without being in service. */
bool is_spurious(u32 line) {
  if (line == 7) return !(read_register(FIRST, READ_SERVICE) & 1 << 7);
  if (line == 15 && !(read_register(SECOND, READ_SERVICE) & 1 << 7)) {
    out8(FIRST, END_OF_INTERRUPT);
    return true;
  }
  return false;
}

void end_interrupt(u32 line) {
  if (line >= 8) out8(SECOND, END_OF_INTERRUPT);
  out8(FIRST, END_OF_INTERRUPT);
}

bool interrupt_pending(void) { return read_register(FIRST, READ_REQUESTS) & 1 << LINE_TIMER; }
