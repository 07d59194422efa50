import { describe, expect, it } from 'vitest';
import { CR4, DS, EAX, EBX, ECX, EDI, EDX, ESI } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { Bench, CODE, CODE_SELECTOR, DATA, DIRECTORY, FREE, STACKS } from '../testing/bench.ts';
import {
  type Code,
  dword,
  fromControl,
  HLT,
  jmpFar,
  mov,
  NOP,
  push,
  storeValue,
  toControl,
  x,
} from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { ACCESS, BIG, descriptor, PAGES } from '../testing/tables.ts';
import * as L from './layout.ts';

const FAR = 0x40000000;
const RET = x('c3');
/** A function at this address, called again and again: it returns a constant in EAX, which is what is overwritten. */
const FUNCTION = CODE + 0x1000;
const CONSTANT = FUNCTION + 1;
const call = (from: number, to: number): Code => [0xe8, ...dword(to - from - 5)];

describe.each(MACHINES)('self-modifying code, $engine', machine => {
  const bench = () => new Bench(machine);

  /** The function is called, changed, and called again; the sum of what it returned, in EBX. */
  function twice(b: Bench, change: Code, at = CODE): number {
    b.bytes(FUNCTION, [...mov(EAX, 1), ...RET]);
    const first = call(at, FUNCTION);
    const addition = x('01 c3'); // add ebx, eax
    const second = call(at + 5 + 2 + change.length, FUNCTION);
    b.set(EBX, 0);
    b.program(first, addition, change, second, addition);
    expect(b.run().vector).toBeNull();
    return b.get(EBX);
  }

  it('the next instruction of the same block', () => {
    const b = bench();
    const [, target] = b.program([0xc6, 0x05, ...dword(CODE + 8), 7], mov(EAX, 0x01010101)); // mov byte [..], 7
    expect(target).toBe(CODE + 7);
    b.run();
    expect(b.get(EAX)).toBe(0x01010107);
  });

  it('a later instruction of the same block, and the count of steps is the same', () => {
    const b = bench();
    b.program(storeValue(CODE + 13, 5), NOP, NOP, mov(EAX, 1));
    b.run();
    expect([b.get(EAX), b.cpu.count]).toEqual([5, 5]);
  });

  it('the instruction itself, which goes on as it was', () => {
    const b = bench();
    b.program(storeValue(CODE, 0x90909090), x('40'));
    b.run();
    expect([b.read(CODE), b.get(EAX)]).toEqual([0x90909090, 1]);
  });

  it('a loop that changes its own body in every turn', () => {
    const b = bench();
    // mov eax, 0; add ebx, eax; inc byte [constant]; loop
    b.set(ECX, 10);
    b.program(mov(EAX, 0), x('01 c3'), [0xfe, 0x05, ...dword(CODE + 1)], x('e2 f1'));
    b.run();
    expect(b.get(EBX)).toBe(45);
  });

  describe('a function in another page', () => {
    it.each<[string, Code]>([
      ['a doubleword', storeValue(CONSTANT, 2)],
      ['a byte', [0xc6, 0x05, ...dword(CONSTANT), 2]],
      ['a word', [0x66, 0xc7, 0x05, ...dword(CONSTANT), 2, 0]],
      ['a doubleword that reaches into it', storeValue(CONSTANT - 1, 0x000002b8)],
      ['INC', [0xff, 0x05, ...dword(CONSTANT)]],
      ['XCHG', [...mov(EAX, 2), 0x87, 0x05, ...dword(CONSTANT)]],
      ['PUSH', [...mov(4, CONSTANT + 4), ...push(2), ...mov(4, STACKS[0])]],
      ['MOVSB', [...mov(ESI, DATA), ...mov(EDI, CONSTANT), 0xa4]],
      ['REP MOVSB', [...mov(ESI, DATA - 99), ...mov(EDI, CONSTANT - 99), ...mov(ECX, 103), 0xf3, 0xa4]],
      ['REP MOVSD', [...mov(ESI, DATA - 400), ...mov(EDI, CONSTANT - 400), ...mov(ECX, 101), 0xf3, 0xa5]],
      ['REP STOSB', [...mov(EAX, 2), ...mov(EDI, CONSTANT), ...mov(ECX, 1), 0xf3, 0xaa]],
      ['FIST', [...x('db e3 d9 e8 d8 c0'), 0xdb, 0x15, ...dword(CONSTANT)]], // fninit; fld1; fadd st, st; fist
    ])('written by %s', (_, change) => {
      const b = bench();
      b.write(DATA, 4, 2);
      // The long copies bring the opcode along.
      b.write(DATA - 1, 1, 0xb8);
      expect(twice(b, change)).toBe(3);
    });

    it('through another linear address', () => {
      const b = bench().paging();
      b.page(FAR, FUNCTION | 7);
      expect(twice(b, storeValue(FAR + 1, 2))).toBe(3);
    });

    it('through another linear address that was written before it was code', () => {
      const b = bench().paging();
      b.page(FAR, FUNCTION | 7);
      b.program(storeValue(FAR + 0x800, 1));
      b.run();
      expect(twice(b, storeValue(FAR + 1, 2))).toBe(3);
    });

    it('through a 4 MB page', () => {
      const b = bench().paging(CR4.PSE);
      b.directory(FAR, 0x87);
      expect(twice(b, storeValue(FAR + CONSTANT, 2))).toBe(3);
    });

    it('through another segment', () => {
      const b = bench();
      b.descriptor(FREE, descriptor(DATA, 0xfffff, ACCESS.data, BIG | PAGES));
      b.segment(DS, FREE);
      expect(twice(b, storeValue(CONSTANT - DATA, 2))).toBe(3);
    });

    it('by a device', () => {
      const b = bench();
      b.cpu.ports = { read: () => 0, write: () => b.cpu.writePhysical(CONSTANT, 4, 2) };
      expect(twice(b, x('e6 80'))).toBe(3);
    });

    it('by the processor: an accessed bit in a descriptor among the code', () => {
      const b = bench();
      // The GDT moves to where the access byte of entry 1 is the constant's low byte: data, not accessed, then accessed.
      const table = CONSTANT - 13;
      b.bytes(FUNCTION, [...mov(EAX, 1), ...RET]);
      b.bytes(table + 8, [0xff, 0xff, 0, 0]);
      const change = [...mov(ECX, 8), 0x8e, 0xe1]; // mov fs, cx
      b.set(EBX, 0);
      b.cpu.i32[L.W_GDTR_BASE] = table;
      b.bytes(CONSTANT, [0x92, 0xcf, 0, 0]);
      b.program(call(CODE, FUNCTION), x('01 c3'), change, call(CODE + 14, FUNCTION), x('89 c1'));
      expect(b.run().vector).toBeNull();
      expect([b.get(EBX), b.get(ECX)]).toEqual([0xcf92, 0xcf93]);
    });

    it('time and again: each call sees the last write', () => {
      const b = bench();
      b.bytes(FUNCTION, [...mov(EAX, 1), ...RET]);
      b.set(ECX, 100);
      // call; add ebx, eax; mov [CONSTANT], ecx; loop
      b.program(call(CODE, FUNCTION), x('01 c3'), [0x89, 0x0d, ...dword(CONSTANT)], x('e2 f1'));
      b.run();
      expect(b.get(EBX)).toBe(1 + (100 * 101) / 2 - 1);
    });

    it('data beside code can be written without an effect on it', () => {
      const b = bench();
      expect(twice(b, storeValue(FUNCTION + 0x800, 2))).toBe(2);
      expect(twice(b, storeValue(FUNCTION + 6, 2))).toBe(2);
    });
  });

  describe('code by other addresses', () => {
    it('the same physical code at two linear addresses is relative to each', () => {
      const b = bench().paging();
      b.page(FAR, FUNCTION | 7);
      b.bytes(FUNCTION, x('e8 00 00 00 00 58 c3')); // call $+5; pop eax; ret
      b.program(call(CODE, FUNCTION), x('89 c3'), mov(ECX, FAR), x('ff d1'));
      b.run();
      expect([b.get(EBX), b.get(EAX)]).toEqual([FUNCTION + 5, FAR + 5]);
    });

    it('another physical page at the same linear address', () => {
      const b = bench().paging();
      b.bytes(DATA, [...mov(EAX, 2), ...RET]);
      const pte = b.pte(FUNCTION);
      expect(twice(b, [...storeValue(pte, DATA | 7), ...x('0f 01 3d'), ...dword(FUNCTION)])).toBe(3); // invlpg
    });

    it('another page table at the same linear address', () => {
      const b = bench().paging();
      b.bytes(DATA, [...mov(EAX, 2), ...RET]);
      b.write(0x90000, 4, 0x91007);
      for (let n = 0; n < 1024; n++) b.write(0x91000 + 4 * n, 4, (n << 12) | 7);
      b.write(0x91000 + (FUNCTION >>> 12) * 4, 4, DATA | 7);
      expect(twice(b, [...mov(EAX, 0x90000), ...toControl(3)])).toBe(3);
    });

    it('the same bytes as 16-bit and as 32-bit code', () => {
      const b = bench();
      b.descriptor(FREE, descriptor(0, 0xfffff, ACCESS.code, PAGES));
      // 32-bit: mov eax, 0bb1234; 16-bit: mov ax, 1234; mov bx, 0.
      b.bytes(FUNCTION, [...x('b8 34 12 bb 00'), ...x('00 f4')]);
      b.bytes(FUNCTION + 5, x('00 f4'));
      b.set(EAX, 0);
      b.program(jmpFar(FREE, FUNCTION));
      b.run();
      expect([b.get(EAX), b.get(EBX)]).toEqual([0x1234, 0]);
      b.ring(0);
      b.bytes(FUNCTION + 5, x('f4'));
      b.program(jmpFar(CODE_SELECTOR[0], FUNCTION));
      b.run();
      expect(b.get(EAX)).toBe(0x00bb1234);
    });

    it('with address line 20 held low, 1 MB is 0', () => {
      const b = bench();
      const target = 0x100000 + CODE + 0x3000;
      b.bytes(target, [...mov(EAX, 1), ...HLT]);
      b.bytes(CODE + 0x3000, [...mov(EAX, 2), ...HLT]);
      for (const mask of [-1, ~0x100000, -1]) {
        b.cpu.physical.addressMask = mask;
        b.cpu.flushAll();
        b.cpu.codePages.clear();
        b.program(mov(ECX, target), x('ff e1')); // jmp ecx
        b.run();
        expect(b.get(EAX)).toBe(mask === -1 ? 1 : 2);
      }
    });
  });

  describe('code across pages', () => {
    const EDGE = CODE + 0x1000;

    it('runs, in pages that lie apart', () => {
      for (let before = 1; before < 5; before++) {
        const b = bench().paging();
        b.page(FAR, CODE | 7);
        b.page(FAR + 0x1000, DATA | 7);
        const code = [...mov(EAX, 0x12345678), ...HLT];
        b.bytes(EDGE - before, code.slice(0, before));
        b.bytes(DATA, code.slice(before));
        b.cpu.i32[L.W_EIP] = FAR + 0x1000 - before;
        b.run();
        expect(b.get(EAX)).toBe(0x12345678);
      }
    });

    it('sees a change of either page', () => {
      for (const at of [EDGE - 1, EDGE]) {
        const b = bench();
        b.bytes(EDGE - 2, [...mov(EAX, 0x01010101), ...HLT]);
        b.cpu.i32[L.W_EIP] = EDGE - 2;
        b.run();
        b.write(at, 1, 0x02);
        b.cpu.i32[L.W_EIP] = EDGE - 2;
        b.run();
        expect(b.get(EAX)).toBe(at === EDGE ? 0x01010201 : 0x01010102);
      }
    });

    it('sees another second page', () => {
      const b = bench().paging();
      b.bytes(EDGE - 2, [...mov(EAX, 0x01010101), ...HLT]);
      b.bytes(DATA, [2, 2, 2, ...HLT]);
      b.cpu.i32[L.W_EIP] = EDGE - 2;
      b.run();
      b.page(EDGE, DATA | 7);
      b.cpu.flushPage(EDGE);
      b.cpu.i32[L.W_EIP] = EDGE - 2;
      b.run();
      expect(b.get(EAX)).toBe(0x02020201);
    });

    it('faults at the first byte of a second page that is missing, before anything happens', () => {
      const b = bench().paging().ring(3);
      b.page(EDGE, 0);
      b.bytes(EDGE - 3, [...x('40'), 0xb8, 1]); // inc eax; mov eax, ...
      b.cpu.i32[L.W_EIP] = EDGE - 3;
      expect(b.run()).toMatchObject({ vector: VECTOR.PF, code: 4, eip: EDGE - 2 });
      expect([b.cpu.i32[L.W_CR2], b.get(EAX)]).toEqual([EDGE, 1]);
    });

    it('falls through from the last instruction of a page to the first of the next', () => {
      const b = bench().paging();
      b.page(FAR, CODE | 7);
      b.page(FAR + 0x1000, DATA | 7);
      b.bytes(EDGE - 5, mov(EAX, 1));
      b.bytes(DATA, [...mov(EBX, 2), ...HLT]);
      b.cpu.i32[L.W_EIP] = FAR + 0xffb;
      b.run();
      expect([b.get(EAX), b.get(EBX)]).toEqual([1, 2]);
    });

    it('an instruction that ends its page does not need the next', () => {
      const b = bench().paging().ring(3);
      b.page(EDGE, 0);
      b.bytes(EDGE - 2, x('eb 80')); // jmp EDGE - 128
      b.bytes(EDGE - 128, x('0f 0b'));
      b.cpu.i32[L.W_EIP] = EDGE - 2;
      expect(b.run()).toMatchObject({ vector: VECTOR.UD, eip: EDGE - 128 });
    });
  });

  it('a page that lies all within straight-line code is seen to change', () => {
    const b = bench();
    // Ten bytes each: mov dword [DATA], 0, and the one in the middle of the second page writes elsewhere.
    const at = CODE + 0x1ff0;
    const middle = at + 10 * 200;
    for (let n = 0; n < 450; n++)
      b.bytes(at + 10 * n, [0xc7, 0x05, ...dword(n === 200 ? DATA + 4 : DATA), ...dword(7)]);
    b.bytes(at + 4500, RET);
    // Time and again, so that translated code runs: add dword [middle + 6], 1; call esi; dec ecx; jnz
    b.set(ECX, 9);
    b.set(ESI, at);
    b.program([0x83, 0x05, ...dword(middle + 6), 1], x('ff d6'), x('49 75 f4'));
    expect(b.run().vector).toBeNull();
    expect(b.read(DATA + 4)).toBe(7 + 9);
  });

  it('the page tables may be code, too', () => {
    const b = bench().paging();
    // A directory entry that nobody uses is an instruction: jmp $+2 and so on, in the last entries.
    const at = DIRECTORY + 0xf00;
    b.bytes(at, [...mov(EDX, 5), ...RET]);
    b.program(mov(ECX, at), x('ff d1'), storeValue(DIRECTORY + 0xf01, 6), x('ff d1'), fromControl(3));
    b.run();
    expect([b.get(EDX), b.get(EAX)]).toEqual([6, DIRECTORY]);
  });
});
