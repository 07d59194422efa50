import type { Instruction } from '../../ia32/instruction.ts';
import { CR4, EAX, ECX, EDX } from '../../ia32/registers.ts';
import { FEATURE_CONTROL, VMX_MSR } from '../../ia32/vmx/msrs.ts';
import { CR4_ALLOWED } from './control.ts';
import type { Executor } from './executor.ts';
import * as L from './layout.ts';
import * as M from './msr-numbers.ts';
import { vmxMsr } from './vmx/capabilities.ts';
import { guestTimeStamp } from './vmx/time.ts';

/** Model-specific registers (SDM volume 4). RDMSR and WRMSR of any other number raise #GP(0). */

/** A register that is only storage: its place, and the bits that may be set (low and high word). */
interface Stored {
  readonly word: number;
  readonly low: number;
  readonly high: number;
  /** What else must hold for a value. Left out: nothing. */
  readonly accepts?: (low: number, high: number) => boolean;
}

/** IA32_APIC_BASE of a processor with a local APIC (SDM volume 3, 10.4.3). */
export interface ApicBase {
  readonly base: number;
  /** Returns false where it raises #GP(0). */
  writeBase(low: number, high: number): boolean;
  /** What CPUID says. */
  readonly isEnabled: boolean;
}

const VARIABLE_RANGES = 8;
const FIXED_RANGES = [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f] as const;

const IA32_TIME_STAMP_COUNTER = 0x10;
const IA32_APIC_BASE = 0x1b;
/** IA32_MTRRCAP: eight variable ranges, fixed ranges, no write combining. */
const IA32_MTRRCAP = 0xfe;
const MTRRCAP_VALUE = VARIABLE_RANGES | (1 << 8);
const IA32_PLATFORM_ID = 0x17;
/** What the Pentium told of machine checks: there are none. */
const IA32_P5_MC_ADDR = 0;
const IA32_P5_MC_TYPE = 1;
/** IA32_MCG_CAP and IA32_MCG_STATUS: machine checks exist, but there are no banks that could report one. */
const IA32_MCG_CAP = 0x179;
const IA32_MCG_STATUS = 0x17a;
/** IA32_DEBUGCTL: there are no branch records, and the trap flag traps instructions only. */
const IA32_DEBUGCTL = 0x1d9;
/** Microcode revision: reads 0, since there is no microcode to update. */
const IA32_BIOS_SIGN_ID = 0x8b;

/** Registers that always read as 0. */
const ZERO: readonly number[] = [
  IA32_P5_MC_ADDR,
  IA32_P5_MC_TYPE,
  IA32_PLATFORM_ID,
  IA32_BIOS_SIGN_ID,
  IA32_MCG_CAP,
  IA32_MCG_STATUS,
];

/** Memory types: uncacheable, write combining, write-through, write-protected, write-back (SDM volume 3, 11.3). */
const MEMORY_TYPES: readonly number[] = [0, 1, 4, 5, 6];
const MTRR_TYPES = MEMORY_TYPES.filter(type => type !== 1);

function hasTypes(word: number, allowed: readonly number[]): boolean {
  return [0, 8, 16, 24].every(shift => allowed.includes((word >>> shift) & 0xff));
}

/** A single memory type in the low byte: of the default, or of a variable range. There is no write combining (IA32_MTRRCAP). */
const hasMtrrType = (low: number): boolean => MTRR_TYPES.includes(low & 0xff);

const STORED: ReadonlyMap<number, Stored> = new Map<number, Stored>([
  [0x174, { word: M.SYSENTER_CS, low: -1, high: 0 }],
  [0x175, { word: M.SYSENTER_ESP, low: -1, high: 0 }],
  [0x176, { word: M.SYSENTER_EIP, low: -1, high: 0 }],
  [0x1a0, { word: M.MISC_ENABLE, low: 1, high: 0 }],
  [0x277, { word: M.PAT, low: 0x07070707, high: 0x07070707, accepts: (low, high) => isPat(low) && isPat(high) }],
  [0x2ff, { word: M.MTRR_DEFAULT, low: 0xcff, high: 0, accepts: hasMtrrType }],
  [IA32_DEBUGCTL, { word: M.DEBUG_CONTROL, low: 0, high: 0 }],
  [0xc0000080, { word: M.EFER, low: M.EFER_NXE, high: 0 }],
  ...Array.from({ length: 2 * VARIABLE_RANGES }, (_, n): [number, Stored] => [
    0x200 + n,
    n % 2 === 0
      ? { word: M.MTRR_VARIABLE + 2 * n, low: 0xfffff0ff, high: 0, accepts: hasMtrrType }
      : { word: M.MTRR_VARIABLE + 2 * n, low: 0xfffff800, high: 0 },
  ]),
  ...FIXED_RANGES.map((number, n): [number, Stored] => [
    number,
    {
      word: M.MTRR_FIXED + 2 * n,
      low: -1,
      high: -1,
      accepts: (low, high) => hasTypes(low, MTRR_TYPES) && hasTypes(high, MTRR_TYPES),
    },
  ]),
]);

/** Values that a PC's firmware leaves: all memory write-back, the PAT's power-on value. */
export function resetMsrs(cpu: Executor): void {
  const { i32 } = cpu;
  i32.fill(0, L.W_MSR, L.W_MSR + L.MSR_WORDS);
  i32[L.W_MSR + M.PAT] = 0x00070406;
  i32[L.W_MSR + M.PAT + 1] = 0x00070406;
  // E and FE set, default type write-back (6).
  i32[L.W_MSR + M.MTRR_DEFAULT] = 0xc06;
  for (let n = 0; n < FIXED_RANGES.length; n++) {
    const videoHole = FIXED_RANGES[n] === 0x259;
    i32[L.W_MSR + M.MTRR_FIXED + 2 * n] = videoHole ? 0 : 0x06060606;
    i32[L.W_MSR + M.MTRR_FIXED + 2 * n + 1] = videoHole ? 0 : 0x06060606;
  }
  // Fast strings enabled.
  i32[L.W_MSR + M.MISC_ENABLE] = 1;
}

/** What RDMSR at CPL 0 gives, or null where it raises #GP(0). */
export function readMsr(cpu: Executor, number: number): readonly [low: number, high: number] | null {
  const stored = STORED.get(number);
  if (stored !== undefined) return [cpu.i32[L.W_MSR + stored.word], cpu.i32[L.W_MSR + stored.word + 1]];
  if (number === IA32_TIME_STAMP_COUNTER) return guestTimeStamp(cpu);
  if (number === IA32_APIC_BASE && cpu.apic !== null) return [cpu.apic.base, 0];
  if (number === IA32_MTRRCAP) return [MTRRCAP_VALUE, 0];
  if (ZERO.includes(number)) return [0, 0];
  if (!cpu.hasVmx) return null;
  if (number === VMX_MSR.featureControl) return [cpu.i32[L.W_MSR + M.FEATURE_CONTROL], 0];
  return vmxMsr(number, CR4_ALLOWED | CR4.VMXE, CR4.VMXE);
}

/** What WRMSR at CPL 0 does; false, with nothing changed, where it raises #GP(0). */
export function writeMsr(cpu: Executor, number: number, low: number, high: number): boolean {
  if (number === IA32_BIOS_SIGN_ID || (number === IA32_MCG_STATUS && low === 0 && high === 0)) return true;
  if (number === IA32_TIME_STAMP_COUNTER) {
    cpu.setTimeStamp((high >>> 0) * 0x100000000 + (low >>> 0));
    return true;
  }
  if (number === IA32_APIC_BASE) return cpu.apic?.writeBase(low, high) ?? false;
  if (number === VMX_MSR.featureControl && cpu.hasVmx) return writeFeatureControl(cpu, low, high);
  const stored = STORED.get(number);
  if (stored === undefined || (low & ~stored.low) !== 0 || (high & ~stored.high) !== 0) return false;
  if (stored.accepts?.(low, high) === false) return false;
  cpu.i32[L.W_MSR + stored.word] = low;
  cpu.i32[L.W_MSR + stored.word + 1] = high;
  // NXE changes what page-table entries mean; with CR4.PAE clear it changes nothing.
  if (stored.word === M.EFER && (cpu.i32[L.W_CR4] & CR4.PAE) !== 0) cpu.flushGlobal();
  return true;
}

/** What the PAT can hold, with UC- as well (SDM volume 3, 11.12.2). */
export function isPat(word: number): boolean {
  return hasTypes(word, [...MEMORY_TYPES, 7]);
}

/** Once locked it cannot be written until reset (SDM volume 3, 23.7). */
function writeFeatureControl(cpu: Executor, low: number, high: number): boolean {
  const word = L.W_MSR + M.FEATURE_CONTROL;
  const known = FEATURE_CONTROL.lock | FEATURE_CONTROL.vmxOutsideSmx;
  if ((cpu.i32[word] & FEATURE_CONTROL.lock) !== 0 || (low & ~known) !== 0 || high !== 0) return false;
  cpu.i32[word] = low;
  return true;
}

export function rdmsr(cpu: Executor, _i: Instruction): void {
  const value = readMsr(cpu, cpu.register(ECX) >>> 0) ?? cpu.generalProtection(0);
  cpu.setRegister(EAX, value[0]);
  cpu.setRegister(EDX, value[1]);
}

export function wrmsr(cpu: Executor, _i: Instruction): void {
  if (!writeMsr(cpu, cpu.register(ECX) >>> 0, cpu.register(EAX), cpu.register(EDX))) cpu.generalProtection(0);
}
