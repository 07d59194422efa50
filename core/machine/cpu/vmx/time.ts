import { PROCESSOR } from '../../../ia32/vmx/controls.ts';
import { FIELD } from '../../../ia32/vmx/fields.ts';
import type { Executor } from '../executor.ts';
import * as L from '../layout.ts';
import { readField, readHigh } from './vmcs.ts';

/** The time-stamp counter as RDTSC and RDMSR show it: a guest's with its offset (SDM volume 3, 25.3). */
export function guestTimeStamp(cpu: Executor): readonly [low: number, high: number] {
  const ticks = cpu.timeStamp();
  const low = ticks | 0;
  const high = Math.floor(ticks / 0x100000000) | 0;
  if ((cpu.i32[L.W_VMX_PROCESSOR] & PROCESSOR.tscOffsetting) === 0) return [low, high];
  const sum = (low >>> 0) + (readField(cpu, FIELD.tscOffset) >>> 0);
  const carry = sum >= 0x100000000 ? 1 : 0;
  return [sum | 0, (high + readHigh(cpu, FIELD.tscOffset) + carry) | 0];
}
