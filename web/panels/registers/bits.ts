/** Names of the bits in EFLAGS and the control registers, as the manual has them (SDM 3A, 2.3 and 2.5). */

export interface Bit {
  readonly name: string;
  readonly bit: number;
  readonly meaning: string;
}

export const eflags: readonly Bit[] = [
  { name: 'OF', bit: 11, meaning: 'overflow' },
  { name: 'DF', bit: 10, meaning: 'direction: string instructions go down' },
  { name: 'IF', bit: 9, meaning: 'interrupts are taken' },
  { name: 'TF', bit: 8, meaning: 'trap after each instruction' },
  { name: 'SF', bit: 7, meaning: 'sign' },
  { name: 'ZF', bit: 6, meaning: 'zero' },
  { name: 'AF', bit: 4, meaning: 'auxiliary carry' },
  { name: 'PF', bit: 2, meaning: 'parity' },
  { name: 'CF', bit: 0, meaning: 'carry' },
  { name: 'NT', bit: 14, meaning: 'nested task' },
  { name: 'RF', bit: 16, meaning: 'resume: no debug fault for one instruction' },
  { name: 'VM', bit: 17, meaning: 'virtual-8086 mode' },
  { name: 'AC', bit: 18, meaning: 'alignment check' },
  { name: 'VIF', bit: 19, meaning: 'virtual interrupt flag' },
  { name: 'VIP', bit: 20, meaning: 'virtual interrupt pending' },
  { name: 'ID', bit: 21, meaning: 'CPUID can be used' },
];

export const cr0: readonly Bit[] = [
  { name: 'PE', bit: 0, meaning: 'protected mode' },
  { name: 'MP', bit: 1, meaning: 'WAIT looks at TS' },
  { name: 'EM', bit: 2, meaning: 'no x87: its instructions fault' },
  { name: 'TS', bit: 3, meaning: 'task switched: the next x87 or SSE instruction faults' },
  { name: 'ET', bit: 4, meaning: '387 protocol' },
  { name: 'NE', bit: 5, meaning: 'x87 errors raise #MF' },
  { name: 'WP', bit: 16, meaning: 'read-only pages hold in ring 0 too' },
  { name: 'AM', bit: 18, meaning: 'AC may check alignment' },
  { name: 'NW', bit: 29, meaning: 'not write-through' },
  { name: 'CD', bit: 30, meaning: 'caches off' },
  { name: 'PG', bit: 31, meaning: 'paging' },
];

export const cr3: readonly Bit[] = [
  { name: 'PWT', bit: 3, meaning: 'page directory is write-through' },
  { name: 'PCD', bit: 4, meaning: 'page directory is not cached' },
];

export const cr4: readonly Bit[] = [
  { name: 'VME', bit: 0, meaning: 'virtual-8086 extensions' },
  { name: 'PVI', bit: 1, meaning: 'virtual interrupts in protected mode' },
  { name: 'TSD', bit: 2, meaning: 'RDTSC in ring 0 only' },
  { name: 'DE', bit: 3, meaning: 'debugging extensions' },
  { name: 'PSE', bit: 4, meaning: '4 MB pages' },
  { name: 'PAE', bit: 5, meaning: 'physical address extension' },
  { name: 'MCE', bit: 6, meaning: 'machine check' },
  { name: 'PGE', bit: 7, meaning: 'global pages' },
  { name: 'PCE', bit: 8, meaning: 'RDPMC in every ring' },
  { name: 'OSFXSR', bit: 9, meaning: 'FXSAVE and SSE are in use' },
  { name: 'OSXMMEXCPT', bit: 10, meaning: 'SSE errors raise #XM' },
  { name: 'VMXE', bit: 13, meaning: 'VMX may be used' },
];

export function isSet(value: number, bit: number): boolean {
  return ((value >>> bit) & 1) === 1;
}

/** The bits of a table that are set. */
export function setBits(value: number, bits: readonly Bit[]): readonly Bit[] {
  return bits.filter(({ bit }) => isSet(value, bit));
}

/** I/O privilege level: EFLAGS bits 13 and 12. */
export function iopl(value: number): number {
  return (value >>> 12) & 3;
}
