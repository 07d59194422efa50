import type { SseContext } from '../../../ia32/float/binary/format.ts';
import type { RoundingControl } from '../../../ia32/float/float80.ts';
import { CR4 } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import type { Executor } from '../executor.ts';
import * as L from '../layout.ts';
import type { SystemFunction } from '../system.ts';
import { setTop, W_EMPTY } from '../x87/state.ts';

/** MXCSR and its exceptions (SDM volume 1, 10.2.3 and 11.5). */

/** Bits of MXCSR that there are, DAZ among them: MXCSR_MASK in an FXSAVE image (SDM volume 1, 11.6.6). */
export const MXCSR_MASK = 0xffff;
const MX = { precision: 0x20, daz: 0x40, precisionMask: 0x1000, ftz: 0x8000 } as const;
/** Of these exceptions no result comes when one is unmasked: they are found before any number is computed. */
const BEFORE = 7;

const context: SseContext = { rounding: 0, daz: false, ftz: false, masks: 0x3f, quick: false, flags: 0 };

/** The context of the next operation. */
export function contextOf(cpu: Executor): SseContext {
  const mxcsr = cpu.i32[L.W_MXCSR];
  // Two bits.
  context.rounding = ((mxcsr >>> 13) & 3) as RoundingControl;
  context.daz = (mxcsr & MX.daz) !== 0;
  context.ftz = (mxcsr & MX.ftz) !== 0;
  context.masks = (mxcsr >>> 7) & 0x3f;
  const noticed = MX.precision | MX.precisionMask;
  context.quick = context.rounding === 0 && (mxcsr & noticed) === noticed;
  context.flags = 0;
  return context;
}

/**
 * Ends an operation on all its numbers before any is written: MXCSR collects their flags, and an unmasked one raises #XM, or #UD where
 * the operating system does not know of it.
 */
export function conclude(cpu: Executor, { flags, masks }: SseContext): void {
  if (flags === 0) return;
  const unmasked = flags & ~masks;
  cpu.i32[L.W_MXCSR] |= (unmasked & BEFORE) !== 0 ? flags & BEFORE : flags;
  if (unmasked === 0) return;
  cpu.raiseFault((cpu.i32[L.W_CR4] & CR4.OSXMMEXCPT) !== 0 ? VECTOR.XM : VECTOR.UD, null);
}

/** Reserved bits raise #GP(0). */
export function setMxcsr(cpu: Executor, value: number): void {
  if ((value & ~MXCSR_MASK) !== 0) cpu.generalProtection(0);
  cpu.i32[L.W_MXCSR] = value;
}

export const ldmxcsr: SystemFunction = (cpu, i) => setMxcsr(cpu, cpu.read(i, i.dst));
export const stmxcsr: SystemFunction = (cpu, i) => cpu.write(i, i.dst, cpu.i32[L.W_MXCSR]);

/** The x87's registers are empty again. */
export const emms: SystemFunction = cpu => {
  setTop(cpu, 0);
  cpu.i32[W_EMPTY] = 0xff;
};

/** There is no cache; the byte's address is checked as a load's. */
export const clflush: SystemFunction = (cpu, i) => {
  cpu.read(i, i.dst);
};
