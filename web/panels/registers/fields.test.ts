import { expect, test } from 'vitest';
import { bitsOf } from './bits.ts';
import { fieldsOf, fieldValue, unnamedBits } from './fields.ts';

test.each(['eflags', 'cr0', 'cr3', 'cr4'] as const)(
  '%s: every bit has its sentence, from the top, and none twice',
  register => {
    for (const isPae of [false, true]) {
      const fields = fieldsOf(register, isPae);
      expect(fields.length).toBeGreaterThanOrEqual(bitsOf(register).length);
      let above = 32;
      for (const { name, low, bits, says, section } of fields) {
        expect(says, name).toMatch(/\.$/);
        expect(section).toMatch(/^SDM volume [13], \d/);
        expect(low + bits).toBeLessThanOrEqual(above);
        above = low;
      }
    }
  },
);

test('values of fields', () => {
  const field = (register: 'eflags' | 'cr3', name: string, isPae = false) => {
    const found = fieldsOf(register, isPae).find(one => one.name === name);
    if (found === undefined) throw new Error(name);
    return found;
  };
  expect(fieldValue(0x3246, field('eflags', 'IOPL'))).toBe(3);
  expect(fieldValue(0x3246, field('eflags', 'ZF'))).toBe(1);
  expect(fieldValue(0xfffff018, field('cr3', 'base'))).toBe(0xfffff);
  expect(fieldValue(0xffffffe0, field('cr3', 'base', true))).toBe(0x7ffffff);
});

test('bits without a name are told', () => {
  expect(unnamedBits('eflags', 0x8002, false)).toEqual([15]);
  expect(unnamedBits('cr4', 0x102020, true)).toEqual([20]);
  expect(unnamedBits('cr3', 0x104020, true)).toEqual([]);
  expect(unnamedBits('cr0', 0x80010011, true)).toEqual([]);
});
