/*
 * main.c: what the interrupt controllers do, a line for each thing: its name, what was seen, and the vectors that came, in
 * their order. A vector that came while another was served stands behind a '>', its end is a '<'. The same lines come from every
 * board that has these controllers.
 */
#include "../primer/common/text.h"
#include "machine.h"

/* What came since the line began. */
static char events[200];
static volatile u32 length, came, depth;
/* What the handler does besides: it sends `inner` to itself when `outer` comes, and lets it in. */
static volatile u32 outer, inner;
/* Served by the local APIC, so that it wants to hear of the end. */
static volatile bool has_end;
/* Registers as they are in the handler. */
static volatile u32 in_service, trigger_mode, priority, pin_entry;
static volatile u32 watched_pin, uart_interrupts;

static void note(const char *text) {
  for (; *text && length < sizeof events - 1; text++) events[length++] = *text;
  events[length] = 0;
}

static void note_vector(u32 vector) {
  char text[8];
  format_into(text, sizeof text, " %x", vector);
  note(text);
}

void interrupt(u32 vector) {
  came++;
  if (depth++) note(" >");
  note_vector(vector);
  if (vector < 32 && vector != 2) {
    print("%s: exception\n", events);
    power_off();
  }
  if (has_end && vector != 2) {
    in_service = apic_read(IN_SERVICE + (vector >> 5) * 16);
    trigger_mode = apic_read(TRIGGER_MODE + (vector >> 5) * 16);
    priority = apic_read(PROCESSOR_PRIORITY);
    pin_entry = io_read(0x10 + 2 * watched_pin);
  }
  if (vector == outer) {
    outer = 0;
    apic_write(COMMAND, TO_SELF | inner);
    if (vector != 2) {
      sti();
      cli();
    }
  }
  if (vector == 0x54 && ++uart_interrupts == 3) in8(0x3fa); /* the line falls when the reason is read */
  if (--depth) note(" <");
  if (has_end && vector != 2) apic_write(END_OF_INTERRUPT, 0);
}

static void begin(void) {
  cli();
  length = came = depth = 0;
  events[0] = 0;
  outer = inner = 0;
  has_end = true;
}

static void end(const char *name) { print("%s:%s\n", name, events); }

/* The line with a value that was seen. */
static void end_with(const char *name, u32 value) { print("%s: %x,%s\n", name, value, events); }

static void open_for_a_while(void) {
  sti();
  for (u32 n = 0; n < 50; n++) asm volatile("nop");
  cli();
}

/* Sleeps until something came. */
static void sleep(void) {
  u32 before = came;
  while (came == before) {
    sti_hlt();
    cli();
  }
}

static void firmware(void) {
  print("CPUID has an APIC: %d\n", (features() & HAS_APIC) != 0);
  print("IA32_APIC_BASE: %x\n", (u32)read_msr(APIC_BASE));
  print("version: %x, I/O APIC: %x\n", apic_read(VERSION), io_read(1));
  print("spurious %x, LINT0 %x, LINT1 %x\n", apic_read(SPURIOUS), apic_read(LVT_LINT0), apic_read(LVT_LINT1));
}

static void virtual_wire(void) {
  begin();
  has_end = false;
  pic_unmask(1);
  pit_shoot(100);
  sleep();
  end("8259A through LINT0");

  begin();
  has_end = false;
  apic_write(LVT_LINT0, MASKED | EXT_INT);
  pit_shoot(100);
  wait(1000);
  open_for_a_while();
  end("LINT0 masked");
  apic_write(LVT_LINT0, EXT_INT);
  open_for_a_while();
  end("LINT0 open again");

  begin();
  has_end = false;
  apic_write(TASK_PRIORITY, 0xff);
  pit_shoot(100);
  sleep();
  end("no priority holds off ExtINT");
  apic_write(TASK_PRIORITY, 0);
  pic_unmask(0);
}

static void priorities(void) {
  static const u8 sent[] = { 0x31, 0x45, 0x42, 0xf0, 0x80, 0x8f };
  begin();
  for (u32 n = 0; n < sizeof sent; n++) apic_write(COMMAND, TO_SELF | sent[n]);
  for (u32 n = 0; n < 8; n++) print("%s%x", n ? " " : "requested: ", apic_read(REQUESTED + 16 * n));
  print("\n");
  open_for_a_while();
  end("highest first");
  print("requested after: %x\n", apic_read(REQUESTED + 0x20));

  begin();
  outer = 0x42;
  inner = 0x51;
  apic_write(COMMAND, TO_SELF | 0x42);
  open_for_a_while();
  end("higher comes within");

  begin();
  outer = 0x42;
  inner = 0x4f;
  apic_write(COMMAND, TO_SELF | 0x42);
  open_for_a_while();
  end("the same class waits");
  print("in the handler: in service %x, trigger mode %x, priority %x\n", in_service, trigger_mode, priority);

  begin();
  apic_write(TASK_PRIORITY, 0x53);
  apic_write(COMMAND, TO_SELF | 0x52);
  apic_write(COMMAND, TO_SELF | 0x5f);
  apic_write(COMMAND, TO_SELF | 0x60);
  open_for_a_while();
  end_with("task priority 53", apic_read(PROCESSOR_PRIORITY));
  apic_write(TASK_PRIORITY, 0x4f);
  open_for_a_while();
  end_with("task priority 4f", apic_read(PROCESSOR_PRIORITY));
  apic_write(TASK_PRIORITY, 0);
}

static void messages(void) {
  apic_write(LOGICAL_ID, 0x04000000);
  static const struct {
    const char *name;
    u32 high, low, format;
  } ways[] = {
    { "physical", 0, 0, 15 },
    { "physical, another", 5, 0, 15 },
    { "broadcast", 0xff, 0, 15 },
    { "logical, flat", 0x0c, LOGICAL, 15 },
    { "logical, flat, another", 0x03, LOGICAL, 15 },
    { "lowest priority", 0x04, LOGICAL | LOWEST_PRIORITY, 15 },
    { "logical, cluster", 0x06, LOGICAL, 0 },
    { "logical, another cluster", 0x16, LOGICAL, 0 },
    { "all", 0x33, TO_ALL, 15 },
    { "all others", 0x33, TO_SELF | TO_ALL, 15 },
  };
  for (u32 n = 0; n < length_of(ways); n++) {
    begin();
    apic_write(DESTINATION_FORMAT, ways[n].format << 28 | 0x0fffffff);
    apic_write(COMMAND_HIGH, ways[n].high << 24);
    apic_write(COMMAND, ways[n].low | 0x66);
    open_for_a_while();
    end(ways[n].name);
  }
  apic_write(DESTINATION_FORMAT, 0xffffffff);

  begin();
  apic_write(COMMAND, TO_SELF | 0x66);
  apic_write(COMMAND, TO_SELF | 0x66);
  open_for_a_while();
  end("twice before it is taken");
}

static void nmi(void) {
  begin();
  apic_write(COMMAND_HIGH, 0);
  apic_write(COMMAND, NMI);
  asm volatile("nop");
  end("NMI with interrupts off");

  begin();
  outer = 2;
  inner = NMI;
  apic_write(COMMAND_HIGH, 0);
  apic_write(COMMAND, NMI);
  for (u32 n = 0; n < 50; n++) asm volatile("nop");
  end("NMI within an NMI waits for IRET");

  begin();
  io_entry(2, NMI);
  pit_shoot(1000);
  hlt();
  io_entry(2, MASKED);
  end("NMI ends a halt with interrupts off");
}

static void timer(void) {
  begin();
  apic_write(DIVIDE, 0xb);
  apic_write(LVT_TIMER, 0x70);
  apic_write(INITIAL_COUNT, 200000);
  u32 first = apic_read(CURRENT_COUNT), second = apic_read(CURRENT_COUNT);
  print("timer counts down: %d\n", first < 200000 && second <= first && second > 0);
  sleep();
  wait(5000);
  open_for_a_while();
  end_with("timer once", apic_read(CURRENT_COUNT));

  begin();
  apic_write(LVT_TIMER, PERIODIC | 0x71);
  apic_write(INITIAL_COUNT, 2000000);
  for (u32 n = 0; n < 3; n++) sleep();
  apic_write(LVT_TIMER, MASKED | PERIODIC | 0x71);
  end("timer thrice");
  apic_write(INITIAL_COUNT, 0);
  print("stopped: %x\n", apic_read(CURRENT_COUNT));

  begin();
  apic_write(LVT_TIMER, MASKED | 0x70);
  apic_write(INITIAL_COUNT, 100000);
  wait(1000);
  apic_write(LVT_TIMER, 0x70);
  open_for_a_while();
  end("timer masked at its end");

  /* 2 ms, by both clocks. */
  static const u8 codes[] = { 0xb, 0, 1, 2, 3, 8, 9, 10 };
  for (u32 n = 0; n < sizeof codes; n++) {
    apic_write(LVT_TIMER, MASKED | 0x70);
    apic_write(DIVIDE, codes[n]);
    apic_write(INITIAL_COUNT, 0xffffffff);
    wait(2386);
    u32 counted = 0xffffffff - apic_read(CURRENT_COUNT), wanted = 2000000 >> n;
    print("divided by %d: %d\n", 1 << n, counted > wanted / 10 * 9 && counted < wanted / 2 * 3);
  }
  apic_write(INITIAL_COUNT, 0);
}

static void io_apic(void) {
  print("unused entry: %x\n", io_read(0x10 + 2 * 23));
  begin();
  io_entry(2, 0x50);
  pit_shoot(100);
  sleep();
  pit_shoot(100);
  sleep();
  end_with("timer on pin 2", io_read(0x14));

  begin();
  io_entry(2, MASKED | 0x50);
  pit_shoot(100);
  wait(1000);
  io_entry(2, 0x50);
  open_for_a_while();
  end("an edge that came while masked");

  begin();
  io_write(0x15, 0x04000000);
  io_write(0x14, LOGICAL | LOWEST_PRIORITY | 0x51);
  pit_shoot(100);
  sleep();
  end("lowest priority, logical");
  io_entry(2, MASKED);

  begin();
  watched_pin = 4;
  uart_interrupts = 0;
  io_entry(4, LEVEL | 0x54);
  out8(0x3f9, 2); /* the transmitter is empty: its line rises and stays */
  open_for_a_while();
  out8(0x3f9, 0);
  end_with("a level comes again until it falls", io_read(0x18));
  print("in the handler: entry %x, trigger mode %x\n", pin_entry, trigger_mode);
  io_entry(4, MASKED);
}

static void disabled(void) {
  begin();
  has_end = false;
  apic_write(LVT_LINT0, EXT_INT);
  write_msr(APIC_BASE, read_msr(APIC_BASE) & ~(u64)BASE_ENABLE);
  print("CPUID has an APIC: %d, IA32_APIC_BASE: %x\n", (features() & HAS_APIC) != 0, (u32)read_msr(APIC_BASE));
  pit_shoot(60000);
  pic_unmask(1);
  pit_shoot(100);
  sleep();
  end("8259A without an APIC");
}

/* What the manual says and QEMU does not do; on a board whose loader has a command line for it. */

static void registers(void) {
  static const u16 offsets[] = { ID, TASK_PRIORITY, LOGICAL_ID, DESTINATION_FORMAT, SPURIOUS, LVT_TIMER, 0x330, 0x340,
                                 LVT_LINT1, LVT_ERROR, DIVIDE };
  print("writable:");
  for (u32 n = 0; n < length_of(offsets); n++) {
    u32 before = apic_read(offsets[n]);
    apic_write(offsets[n], 0xffffffff);
    print(" %x", apic_read(offsets[n]));
    apic_write(offsets[n], before);
  }
  print("\n");
}

static void errors(void) {
  begin();
  apic_write(LVT_ERROR, 0xf1);
  apic_read(0x3f0);
  apic_write(COMMAND, TO_SELF | 9);
  open_for_a_while();
  apic_write(ERROR_STATUS, 0);
  end_with("errors", apic_read(ERROR_STATUS));
  apic_write(ERROR_STATUS, 0);
  print("errors since: %x\n", apic_read(ERROR_STATUS));
}

static void software_disabled(void) {
  begin();
  apic_write(COMMAND, TO_SELF | 0x66);
  apic_write(SPURIOUS, 0xff);
  apic_write(COMMAND, TO_SELF | 0x77);
  open_for_a_while();
  end_with("disabled by software", apic_read(LVT_ERROR));
  apic_write(SPURIOUS, 0x1ff);
  apic_write(LVT_LINT0, EXT_INT);
}

static void lint0_fixed(void) {
  begin();
  pit_shoot(60000); /* what came before is taken back */
  apic_write(LVT_LINT0, 0x62);
  pic_unmask(1);
  pit_shoot(100);
  sleep();
  end("LINT0 as a vector of its own");
  apic_write(LVT_LINT0, MASKED | EXT_INT);

  begin();
  has_end = false;
  io_entry(0, EXT_INT);
  pit_shoot(100);
  sleep();
  io_entry(0, MASKED);
  end("8259A through the I/O APIC");
  pic_unmask(0);
}

static void polarity(void) {
  begin();
  io_entry(2, ACTIVE_LOW | 0x53);
  pit_shoot(100); /* its line falls at once */
  open_for_a_while();
  io_entry(2, MASKED);
  end("active low");
}

/* Where RAM would be, then back. */
static void moved(void) {
  static volatile u32 page[2 * PAGE / 4];
  volatile u32 *here = (volatile u32 *)(((u32)page + PAGE - 1) & ~(PAGE - 1));
  here[VERSION / 4] = 0x12345678;
  u64 base = read_msr(APIC_BASE);
  print("before it is moved: %x\n", here[VERSION / 4]);
  write_msr(APIC_BASE, (u32)here | (base & 0xfff));
  here[TASK_PRIORITY / 4] = 0x30;
  print("moved: %x, and %x where it was\n", here[VERSION / 4], apic_read(VERSION));
  write_msr(APIC_BASE, base);
  print("moved back: %x, and %x where it was; task priority %x\n", apic_read(VERSION), here[VERSION / 4],
        apic_read(TASK_PRIORITY));
  apic_write(TASK_PRIORITY, 0);
}

/* The loader's command line: the program's name, then words. */
static bool is_told(const u32 *information, const char *word) {
  if (!(information[0] & 4)) return false;
  const char *line = (const char *)information[4];
  while (*line && *line != ' ') line++;
  return *line && same_text(line + 1, word);
}

void main(const u32 *information) {
  console_start();
  idt_start();
  pic_start();
  firmware();
  virtual_wire();
  priorities();
  messages();
  nmi();
  timer();
  io_apic();
  if (is_told(information, "manual")) {
    registers();
    errors();
    software_disabled();
    lint0_fixed();
    polarity();
    moved();
  }
  disabled();
  print("end\n");
  power_off();
}
