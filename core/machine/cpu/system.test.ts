import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { CR0, CR4, CS, EAX, EBX, ECX, EDX, ESP, SS } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { Bench, CODE, CODE_SELECTOR, DATA, NO_FLAGS, STACKS } from '../testing/bench.ts';
import { HLT, mov, NOP, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import * as L from './layout.ts';

const SYSENTER = x('0f 34');
const SYSEXIT = x('0f 35');
const CPUID = x('0f a2');
const RDMSR = x('0f 32');
const WRMSR = x('0f 30');
const RDTSC = x('0f 31');
const UD2 = x('0f 0b');

const IA32_SYSENTER_CS = 0x174;
const IA32_SYSENTER_ESP = 0x175;
const IA32_SYSENTER_EIP = 0x176;
const IA32_EFER = 0xc0000080;
const IA32_TIME_STAMP_COUNTER = 0x10;

describe.each(MACHINES)('system instructions, $engine', machine => {
  const bench = () => new Bench(machine);

  function writeMsr(b: Bench, number: number, value: number): void {
    b.ring(0);
    b.program(mov(ECX, number), mov(EAX, value), mov(EDX, 0), WRMSR);
    expect(b.run().vector).toBeNull();
  }

  describe('SYSENTER and SYSEXIT', () => {
    function ready(): Bench {
      const b = bench();
      writeMsr(b, IA32_SYSENTER_CS, CODE_SELECTOR[0]);
      writeMsr(b, IA32_SYSENTER_ESP, 0x5000);
      writeMsr(b, IA32_SYSENTER_EIP, CODE + 0x100);
      return b;
    }

    it('enter ring 0 by the MSRs, with interrupts off and nothing pushed', () => {
      const b = ready().ring(3);
      b.bytes(CODE + 0x100, HLT);
      b.flags(FLAG.IF | FLAG.CF);
      b.program(SYSENTER);
      expect(b.run()).toMatchObject({
        vector: null,
        eip: CODE + 0x101,
        cs: 8,
        ss: 16,
        esp: 0x5000,
        eflags: NO_FLAGS | FLAG.CF,
      });
      expect(b.cpu.cpl).toBe(0);
      expect([CS, SS].map(index => [b.cpu.base(index), b.cpu.segment(index, L.S_LIMIT)])).toEqual([
        [0, -1],
        [0, -1],
      ]);
    });

    it('use no descriptor: an empty GDT does not matter', () => {
      const b = ready().ring(3);
      b.bytes(CODE + 0x100, HLT);
      b.cpu.i32[L.W_GDTR_LIMIT] = 0;
      b.program(SYSENTER);
      expect(b.run()).toMatchObject({ vector: null, eip: CODE + 0x101 });
    });

    it('exit to ring 3 by EDX and ECX, with selectors 16 and 24 above', () => {
      const b = ready();
      b.bytes(CODE + 0x200, UD2);
      b.flags(FLAG.IF);
      b.program(mov(EDX, CODE + 0x200), mov(ECX, 0x7000), SYSEXIT);
      expect(b.run()).toMatchObject({
        vector: VECTOR.UD,
        eip: CODE + 0x200,
        cs: 0x1b,
        ss: 0x23,
        esp: 0x7000,
        eflags: NO_FLAGS | FLAG.IF | FLAG.RF,
      });
    });

    it('ignore the RPL in the MSR', () => {
      const b = ready();
      writeMsr(b, IA32_SYSENTER_CS, CODE_SELECTOR[0] | 3);
      b.ring(3);
      b.bytes(CODE + 0x100, HLT);
      b.program(SYSENTER);
      expect(b.run()).toMatchObject({ vector: null, cs: 8, ss: 16 });
    });

    it('are #GP(0) while the MSR is null, SYSEXIT outside of ring 0 as well', () => {
      for (const [code, ring, selector] of [
        [SYSENTER, 3, 0],
        [SYSENTER, 3, 3],
        [SYSEXIT, 0, 0],
        [SYSEXIT, 3, 8],
        [SYSEXIT, 1, 8],
      ] as const) {
        const b = bench();
        writeMsr(b, IA32_SYSENTER_CS, selector);
        b.ring(ring);
        b.program(code);
        expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0, eip: CODE });
      }
    });

    it('SYSENTER works in ring 0, too', () => {
      const b = ready();
      b.bytes(CODE + 0x100, HLT);
      b.program(SYSENTER);
      expect(b.run()).toMatchObject({ vector: null, eip: CODE + 0x101, esp: 0x5000 });
    });
  });

  describe('CPUID', () => {
    function leaf(number: number): number[] {
      const b = bench().ring(3);
      b.set(EAX, number);
      b.program(CPUID);
      b.step();
      return [EAX, EBX, ECX, EDX].map(register => b.get(register));
    }
    const text = (words: readonly number[]) =>
      words.flatMap(word => [0, 8, 16, 24].map(shift => String.fromCharCode((word >>> shift) & 0xff))).join('');

    it('names the vendor and the last leaf', () => {
      const [eax, ebx, ecx, edx] = leaf(0);
      expect(eax).toBe(1);
      expect(text([ebx, edx, ecx])).toBe('GenuineIntel');
    });

    it('names the processor in three leaves of 16 characters', () => {
      const name = text([0x80000002, 0x80000003, 0x80000004].flatMap(leaf));
      expect(name.length).toBe(48);
      expect(name).toMatch(/^Ringside IA-32 processor\0+$/);
      expect(leaf(0x80000000)[0]).toBe(0x80000008);
    });

    it('beyond the last leaf says what the last basic one says', () => {
      expect(leaf(0x40000000)).toEqual(leaf(1));
      expect(leaf(2)).toEqual(leaf(1));
    });

    it('the signature is what EDX holds after RESET', () => {
      const b = bench();
      b.cpu.reset();
      const signature = b.get(EDX);
      expect(leaf(1)[0]).toBe(signature);
    });

    it('is serial: any privilege, and it changes no flag', () => {
      const b = bench().ring(3);
      b.flags(FLAG.CF | FLAG.ZF);
      b.program(CPUID);
      b.step();
      expect(b.cpu.eflags()).toBe(NO_FLAGS | FLAG.CF | FLAG.ZF);
    });

    it('announces what is there', () => {
      const [, , , features] = leaf(1);
      const has = (bit: number) => (features >>> bit) & 1;
      // What would be undefined, or a bit that CR4 would not take, must not be announced, and the other way round.
      const probes: readonly (readonly [string, number, readonly number[]])[] = [
        ['RDTSC', 4, RDTSC],
        ['CMPXCHG8B', 8, [...x('0f c7 0d'), 0, 0, 2, 0]],
        ['CMOV', 15, x('0f 44 c1')],
        ['EMMS', 23, x('0f 77')],
        ['XORPS', 25, x('0f 57 c0')],
        ['CLFLUSH', 19, x('0f ae 3d 00 02 00 00')],
        ['PAUSE aside, LFENCE', 26, x('0f ae e8')],
      ];
      for (const [name, bit, code] of probes) {
        const b = bench();
        b.program(mov(EAX, CR4.OSFXSR), x('0f 22 e0'), code); // mov cr4, eax
        expect(b.run().vector === null ? 1 : 0, name).toBe(has(bit));
      }
      for (const [name, bit, flag] of [
        ['VME', 1, CR4.VME],
        ['DE', 2, CR4.DE],
        ['PSE', 3, CR4.PSE],
        ['PAE', 6, CR4.PAE],
        ['PGE', 13, CR4.PGE],
        ['FXSR', 24, CR4.OSFXSR],
        ['SSE', 25, CR4.OSXMMEXCPT],
      ] as const) {
        const b = bench();
        b.program(mov(EAX, flag), x('0f 22 e0')); // mov cr4, eax
        const taken = b.run().vector === null;
        expect(taken ? 1 : 0, name).toBe(has(bit));
      }
    });
  });

  describe('model-specific registers', () => {
    const read = (b: Bench, number: number) => {
      b.ring(0);
      b.program(mov(ECX, number), RDMSR);
      const stop = b.run();
      return stop.vector === null ? [b.get(EDX), b.get(EAX)] : stop;
    };

    it.each([IA32_SYSENTER_CS, IA32_SYSENTER_ESP, IA32_SYSENTER_EIP])('%i holds what is written', number => {
      const b = bench();
      writeMsr(b, number, 0xdeadbeef);
      expect(read(b, number)).toEqual([0, 0xdeadbeef]);
    });

    it('EFER has NXE, and nothing else', () => {
      const b = bench();
      writeMsr(b, IA32_EFER, 0x800);
      expect(read(b, IA32_EFER)).toEqual([0, 0x800]);
      for (const bits of [1, 0x100, 0x400, 0x1000]) {
        b.program(mov(ECX, IA32_EFER), mov(EAX, bits), mov(EDX, 0), WRMSR);
        expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0, eip: CODE + 15 });
        b.ring(0);
      }
      expect(read(b, IA32_EFER)).toEqual([0, 0x800]);
    });

    it('others are #GP(0), for reads and writes', () => {
      for (const number of [0x3, 0x1b0, 0x40000000, 0xc0000081, 0xffffffff]) {
        const b = bench();
        b.set(EAX, 7);
        expect(read(b, number)).toMatchObject({ vector: VECTOR.GP, code: 0 });
        expect(b.get(EAX)).toBe(7);
        b.ring(0);
        b.program(mov(ECX, number), WRMSR);
        expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0 });
      }
    });

    // PAT, MTRRdefType, MTRRphysBase0 and Mask0, MTRRfix64K_00000, MTRRcap: low and high word, and whether they can be written.
    it.each<[number, number, number, boolean]>([
      [0x277, 0x07060504, 0x00010406, true],
      [0x277, 0x02060504, 0, false],
      [0x277, 0, 0x03000000, false],
      [0x277, 0x08, 0, false],
      [0x2ff, 0xc06, 0, true],
      [0x2ff, 0xc01, 0, false],
      [0x2ff, 0xc07, 0, false],
      [0x2ff, 0x1006, 0, false],
      [0x200, 0xd0000006, 0, true],
      [0x200, 0xd0000002, 0, false],
      [0x200, 0xd0000106, 0, false],
      [0x200, 0x6, 1, false],
      [0x201, 0xff000800, 0, true],
      [0x201, 0xff000801, 0, false],
      [0x250, 0x06050400, 0x06060606, true],
      [0x250, 0x06050402, 0x06060606, false],
      [0x250, 0x06060606, 0x07060606, false],
      [0xfe, 0x508, 0, false],
      [0x179, 0, 0, false],
      [0x17a, 0, 0, true],
      [0x17a, 1, 0, false],
    ])('%x: what is reserved is #GP(0) and changes nothing (%x, %x)', (number, low, high, isTaken) => {
      const b = bench();
      const before = read(b, number);
      b.ring(0);
      b.program(mov(ECX, number), mov(EAX, low), mov(EDX, high), WRMSR);
      expect(b.run()).toMatchObject(isTaken ? { vector: null } : { vector: VECTOR.GP, code: 0 });
      expect(read(b, number)).toEqual(isTaken ? [high, low] : before);
    });

    it('belong to ring 0', () => {
      for (const code of [RDMSR, WRMSR]) {
        const b = bench().ring(3);
        b.set(ECX, IA32_SYSENTER_CS);
        b.program(code);
        expect(b.run()).toMatchObject({ vector: VECTOR.GP, code: 0, eip: CODE });
      }
    });

    it('EFER.NXE counts at once', () => {
      const b = bench();
      writeMsr(b, IA32_EFER, 0x800);
      b.paePaging();
      b.pae(DATA, DATA | 7, 0x80000000);
      const [, , , , , eip] = b.program(
        x('a1 00 00 02 00'), // mov eax, [DATA]
        mov(ECX, IA32_EFER),
        mov(EAX, 0),
        mov(EDX, 0),
        WRMSR,
        x('a1 00 00 02 00'),
      );
      // Without NXE bit 63 is reserved.
      expect(b.run()).toMatchObject({ vector: VECTOR.PF, code: 9, eip });
    });
  });

  describe('the time-stamp counter', () => {
    function ticking(b: Bench): Bench {
      let offset = 0;
      b.cpu.timeStamp = () => 0x500000000 + b.cpu.count + offset;
      b.cpu.setTimeStamp = ticks => {
        offset = ticks - b.cpu.count - 0x500000000;
      };
      return b;
    }

    it('RDTSC and RDMSR read it, in the middle of straight code', () => {
      const b = ticking(bench());
      b.program(NOP, NOP, RDTSC, NOP, x('89 c3'), mov(ECX, IA32_TIME_STAMP_COUNTER), RDMSR);
      b.run();
      expect(b.get(EDX)).toBe(5);
      expect(b.get(EAX) - b.get(EBX)).toBe(4);
    });

    it('WRMSR sets it', () => {
      const b = ticking(bench());
      b.program(mov(ECX, IA32_TIME_STAMP_COUNTER), mov(EDX, 7), mov(EAX, 100), WRMSR, RDTSC);
      b.run();
      expect([b.get(EDX), b.get(EAX)]).toEqual([7, 101]);
    });

    it.each([
      [0, true, true],
      [3, true, false],
      [3, false, true],
    ] as const)('in ring %i with CR4.TSD %s', (ring, tsd, allowed) => {
      const b = ticking(bench()).ring(ring);
      b.cpu.i32[L.W_CR4] = tsd ? CR4.TSD : 0;
      b.program(RDTSC, UD2);
      expect(b.run()).toMatchObject(allowed ? { vector: VECTOR.UD } : { vector: VECTOR.GP, code: 0, eip: CODE });
    });
  });

  describe('the machine status word', () => {
    it('LMSW changes PE, MP, EM and TS only, CLTS clears TS', () => {
      const b = bench();
      b.program(mov(EAX, 0xffff), x('0f 01 f0'), x('0f 20 c3'), x('0f 06'), x('0f 20 c1')); // lmsw, mov ebx, clts, mov ecx
      b.run();
      const before = CR0.PE | CR0.ET | CR0.NE;
      expect(b.get(EBX)).toBe(before | CR0.MP | CR0.EM | CR0.TS);
      expect(b.get(ECX)).toBe(before | CR0.MP | CR0.EM);
    });
  });

  it('the privileged instructions are #GP(0) in rings 1 to 3', () => {
    const privileged = [
      ['HLT', 'f4'],
      ['CLTS', '0f 06'],
      ['INVD', '0f 08'],
      ['WBINVD', '0f 09'],
      ['INVLPG', '0f 01 38'],
      ['LGDT', '0f 01 10'],
      ['LIDT', '0f 01 18'],
      ['LLDT', '0f 00 d0'],
      ['LTR', '0f 00 d8'],
      ['LMSW', '0f 01 f0'],
      ['MOV from CR', '0f 20 c0'],
      ['MOV to CR', '0f 22 c0'],
      ['MOV from DR', '0f 21 c0'],
      ['MOV to DR', '0f 23 c0'],
      ['RDPMC', '0f 33'],
    ] as const;
    for (const [name, code] of privileged) {
      for (const ring of [1, 2, 3] as const) {
        const b = bench().ring(ring);
        b.program(x(code));
        expect(b.run(), `${name} in ring ${ring}`).toMatchObject({
          vector: VECTOR.GP,
          code: 0,
          eip: CODE,
          esp: STACKS[ring],
        });
      }
    }
  });

  it('RSM is #UD in every ring: there is no system management mode', () => {
    for (const ring of [0, 1, 2, 3] as const) {
      const b = bench().ring(ring);
      b.program(x('0f aa'));
      expect(b.run()).toMatchObject({ vector: VECTOR.UD, eip: CODE });
    }
  });

  it('RESET leaves the state of the manual’s table', () => {
    const b = bench();
    b.cpu.reset();
    expect(
      [CS, SS].map(index => [b.cpu.selector(index), b.cpu.base(index) >>> 0, b.cpu.segment(index, L.S_LIMIT)]),
    ).toEqual([
      [0xf000, 0xffff0000, 0xffff],
      [0, 0, 0xffff],
    ]);
    expect([b.cpu.i32[L.W_EIP], b.cpu.eflags(), b.cpu.i32[L.W_CR0] >>> 0, b.get(ESP)]).toEqual([
      0xfff0, 2, 0x60000010, 0,
    ]);
    expect([b.cpu.i32[L.W_DR + 6] >>> 0, b.cpu.i32[L.W_DR + 7]]).toEqual([0xffff0ff0, 0x400]);
  });
});
