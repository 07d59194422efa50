import type { Executor } from '../executor.ts';
import { readMsr, writeMsr } from '../msr.ts';

/** Areas of MSRs that entries and exits load and store: 16 bytes each, index, reserved, value (SDM volume 3, 24.7.2 and 24.8.2). */

const ENTRY_BYTES = 16;
/** Entries that are looked at: what IA32_VMX_MISC recommends at most. */
const MOST = 512;
/** FS and GS base, SMM and x2APIC registers can stand in no list (26.4). */
const IA32_SMM_MONITOR_CTL = 0x9b;
const IA32_SMBASE = 0x9e;

function isExcluded(index: number): boolean {
  return (
    index === 0xc0000100 ||
    index === 0xc0000101 ||
    index === IA32_SMM_MONITOR_CTL ||
    index === IA32_SMBASE ||
    index >>> 8 === 8
  );
}

/** Loads a list. Returns the number, from 1, of the first entry that cannot be loaded, or 0. */
export function loadMsrs(cpu: Executor, address: number, count: number): number {
  for (let n = 0; n < Math.min(count >>> 0, MOST); n++) {
    const at = (address >>> 0) + n * ENTRY_BYTES;
    const word = (offset: number) => cpu.physical.read(at + offset, 4);
    const index = word(0) >>> 0;
    if (isExcluded(index) || word(4) !== 0 || !writeMsr(cpu, index, word(8), word(12))) return n + 1;
  }
  return 0;
}

/** Stores a list; false if an entry names what cannot be read. */
export function storeMsrs(cpu: Executor, address: number, count: number): boolean {
  for (let n = 0; n < Math.min(count >>> 0, MOST); n++) {
    const at = (address >>> 0) + n * ENTRY_BYTES;
    const index = cpu.physical.read(at, 4) >>> 0;
    const value = isExcluded(index) || cpu.physical.read(at + 4, 4) !== 0 ? null : readMsr(cpu, index);
    if (value === null) return false;
    cpu.writePhysical(at + 8, 4, value[0]);
    cpu.writePhysical(at + 12, 4, value[1]);
  }
  return true;
}
