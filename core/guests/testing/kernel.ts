import type { BootOptions, BootPlan, BootRegisters } from '../boot.ts';
import { loadImage } from '../load.ts';

/** loadImage() of a kernel, to which a boot loader hands over. */
export function loadKernel(bytes: Uint8Array, options: BootOptions): BootPlan & { readonly registers: BootRegisters } {
  const plan = loadImage(bytes, options);
  if (plan.registers === null) throw new Error('This is firmware.');
  return { ...plan, registers: plan.registers };
}
