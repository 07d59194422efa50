import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { CS } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import { Processor } from '../../machine/cpu/processor.ts';
import { PhysicalMemory } from '../../machine/physical.ts';
import { compile, ExpressionError } from './expression.ts';

function processor(): Processor {
  const cpu = new Processor(new PhysicalMemory(1 << 20));
  cpu.i32.set([0x12345678, 0xffffffff | 0, 3, 0x8000, 0x1000], 0);
  cpu.i32[L.W_EIP] = 0xfff0;
  cpu.i32[L.W_CR3] = 0xabc000;
  cpu.setSegment(CS, 8, 0, -1, 0xc09b);
  cpu.setEflags(FLAG.ONE | FLAG.ZF | FLAG.IF);
  cpu.physical.write(0x1000, 4, 0x8899aabb | 0);
  return cpu;
}

const VALUES: readonly (readonly [string, number])[] = [
  ['1 + 2 * 3', 7],
  ['0x10', 16],
  ['0XfF', 255],
  ['eax', 0x12345678],
  ['AX', 0x5678],
  ['ah', 0x56],
  ['al', 0x78],
  ['ecx == 0xffffffff', 1],
  ['-1', 0xffffffff],
  ['~0', 0xffffffff],
  ['ecx < 1', 0],
  ['edx - 4', 0xffffffff],
  ['ecx + 2', 1],
  ['ecx * ecx', 1],
  ['0xffffffff / 2', 0x7fffffff],
  ['7 % 4', 3],
  ['1 << 31', 0x80000000],
  ['1 << 32', 0],
  ['ecx >> 31', 1],
  ['!zf', 0],
  ['zf && if', 1],
  ['cf || df', 0],
  ['cf ? 1 : 2', 2],
  ['[esp]', 0x8899aabb],
  ['word(esp + 1)', 0x99aa],
  ['byte(esp)', 0xbb],
  ['[0x1000] == [esp] && cs == 8', 1],
  ['cr3', 0xabc000],
  ['cpl', 0],
  ['eip', 0xfff0],
  ['eax & 0xff == 0x78', 0x12345678 & 0],
  ['0 && [0xf0000000]', 0],
];

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['', /nothing/],
  ['eax ==', /cannot be read/],
  ['eax eax', /operator/],
  ['eex == 1', /eex is no register/],
  ['1.5', /1.5 is no number/],
  ['0x123456789', /no number of 32 bits/],
  ['"a"', /no number/],
  ['eax[0]', /Only numbers/],
  ['a.b', /Only numbers/],
  ['f(1)', /byte\(address\)/],
  ['byte()', /byte\(address\)/],
  ['[]', /one address/],
  ['1 === 1', /./],
  ['this', /./],
  ['constructor', /no register/],
  ['1, 2', /./],
];

describe('expressions', () => {
  const cpu = processor();

  it.each(VALUES)('%s is %i', (text, value) => {
    expect(compile(text)(cpu)).toBe(value);
  });

  it.each(REFUSED)('%s is refused with a sentence', (text, message) => {
    expect(() => compile(text)).toThrow(ExpressionError);
    expect(() => compile(text)).toThrow(message);
    expect(() => compile(text)).toThrow(/\.$/);
  });

  it('have no value where there is no memory, and for a division by 0', () => {
    expect(() => compile('[0xf0000000]')(cpu)).toThrow(/no memory at linear address f0000000/);
    expect(() => compile('1 / cf')(cpu)).toThrow(ExpressionError);
  });

  it('change nothing', () => {
    const before = cpu.i32.slice(0, L.STATE_BYTES >> 2);
    compile('eflags + [esp] + eax')(cpu);
    expect(cpu.i32.slice(0, L.STATE_BYTES >> 2)).toEqual(before);
  });
});
