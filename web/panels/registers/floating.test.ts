import { describe, expect, test } from 'vitest';
import { lanes, stackOrder, written, x87Tag, x87Value } from './floating.ts';
import { breakpointOf, unitFields } from './unit-fields.ts';

describe('x87 registers', () => {
  const one = { low: 0, high: 0x80000000, exponent: 0x3fff };
  test.each([
    ['1', one, '1', 'valid'],
    ['-2.5', { low: 0, high: 0xa0000000, exponent: 0xc000 }, '−2.5', 'valid'],
    ['0', { low: 0, high: 0, exponent: 0 }, '0', 'zero'],
    ['-0', { low: 0, high: 0, exponent: 0x8000 }, '−0', 'zero'],
    ['infinity', { low: 0, high: 0x80000000, exponent: 0x7fff }, '∞', 'special'],
    ['NaN', { low: 1, high: 0xc0000000, exponent: 0xffff }, 'NaN', 'special'],
    ['an MMX value', { low: 5, high: 0, exponent: 0xffff }, 'NaN', 'special'],
    ['pi', { low: 0x2168c235, high: 0xc90fdaa2, exponent: 0x4000 }, '3.141593', 'valid'],
    ['too small for a double', { low: 0, high: 0x80000000, exponent: 1 }, '0', 'valid'],
  ] as const)('%s', (_, register, value, tag) => {
    expect(written(x87Value(register))).toBe(value);
    expect(x87Tag(register)).toBe(tag);
  });

  test('the stack begins at TOP', () => {
    expect(stackOrder(0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(stackOrder(6 << 11)).toEqual([6, 7, 0, 1, 2, 3, 4, 5]);
  });
});

test('lanes of an XMM register', () => {
  const xmm = new Uint32Array(32);
  xmm.set([0x3f800000, 0xc0000000, 0, 0x40000000], 4);
  expect(lanes(xmm, 1, 'single')).toEqual(['1', '−2', '0', '2']);
  expect(lanes(xmm, 1, 'double')).toEqual(['−2', '2']);
  expect(lanes(xmm, 1, 'integer')).toEqual(['1065353216', '−1073741824', '0', '1073741824']);
});

test.each(['mxcsr', 'fcw', 'fsw', 'dr6', 'dr7'] as const)(
  '%s: fields from the top, none twice, each with its sentence',
  register => {
    const fields = unitFields(register);
    let above = 32;
    for (const { name, low, bits, says, section } of fields) {
      expect(says, name).toMatch(/\.$/);
      expect(section).toMatch(/^SDM volume [13], \d/);
      expect(low + bits, name).toBeLessThanOrEqual(above);
      above = low;
    }
    expect(new Set(fields.map(({ name }) => name)).size).toBe(fields.length);
  },
);

test('what a breakpoint of DR7 waits for', () => {
  // G1, R/W1 = 1, LEN1 = 3.
  const dr7 = 0x400 | (1 << 3) | (1 << 20) | (3 << 22);
  expect(breakpointOf(dr7, 1)).toEqual({ condition: 'write', length: 4 });
  expect(breakpointOf(dr7, 0)).toBeNull();
});
