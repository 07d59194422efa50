import type { Instruction } from '../../ia32/instruction.ts';
import { TR } from '../../ia32/registers.ts';
import type { PortSize } from '../devices/device.ts';
import type { Executor } from './executor.ts';
import * as L from './layout.ts';

/** The I/O address space, as the processor's pins see it. Values are unsigned; size is 1, 2 or 4 bytes. */
export interface PortSpace {
  read(port: number, size: PortSize): number;
  write(port: number, value: number, size: PortSize): void;
}

/** The size of an operand as the size of a port access. */
export function portSize(size: number): PortSize {
  return size === 4 ? 4 : size === 2 ? 2 : 1;
}

/** Offset of the I/O map base in a 32-bit TSS (SDM volume 3, figure 7-2). */
const IO_MAP_BASE = 0x66;

/**
 * I/O permission (SDM volume 1, 19.5): with CPL > IOPL, or in virtual-8086 mode, every bit of the TSS's map for the port's
 * bytes must be clear, else #GP(0).
 */
export function checkPort(cpu: Executor, port: number, size: number): void {
  if (!cpu.protectedMode) return;
  if (!cpu.virtual8086 && cpu.cpl <= cpu.iopl) return;
  const limit = cpu.segment(TR, L.S_LIMIT) >>> 0;
  const attributes = cpu.segment(TR, L.S_ATTRIBUTES);
  const is32 = (attributes & 0x88) === 0x88;
  if (!is32 || limit < IO_MAP_BASE + 1) cpu.generalProtection(0);
  const base = cpu.base(TR);
  const at = cpu.readSystem((base + IO_MAP_BASE) | 0, 2) + (port >>> 3);
  // The processor always reads two bytes, so the map needs a byte beyond its last (SDM volume 1, 19.5.2).
  if (at + 1 > limit) cpu.generalProtection(0);
  const bits = cpu.readSystem((base + at) | 0, 2) >>> (port & 7);
  if ((bits & ((1 << size) - 1)) !== 0) cpu.generalProtection(0);
}

/** IN AL/eAX, Ib or DX. Devices may change interrupt lines, so the run loop looks up afterwards. */
export function in_(cpu: Executor, i: Instruction): void {
  const port = cpu.read(i, i.src) & (i.src.kind === 3 ? 0xff : 0xffff);
  const size = portSize(i.dst.size);
  checkPort(cpu, port, size);
  cpu.write(i, i.dst, cpu.ports.read(port, size) | 0);
  cpu.debug.noticePort(port, size);
  cpu.attend();
}

export function out(cpu: Executor, i: Instruction): void {
  const port = cpu.read(i, i.dst) & (i.dst.kind === 3 ? 0xff : 0xffff);
  const size = portSize(i.src.size);
  checkPort(cpu, port, size);
  cpu.ports.write(port, cpu.read(i, i.src) >>> 0, size);
  cpu.debug.noticePort(port, size);
  cpu.attend();
}
