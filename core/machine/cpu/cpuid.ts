import { EAX, EBX, ECX, EDX } from '../../ia32/registers.ts';
import type { Executor } from './executor.ts';

/** CPUID (SDM volume 2): what is announced is there, and what is there is announced. */

/** Leaf 1, EDX. */
const FEATURES =
  (1 << 0) | // FPU
  (1 << 1) | // VME
  (1 << 2) | // DE
  (1 << 3) | // PSE
  (1 << 4) | // TSC
  (1 << 5) | // MSR
  (1 << 6) | // PAE
  (1 << 7) | // MCE
  (1 << 8) | // CX8
  (1 << 11) | // SEP
  (1 << 12) | // MTRR
  (1 << 13) | // PGE
  (1 << 14) | // MCA
  (1 << 15) | // CMOV
  (1 << 16) | // PAT
  (1 << 19) | // CLFSH
  (1 << 23) | // MMX
  (1 << 24) | // FXSR
  (1 << 25) | // SSE
  (1 << 26); // SSE2

/** Leaf 1, EDX: the local APIC, unless IA32_APIC_BASE has turned it off. */
const APIC = 1 << 9;
/** Leaf 1, EBX: CLFLUSH works on lines of eight quadwords. */
const LINE = 8 << 8;
/** Leaf 1, ECX: SSE3 and, where the processor has them, virtual-machine extensions. */
const SSE3 = 1 << 0;
const VMX = 1 << 5;

/** Leaf 80000001, EDX: NX. */
const EXTENDED_FEATURES = 1 << 20;

/** Leaf 80000008, EAX: widths of physical and linear addresses. Bits of PAE entries beyond them are reserved. */
const ADDRESS_BITS = 32 | (32 << 8);

/** Family 6, model 1C, stepping 10: an in-order P6 without speculation, which is what this processor is. */
export const SIGNATURE = 0x106ca;

const VENDOR = 'GenuineIntel';
const BRAND = 'Ringside IA-32 processor'.padEnd(48, '\0');

/** Four characters as a word, the first in the low byte. */
function word(text: string, at: number): number {
  let value = 0;
  for (let n = 0; n < 4; n++) value |= text.charCodeAt(at + n) << (8 * n);
  return value;
}

/** EAX, EBX, ECX, EDX of a leaf. A leaf beyond the last one gives the last basic leaf (SDM volume 2, CPUID). */
function leaf(number: number, hasVmx: boolean, hasApic: boolean): readonly [number, number, number, number] {
  switch (number) {
    case 0:
      return [1, word(VENDOR, 0), word(VENDOR, 8), word(VENDOR, 4)];
    case 0x80000000:
      return [0x80000008 | 0, 0, 0, 0];
    case 0x80000001:
      return [0, 0, 0, EXTENDED_FEATURES];
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
      const at = (number - 0x80000002) * 16;
      return [word(BRAND, at), word(BRAND, at + 4), word(BRAND, at + 8), word(BRAND, at + 12)];
    }
    case 0x80000005:
    case 0x80000006:
    case 0x80000007:
      return [0, 0, 0, 0];
    case 0x80000008:
      return [ADDRESS_BITS, 0, 0, 0];
    default:
      return [SIGNATURE, LINE, SSE3 | (hasVmx ? VMX : 0), FEATURES | (hasApic ? APIC : 0)];
  }
}

export function cpuid(cpu: Executor): void {
  const [eax, ebx, ecx, edx] = leaf(cpu.register(EAX) >>> 0, cpu.hasVmx, cpu.apic?.isEnabled ?? false);
  cpu.setRegister(EAX, eax);
  cpu.setRegister(EBX, ebx);
  cpu.setRegister(ECX, ecx);
  cpu.setRegister(EDX, edx);
}
