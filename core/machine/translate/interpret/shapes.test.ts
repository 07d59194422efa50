import { expect, it } from 'vitest';
import { decode } from '../../../ia32/decoder.ts';
import type { Instruction } from '../../../ia32/instruction.ts';
import * as L from '../../cpu/layout.ts';
import { x } from '../../testing/code.ts';
import { FLAT } from '../../testing/premises.ts';
import type { Premises } from '../premises.ts';
import { type Shape, Shapes } from './shapes.ts';

const REFUSES = 7;
const USER: Premises = { ...FLAT, word: FLAT.word | L.PREMISE.user };

function instruction(hex: string): Instruction {
  const bytes = x(hex);
  return decode({ byte: n => bytes[n] }, 0, 4);
}

function shapes(most = 100) {
  const made: Shape[] = [];
  const all = new Shapes(most, REFUSES, shape => made.push(shape));
  const of = (hex: string, premises = FLAT, before: Parameters<Shapes['find']>[0]['before'] = null) =>
    all.find({ i: instruction(hex), premises, before });
  return { of, made };
}

it('registers, displacements, immediates and scales are the record’s: they make no other shape', () => {
  const { of, made } = shapes();
  // add eax, ebx; add edi, edi. mov eax, [ebx+1]; mov esi, [ebp-400h]. add eax, [ebx+ecx*4]; add edx, [edi+esi*8+9]. sub eax, 1; sub ecx, 7fh
  const pairs = [
    ['01 d8', '01 ff'],
    ['8b 43 01', '8b b5 00 fc ff ff'],
    ['03 04 8b', '03 54 f7 09'],
    ['83 e8 01', '83 e9 7f'],
    ['74 10', '74 f0'],
  ];
  for (const [one, other] of pairs) expect(of(other)).toBe(of(one));
  expect(made.length).toBe(pairs.length);
});

it('what the code depends on makes another: counts of shifts, conditions, flags before, premises of who reaches memory', () => {
  const { of } = shapes();
  expect(of('c1 e0 03')).not.toBe(of('c1 e0 04'));
  expect(of('74 10')).not.toBe(of('75 10'));
  const compared = { kind: L.LAZY_SUB, size: 4, chained: false };
  expect(of('74 10', FLAT, compared)).not.toBe(of('74 10'));
  expect(of('8b 03', USER)).not.toBe(of('8b 03'));
  // MOV of registers looks at none of these.
  expect(of('89 c3', USER, compared)).toBe(of('89 c3'));
});

it('tells of what kind the flags are behind it', () => {
  const { of } = shapes();
  expect(of('39 d8').after).toMatchObject({ kind: L.LAZY_SUB, size: 4 });
  expect(of('38 d8').after).toMatchObject({ kind: L.LAZY_SUB, size: 1 });
  expect(of('89 d8').after).toBeUndefined();
  // SHL by CL changes them only where that is not 0; the executor's CPUID is not known here.
  expect(of('d3 e0').after).toBeNull();
  expect(of('0f a2')).toMatchObject({ after: null, body: null, index: REFUSES });
});

it('what is of more shapes than there may be is the executor’s', () => {
  const { of } = shapes(1);
  expect(of('01 d8').body).not.toBeNull();
  expect(of('29 d8')).toMatchObject({ body: null, index: REFUSES, after: null });
});
