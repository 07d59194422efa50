/* exits-ports.c: input and output (SDM volume 3, 24.6.4, 25.1.3, tables 27-5 and 27-9). */
#include "code.h"
#include "tests.h"
#include "../primer/common/text.h"

static u8 bitmaps[2][PAGE] __attribute__((aligned(PAGE)));
static u8 text[16];

/* Qualification: bits 2:0 the size less one, then input, string, repeated, the port in the instruction; 31:16 the port. */
#define IN (1u << 3)
#define STRING (1u << 4)
#define REPEATED (1u << 5)
#define IMMEDIATE (1u << 6)
#define PORT(number) ((u32)(number) << 16)

static void unconditional(const char *name, struct code code, u32 qualification) {
  boot(code);
  add(PROCESSOR_CONTROLS, PROCESSOR_UNCONDITIONAL_IO);
  guest.edx = 0x3fd;
  exits_and_goes_on(name, code, EXIT_IO_INSTRUCTION, qualification);
}

/* No bit is set but those of these two ports. */
static void boot_with_bitmaps(struct code code, u32 first, u32 second) {
  boot(code);
  memset(bitmaps, 0, sizeof bitmaps);
  bitmaps[first >> 15][(first & 0x7fff) / 8] |= 1 << first % 8;
  bitmaps[second >> 15][(second & 0x7fff) / 8] |= 1 << second % 8;
  add(PROCESSOR_CONTROLS, PROCESSOR_IO_BITMAPS | PROCESSOR_UNCONDITIONAL_IO);
  set64(IO_BITMAP_A, (u32)bitmaps[0]);
  set64(IO_BITMAP_B, (u32)bitmaps[1]);
}

static void in_bitmaps(const char *name, struct code code, u32 port, u32 qualification) {
  boot_with_bitmaps(code, 0x61, 0x9001);
  guest.edx = port;
  exits_and_goes_on(name, code, EXIT_IO_INSTRUCTION, qualification | PORT(port));
}

static void test_bitmaps(void) {
  in_bitmaps("IN from a port of bitmap A", CODE("in al, dx"), 0x61, IN);
  in_bitmaps("OUT to a port of bitmap B", CODE("out dx, al"), 0x9001, 0);
  in_bitmaps("IN of a word whose second port has a bit", CODE("in ax, dx"), 0x60, IN | 1);
  in_bitmaps("IN of a doubleword whose last port has a bit", CODE("in eax, dx"), 0x8ffe, IN | 3);
  in_bitmaps("IN that wraps around the ports", CODE("in ax, dx"), 0xffff, IN | 1);
  struct code code = CODE("in al, dx");
  boot_with_bitmaps(code, 0x61, 0x9001);
  guest.edx = 0x3fd;
  runs("IN from a port without a bit", code);
  want("the line status", guest.eax & 0x60, 0x60);
  end();
}

static void string(const char *name, struct code code, u32 qualification, u32 linear, u32 information, u32 defined) {
  boot(code);
  add(PROCESSOR_CONTROLS, PROCESSOR_UNCONDITIONAL_IO);
  guest.edx = 0x80;
  guest.ecx = 3;
  guest.esi = (u32)text;
  guest.edi = (u32)text + 8;
  exits(name, code, EXIT_IO_INSTRUCTION, qualification | PORT(0x80));
  want("linear address", get(GUEST_LINEAR_ADDRESS), linear);
  if (capabilities.basic & 1ull << 54) {
    want("instruction information", get(EXIT_INSTRUCTION_INFORMATION) & defined, information);
  }
  want("ECX", guest.ecx, 3);
  goes_on(code);
  end();
}

#define ADDRESS_32 (1u << 7)
#define ADDRESS_BITS (7u << 7)
#define SEGMENT_BITS (7u << 15)
#define SEGMENT(index) ((index) << 15)

void test_port_exits(void) {
  unconditional("IN al, dx", CODE("in al, dx"), IN | PORT(0x3fd));
  unconditional("OUT dx, ax", CODE("out dx, ax"), 1 | PORT(0x3fd));
  unconditional("IN eax, 70", CODE("in eax, 0x70"), IN | 3 | IMMEDIATE | PORT(0x70));
  unconditional("OUT 80, al", CODE("out 0x80, al"), IMMEDIATE | PORT(0x80));
  struct code code = CODE("out 0x80, al");
  boot(code);
  runs("without its control: OUT", code);
  end();
  test_bitmaps();

  u32 both = ADDRESS_BITS | SEGMENT_BITS;
  string("OUTSB", CODE("outsb"), STRING, (u32)text, ADDRESS_32 | SEGMENT(3), both);
  string("REP OUTSD es:", CODE("rep outs dx, dword ptr es:[esi]"), STRING | REPEATED | 3, (u32)text,
         ADDRESS_32 | SEGMENT(0), both);
  string("INSW", CODE("insw"), STRING | IN | 1, (u32)text + 8, ADDRESS_32, ADDRESS_BITS);
  string("REP INSB", CODE("rep insb"), STRING | IN | REPEATED, (u32)text + 8, ADDRESS_32, ADDRESS_BITS);
  string("REP OUTSB with 16-bit addresses", CODE("addr16 rep outsb"), STRING | REPEATED, (u32)text & 0xffff, SEGMENT(3), both);
}
