import { expect, test } from 'vitest';
import { byteAtColumn, byteColumn, memoryRows } from './bytes.ts';

test('each byte is found under its own two columns', () => {
  for (const width of [8, 16]) {
    for (let i = 0; i < width; i += 1) {
      expect(byteAtColumn(byteColumn(i), width)).toBe(i);
      expect(byteAtColumn(byteColumn(i) + 1, width)).toBe(i);
    }
    expect(byteAtColumn(500, width)).toBe(width - 1);
    expect(byteAtColumn(-5, width)).toBe(0);
  }
});

test('a row shows bytes where the columns say they are, and characters beside them', () => {
  const bytes = Int16Array.from({ length: 16 }, (_, i) => 0x41 + i);
  const [row] = memoryRows(0x1000, bytes, 16);
  expect(row.hex.slice(byteColumn(0), byteColumn(0) + 2)).toBe('41');
  expect(row.hex.slice(byteColumn(9), byteColumn(9) + 2)).toBe('4a');
  expect(row.ascii).toBe('ABCDEFGHIJKLMNOP');
  expect(row.mapped).toBe('all');
});

test('what is not mapped is told apart from zero', () => {
  const rows = memoryRows(0xfffffff0, Int16Array.of(0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1), 8);
  expect(rows.map(row => row.mapped)).toEqual(['some', 'none']);
  expect(rows[0].hex.startsWith('00 00 ·· ··')).toBe(true);
  expect(rows[1].address).toBe(0xfffffff8);
});
