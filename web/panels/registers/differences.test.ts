import { describe, expect, it } from 'vitest';
import type { Registers } from '../../../core/protocol/messages.ts';
import { differing, type MachineSide, sameSegment, whySegment, whyWord } from './differences.ts';

const segment = (selector: number, limit = 0xffffffff) => ({
  selector,
  base: 0,
  limit,
  description: 'code 32 execute/read',
});

function side(more: Partial<Registers>, seat: Partial<MachineSide['seat']> = {}): MachineSide {
  return {
    registers: {
      general: new Uint32Array(8),
      eip: 0,
      eflags: 0x202,
      cr0: 0,
      cr2: 0,
      cr3: 0,
      cr4: 0,
      cpl: 1,
      segments: Array.from({ length: 8 }, () => segment(0x11, 0xffbfffff)),
      gdtr: { base: 0, limit: 0 },
      idtr: { base: 0, limit: 0 },
      ...more,
    },
    seat: { ring: 1, nonRoot: false, inMonitor: false, guestRing: 0, translated: false, ...seat },
    mode: 'trap',
  };
}

describe('why the machine holds something else', () => {
  it('names the bits', () => {
    expect(differing('cr0', 0x80010015, 0x80010035)).toBe('NE');
    expect(differing('eflags', 0x3002, 0x0202)).toBe('IF, IOPL');
  });

  it('tells of the virtual interrupt flag', () => {
    expect(whyWord('eflags', 0x2, side({}), 0x202)).toContain('IF of the guest is virtual');
    expect(whyWord('eflags', 0x3202, side({}), 0x202)).toContain('IOPL');
  });

  it('tells who fixes bits of control registers', () => {
    expect(whyWord('cr4', 0x20, side({}, { nonRoot: true }), 0x2020)).toContain('VMX fixes VMXE');
    expect(whyWord('cr3', 1, side({}), 2)).toContain('shadow');
  });

  it('tells of rings and limits', () => {
    const why = whySegment(1, segment(0x10), side({}));
    expect(why).toContain('ring 0; the machine runs it in ring 1');
    expect(why).toContain('ends below the monitor');
    expect(whySegment(6, segment(0x28), side({}))).toContain('monitor’s table');
    expect(sameSegment(segment(8), segment(8))).toBe(true);
    expect(sameSegment(segment(8), segment(9))).toBe(false);
  });

  it('leaves the control registers alone in a trap, not in a VM exit', () => {
    const trapped = side({}, { inMonitor: true });
    expect(whyWord('cr3', 1, trapped, 2)).toContain('shadow');
    const exited: MachineSide = { ...trapped, mode: 'hardware' };
    expect(whyWord('cr3', 1, exited, 2)).toContain('The monitor runs now');
    expect(whyWord('cr2', 1, exited, 2)).toContain('page fault');
  });

  it('is the monitor’s own otherwise while the monitor runs', () => {
    const inMonitor = side({}, { inMonitor: true });
    expect(whyWord('general', 1, inMonitor, 2)).toContain('The monitor runs now');
    expect(whySegment(1, segment(8), inMonitor)).toContain('The monitor runs now');
  });
});
