import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { differences, isExact } from '../testing/run.ts';
import { readVectors } from '../testing/vectors.ts';

// FLOAT_VECTORS names a larger file: testing/README.md.
const file = process.env['FLOAT_VECTORS'] ?? new URL('../testing/silicon.vec.gz', import.meta.url);
const bytes = readFileSync(file);
const vectors = readVectors(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes);

describe(`x87 arithmetic as recorded on ${vectors.processor}, seed ${vectors.seed}`, () => {
  it('covers all forms', () => {
    expect(vectors.forms.map(form => form.name)).toHaveLength(50);
  });
  for (const form of vectors.forms) {
    // Transcendental results may differ from another processor's by one unit in the last place.
    const units = isExact(form) ? 0 : 1;
    it(`${form.name}: ${form.count} cases${units ? ', within 1 ulp' : ''}`, () => {
      expect(differences(form, units)).toEqual([]);
    });
  }
});
