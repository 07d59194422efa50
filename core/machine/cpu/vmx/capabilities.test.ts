import { describe, expect, it } from 'vitest';
import { EAX, EBX, ECX, EDX } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import { FIELDS, type FieldName } from '../../../ia32/vmx/fields.ts';
import { VMX_MSR } from '../../../ia32/vmx/msrs.ts';
import { Bench } from '../../testing/bench.ts';
import { mov, x } from '../../testing/code.ts';
import { MACHINES } from '../../testing/machines.ts';
import { VMX, VmxBench } from './testing/vmx-bench.ts';

const CPUID = x('0f a2');
const RDMSR = x('0f 32');
const WRMSR = x('0f 30');

/** Control fields, the MSR that tells their bits, and its TRUE register; the bits that default to 1 (SDM volume 3, appendix A.2). */
const CONTROLS: readonly (readonly [FieldName, number, number, number])[] = [
  ['pinControls', VMX_MSR.pinControls, VMX_MSR.truePinControls, 0x16],
  ['processorControls', VMX_MSR.processorControls, VMX_MSR.trueProcessorControls, 0x0401e172],
  ['exitControls', VMX_MSR.exitControls, VMX_MSR.trueExitControls, 0x36dff],
  ['entryControls', VMX_MSR.entryControls, VMX_MSR.trueEntryControls, 0x11ff],
  ['secondaryControls', VMX_MSR.secondaryControls, VMX_MSR.secondaryControls, 0],
];

describe.each(MACHINES)('VMX capabilities, $engine', machine => {
  const bench = () => new VmxBench(machine);
  const bits = Array.from({ length: 32 }, (_, bit) => bit);

  it('CPUID announces VMX', () => {
    const b = new Bench(machine);
    b.program(mov(EAX, 1), CPUID);
    b.run();
    expect(b.get(ECX) & 32).toBe(32);
  });

  it('a processor without VMX has none of it', () => {
    const b = new Bench(machine);
    b.cpu.hasVmx = false;
    try {
      b.program(mov(EAX, 1), CPUID);
      b.run();
      expect(b.get(ECX) & (1 << 5)).toBe(0);
      b.program(mov(EAX, 0x2000), x('0f 22 e0'));
      expect(b.run().vector).toBe(VECTOR.GP);
      for (const number of [0x3a, 0x480]) {
        b.program(mov(ECX, number), RDMSR);
        expect(b.run().vector).toBe(VECTOR.GP);
      }
      b.program(mov(EBX, 0x20000), VMX.vmxon);
      expect(b.run().vector).toBe(VECTOR.UD);
    } finally {
      b.cpu.hasVmx = true;
    }
  });

  it.each(Object.entries(VMX_MSR).filter(([name]) => name !== 'featureControl'))(
    '%s can be read, and not written',
    (_, number) => {
      const b = bench();
      const [low, high] = b.msr(number);
      b.program(mov(ECX, number), RDMSR, WRMSR);
      expect(b.run().vector).toBe(VECTOR.GP);
      expect([b.get(EAX), b.get(EDX)]).toEqual([low, high]);
    },
  );

  it('the registers of controls that are not there do not exist', () => {
    const b = bench();
    for (const number of [0x491, 0x492]) {
      b.program(mov(ECX, number), RDMSR);
      expect(b.run().vector).toBe(VECTOR.GP);
    }
  });

  it('IA32_VMX_BASIC: regions of 4 KB within 32 bits, write-back, TRUE registers, INS and OUTS', () => {
    const [revision, high] = bench().msr(VMX_MSR.basic);
    expect(revision >>> 31).toBe(0);
    expect(high & 0x1fff).toBe(0x1000);
    expect((high >>> 16) & 1).toBe(1);
    expect((high >>> 18) & 15).toBe(6);
    expect((high >>> 22) & 3).toBe(3);
  });

  it('IA32_VMX_MISC: what every processor with unrestricted guest says, and the activity states', () => {
    expect(bench().msr(VMX_MSR.misc)[0] & 0x1e0).toBe(0xe0);
  });

  it('IA32_VMX_VMCS_ENUM has the highest index of a field', () => {
    const highest = Math.max(...FIELDS.map(({ encoding }) => (encoding >> 1) & 0x1ff));
    expect(bench().msr(VMX_MSR.vmcsEnumeration)[0]).toBe(highest << 1);
  });

  it.each(CONTROLS)(
    '%s: bits that default to 1 must be 1 but for those that the TRUE register frees',
    (name, plain, real, default1) => {
      const b = bench();
      const [must, may] = b.msr(plain);
      const [trueMust, trueMay] = b.msr(real);
      expect(must).toBe(default1);
      expect(may & must).toBe(must);
      expect([(trueMust & ~must) >>> 0, trueMay]).toEqual([0, may]);
      const freed = { processorControls: 0x18000, exitControls: 4, entryControls: 4 }[name as string] ?? 0;
      expect((must & ~trueMust) >>> 0).toBe(freed);
    },
  );

  describe.each(CONTROLS)('%s', (name, _, real) => {
    it.each(bits)('bit %i can be set and cleared as the capability says', bit => {
      for (const on of [false, true]) {
        // EPT, a VPID and the timer are there for the bits that ask for them.
        const b = bench().ept().fields({ vpid: 1 });
        if (name === 'exitControls') b.add('pinControls', 0x40);
        const [must, may] = b.msr(real);
        const mask = (1 << bit) >>> 0;
        b.fields({ [name]: on ? b.field(name) | mask : b.field(name) & ~mask });
        b.guest(CPUID);
        const isAllowed = on ? (may & mask) !== 0 : (must & mask) === 0;
        expect(b.enter().outcome(), `${on}`).toMatch(isAllowed ? /^exit/ : /^error 7$/);
      }
    });
  });
});
