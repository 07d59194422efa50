import { describe, expect, it } from 'vitest';
import { decode } from '../../ia32/decoder.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import { EAX, EBX, ECX, EDX } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import * as L from '../cpu/layout.ts';
import { Processor } from '../cpu/processor.ts';
import { Bench, DATA } from '../testing/bench.ts';
import { x } from '../testing/code.ts';
import type { MachineUnderTest } from '../testing/machines.ts';
import { Translator } from './translator.ts';
import { foresee, NO_REACH } from './windows.ts';

function block(hex: string): readonly Instruction[] {
  const bytes = x(hex);
  const instructions: Instruction[] = [];
  for (let at = 0; at < bytes.length; ) {
    const i = decode({ byte: index => bytes[index] ?? 0x90 }, at, 4);
    instructions.push(i);
    at += i.length;
  }
  return instructions;
}

describe('accesses that are foreseen', () => {
  it('lie at the same register, whatever is added to it', () => {
    // mov eax, [ebx+8]; add ebx, 4; mov ecx, [ebx]; lea edx, [ebx+16]; mov al, [edx]
    const foreseen = foresee(block('8b 43 08 83 c3 04 8b 0b 8d 53 10 8a 02'));
    expect(foreseen.map(({ operand }) => operand)).toEqual([
      { before: 4, after: 9 },
      NO_REACH,
      { before: 0, after: 13 },
      NO_REACH,
      NO_REACH,
    ]);
  });

  it('lie on the stack', () => {
    // push eax; push ebx; mov ecx, [esp+4]; pop edx
    const foreseen = foresee(block('50 53 8b 4c 24 04 5a'));
    expect(foreseen[0].stack).toEqual({ before: 4, after: 0 });
    expect(foreseen[1].stack).toEqual(NO_REACH);
    expect(foreseen[2].operand).toEqual({ before: 4, after: 0 });
  });

  it('are apart once the register is another, and reads from writes', () => {
    // mov eax, [ebx]; mov [ebx+4], eax; mov ebx, [ebx+8]; mov ecx, [ebx]
    const foreseen = foresee(block('8b 03 89 43 04 8b 5b 08 8b 0b'));
    expect(foreseen.map(({ operand }) => operand)).toEqual([{ before: 0, after: 8 }, NO_REACH, NO_REACH, NO_REACH]);
  });

  it('are not many pages away', () => {
    // mov eax, [ebx]; mov ecx, [ebx+4096]
    expect(foresee(block('8b 03 8b 8b 00 10 00 00'))[0].operand).toEqual(NO_REACH);
  });
});

describe('accesses near each other in two pages', () => {
  const REGIONS: MachineUnderTest = {
    engine: 'regions',
    open: physical => {
      const cpu = new Processor(physical);
      cpu.translator = new Translator(cpu, 'regions', { hot: 0, batch: 1, often: 1, mostWide: 4 });
      return cpu;
    },
  };
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
