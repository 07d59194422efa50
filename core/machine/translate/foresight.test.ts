import { describe, expect, it } from 'vitest';
import { decode } from '../../ia32/decoder.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import { EBX, ESI } from '../../ia32/registers.ts';
import { x } from '../testing/code.ts';
import { type Foresight, foresee, foreseeAll } from './foresight.ts';
import { explore } from './graph.ts';
import { Ways } from './ways.ts';
import { NO_REACH, type Reach } from './windows.ts';

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

function operands({ foreseen }: Foresight): readonly Reach[] {
  return foreseen.map(({ operand }) => operand);
}

describe('accesses that are foreseen in a block', () => {
  it('lie at the same register, whatever is added to it', () => {
    // mov eax, [ebx+8]; add ebx, 4; mov ecx, [ebx]; lea edx, [ebx+16]; mov al, [edx]
    expect(operands(foresee(block('8b 43 08 83 c3 04 8b 0b 8d 53 10 8a 02'), []))).toEqual([
      { before: 4, after: 9, write: false },
      NO_REACH,
      { before: 0, after: 13, write: false },
      NO_REACH,
      NO_REACH,
    ]);
  });

  it('lie on the stack', () => {
    // push eax; push ebx; mov ecx, [esp+4]; pop edx
    const { foreseen } = foresee(block('50 53 8b 4c 24 04 5a'), []);
    expect(foreseen[0].stack).toEqual({ before: 4, after: 0, write: true });
    expect(foreseen[1].stack).toEqual({ before: 0, after: 4, write: true });
    expect(foreseen[2].operand).toEqual({ before: 4, after: 0, write: false });
  });

  it('are apart once the register is another', () => {
    // mov eax, [ebx]; mov edx, [ebx+4]; mov ebx, [ebx+8]; mov ecx, [ebx]
    expect(operands(foresee(block('8b 03 8b 53 04 8b 5b 08 8b 0b'), []))).toEqual([
      { before: 0, after: 8, write: false },
      { before: 0, after: 4, write: false },
      NO_REACH,
      NO_REACH,
    ]);
  });

  it('ask for a write at once where one is certain to come', () => {
    // mov eax, [ebx]; mov [ebx+4], eax; mov ecx, [ebx+8]; and with the write left out
    const reads = { before: 0, after: 8 };
    const [first, second, third] = operands(foresee(block('8b 03 89 43 04 8b 4b 08'), []));
    expect(first).toEqual({ ...reads, after: 8, write: true });
    expect(second).toEqual({ before: 0, after: 4, write: true });
    expect(third).toEqual(NO_REACH);
    expect(operands(foresee(block('8b 03 8b 4b 08'), []))[0]).toEqual({ ...reads, write: false });
  });

  it('are not many pages away', () => {
    // mov eax, [ebx]; mov ecx, [ebx+4096]
    expect(operands(foresee(block('8b 03 8b 8b 00 10 00 00'), []))[0]).toEqual(NO_REACH);
  });
});

describe('accesses that are foreseen behind a block', () => {
  /** Of each block of code from 0 on, by where it begins. */
  function allOf(hex: string): ReadonlyMap<number, Foresight> {
    const bytes = x(hex);
    const byte = (at: number) => bytes[at] ?? 0xc3;
    const graph = explore(
      0,
      at => decode({ byte }, at, 4),
      () => true,
      64,
      'procedure',
    );
    if (graph === null) throw new Error('Nothing was found.');
    const foresight = foreseeAll(graph, new Ways(graph));
    return new Map(graph.blocks.map(({ start }, n) => [start, foresight[n]]));
  }
  const firstOf = (hex: string) => allOf(hex).get(0)?.foreseen[0].operand;

  it('count in, on both sides of a branch and where they meet', () => {
    // mov eax, [ebx]; test eax, eax; jz 09; mov ecx, [ebx+4]; 09: mov edx, [ebx+8]
    expect(firstOf('8b 03 85 c0 74 03 8b 4b 04 8b 53 08')).toEqual({ before: 0, after: 8, write: false });
  });

  it('do not where a way there changes the register, or may change the TLB', () => {
    // mov eax, [ebx]; test eax, eax; jz 09; pop ebx, and two more; 09: mov edx, [ebx+8]
    expect(firstOf('8b 03 85 c0 74 03 5b 90 90 8b 53 08')).toEqual(NO_REACH);
    // The same with pop ecx, and with cpuid.
    expect(firstOf('8b 03 85 c0 74 03 59 90 90 8b 53 08')).toEqual({ before: 0, after: 8, write: false });
    expect(firstOf('8b 03 85 c0 74 03 0f a2 90 8b 53 08')).toEqual(NO_REACH);
  });

  it('count in before a loop that leaves the register alone', () => {
    // mov eax, [ebx]; 02: mov edx, [ebx+4]; add esi, 4; dec edx; jnz 02
    const all = allOf('8b 03 8b 53 04 83 c6 04 4a 75 f7');
    expect(all.get(0)?.foreseen[0].operand).toEqual({ before: 0, after: 4, write: false });
    expect(all.get(2)?.nearby).toContainEqual({ register: EBX, write: false, low: 4, high: 8 });
    // mov eax, [esi]; 02: mov edx, [esi+4]; add esi, 4; dec edx; jnz 02
    const moving = allOf('8b 06 8b 56 04 83 c6 04 4a 75 f7');
    expect(moving.get(0)?.foreseen[0].operand).toEqual(NO_REACH);
    expect(moving.get(2)?.nearby).toContainEqual({ register: ESI, write: false, low: 4, high: 8 });
  });

  it('are not foreseen as writes: they may not come', () => {
    // mov eax, [ebx]; test eax, eax; jz 09; mov [ebx+4], eax
    expect(firstOf('8b 03 85 c0 74 03 89 43 04')).toEqual(NO_REACH);
  });
});
