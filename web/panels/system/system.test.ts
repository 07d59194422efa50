import { describe, expect, it } from 'vitest';
import type { DescriptorView, VmcsField } from '../../../core/protocol/questions.ts';
import { registers } from '../../verbs/testing.ts';
import { entryName, gateAddress, usedBy } from './entries.ts';
import { areasOf, changedFields } from './fields.ts';

const gate = (more: Partial<DescriptorView>): DescriptorView => ({
  index: 14,
  low: 0,
  high: 0,
  segment: null,
  gate: { selector: 8, offset: 0xc0100a40 },
  dpl: 0,
  present: true,
  description: 'interrupt gate 32',
  ...more,
});

describe('descriptor tables', () => {
  it('tells which registers name an entry', () => {
    expect(usedBy('gdt', 1, registers)).toEqual(['CS']);
    expect(usedBy('gdt', 2, registers)).toEqual(['ES', 'SS', 'DS']);
    expect(usedBy('gdt', 0, registers)).toEqual([]);
    expect(usedBy('ldt', 1, registers)).toEqual([]);
    expect(usedBy('idt', 1, registers)).toEqual([]);
    const inLdt = { ...registers, segments: registers.segments.map(segment => ({ ...segment, selector: 0xf })) };
    expect(usedBy('ldt', 1, inLdt)).toContain('CS');
    expect(usedBy('gdt', 1, inLdt)).toEqual([]);
  });

  it('names entries by selector or vector', () => {
    expect(entryName('gdt', 5)).toBe('0028');
    expect(entryName('ldt', 1)).toBe('000c');
    expect(entryName('idt', 14)).toBe('0e #PF');
    expect(entryName('idt', 0x80)).toBe('80');
  });

  it('follows gates from the base of the code segment', () => {
    expect(gateAddress(gate({}), registers)).toBe(0xc0100a40);
    const based = { ...registers, segments: registers.segments.map(segment => ({ ...segment, base: 0x1000 })) };
    expect(gateAddress(gate({}), based)).toBe(0xc0101a40);
    expect(gateAddress(gate({ gate: { selector: 0x18, offset: 4 } }), based)).toBe(4);
    expect(gateAddress(gate({ description: 'task gate' }), registers)).toBeNull();
    expect(
      gateAddress(gate({ description: 'real-mode vector', gate: { selector: 0xf000, offset: 2 } }), registers),
    ).toBe(0xf0002);
    expect(gateAddress(gate({ gate: null }), registers)).toBeNull();
  });
});

const field = (encoding: number, low: number, more: Partial<VmcsField> = {}): VmcsField => ({
  name: `field ${encoding}`,
  encoding,
  area: 'guest state',
  high: 0,
  low,
  bits: 32,
  meaning: '',
  ...more,
});

describe('VMCS', () => {
  it('tells what has changed, upper halves too', () => {
    const before = [field(1, 5), field(2, 5), field(3, 5)];
    const now = [field(1, 5), field(2, 6), field(3, 5, { high: 1 })];
    expect([...changedFields(now, before)]).toEqual([2, 3]);
    expect([...changedFields(now, null)]).toEqual([]);
  });

  it('groups by area, and finds words in name, meaning and encoding', () => {
    const fields = [
      field(0x4402, 30, { name: 'Exit reason', area: 'exit information', meaning: 'I/O instruction' }),
      field(0x681e, 0, { name: 'Guest RIP' }),
    ];
    expect(areasOf(fields, '', null).map(({ area }) => area)).toEqual(['exit information', 'guest state']);
    expect(areasOf(fields, 'i/o reason', null).map(({ fields: { length } }) => length)).toEqual([1]);
    expect(areasOf(fields, '681e', null)[0].fields[0].name).toBe('Guest RIP');
    expect(areasOf(fields, 'nothing', null)).toEqual([]);
    expect(areasOf(fields, '', new Set([0x681e])).map(({ area }) => area)).toEqual(['guest state']);
  });
});
