import { CS, REGISTER_NAMES_32, SEGMENT_NAMES } from '../ia32/registers.ts';
import * as L from '../machine/cpu/layout.ts';
import type { Processor } from '../machine/cpu/processor.ts';
import { CONTROL_NAMES, hex32 } from './words.ts';

/** How the processor stands, in lines of text for a report: registers, segments, control registers, bytes at CS:EIP. */
export function describeProcessor(cpu: Processor): string {
  const { i32 } = cpu;
  const general = REGISTER_NAMES_32.map((name, n) => `${name} ${hex32(i32[n])}`);
  const segments = SEGMENT_NAMES.map(
    (name, n) => `${name} ${(cpu.selector(n) & 0xffff).toString(16).padStart(4, '0')} base ${hex32(cpu.base(n))}`,
  );
  const words = [L.W_CR0, L.W_CR2, L.W_CR3, L.W_CR4];
  const control = CONTROL_NAMES.map((name, n) => `${name} ${hex32(i32[words[n]])}`);
  return [
    `eip ${hex32(i32[L.W_EIP])}  eflags ${hex32(cpu.eflags())}  ${processorMode(cpu)}, CPL ${cpu.cpl}`,
    general.slice(0, 4).join('  '),
    general.slice(4).join('  '),
    control.join('  '),
    segments.slice(0, 3).join('  '),
    segments.slice(3).join('  '),
    `gdtr ${hex32(i32[L.W_GDTR_BASE])} limit ${i32[L.W_GDTR_LIMIT].toString(16)}  idtr ${hex32(i32[L.W_IDTR_BASE])} limit ${i32[L.W_IDTR_LIMIT].toString(16)}`,
    `bytes at cs:eip (linear ${hex32(cpu.base(CS) + i32[L.W_EIP])}): ${bytesAt(cpu, cpu.linearEip, 15)}`,
    `steps ${cpu.count}`,
  ].join('\n');
}

/** The manual's word for the operating mode (SDM volume 3, 2.2). */
export function processorMode(cpu: Processor): string {
  if (!cpu.protectedMode) return 'real mode';
  if (cpu.virtual8086) return 'virtual-8086 mode';
  return cpu.codeSize === 4 ? 'protected mode, 32-bit code' : 'protected mode, 16-bit code';
}

function bytesAt(cpu: Processor, linear: number, count: number): string {
  const bytes: string[] = [];
  for (let n = 0; n < count; n++) {
    const byte = cpu.peekByte((linear + n) | 0);
    bytes.push(byte < 0 ? '??' : byte.toString(16).padStart(2, '0'));
  }
  return bytes.join(' ');
}
