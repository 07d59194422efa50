import { expect, test } from 'vitest';
import type { Question } from '../core/protocol/questions.ts';
import { giveUp, pose, refuseFirst, settle } from './asking.ts';

const sent: { readonly id: number; readonly question: Question }[] = [];
const send = (id: number, question: Question): void => {
  sent.push({ id, question });
};
const value = (expression: string) => pose({ kind: 'value', expression }, send);

test('each question gets its own answer, in whatever order they come', async () => {
  const first = value('eax');
  const second = value('ebx');
  const [a, b] = sent.slice(-2);
  expect(b.id).not.toBe(a.id);
  settle(b.id, { kind: 'value', value: 2 });
  settle(a.id, { kind: 'value', value: 1 });
  expect(await first).toEqual({ kind: 'value', value: 1 });
  expect(await second).toEqual({ kind: 'value', value: 2 });
});

test('a refusal answers the oldest, and a machine that is gone all', async () => {
  const three = [value('eax'), value('ebx'), value('ecx')];
  refuseFirst('Not now.');
  expect(await three[0]).toEqual({ kind: 'none', message: 'Not now.' });
  giveUp('Gone.');
  expect(await Promise.all(three.slice(1))).toEqual([
    { kind: 'none', message: 'Gone.' },
    { kind: 'none', message: 'Gone.' },
  ]);
  // A late answer is nobody's.
  settle(sent.at(-1)?.id ?? 0, { kind: 'value', value: 1 });
});

test('an answer of another kind is an error', async () => {
  const answer = value('eax');
  settle(sent.at(-1)?.id ?? 0, { kind: 'tlb', runs: [], dropped: 0 });
  await expect(answer).rejects.toThrow('tlb');
});
