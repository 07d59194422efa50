import { describe, expect, it } from 'vitest';
import { EAX, EBX, ECX, EDX } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import * as L from '../cpu/layout.ts';
import { Processor } from '../cpu/processor.ts';
import { Bench, DATA } from '../testing/bench.ts';
import { x } from '../testing/code.ts';
import type { MachineUnderTest } from '../testing/machines.ts';
import { Translator } from './translator.ts';

const REGIONS: MachineUnderTest = {
  engine: 'regions',
  open: physical => {
    const cpu = new Processor(physical);
    cpu.translator = new Translator(cpu, 'regions', { hot: 0, batch: 1, often: 1, mostWide: 4 });
    return cpu;
  },
};

describe('accesses near each other in two pages', () => {
  const END = DATA + 0x1000;

  it('are made each for itself when they were left for the executor often', () => {
    const b = new Bench(REGIONS);
    b.paging();
    b.page(END, (DATA + 0x3000) | 7);
    b.set(EBX, END - 4);
    b.set(ECX, 100);
    // inc dword [ebx]; add dword [ebx+4], 2; dec ecx; jnz
    b.program(x('ff 03 83 43 04 02 49 75 f7'));
    expect(b.run().vector).toBeNull();
    expect([b.read(END - 4), b.read(DATA + 0x3000)]).toEqual([100, 200]);
    expect(b.cpu.translator?.narrowed).toBeGreaterThan(0);
  });

  it('fault where one does', () => {
    const b = new Bench(REGIONS);
    b.paging();
    b.page(END, 0);
    b.bytes(END - 4, [7, 0, 0, 0]);
    b.set(EBX, END - 4);
    // mov eax, [ebx]; mov edx, [ebx+4]
    const [first] = b.program(x('8b 03 8b 53 04'));
    expect(b.run()).toMatchObject({ vector: VECTOR.PF, eip: first + 2 });
    expect(b.cpu.i32[L.W_CR2] >>> 0).toBe(END);
    expect([b.get(EAX), b.get(EDX)]).toEqual([7, 0]);
  });
});

describe('what is known of a page where ways meet', () => {
  const OTHER = DATA + 0x2000;

  /** The page behind DATA lies elsewhere: bytes 1 are in DATA, 2 behind it, and 3 where the memory would go on. */
  function bench(): Bench {
    const b = new Bench(REGIONS);
    b.paging();
    b.page(DATA + 0x1000, OTHER | 7);
    b.bytes(DATA, [1]);
    b.bytes(DATA + 0x1000, [3]);
    b.bytes(OTHER, [2]);
    b.set(EBX, DATA);
    b.set(ECX, 40);
    return b;
  }

  /** mov al, [ebx]; mov ah, [ebx+0x1000]; jmp behind: the TLB has both pages before the region begins. */
  const BOTH = '8a 03 8a a3 00 10 00 00 eb 00 ';

  it('is forgotten where one of them has changed the register', () => {
    const b = bench();
    // 00: mov al, [ebx]; test cl, 1; jz 0e; xor ebx, 0x1000; push eax; 0e: movzx eax, byte [ebx]; add edx, eax; dec ecx; jnz 00
    b.program(x(`${BOTH}8a 03 f6 c1 01 74 07 81 f3 00 10 00 00 50 0f b6 03 01 c2 49 75 ea`));
    expect(b.run().vector).toBeNull();
    // Two of each four rounds in either page.
    expect(b.get(EDX)).toBe(20 * 1 + 20 * 2);
  });

  it('is forgotten where a loop changes the register', () => {
    const b = bench();
    // 00: mov al, [ebx]; mov esi, 4; 07: movzx eax, byte [ebx]; add edx, eax; xor ebx, 0x1000; dec esi; jnz 07; dec ecx; jnz 00
    b.program(x(`${BOTH}8a 03 be 04 00 00 00 0f b6 03 01 c2 81 f3 00 10 00 00 4e 75 f2 49 75 e8`));
    expect(b.run().vector).toBeNull();
    expect(b.get(EDX)).toBe(80 * 1 + 80 * 2);
  });

  it('holds in a loop that leaves it alone, whichever way it is gone', () => {
    const b = bench();
    // 00: mov al, [ebx]; mov esi, 4; 07: test esi, 1; jz 13; inc byte [ebx]; jmp 16; 13: add byte [ebx], 2; 16: movzx edx, byte [ebx]; dec esi; jnz 07;
    // dec ecx; jnz 00
    b.program(x(`${BOTH}8a 03 be 04 00 00 00 f7 c6 01 00 00 00 74 04 fe 03 eb 03 80 03 02 0f b6 13 4e 75 eb 49 75 e1`));
    expect(b.run().vector).toBeNull();
    expect(b.get(EDX)).toBe(1 + 40 * (1 + 2 + 1 + 2));
  });
});
