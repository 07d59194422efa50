import { describe, expect, it } from 'vitest';
import { FLAG } from '../../../ia32/flags.ts';
import { CR0, CR4, EAX, EBX, ECX } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import { FIELD, FIELDS } from '../../../ia32/vmx/fields.ts';
import { FEATURE_CONTROL, VMX_MSR } from '../../../ia32/vmx/msrs.ts';
import { Bench, CODE, DATA, IDT } from '../../testing/bench.ts';
import { type Code, dword, mov, toControl, toSegment, x } from '../../testing/code.ts';
import { MACHINES } from '../../testing/machines.ts';
import { setCr4 } from '../control.ts';
import * as L from '../layout.ts';
import { writeMsr } from '../msr.ts';
import { OTHER_VMCS, VMCS, VMX, VMXON_REGION, VmxBench } from './testing/vmx-bench.ts';
import { LAUNCH_LAUNCHED, REGION, REVISION } from './vmcs.ts';

const ENABLED = FEATURE_CONTROL.lock | FEATURE_CONTROL.vmxOutsideSmx;
const POINTER = DATA;

describe.each(MACHINES)('VMX instructions, $engine', machine => {
  const bench = () => new VmxBench(machine);

  /** Runs one instruction in root operation with a pointer in memory and some value in EAX and ECX. */
  function run(b: VmxBench, code: Code, { low = 0, high = 0, eax = 0, ecx = 0 } = {}): string {
    b.write(POINTER, 4, low);
    b.write(POINTER + 4, 4, high);
    b.flags(0xd5 | FLAG.OF);
    b.program(mov(EBX, POINTER), mov(EAX, eax), mov(ECX, ecx), code);
    const { vector } = b.run();
    return vector === null ? b.result() : `vector ${vector}`;
  }

  describe('IA32_FEATURE_CONTROL', () => {
    const write = (b: Bench, value: number) => {
      b.program(mov(ECX, VMX_MSR.featureControl), mov(EAX, value), x('31 d2 0f 30'));
      return b.run().vector;
    };
    it('is unlocked and 0 after reset, and can be written until it is locked', () => {
      const b = new Bench(machine);
      b.program(mov(ECX, VMX_MSR.featureControl), x('0f 32'));
      b.run();
      expect(b.get(EAX)).toBe(0);
      expect([write(b, 4), write(b, 0), write(b, 5), write(b, 5), write(b, 0)]).toEqual([
        null,
        null,
        null,
        VECTOR.GP,
        VECTOR.GP,
      ]);
    });
    it.each([2, 8, 0x8000])('has no bit %i', value => {
      expect(write(new Bench(machine), value)).toBe(VECTOR.GP);
    });
  });

  describe('VMXON', () => {
    /** A machine that is ready for it. */
    function ready(): Bench {
      const b = new Bench(machine);
      b.paging();
      setCr4(b.cpu, CR4.VMXE);
      writeMsr(b.cpu, VMX_MSR.featureControl, ENABLED, 0);
      b.write(VMXON_REGION, 4, REVISION);
      b.write(POINTER, 4, VMXON_REGION);
      b.flags(0xd4);
      b.program(mov(EBX, POINTER), VMX.vmxon);
      return b;
    }
    const state = (b: Bench) => [b.cpu.i32[L.W_VMX_OPERATION], b.cpu.statusFlags()];

    it('begins VMX operation without a current VMCS', () => {
      const b = ready();
      expect(b.run().vector).toBe(null);
      expect(state(b)).toEqual([L.VMX_ROOT, 0]);
      expect(b.cpu.i32[L.W_VMCS_POINTER]).toBe(L.NO_VMCS);
    });

    it('is #UD without CR4.VMXE', () => {
      const b = ready();
      setCr4(b.cpu, 0);
      expect(b.run().vector).toBe(VECTOR.UD);
    });

    it('is #UD in real mode', () => {
      const b = ready();
      b.cpu.i32[L.W_CR0] &= ~(CR0.PE | CR0.PG);
      b.cpu.flushAll();
      // Through the interrupt vector table.
      b.write(IDT + 4 * VECTOR.UD, 4, 0x1234);
      b.step(2);
      expect(b.cpu.i32[L.W_EIP]).toBe(0x1234);
    });

    it.each<[string, (b: Bench) => void]>([
      ['at CPL 3', b => b.ring(3)],
      ['without CR0.NE', b => void (b.cpu.i32[L.W_CR0] &= ~CR0.NE)],
      ['without paging', b => void (b.cpu.i32[L.W_CR0] &= 0x7fffffff)],
      ['while IA32_FEATURE_CONTROL is not locked', b => void (b.cpu.i32[L.W_MSR + 10] = 4)],
      ['where the firmware has locked VMX out', b => void (b.cpu.i32[L.W_MSR + 10] = 1)],
    ])('is #GP(0) %s', (_, spoil) => {
      const b = ready();
      spoil(b);
      b.cpu.flushAll();
      expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0 });
      expect(b.cpu.i32[L.W_VMX_OPERATION]).toBe(L.VMX_OFF);
    });

    it('is #GP(0) while the A20 gate is closed', () => {
      const b = ready();
      b.cpu.physical.addressMask = ~0x100000;
      try {
        expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0 });
      } finally {
        b.cpu.physical.addressMask = -1;
      }
    });

    it.each<[string, (b: Bench) => void]>([
      ['an address that is not aligned', b => b.write(POINTER, 4, VMXON_REGION + 8)],
      ['an address beyond 32 bits', b => b.write(POINTER + 4, 4, 1)],
      ['a region without the revision', b => b.write(VMXON_REGION, 4, REVISION + 1)],
      ['a region with bit 31', b => b.write(VMXON_REGION, 4, REVISION | 0x80000000)],
    ])('fails invalid for %s', (_, spoil) => {
      const b = ready();
      spoil(b);
      expect(b.run().vector).toBe(null);
      expect(state(b)).toEqual([L.VMX_OFF, 1]);
    });

    it('fails in root operation, with a number where there is a VMCS', () => {
      expect(run(bench(), VMX.vmxon)).toBe('error 15');
      const b = bench();
      b.cpu.i32[L.W_VMCS_POINTER] = L.NO_VMCS;
      expect(run(b, VMX.vmxon)).toBe('invalid');
    });
  });

  describe('VMX operation', () => {
    it.each(Object.entries(VMX).filter(([name]) => name !== 'vmxon'))('%s is #UD outside of it', (_, code) => {
      const b = bench();
      b.cpu.i32[L.W_VMX_OPERATION] = L.VMX_OFF;
      expect(run(b, code)).toBe('vector 6');
    });

    it.each(Object.entries(VMX))('%s is #GP(0) at CPL 3', (_, code) => {
      const b = bench();
      b.ring(3);
      expect(run(b, code)).toBe('vector 13');
    });

    it('fixes CR0.PE, CR0.NE, CR0.PG and CR4.VMXE', () => {
      for (const [register, clear] of [
        [0, CR0.PG],
        [0, CR0.NE],
        [0, CR0.PE],
        [4, CR4.VMXE],
      ] as const) {
        const b = bench();
        const value = b.cpu.i32[register === 0 ? L.W_CR0 : L.W_CR4] & ~clear;
        b.program(mov(EAX, value), toControl(register));
        expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0 });
      }
    });

    it('ends with VMXOFF', () => {
      const b = bench();
      expect(run(b, VMX.vmxoff)).toBe('succeeded');
      expect(b.operation).toBe(L.VMX_OFF);
    });

    it('VMCALL in root operation fails', () => {
      expect(run(bench(), VMX.vmcall)).toBe('error 1');
    });
  });

  describe('VMCLEAR, VMPTRLD and VMPTRST', () => {
    const pointers = [
      ['an address that is not aligned', { low: OTHER_VMCS + 4 }, 2, 9],
      ['an address beyond 32 bits', { low: OTHER_VMCS, high: 1 }, 2, 9],
      ['the VMXON region', { low: VMXON_REGION }, 3, 10],
    ] as const;
    it.each(pointers)('fail for %s', (_, pointer, clear, load) => {
      expect(run(bench(), VMX.vmclear, pointer)).toBe(`error ${clear}`);
      expect(run(bench(), VMX.vmptrld, pointer)).toBe(`error ${load}`);
    });

    it('VMPTRLD fails without the revision, and for a region that is not RAM', () => {
      const b = bench();
      expect(run(b, VMX.vmptrld, { low: OTHER_VMCS })).toBe('error 11');
      b.write(OTHER_VMCS, 4, REVISION | 0x80000000);
      expect(run(b, VMX.vmptrld, { low: OTHER_VMCS })).toBe('error 11');
      expect(run(b, VMX.vmptrld, { low: 0xfffff000 })).toBe('error 11');
      b.write(OTHER_VMCS, 4, REVISION);
      expect(run(b, VMX.vmptrld, { low: OTHER_VMCS })).toBe('succeeded');
    });

    it('VMCLEAR of the current VMCS leaves none; of another one it leaves it', () => {
      const b = bench();
      b.write(VMCS + REGION.launchState, 4, LAUNCH_LAUNCHED);
      expect(run(b, VMX.vmclear, { low: OTHER_VMCS })).toBe('succeeded');
      expect(b.cpu.i32[L.W_VMCS_POINTER]).toBe(VMCS);
      expect(run(b, VMX.vmclear, { low: VMCS })).toBe('succeeded');
      expect(b.cpu.i32[L.W_VMCS_POINTER]).toBe(L.NO_VMCS);
      expect(b.read(VMCS + REGION.launchState)).toBe(0);
      expect(run(b, VMX.vmclear, { low: OTHER_VMCS + 1 })).toBe('invalid');
    });

    it('VMPTRST stores the pointer, or all ones', () => {
      const b = bench();
      expect(run(b, VMX.vmptrst)).toBe('succeeded');
      expect([b.read(POINTER), b.read(POINTER + 4)]).toEqual([VMCS, 0]);
      b.cpu.i32[L.W_VMCS_POINTER] = L.NO_VMCS;
      expect(run(b, VMX.vmptrst)).toBe('succeeded');
      expect([b.read(POINTER), b.read(POINTER + 4)]).toEqual([0xffffffff, 0xffffffff]);
    });
  });

  describe('VMREAD and VMWRITE', () => {
    it('reach every field, and no two are the same', () => {
      const b = bench();
      const writable = FIELDS.filter(field => !field.readOnly);
      for (const { encoding } of writable) {
        expect(run(b, VMX.vmwrite, { ecx: encoding, eax: 0x5a000000 + encoding })).toBe('succeeded');
      }
      for (const { encoding, width } of writable) {
        expect(run(b, VMX.vmread, { ecx: encoding })).toBe('succeeded');
        expect(b.get(EAX)).toBe(width === 16 ? encoding : 0x5a000000 + encoding);
      }
    });

    it('reach the high words of 64-bit fields', () => {
      const b = bench();
      expect(run(b, VMX.vmwrite, { ecx: FIELD.tscOffset + 1, eax: 0x1234 })).toBe('succeeded');
      expect(b.field('tscOffset')).toBe(0);
      expect(run(b, VMX.vmread, { ecx: FIELD.tscOffset + 1 })).toBe('succeeded');
      expect(b.get(EAX)).toBe(0x1234);
    });

    it.each([0x0002, 0x0800 - 2, 0x2012, 0x4001, 0x401c, 0x6828, 0x6c18, 0x8000, 0xffffffff, 0x6801])(
      'there is no field %i',
      encoding => {
        const b = bench();
        expect(run(b, VMX.vmread, { ecx: encoding, eax: 7 })).toBe('error 12');
        expect(b.get(EAX)).toBe(7);
        expect(run(b, VMX.vmwrite, { ecx: encoding })).toBe('error 12');
      },
    );

    it('exit information can only be read', () => {
      const b = bench();
      for (const { encoding, readOnly } of FIELDS) {
        if (readOnly) expect(run(b, VMX.vmwrite, { ecx: encoding, eax: 1 })).toBe('error 13');
      }
    });

    it('fail without a current VMCS', () => {
      const b = bench();
      b.cpu.i32[L.W_VMCS_POINTER] = L.NO_VMCS;
      expect(run(b, VMX.vmread, { ecx: FIELD.guestEip })).toBe('invalid');
      expect(run(b, VMX.vmwrite, { ecx: FIELD.guestEip })).toBe('invalid');
    });

    it('take memory operands', () => {
      const b = bench();
      // VMWRITE ECX, [EBX] and VMREAD [EBX + 8], ECX
      expect(run(b, x('0f 79 0b'), { ecx: FIELD.guestEip, low: 0x12345678 })).toBe('succeeded');
      expect(run(b, x('0f 78 4b 08'), { ecx: FIELD.guestEip })).toBe('succeeded');
      expect(b.read(POINTER + 8)).toBe(0x12345678);
    });
  });

  describe('INVEPT and INVVPID', () => {
    const descriptor = (b: VmxBench, words: readonly number[]) => {
      words.forEach((word, n) => {
        b.write(POINTER + 4 * n, 4, word);
      });
    };
    function invalidate(code: Code, type: number, words: readonly number[]): string {
      const b = bench();
      descriptor(b, words);
      b.flags(0xd5 | FLAG.OF);
      b.program(mov(EBX, POINTER), mov(EAX, type), code);
      const { vector } = b.run();
      return vector === null ? b.result() : `vector ${vector}`;
    }
    it.each<[string, number, readonly number[], string]>([
      ['one context', 1, [0x7001e, 0, 0, 0], 'succeeded'],
      ['all contexts', 2, [0, 0, 0, 0], 'succeeded'],
      ['no type 0', 0, [0x7001e, 0, 0, 0], 'error 28'],
      ['no type 3', 3, [0x7001e, 0, 0, 0], 'error 28'],
      ['a pointer with three levels', 1, [0x70016, 0, 0, 0], 'error 28'],
      ['a pointer beyond 32 bits', 1, [0x7001e, 1, 0, 0], 'error 28'],
      ['reserved bits', 2, [0, 0, 1, 0], 'error 28'],
    ])('INVEPT: %s', (_, type, words, result) => {
      expect(invalidate(VMX.invept, type, words)).toBe(result);
    });
    it.each<[string, number, readonly number[], string]>([
      ['one address', 0, [1, 0, 0x1000, 0], 'succeeded'],
      ['one context', 1, [1, 0, 0, 0], 'succeeded'],
      ['all contexts', 2, [0, 0, 0, 0], 'succeeded'],
      ['one context but for global pages', 3, [1, 0, 0, 0], 'succeeded'],
      ['VPID 0', 1, [0, 0, 0, 0], 'error 28'],
      ['reserved bits', 1, [0x10001, 0, 0, 0], 'error 28'],
      ['an address beyond 32 bits', 0, [1, 0, 0, 1], 'error 28'],
      ['no type 4', 4, [1, 0, 0, 0], 'error 28'],
    ])('INVVPID: %s', (_, type, words, result) => {
      expect(invalidate(VMX.invvpid, type, words)).toBe(result);
    });
  });

  describe('VMLAUNCH and VMRESUME', () => {
    it('fail without a current VMCS', () => {
      const b = bench();
      b.cpu.i32[L.W_VMCS_POINTER] = L.NO_VMCS;
      expect(run(b, VMX.vmlaunch)).toBe('invalid');
      expect(run(b, VMX.vmresume)).toBe('invalid');
    });

    it('VMLAUNCH is for a clear VMCS, VMRESUME for a launched one', () => {
      const b = bench();
      b.guest(x('0f a2'), x('0f a2'));
      expect(b.enter(VMX.vmresume).outcome()).toBe('error 5');
      expect(b.enter(VMX.vmlaunch).outcome()).toBe('exit cpuid');
      b.fields({ guestEip: b.field('guestEip') + 2 });
      expect(b.enter(VMX.vmlaunch).outcome()).toBe('error 4');
      expect(b.enter(VMX.vmresume).outcome()).toBe('exit cpuid');
      expect(b.exit().eip).toBe(0x30002);
    });

    it('a launch that fails leaves it clear', () => {
      const b = bench().fields({ guestEflags: 0 });
      expect(b.enter().outcome()).toBe('exit entryInvalidGuestState, entry failed');
      b.fields({ guestEflags: 2 });
      b.guest(x('0f a2'));
      expect(b.enter(VMX.vmlaunch).outcome()).toBe('exit cpuid');
    });

    it('fail behind MOV SS', () => {
      const b = bench();
      b.program([...mov(EAX, 0x10), ...toSegment(2), ...VMX.vmlaunch]);
      b.run();
      expect(b.result()).toBe('error 26');
      expect(b.cpu.i32[L.W_EIP]).toBe(CODE + 11);
    });
  });

  it('addresses are taken through the segment, as any operand', () => {
    const b = bench();
    b.program([0x66, 0x0f, 0xc7, 0x35, ...dword(0xf0000000)]);
    expect(b.run().vector).toBe(VECTOR.PF);
  });
});
