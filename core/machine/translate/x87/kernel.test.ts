import { describe, expect, it } from 'vitest';
import * as L from '../../cpu/layout.ts';
import { W_CONTROL } from '../../cpu/x87/state.ts';
import { PhysicalMemory } from '../../physical.ts';
import { type HardName, hardNumber, makeHard } from './hard.ts';
import { type KernelName, makeKernel } from './kernel.ts';

/** The kernel compared with the executor's arithmetic, bit by bit. What one run finds, its seed finds again. */

const SEED = Number(process.env['SEED'] ?? 1);
const ROUNDS = Number(process.env['ROUNDS'] ?? 10_000);

const { memory } = new PhysicalMemory(1 << 20);
const i32 = new Int32Array(memory.buffer);
const u64 = new BigUint64Array(memory.buffer);
const kernel = makeKernel(memory);
const hard = makeHard(i32);

let state = BigInt(SEED) * 0x9e3779b97f4a7c15n + 1n;
/** xorshift64*, after Marsaglia and Vigna. */
function bits(): bigint {
  state ^= BigInt.asUintN(64, state >> 12n);
  state ^= BigInt.asUintN(64, state << 25n);
  state ^= state >> 27n;
  return BigInt.asUintN(64, state * 0x2545f4914f6cdd1dn);
}
const below = (limit: number) => Number(bits() >> 32n) % limit;
const pick = <T>(list: readonly T[]): T => list[below(list.length)];

/** Long runs of equal bits, few bits, or any. */
function significand(): bigint {
  const run = () => BigInt.asUintN(64, (1n << BigInt(below(65))) - 1n);
  const any = pick([
    bits,
    () => run() ^ run(),
    () => run() << BigInt(below(64)),
    () => 1n << BigInt(below(64)),
    () => bits() << BigInt(pick([11, 40, 53, 24, 32])),
    () => BigInt.asUintN(32, bits()) ** 2n + BigInt(below(3)) - 1n,
  ])();
  return BigInt.asUintN(64, any);
}

interface Value {
  readonly m: bigint;
  readonly e: number;
}

/** Mostly ordinary numbers, often near each other; some zeros, denormals, NaNs, infinities and what is none of these. */
function value(near: number): Value {
  const sign = below(2) << 15;
  switch (below(24)) {
    case 0:
      return { m: 0n, e: sign };
    case 1:
      return { m: significand(), e: sign | pick([0, 0x7fff, 1, 0x7ffe]) };
    case 2:
      return { m: 1n << 63n, e: sign | pick([0, 1, 0x7ffe, 0x7fff]) };
    case 3:
      return { m: significand() | (1n << 63n), e: sign | below(0x8000) };
    default:
      return {
        m: significand() | (1n << 63n),
        e: sign | ((near + pick([0, 0, 1, below(5), below(140) - 70])) & 0x7fff),
      };
  }
}

function control(): number {
  return 0x7f | (below(3) === 0 ? below(16) << 8 : pick([0x300, 0x200]));
}

const UNTOUCHED = 0x1234_5678_9abc_def0n;

/** Results of both as text, and whether the kernel did it alone. */
function both(
  name: KernelName,
  parameters: readonly (bigint | number)[],
  operation: HardName,
  operands: readonly Value[],
) {
  const place = L.X87_SCRATCH >> 3;
  u64[place] = UNTOUCHED;
  const run = kernel[name];
  if (typeof run !== 'function') throw new Error(name);
  const [m, e] = [run(...parameters)].flat();
  const isAlone = u64[place] === UNTOUCHED;
  [...operands, { m: 0n, e: 0 }].slice(0, 2).forEach(({ m, e }, n) => {
    u64[place + 2 * n] = m;
    i32[2 * (place + 2 * n) + 2] = e;
  });
  const word = hard(hardNumber(operation));
  const show = (m: bigint, e: number) => `${BigInt.asUintN(64, m).toString(16)} ${(e >>> 0).toString(16)}`;
  const got = name === 'compare' ? show(0n, m) : show(m, e);
  return { got, expected: show(name === 'compare' ? 0n : u64[place + 4], word), isAlone };
}

const describeCase = (operation: string, operands: readonly Value[]) =>
  `${operation} ${operands.map(({ m, e }) => `${e.toString(16)}:${m.toString(16)}`).join(' ')} control ${i32[W_CONTROL].toString(16)}`;

function compareAll(
  make: () => readonly [KernelName, readonly (bigint | number)[], HardName, readonly Value[]],
  least = 0.5,
): void {
  let alone = 0;
  for (let n = 0; n < ROUNDS; n++) {
    i32[W_CONTROL] = control();
    const [name, parameters, operation, operands] = make();
    const { got, expected, isAlone } = both(name, parameters, operation, operands);
    if (got !== expected) expect(`${describeCase(operation, operands)}: ${got}`).toBe(expected);
    if (isAlone) alone++;
  }
  expect(alone).toBeGreaterThan(least * ROUNDS);
}

const flat = (...values: readonly Value[]) => values.flatMap(({ m, e }) => [m, e]);

function pair(): readonly [Value, Value] {
  const near = pick([0x3fff, 0x3fff, 0x3ff0, below(0x8000)]);
  const a = value(near);
  // Cancellation, and squares.
  return [
    a,
    below(8) === 0 ? { m: BigInt.asUintN(64, a.m + BigInt(below(3)) - 1n), e: a.e ^ (below(2) << 15) } : value(near),
  ];
}

/** In a format: its edges are where rounding, overflow and denormals begin. */
const edge = (bias: number) => pick([0x3fff, 0x3fff + bias, 0x3fff - bias, 0x3ffe - bias, 0x3ffe - bias - below(60)]);

describe(`the kernel, from seed ${SEED}, does as the executor does`, () => {
  it('adds and subtracts', () => {
    compareAll(() => {
      const [[a, b], subtracts] = [pair(), below(2)];
      return ['add', [...flat(a, b), subtracts << 15], subtracts === 0 ? 'add' : 'sub', [a, b]];
    });
  });

  it.each([
    ['multiply', 'mul'],
    ['divide', 'div'],
  ] as const)('%s', (name, operation) => {
    compareAll(() => {
      const [a, b] = pair();
      return [name, flat(a, b), operation, [a, b]];
    });
  });

  it('takes roots', () => {
    compareAll(() => {
      const a = value(pick([0x3fff, below(0x8000)]));
      const positive = below(10) === 0 ? a : { m: a.m, e: a.e & 0x7fff };
      return ['root', flat(positive), 'sqrt', [positive]];
    });
  });

  it('compares', () => {
    compareAll(() => {
      const [[a, b], quietly] = [pair(), below(2)];
      return ['compare', [...flat(a, b), quietly], quietly === 0 ? 'compare' : 'compareUnordered', [a, b]];
    });
  });

  it('reports a denormal that it compares', () => {
    const denormal = { m: 1n, e: 0 };
    const { got } = both('compare', [...flat(denormal, denormal), 0], 'compare', [denormal, denormal]);
    expect(got).toBe(`0 ${((0x4002 << 17) >>> 0).toString(16)}`);
  });

  it('reads singles and doubles', () => {
    compareAll(() => {
      const loads = below(2);
      const isSingle = below(2) === 0;
      const [fraction, top] = isSingle ? [23, 0xff] : [52, 0x7ff];
      const exponent = BigInt(pick([0, 1, top - 1, top, below(top), below(top), below(top), below(top)]));
      const low = BigInt.asUintN(fraction, pick([significand(), 0n]));
      const m = (BigInt(below(2) * (top + 1)) << BigInt(fraction)) | (exponent << BigInt(fraction)) | low;
      const kind = isSingle ? 'Single' : 'Double';
      return [`from${kind}`, [m, loads], `${loads === 0 ? 'expand' : 'load'}${kind}`, [{ m, e: 0 }]];
    });
  });

  it('writes singles and doubles', () => {
    compareAll(() => {
      const isSingle = below(2) === 0;
      const a = value(edge(isSingle ? 127 : 1023));
      const kind = isSingle ? 'Single' : 'Double';
      return [`to${kind}`, flat(a), `store${kind}`, [a]];
    }, 0.25);
  });

  it('writes integers', () => {
    const names = ['storeI16', 'storeI32', 'storeI64', 'truncateI16', 'truncateI32', 'truncateI64'] as const;
    compareAll(() => {
      const [kind, a] = [below(6), value(0x3fff + below(70) - 3)];
      return ['toInteger', [...flat(a), kind], names[kind], [a]];
    }, 0.25);
  });

  it('rounds to integers', () => {
    compareAll(() => {
      const a = value(0x3fff + below(70) - 3);
      return ['roundToInteger', flat(a), 'roundInteger', [a]];
    });
  });

  it('reads integers', () => {
    for (let n = 0; n < 2000; n++) {
      const integer = BigInt.asIntN(64, pick([significand(), -significand()]));
      const run = kernel['fromInteger'];
      const [m, e] = typeof run === 'function' ? run(integer) : [];
      const magnitude = integer < 0n ? -integer : integer;
      const back = BigInt.asUintN(64, m) >> BigInt(Math.max(0, 0x3fff + 63 - (e & 0x7fff)));
      expect({ integer, back, sign: e >> 15 }).toEqual({ integer, back: magnitude, sign: integer < 0n ? 1 : 0 });
    }
  });
});
