import { expect, test } from 'vitest';
import type { CodeRow } from '../../../core/protocol/messages.ts';
import { indexSymbols } from '../../symbols.ts';
import { codeLines, firstInView } from './lines.ts';

const row = (address: number, symbol: string | null): CodeRow => ({
  address,
  bytes: Uint8Array.of(0x90),
  text: 'nop',
  symbol,
  class: 'plain',
});

const index = indexSymbols({
  symbols: [],
  files: [{ name: 'a.c', text: 'one\n\ttwo\nthree' }],
  lines: [
    [0x10, 0, 1],
    [0x12, 0, 2],
    [0x13, 0, 1],
  ],
});

test('a source line stands above its first instruction, a name above the first of its symbol', () => {
  const rows = [row(0x10, 'f'), row(0x11, 'f+0x1'), row(0x12, 'f+0x2'), row(0x13, 'f+0x3')];
  const drawn = codeLines(rows, index).map(line =>
    line.kind === 'instruction' ? line.row.address : line.kind === 'source' ? line.text : `${line.name}:`,
  );
  expect(drawn).toEqual(['f:', 'one', 0x10, 0x11, '    two', 0x12, 'one', 0x13]);
});

test('keys are unique, so that rows keep their place when others come and go', () => {
  const lines = codeLines([row(0x10, 'f'), row(0x12, 'g'), row(0x13, null)], index);
  expect(new Set(lines.map(line => line.key)).size).toBe(lines.length);
});

const many = codeLines(
  Array.from({ length: 40 }, (_, i) => row(0x100 + i, null)),
  indexSymbols(null),
);

test('lines that are drawn stay as long as the next instruction is among them, and hold it in any case', () => {
  const fits = 20;
  const first = firstInView(many, 15, fits, null);
  expect(first).toBe(8);
  expect(firstInView(many, 22, fits, many[first].key)).toBe(first);
  for (let now = 0; now < many.length; now += 1) {
    for (const key of [null, many[8].key, many[30].key, 'gone']) {
      const at = firstInView(many, now, fits, key);
      expect(at).toBeGreaterThanOrEqual(0);
      expect(now).toBeGreaterThanOrEqual(at);
      expect(now).toBeLessThan(at + fits);
      expect(at + fits).toBeLessThanOrEqual(many.length);
    }
  }
});

test('a short list is drawn from its beginning', () => {
  expect(firstInView(many.slice(0, 5), 4, 20, null)).toBe(0);
  expect(firstInView([], 0, 20, null)).toBe(0);
});
