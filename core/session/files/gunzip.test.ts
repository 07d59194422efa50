import { gzipSync } from 'fflate';
import { expect, test } from 'vitest';
import { gunzip } from './gunzip.ts';

const plain = Uint8Array.from({ length: 30_000 }, (_, n) => (n * n) >> 5);
const packed = gzipSync(plain);
const LARGEST = 1 << 16;

/** The file with one byte of it, counted from the end if negative, changed. */
function broken(at: number): Uint8Array {
  const copy = packed.slice();
  copy[at < 0 ? copy.length + at : at] ^= 1;
  return copy;
}

test('what was packed comes back, also from a part of a buffer', async () => {
  expect(await gunzip(packed, LARGEST)).toEqual(plain);
  const within = new Uint8Array(packed.length + 20);
  within.set(packed, 7);
  expect(await gunzip(within.subarray(7, 7 + packed.length), LARGEST)).toEqual(plain);
});

test('what is no gzip, damaged, cut off or too large is left to others', async () => {
  const files = {
    'no gzip': plain,
    nothing: new Uint8Array(0),
    'another method': broken(2),
    'a wrong check value': broken(-8),
    'a length that is too small': broken(-2),
    'a length that is too large': broken(-1),
    'the end is missing': packed.subarray(0, packed.length - 9),
  };
  for (const [name, file] of Object.entries(files)) expect(await gunzip(file, LARGEST), name).toBeNull();
  expect(await gunzip(packed, plain.length - 1)).toBeNull();
  expect(await gunzip(packed, plain.length)).not.toBeNull();
});
