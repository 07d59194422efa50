import { expect, it } from 'vitest';
import { decode } from '../../ia32/decoder.ts';
import { FLAT } from '../testing/premises.ts';
import { Random } from '../testing/random.ts';
import { changedBy } from './changes.ts';
import { Emitter } from './emitter.ts';
import { isLast, meaningOf } from './graph.ts';
import { REGISTERS } from './locals.ts';

const SEED = 20261123;
const CODES = 60_000;

it(`no instruction sets a register that it is not said to change, from seed ${SEED}`, () => {
  const random = new Random(SEED);
  const seen = new Set<string>();
  for (let n = 0; n < CODES; n++) {
    const bytes = Array.from({ length: 15 }, () => random.below(256));
    // Every other one from the second page of opcodes or with another operand size.
    const [first] = bytes;
    if (first < 0x60) bytes.unshift(0x0f);
    else if (first < 0x80) bytes.unshift(0x66);
    const i = decode({ byte: at => bytes[at] ?? 0x90 }, 0, 4);
    const meaning = meaningOf(i.row);
    if (meaning === null || isLast(i.row)) continue;
    const emitter = new Emitter(FLAT);
    const before = emitter.state.registers;
    try {
      emitter.translate(meaning, i, 0, 1);
    } catch {
      // Vector instructions are not translated.
      continue;
    }
    seen.add(i.row.operation);
    const after = emitter.state.registers;
    const set = REGISTERS.filter(r => after[r].local !== r && after[r] !== before[r]);
    const changed = changedBy(i);
    for (const register of set) expect((changed >> register) & 1, `${i.row.mnemonic} ${bytes}`).toBe(1);
  }
  // All that counts has come.
  expect(seen.size).toBeGreaterThan(60);
});
