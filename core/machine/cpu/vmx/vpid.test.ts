import { describe, expect, it } from 'vitest';
import { EAX } from '../../../ia32/registers.ts';
import { SECONDARY } from '../../../ia32/vmx/controls.ts';
import { MACHINES } from '../../testing/machines.ts';
import { GUEST, GUEST_DATA, VMX, VmxBench } from './testing/vmx-bench.ts';

const CPUID = [0x0f, 0xa2];
const OTHER = GUEST_DATA + 0x1000;
/** MOV EAX, [address] */
const load = (address: number) => [0xa1, ...[0, 8, 16, 24].map(shift => (address >>> shift) & 0xff)];
/** MOV EAX, CR3; MOV CR3, EAX */
const RELOAD = [0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8];

describe.each(MACHINES)('VPIDs, $engine', machine => {
  /** The guest loads a word, exits, and loads it again. Between the two its page is remapped, and `meanwhile` happens. */
  function loaded(vpid: number | null, meanwhile: (b: VmxBench) => void = () => {}): readonly number[] {
    const b = new VmxBench(machine).ept();
    if (vpid !== null) b.add('secondaryControls', SECONDARY.vpid).fields({ vpid });
    b.write(GUEST_DATA, 4, 1);
    b.write(OTHER, 4, 2);
    const [, , second] = b.guest(load(GUEST_DATA), CPUID, load(GUEST_DATA), CPUID);
    expect(b.enter().exit().reason).toBe('cpuid');
    const first = b.get(EAX);
    b.write(b.eptEntry(GUEST_DATA), 4, OTHER | 0x37);
    b.fields({ guestEip: second });
    meanwhile(b);
    expect(b.enter(VMX.vmresume).exit().reason).toBe('cpuid');
    return [first, b.get(EAX)];
  }

  const invalidate = (code: readonly number[], type: number, words: readonly number[]) => (b: VmxBench) => {
    const operand = 0x9000;
    words.forEach((word, n) => {
      b.write(operand + 4 * n, 4, word);
    });
    b.program([0xbb, 0, operand >> 8, 0, 0], [0xb8, type, 0, 0, 0], code);
    expect(b.run().vector).toBeNull();
  };

  it('keep translations over exits and entries', () => {
    expect(loaded(1)).toEqual([1, 1]);
  });

  it('without one each exit drops them', () => {
    expect(loaded(null)).toEqual([1, 2]);
  });

  it('INVVPID and INVEPT drop them', () => {
    expect(loaded(1, invalidate(VMX.invvpid, 1, [1, 0, 0, 0]))).toEqual([1, 2]);
    expect(loaded(1, invalidate(VMX.invept, 2, [0, 0, 0, 0]))).toEqual([1, 2]);
  });

  it("are of their own VPID: another's are not used, nor lost by it", () => {
    expect(loaded(1, b => b.fields({ vpid: 2 }))).toEqual([1, 2]);
    const back = (b: VmxBench) => {
      const eip = b.field('guestEip');
      b.fields({ vpid: 2 });
      b.enter(VMX.vmresume);
      b.fields({ vpid: 1, guestEip: eip });
    };
    expect(loaded(1, back)).toEqual([1, 1]);
  });

  it('the monitor has its own', () => {
    loaded(1, b => {
      b.write(GUEST_DATA, 4, 3);
      b.write(OTHER, 4, 4);
      // What the guest has as this page is the other one by now, but not for its monitor.
      expect(b.cpu.readLinear(GUEST_DATA, 4)).toBe(3);
      expect(b.cpu.readLinear(OTHER, 4)).toBe(4);
    });
  });

  it("a guest's load of CR3 drops the guest's", () => {
    const b = new VmxBench(machine).ept().add('secondaryControls', SECONDARY.vpid).fields({ vpid: 1 });
    b.write(GUEST_DATA, 4, 1);
    b.write(OTHER, 4, 2);
    const [, , second] = b.guest(load(GUEST_DATA), CPUID, [...RELOAD, ...load(GUEST_DATA)], CPUID);
    b.enter().exit();
    b.write(b.eptEntry(GUEST_DATA), 4, OTHER | 0x37);
    b.fields({ guestEip: second });
    expect(b.enter(VMX.vmresume).exit().eip).toBeGreaterThan(GUEST);
    expect(b.get(EAX)).toBe(2);
  });

  it('are in a snapshot', () => {
    const renew = (b: VmxBench) => {
      const saved = b.cpu.saveTlb();
      b.cpu.flushSpaces();
      b.cpu.restoreTlb(saved);
      expect(b.cpu.saveTlb()).toEqual(saved);
    };
    expect(loaded(1, renew)).toEqual([1, 1]);
  });

  it('a snapshot with others that cannot be is refused', () => {
    loaded(1, b => {
      const saved = b.cpu.saveTlb();
      const { spaces } = saved;
      expect(spaces.length).toBeGreaterThan(1024);
      const broken = (change: (words: Int32Array) => Int32Array) => () => {
        b.cpu.restoreTlb({ ...saved, spaces: change(spaces.slice()) });
      };
      expect(broken(words => words.subarray(0, words.length - 1))).toThrow(TypeError);
      expect(broken(words => words.fill(-1, 4, 6))).toThrow(TypeError);
      // A word of the tables that is none.
      expect(broken(words => words.fill(1, 6 + 1024))).toThrow(TypeError);
      b.cpu.restoreTlb(saved);
    });
  });
});
