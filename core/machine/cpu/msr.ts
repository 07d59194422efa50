import type { Instruction } from '../../ia32/instruction.ts';
import { CR4, EAX, ECX, EDX } from '../../ia32/registers.ts';
import type { Executor } from './executor.ts';
import * as L from './layout.ts';
import * as M from './msr-numbers.ts';

/** Model-specific registers (SDM volume 4). RDMSR and WRMSR of any other number raise #GP(0). */

/** A register that is only storage: its place, and the bits that may be set (low and high word). */
interface Stored {
  readonly word: number;
  readonly low: number;
  readonly high: number;
}

const VARIABLE_RANGES = 8;
const FIXED_RANGES = [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f] as const;

const IA32_TIME_STAMP_COUNTER = 0x10;
/** IA32_MTRRCAP: eight variable ranges, fixed ranges, no write combining. */
const IA32_MTRRCAP = 0xfe;
const MTRRCAP_VALUE = VARIABLE_RANGES | (1 << 8);
const IA32_PLATFORM_ID = 0x17;
/** IA32_MCG_CAP and IA32_MCG_STATUS: machine checks exist, but there are no banks that could report one. */
const IA32_MCG_CAP = 0x179;
const IA32_MCG_STATUS = 0x17a;
/** Microcode revision: reads 0, since there is no microcode to update. */
const IA32_BIOS_SIGN_ID = 0x8b;

/** Registers that always read as 0. */
const ZERO: readonly number[] = [IA32_PLATFORM_ID, IA32_BIOS_SIGN_ID, IA32_MCG_CAP, IA32_MCG_STATUS];

const STORED: ReadonlyMap<number, Stored> = new Map<number, Stored>([
  [0x174, { word: M.SYSENTER_CS, low: -1, high: 0 }],
  [0x175, { word: M.SYSENTER_ESP, low: -1, high: 0 }],
  [0x176, { word: M.SYSENTER_EIP, low: -1, high: 0 }],
  [0x1a0, { word: M.MISC_ENABLE, low: 1, high: 0 }],
  [0x277, { word: M.PAT, low: 0x07070707, high: 0x07070707 }],
  [0x2ff, { word: M.MTRR_DEFAULT, low: 0xcff, high: 0 }],
  [0xc0000080, { word: M.EFER, low: M.EFER_NXE, high: 0 }],
  ...Array.from({ length: 2 * VARIABLE_RANGES }, (_, n): [number, Stored] => [
    0x200 + n,
    { word: M.MTRR_VARIABLE + 2 * n, low: n % 2 === 0 ? 0xfffff0ff : 0xfffff800, high: 0 },
  ]),
  ...FIXED_RANGES.map((number, n): [number, Stored] => [number, { word: M.MTRR_FIXED + 2 * n, low: -1, high: -1 }]),
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

export function rdmsr(cpu: Executor, _i: Instruction): void {
  const number = cpu.register(ECX) >>> 0;
  const stored = STORED.get(number);
  let low = 0;
  let high = 0;
  if (stored !== undefined) {
    low = cpu.i32[L.W_MSR + stored.word];
    high = cpu.i32[L.W_MSR + stored.word + 1];
  } else if (number === IA32_TIME_STAMP_COUNTER) {
    const ticks = cpu.timeStamp();
    low = ticks | 0;
    high = Math.floor(ticks / 0x100000000) | 0;
  } else if (number === IA32_MTRRCAP) {
    low = MTRRCAP_VALUE;
  } else if (!ZERO.includes(number)) {
    cpu.generalProtection(0);
  }
  cpu.setRegister(EAX, low);
  cpu.setRegister(EDX, high);
}

export function wrmsr(cpu: Executor, _i: Instruction): void {
  const number = cpu.register(ECX) >>> 0;
  const low = cpu.register(EAX);
  const high = cpu.register(EDX);
  if (number === IA32_BIOS_SIGN_ID || (number === IA32_MCG_STATUS && low === 0 && high === 0)) return;
  if (number === IA32_TIME_STAMP_COUNTER) {
    cpu.setTimeStamp((high >>> 0) * 0x100000000 + (low >>> 0));
    return;
  }
  const stored = STORED.get(number);
  if (stored === undefined || (low & ~stored.low) !== 0 || (high & ~stored.high) !== 0) cpu.generalProtection(0);
  cpu.i32[L.W_MSR + stored.word] = low;
  cpu.i32[L.W_MSR + stored.word + 1] = high;
  // NXE changes what page-table entries mean; with CR4.PAE clear it changes nothing.
  if (stored.word === M.EFER && (cpu.i32[L.W_CR4] & CR4.PAE) !== 0) cpu.flushGlobal();
}
