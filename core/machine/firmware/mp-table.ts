import { bytes, dword, text, withChecksum, word } from './bytes.ts';
import {
  EXT_INT_PIN,
  IO_APIC_ADDRESS,
  IO_APIC_ID,
  ISA_IRQS,
  LOCAL_APIC_ADDRESS,
  PROCESSOR_APIC_ID,
  pinOf,
} from './wiring.ts';

/** The tables of the multiprocessor specification 1.4, chapter 4: one processor, a PCI and an ISA bus, an I/O APIC. */

const REVISION = 4;
const LOCAL_APIC_VERSION = 0x14;
const IO_APIC_VERSION = 0x11;
const ENABLED = 1;
const BOOT_PROCESSOR = 2;
const PCI_BUS = 0;
const ISA_BUS = 1;
/** Interrupt types (table 4-11): a vector from the APIC, NMI, a vector from the 8259A pair. */
const INT = 0;
const NMI = 1;
const EXT_INT = 3;
/** Polarity and trigger mode are those of the bus. */
const CONFORMS = 0;
const ALL_LOCAL_APICS = 0xff;

/** `signature` and `features`: what CPUID leaf 1 gives in EAX and EDX. */
export function mpTables(
  address: number,
  signature: number,
  features: number,
): readonly { readonly address: number; readonly bytes: Uint8Array }[] {
  const processor = [0, PROCESSOR_APIC_ID, LOCAL_APIC_VERSION, ENABLED | BOOT_PROCESSOR];
  const io = (type: number, irq: number, pin: number) => [3, type, word(CONFORMS), ISA_BUS, irq, IO_APIC_ID, pin];
  const local = (type: number, pin: number) => [4, type, word(CONFORMS), ISA_BUS, 0, ALL_LOCAL_APICS, pin];
  const entries = [
    [processor, dword(signature), dword(features), dword(0), dword(0)],
    [1, PCI_BUS, text('PCI', 6)],
    [1, ISA_BUS, text('ISA', 6)],
    [2, IO_APIC_ID, IO_APIC_VERSION, ENABLED, dword(IO_APIC_ADDRESS)],
    io(EXT_INT, 0, EXT_INT_PIN),
    ...ISA_IRQS.map(irq => io(INT, irq, pinOf(irq))),
    local(EXT_INT, 0),
    local(NMI, 1),
  ].map(entry => bytes(entry));
  const body = bytes(...entries);
  const header = ['PCMP', word(44 + body.length), REVISION, 0, text('RINGSIDE', 8), text('PC', 12)];
  const counts = [dword(0), word(0), word(entries.length), dword(LOCAL_APIC_ADDRESS), word(0), 0, 0];
  const configuration = address + 16;
  const pointer = bytes('_MP_', dword(configuration), 1, REVISION, 0, [0, 0, 0, 0, 0]);
  return [
    { address, bytes: withChecksum(pointer, 10) },
    { address: configuration, bytes: withChecksum(bytes(header, counts, body), 7) },
  ];
}
