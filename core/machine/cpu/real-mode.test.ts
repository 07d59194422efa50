import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { CR0, CS, DS, EAX, EBX, ECX, EDX, ES, ESP, FS, GS, SS } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { Bench, CODE, DATA, FREE } from '../testing/bench.ts';
import { CLI, type Code, HLT, IRET, NOP, STI, word, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { ACCESS, descriptor } from '../testing/tables.ts';
import * as L from './layout.ts';

/** Programs start at 1000:0000, with data at 2000:0000 and a stack at 3000:8000. */
const CODE_SEGMENT = CODE >>> 4;
const DATA_SEGMENT = DATA >>> 4;
const STACK_SEGMENT = 0x3000;
const STACK = 0x30000;
/** Handlers of the interrupt vector table: F000 in the segment of the code, a HLT for each vector. */
const HANDLERS = 0xf000;

const mov16 = (register: number, value: number): Code => [0xb8 + register, ...word(value)];
const push16 = (value: number): Code => [0x68, ...word(value)];
const UD2 = x('0f 0b');

describe.each(MACHINES)('real mode, $engine', machine => {
  function bench(): Bench {
    const b = new Bench(machine);
    const { cpu } = b;
    cpu.i32[L.W_CR0] = CR0.ET;
    cpu.setCpl(0);
    const real = (index: number, selector: number) => cpu.setSegment(index, selector, selector << 4, 0xffff, 0x93);
    real(CS, CODE_SEGMENT);
    for (const index of [DS, ES, FS, GS]) real(index, DATA_SEGMENT);
    real(SS, STACK_SEGMENT);
    b.set(ESP, 0x8000);
    cpu.i32[L.W_IDTR_BASE] = 0;
    cpu.i32[L.W_IDTR_LIMIT] = 0x3ff;
    for (let vector = 0; vector < 256; vector++) {
      b.write(4 * vector, 2, HANDLERS + 2 * vector);
      b.write(4 * vector + 2, 2, CODE_SEGMENT);
      b.bytes(CODE + HANDLERS + 2 * vector, [...HLT, ...IRET]);
    }
    return b;
  }

  /** Puts code at 1000:0000, runs it to a HLT, and tells the vector whose handler that was, and its frame. */
  function run(b: Bench, ...code: readonly Code[]) {
    b.program(...code);
    b.cpu.i32[L.W_EIP] = 0;
    b.cpu.i32[L.W_HALTED] = 0;
    b.step(1000);
    expect(b.cpu.halted).toBe(true);
    const vector = (b.cpu.i32[L.W_EIP] - 1 - HANDLERS) / 2;
    const top = b.cpu.base(SS) + (b.get(ESP) & 0xffff);
    const frame = [0, 2, 4].map(n => b.read(top + n, 2));
    return Number.isInteger(vector) && vector >= 0 ? { vector, ip: frame[0], cs: frame[1], flags: frame[2] } : null;
  }

  it('the base of a segment is 16 times its selector', () => {
    const b = bench();
    b.write(0x12345, 2, 0xbeef);
    expect(run(b, mov16(EAX, 0x1234), x('8e d8'), x('8b 1e 05 00'))).toBeNull(); // mov ds, ax; mov bx, [5]
    expect(b.get(EBX)).toBe(0xbeef);
    expect(b.cpu.base(DS)).toBe(0x12340);
  });

  it('a far jump leaves the size and the limit of CS as protected mode made them', () => {
    const b = bench();
    b.cpu.setSegment(CS, CODE_SEGMENT, CODE, -1, 0xc09b);
    // JMP FAR, 32-bit; MOV EAX, imm32
    expect(run(b, x('ea 07 00 00 00'), word(CODE_SEGMENT), x('b8 78 56 34 12'))).toBeNull();
    expect(b.get(EAX)).toBe(0x12345678);
    expect([b.cpu.segment(CS, L.S_LIMIT), b.cpu.segment(CS, L.S_ATTRIBUTES)]).toEqual([-1, 0xc093]);
  });

  it('FFFF:0010 is the byte above 1 MB, or byte 0 with address line 20 held low', () => {
    for (const open of [true, false]) {
      const b = bench();
      b.write(0x100000, 1, 0x11);
      const first = b.read(0, 1);
      b.cpu.physical.addressMask = open ? -1 : ~0x100000;
      b.cpu.flushAll();
      run(b, mov16(EAX, 0xffff), x('8e d8'), x('a0 10 00')); // mov al, [10]
      b.cpu.physical.addressMask = -1;
      expect(b.get(EAX) & 0xff).toBe(open ? 0x11 : first);
    }
  });

  it('16-bit addresses wrap, and an operand across the end of the segment is #GP without an error code', () => {
    const b = bench();
    b.write(DATA + 1, 1, 0x77);
    run(b, mov16(EBX, 0xffff), x('8a 47 02')); // mov al, [bx + 2]
    expect(b.get(EAX) & 0xff).toBe(0x77);
    expect(run(b, x('a1 ff ff'))).toEqual({ vector: VECTOR.GP, ip: 0, cs: CODE_SEGMENT, flags: expect.anything() });
    expect(b.get(ESP)).toBe(0x8000 - 6);
  });

  it('through SS it is #SS', () => {
    const b = bench();
    expect(run(b, x('36 a1 ff ff'))).toMatchObject({ vector: VECTOR.SS, ip: 0 });
  });

  it('so is a 32-bit offset beyond 64 KB', () => {
    const b = bench();
    expect(run(b, x('66 b8 00 00 01 00'), x('67 8a 00'))).toMatchObject({ vector: VECTOR.GP, ip: 6 }); // mov al, [eax]
  });

  describe('INT and IRET', () => {
    it('go through the table at 0, push three words, clear IF, TF and AC', () => {
      const b = bench();
      b.flags(FLAG.IF | FLAG.CF | FLAG.AC);
      expect(run(b, NOP, x('cd 21'))).toEqual({
        vector: 0x21,
        ip: 3,
        cs: CODE_SEGMENT,
        flags: FLAG.IF | FLAG.CF | FLAG.ONE,
      });
      expect(b.cpu.eflags()).toBe(FLAG.CF | FLAG.ONE);
      expect([b.get(ESP), b.cpu.i32[L.W_EIP], b.cpu.selector(CS)]).toEqual([0x7ffa, HANDLERS + 0x43, CODE_SEGMENT]);
    });

    it('come back with the flags', () => {
      const b = bench();
      b.bytes(CODE + HANDLERS + 0x42, IRET);
      b.flags(FLAG.IF | FLAG.CF);
      run(b, x('cd 21'), x('41')); // inc cx
      expect([b.get(ECX), b.get(ESP), b.cpu.eflags() & (FLAG.IF | FLAG.CF)]).toEqual([1, 0x8000, FLAG.IF | FLAG.CF]);
    });

    it('the table lies where IDTR says, as long as it says', () => {
      const b = bench();
      b.cpu.i32[L.W_IDTR_BASE] = DATA;
      b.write(DATA + 4 * 0x21, 4, (CODE_SEGMENT << 16) | (HANDLERS + 2 * 0x33));
      expect(run(b, x('cd 21'))).toMatchObject({ vector: 0x33 });

      const c = bench();
      c.cpu.i32[L.W_IDTR_LIMIT] = 4 * 0x21 + 2;
      expect(run(c, x('cd 21'))).toMatchObject({ vector: VECTOR.GP, ip: 0 });
    });

    it('a table without #GP and #DF ends the machine', () => {
      const b = bench();
      b.cpu.i32[L.W_IDTR_LIMIT] = 3;
      b.program(x('cd 21'));
      b.cpu.i32[L.W_EIP] = 0;
      expect(() => b.step(10)).toThrow('double fault');
    });

    it('a 32-bit IRET pops doublewords', () => {
      const b = bench();
      b.bytes(CODE + 0x100, HLT);
      run(
        b,
        x('66 68 03 00 04 00'), // push dword EFLAGS
        x('66 68 00 10 00 00'),
        x('66 68 00 01 00 00'),
        x('66 cf'),
      );
      expect([b.cpu.i32[L.W_EIP], b.cpu.eflags(), b.get(ESP)]).toEqual([0x101, FLAG.CF | FLAG.ONE | FLAG.AC, 0x8000]);
    });

    it('an exception returns to its instruction', () => {
      const b = bench();
      expect(run(b, NOP, UD2)).toMatchObject({ vector: VECTOR.UD, ip: 1 });
    });

    it('an interrupt from outside is taken after the shadow of STI', () => {
      const b = bench();
      b.raise(0x08);
      expect(run(b, CLI, STI, NOP, NOP)).toMatchObject({ vector: 8, ip: 3 });
    });

    it('the trap flag traps', () => {
      const b = bench();
      b.flags(FLAG.TF);
      expect(run(b, NOP, NOP)).toMatchObject({ vector: VECTOR.DB, ip: 1 });
    });
  });

  describe('far transfers', () => {
    it('JMP loads CS with any selector', () => {
      const b = bench();
      b.bytes(0x23450, HLT);
      run(b, [0xea, ...word(0x0050), ...word(0x2340)]);
      expect([b.cpu.selector(CS), b.cpu.base(CS), b.cpu.i32[L.W_EIP]]).toEqual([0x2340, 0x23400, 0x51]);
    });

    it('CALL and RETF', () => {
      const b = bench();
      b.bytes(0x23450, x('41 ca 02 00')); // inc cx; retf 2
      run(b, push16(0x1234), [0x9a, ...word(0x0050), ...word(0x2340)], x('42')); // inc dx
      expect([b.get(ECX), b.get(EDX), b.get(ESP), b.cpu.selector(CS)]).toEqual([1, 1, 0x8000, CODE_SEGMENT]);
      expect([b.read(STACK + 0x7ffc, 2), b.read(STACK + 0x7ffa, 2)]).toEqual([CODE_SEGMENT, 8]);
    });

    it('a near jump beyond 64 KB is #GP of the jump', () => {
      const b = bench();
      expect(run(b, x('66 e9 00 00 01 00'))).toMatchObject({ vector: VECTOR.GP, ip: 0 });
    });

    it('a 16-bit near jump wraps', () => {
      const b = bench();
      b.bytes(CODE + 0xff80, HLT);
      run(b, x('e9 7d ff'));
      expect(b.cpu.i32[L.W_EIP]).toBe(0xff81);
    });
  });

  it.each([
    ['SLDT', x('0f 00 c0')],
    ['STR', x('0f 00 c8')],
    ['LLDT', x('0f 00 d0')],
    ['LTR', x('0f 00 d8')],
    ['VERR', x('0f 00 e0')],
    ['VERW', x('0f 00 e8')],
    ['LAR', x('0f 02 c0')],
    ['LSL', x('0f 03 c0')],
    ['ARPL', x('63 c0')],
  ])('%s is #UD', (_, code) => {
    expect(run(bench(), code)).toMatchObject({ vector: VECTOR.UD, ip: 0 });
  });

  it('SYSENTER is #GP', () => {
    expect(run(bench(), x('0f 34'))).toMatchObject({ vector: VECTOR.GP, ip: 0 });
  });

  it('LMSW sets PE, and cannot clear it', () => {
    const b = bench();
    run(b, mov16(EAX, 0x000f), x('0f 01 f0'), x('0f 01 e3'), mov16(EAX, 0), x('0f 01 f0'), x('0f 01 e1')); // lmsw, smsw
    expect([b.get(EBX) & 0xf, b.get(ECX) & 0xf]).toEqual([0xf, 1]);
  });

  it('segments keep the limits of protected mode until they are loaded, and their limits after', () => {
    const b = bench();
    b.write(0x123456, 1, 0x5a);
    // Into protected mode, DS with 4 GB, and out again: then a 32-bit offset reaches all memory.
    run(
      b,
      x('0f 20 c0 0c 01 0f 22 c0'), // mov eax, cr0; or al, 1; mov cr0, eax
      x('bb 10 00 8e db'), // mov bx, 10; mov ds, bx
      x('24 fe 0f 22 c0'), // and al, fe; mov cr0, eax
      x('67 8a 0d 56 34 12 00'), // mov cl, [123456]
      x('31 db 8e db'), // xor bx, bx; mov ds, bx
      x('67 8a 2d 56 34 12 00'), // mov ch, [123456]
    );
    expect(b.get(ECX)).toBe(0x5a5a);
    expect(b.cpu.base(DS)).toBe(0);
  });

  it('into 32-bit protected mode and back', () => {
    const b = bench();
    b.descriptor(FREE, descriptor(0, 0xfffff, ACCESS.code, 0));
    b.bytes(CODE + 0x100, [
      ...x('b8 44 33 22 11'), // mov eax, 11223344
      ...x('66 bb 10 00 8e db'), // mov bx, 10; mov ds, bx
      ...x('a3 00 00 02 00'), // mov [20000], eax
      ...x('ea 00 02 01 00 58 00'), // jmp 58:10200
    ]);
    b.bytes(CODE + 0x200, [
      ...x('0f 20 c0 24 fe 0f 22 c0'), // mov eax, cr0; and al, fe; mov cr0, eax
      ...x('ea 00 03 00 10'), // jmp 1000:0300
    ]);
    b.bytes(CODE + 0x300, [...mov16(ECX, 0x55), ...HLT]);
    run(
      b,
      x('0f 20 c0 0c 01 0f 22 c0'),
      x('66 ea 00 01 01 00 08 00'), // jmp dword 8:10100
    );
    expect([b.read(DATA), b.get(ECX) & 0xffff, b.cpu.selector(CS)]).toEqual([0x11223344, 0x55, CODE_SEGMENT]);
  });
});
