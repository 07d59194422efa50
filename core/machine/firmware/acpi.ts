import { bytes, dword, type Part, text, withChecksum, word } from './bytes.ts';
import { DSDT_AML } from './dsdt.ts';
import { IO_APIC_ADDRESS, IO_APIC_ID, LOCAL_APIC_ADDRESS, PROCESSOR_APIC_ID, SCI_IRQ, TIMER_PIN } from './wiring.ts';

/** The tables of ACPI 2.0 for the board, with 32-bit addresses: RSDP, RSDT, FADT, FACS, DSDT, MADT. */

const HEADER = 36;

/** A system description table (5.2.5): its header, then its body. */
function table(signature: string, revision: number, ...body: readonly Part[]): Uint8Array {
  const content = bytes(...body);
  const header = [signature, dword(HEADER + content.length), revision, 0, 'RSIDE ', text(signature, 8), dword(1)];
  return withChecksum(bytes(header, 'RSDE', dword(1), content), 9);
}

/** FADT (5.2.8). */
const WBINVD = 1 << 0;
const PROC_C1 = 1 << 2;
/** No power or sleep button among the fixed hardware, and no wake-up status of the RTC. */
const NO_POWER_BUTTON = 1 << 4;
const NO_SLEEP_BUTTON = 1 << 5;
const NO_RTC_WAKE = 1 << 6;
const HAS_RESET_REGISTER = 1 << 10;
/** IAPC_BOOT_ARCH: devices of the ISA bus, and a keyboard controller. */
const LEGACY_DEVICES = 1 << 0;
const HAS_8042 = 1 << 1;
/** Ports of power.ts and pm-timer.ts. */
const EVENTS = 0x600;
const CONTROL = 0x604;
const TIMER = 0x608;
/** The RTC's CMOS byte. */
const CENTURY = 0x32;
/** A command to the keyboard controller pulls the reset line. */
const RESET_PORT = 0x64;
const RESET_VALUE = 0xfe;
/** Beyond these, in microseconds, there are no C2 and C3. */
const NO_C2 = 101;
const NO_C3 = 1001;

/** A generic address: so many bits of I/O space (5.2.3.1); of nothing if there are none. */
function port(address: number, bits: number): readonly Part[] {
  return [bits === 0 ? 0 : 1, bits, 0, 0, dword(address), dword(0)];
}
const NOWHERE = port(0, 0);

/** There is no SMI command: the board is in ACPI mode always. */
function fadt(facs: number, dsdt: number): Uint8Array {
  const flags = WBINVD | PROC_C1 | NO_POWER_BUTTON | NO_SLEEP_BUTTON | NO_RTC_WAKE | HAS_RESET_REGISTER;
  return table(
    'FACP',
    3,
    [dword(facs), dword(dsdt), 0, 0, word(SCI_IRQ), dword(0), 0, 0, 0, 0],
    // PM1a and PM1b event, PM1a and PM1b control, PM2 control, timer, general purpose events; then the lengths of each.
    [EVENTS, 0, CONTROL, 0, 0, TIMER, 0, 0].map(dword),
    [4, 2, 0, 4, 0, 0, 0, 0],
    [word(NO_C2), word(NO_C3), word(0), word(0), 0, 0, 0, 0, CENTURY, word(LEGACY_DEVICES | HAS_8042), 0],
    [dword(flags), port(RESET_PORT, 8), RESET_VALUE, 0, 0, 0],
    // The 64-bit addresses: of the FACS there must be only one.
    [dword(0), dword(0), dword(dsdt), dword(0)],
    [port(EVENTS, 32), NOWHERE, port(CONTROL, 16), NOWHERE, NOWHERE, port(TIMER, 32), NOWHERE, NOWHERE],
  );
}

/** FACS (5.2.9): no checksum, nothing set. */
const FACS = bytes('FACS', dword(64), new Uint8Array(56));

const ENABLED = 1;
/** The board has an 8259A pair as well. */
const PCAT_COMPATIBLE = 1;
const ISA = 0;
/** Interrupt source flags (table 5-19): as the bus has it, or active high and level-triggered. */
const CONFORMS = 0;
const HIGH_LEVEL = 0b1101;
const ALL_PROCESSORS = 0xff;
const NMI_PIN = 1;

/** MADT (5.2.10). */
const MADT = table('APIC', 1, dword(LOCAL_APIC_ADDRESS), dword(PCAT_COMPATIBLE), [
  [0, 8, 0, PROCESSOR_APIC_ID, dword(ENABLED)],
  [1, 12, IO_APIC_ID, 0, dword(IO_APIC_ADDRESS), dword(0)],
  [2, 10, ISA, 0, dword(TIMER_PIN), word(CONFORMS)],
  [2, 10, ISA, SCI_IRQ, dword(SCI_IRQ), word(HIGH_LEVEL)],
  [4, 6, ALL_PROCESSORS, word(CONFORMS), NMI_PIN],
]);

/** RSDP of ACPI 1.0 (5.2.4): who knows 2.0 takes an RSDT as well. */
function rsdp(rsdt: number): Uint8Array {
  return withChecksum(bytes('RSD PTR ', 0, 'RSIDE ', 0, dword(rsdt)), 8);
}

/** The tables one behind the other from `address`, which is aligned to 64 bytes; the RSDP comes first. */
export function acpiTables(address: number): readonly { readonly address: number; readonly bytes: Uint8Array }[] {
  const dsdt = table('DSDT', 1, DSDT_AML);
  const place = { facs: address + 64, dsdt: address + 128, fadt: 0, madt: 0, rsdt: 0 };
  const after = (start: number, content: Uint8Array) => (start + content.length + 15) & ~15;
  place.fadt = after(place.dsdt, dsdt);
  const fixed = fadt(place.facs, place.dsdt);
  place.madt = after(place.fadt, fixed);
  place.rsdt = after(place.madt, MADT);
  return [
    { address, bytes: rsdp(place.rsdt) },
    { address: place.facs, bytes: FACS },
    { address: place.dsdt, bytes: dsdt },
    { address: place.fadt, bytes: fixed },
    { address: place.madt, bytes: MADT },
    { address: place.rsdt, bytes: table('RSDT', 1, dword(place.fadt), dword(place.madt)) },
  ];
}
