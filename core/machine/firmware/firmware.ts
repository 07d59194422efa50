import { SIGNATURE } from '../cpu/cpuid.ts';
import { acpiTables } from './acpi.ts';
import { word } from './bytes.ts';
import { mpTables } from './mp-table.ts';

/** What a PC's firmware leaves in memory for the system that it starts. There is no firmware: the board writes it at power-on. */

/** Words of the BIOS data area: segment of its extension, KiB of conventional memory. */
const EXTENDED_DATA_SEGMENT = 0x40e;
const CONVENTIONAL_KIB = 0x413;
const EXTENDED_DATA = 0x9fc00;
/** The BIOS's own 64 KiB below 1 MiB, where both kinds of tables are looked for. */
const MP_TABLES = 0xf0000;
const ACPI_TABLES = 0xf1000;
const END = 0x100000;
/** CPUID's features that everybody has who reads this: FPU, TSC, MSR, CX8, APIC. */
const FEATURES = 0x331;

/** The bytes, for a machine with so much RAM: nothing if the BIOS's place is not all there. */
export function firmwareSegments(
  memoryBytes: number,
): readonly { readonly address: number; readonly bytes: Uint8Array }[] {
  if (memoryBytes < END) return [];
  return [
    { address: EXTENDED_DATA_SEGMENT, bytes: Uint8Array.from(word(EXTENDED_DATA >> 4)) },
    { address: CONVENTIONAL_KIB, bytes: Uint8Array.from(word(EXTENDED_DATA >> 10)) },
    ...mpTables(MP_TABLES, SIGNATURE, FEATURES),
    ...acpiTables(ACPI_TABLES),
  ];
}
