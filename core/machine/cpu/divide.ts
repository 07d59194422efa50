import type { Instruction } from '../../ia32/instruction.ts';
import { EAX, EDX } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import type { Executor } from './executor.ts';

/** DIV and IDIV: #DE for a divisor of 0 and for a quotient that does not fit; nothing is written then. */

const AH = 4;

export function div(cpu: Executor, i: Instruction): void {
  const size = i.dst.size;
  const divisor = cpu.read(i, i.dst) >>> 0;
  if (divisor === 0) cpu.raiseFault(VECTOR.DE, null);
  if (size === 1) {
    const dividend = cpu.registerPart(EAX, 2);
    finish(cpu, size, Math.floor(dividend / divisor), dividend % divisor, 0, 0xff);
  } else if (size === 2) {
    const dividend = cpu.registerPart(EDX, 2) * 0x10000 + cpu.registerPart(EAX, 2);
    finish(cpu, size, Math.floor(dividend / divisor), dividend % divisor, 0, 0xffff);
  } else {
    const high = cpu.register(EDX) >>> 0;
    const low = cpu.register(EAX) >>> 0;
    if (high >= divisor) cpu.raiseFault(VECTOR.DE, null);
    const { quotient, remainder } = divide64(high, low, divisor);
    cpu.setRegister(EAX, quotient | 0);
    cpu.setRegister(EDX, remainder | 0);
  }
}

/** (high:low) / divisor with high < divisor; exact, in doubles where the dividend fits. */
function divide64(high: number, low: number, divisor: number): { quotient: number; remainder: number } {
  if (high < 0x200000) {
    const dividend = high * 0x100000000 + low;
    const remainder = dividend % divisor;
    return { quotient: (dividend - remainder) / divisor, remainder };
  }
  const dividend = (BigInt(high) << 32n) | BigInt(low);
  const by = BigInt(divisor);
  return { quotient: Number(dividend / by), remainder: Number(dividend % by) };
}

function finish(cpu: Executor, size: number, quotient: number, remainder: number, min: number, max: number): void {
  if (quotient < min || quotient > max) cpu.raiseFault(VECTOR.DE, null);
  cpu.setRegisterPart(EAX, size, quotient);
  cpu.setRegisterPart(size === 1 ? AH : EDX, size, remainder);
}

export function idiv(cpu: Executor, i: Instruction): void {
  const size = i.dst.size;
  const divisor = cpu.signExtend(cpu.read(i, i.dst), size);
  if (divisor === 0) cpu.raiseFault(VECTOR.DE, null);
  if (size === 1) {
    const dividend = cpu.signExtend(cpu.registerPart(EAX, 2), 2);
    finish(cpu, size, Math.trunc(dividend / divisor), dividend % divisor, -0x80, 0x7f);
  } else if (size === 2) {
    const dividend = cpu.signExtend(cpu.registerPart(EDX, 2), 2) * 0x10000 + cpu.registerPart(EAX, 2);
    finish(cpu, size, Math.trunc(dividend / divisor), dividend % divisor, -0x8000, 0x7fff);
  } else {
    idiv64(cpu, divisor);
  }
}

/** Divides magnitudes, then gives quotient and remainder their signs: the remainder has the dividend's. */
function idiv64(cpu: Executor, divisor: number): void {
  let high = cpu.register(EDX);
  let low = cpu.register(EAX);
  const negative = high < 0;
  if (negative) {
    low = -low | 0;
    high = low === 0 ? -high | 0 : ~high;
  }
  const by = Math.abs(divisor);
  if (high >>> 0 >= by) cpu.raiseFault(VECTOR.DE, null);
  const { quotient, remainder } = divide64(high >>> 0, low >>> 0, by);
  const signed = negative !== divisor < 0 ? -quotient : quotient;
  if (signed < -0x80000000 || signed > 0x7fffffff) cpu.raiseFault(VECTOR.DE, null);
  cpu.setRegister(EAX, signed | 0);
  cpu.setRegister(EDX, (negative ? -remainder : remainder) | 0);
}
