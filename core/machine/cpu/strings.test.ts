import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { EAX, ECX, EDI, ESI } from '../../ia32/registers.ts';
import { Bench, DATA } from '../testing/bench.ts';
import type { Code } from '../testing/code.ts';
import { MACHINES, type MachineUnderTest } from '../testing/machines.ts';
import * as L from './layout.ts';

/** A repeated string instruction does what the same one does in a loop (SDM volume 1, 7.3.9.2), however much of it is done at once. */

const BYTES = 0x4000;
const LENGTHS = [0, 1, 2, 17, 100, 1500];
/** Of the destination from the source: apart, and overlapping on either side. */
const DISTANCES = [0x2000, 1, -1, 6, -6, 200];

interface Case {
  readonly operation: Code;
  readonly size: 1 | 2 | 4;
  readonly down: boolean;
  readonly equal: boolean;
}

const CASES: readonly Case[] = [0xa4, 0xa6, 0xaa, 0xac, 0xae].flatMap(byte =>
  ([1, 2, 4] as const).flatMap(size =>
    [false, true].flatMap(down =>
      [true, false].map(equal => {
        const opcode = size === 1 ? byte : byte + 1;
        return { operation: size === 2 ? [0x66, opcode] : [opcode], size, down, equal };
      }),
    ),
  ),
);

/** Memory in which few bytes differ from their neighbours, so that comparisons go on for a while. */
function outcome(machine: MachineUnderTest, code: Code, { down }: Case, count: number, distance: number, page: number) {
  const b = new Bench(machine);
  for (let n = 0; n < BYTES; n++) b.cpu.u8[L.RAM + DATA + n] = n % 251 === 0 ? n / 251 : 7;
  b.paging();
  const source = DATA + 0x1fc0 + page;
  b.set(ESI, source);
  b.set(EDI, source + distance);
  b.set(ECX, count);
  b.set(EAX, 0x07070707);
  b.flags(FLAG.CF | (down ? FLAG.DF : 0));
  b.program(code);
  const { vector } = b.run();
  const registers = [EAX, ECX, ESI, EDI].map(register => b.get(register).toString(16));
  const sum = b.cpu.u8
    .subarray(L.RAM + DATA, L.RAM + DATA + BYTES)
    .reduce((all, byte) => (Math.imul(all, 31) + byte) | 0, 0);
  return { vector, registers, sum, flags: b.cpu.statusFlags() };
}

describe.each(MACHINES)('repeated strings, $engine', machine => {
  it.each(CASES)('$operation, down: $down, while equal: $equal', one => {
    const { operation, equal } = one;
    const isComparison = [0xa6, 0xa7, 0xae, 0xaf].includes(operation.at(-1) ?? 0);
    const repeated = [equal ? 0xf3 : 0xf2, ...operation];
    // LOOP leaves the flags alone, LOOPE and LOOPNE ask for ZF.
    const loop = isComparison ? (equal ? 0xe1 : 0xe0) : 0xe2;
    const looped = [0xe3, operation.length + 2, ...operation, loop, 256 - operation.length - 2];
    for (const count of LENGTHS) {
      for (const distance of DISTANCES) {
        if (count * one.size > 0x1800) continue;
        const page = count & 1 ? 0x20 : 0x41;
        const at = { count, distance };
        const expected = outcome(MACHINES[0], looped, one, count, distance, page);
        expect({ ...at, ...outcome(machine, repeated, one, count, distance, page) }).toEqual({ ...at, ...expected });
      }
    }
  });

  it('a comparison that faults leaves the flags, and the registers at the element', () => {
    for (const byte of [0xa6, 0xae]) {
      const b = new Bench(machine);
      b.paging();
      b.page(DATA + 0x1000, 0);
      b.set(ESI, DATA);
      b.set(EDI, DATA + 0xf00);
      b.set(ECX, 0x200);
      b.flags(FLAG.CF | FLAG.PF, FLAG.ZF);
      b.program([0xf3, byte]);
      const { vector, eflags } = b.run();
      expect(vector).toBe(14);
      expect(b.get(EDI)).toBe(DATA + 0x1000);
      expect(b.get(ECX)).toBe(0x100);
      expect(eflags & (FLAG.CF | FLAG.PF | FLAG.ZF)).toBe(FLAG.CF | FLAG.PF);
    }
  });
});
