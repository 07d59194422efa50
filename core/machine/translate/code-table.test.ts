import { expect, it } from 'vitest';
import * as L from '../cpu/layout.ts';
import { PhysicalMemory } from '../physical.ts';
import { Random } from '../testing/random.ts';
import { I32, makeModule } from './code.ts';
import { CodeTable, lookUp, PLACE_OF_NEXT } from './code-table.ts';
import * as w from './words.ts';

const NOTHING = -2;

/** What is needed of WebAssembly, which is not known where tests are. */
interface Engine {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, () => number>> };
}

it('translated code finds what was put in, in either table and at any of its places', () => {
  const { memory, regions } = new PhysicalMemory(1 << 20);
  const i32 = new Int32Array(memory.buffer);
  const tables = [new CodeTable(i32, regions), new CodeTable(i32, regions + L.BLOCK_TABLE)];
  const body = w.makeFunction([], [I32], locals => {
    const [first, found] = locals.words(2);
    return [
      w.set(first, PLACE_OF_NEXT),
      ...lookUp(locals, regions, first, found, [w.give(w.word(NOTHING))]),
      w.give(w.get(found)),
    ];
  });
  const { Module, Instance }: Engine = Reflect.get(globalThis, 'WebAssembly');
  const find = new Instance(new Module(makeModule([body], [])), { env: { memory } }).exports['0'];
  i32[L.W_EXECUTE_TABLE] = L.RAM >> 2;
  const lookFor = (linear: number, entry: number): number => {
    i32[L.W_EIP] = linear;
    i32[i32[L.W_EXECUTE_TABLE] + (linear >>> 12)] = entry;
    return find();
  };
  const random = new Random(1);
  // So many that some share their places.
  const put = new Map<number, { readonly entry: number; readonly index: number }>();
  for (let index = 0; index < 20_000; index++) {
    const [linear, entry] = [random.below(2 ** 24), random.below(2 ** 20) << 12];
    if (put.has(linear)) continue;
    tables[index & 1].put([linear, entry, 0, index], false);
    put.set(linear, { entry, index });
  }
  i32[L.W_PREMISES] = 0;
  const found = [...put].filter(([linear, { entry, index }]) => lookFor(linear, entry) === index);
  // 10,000 in each table, of 16,384 times four places: hardly one is driven out.
  expect(found.length).toBeGreaterThan(put.size * 0.998);
  for (const [linear, { entry, index }] of found) {
    expect(lookFor(linear, entry + 4096)).toBe(NOTHING);
    tables[index & 1].take(linear, index);
    expect(lookFor(linear, entry)).toBe(NOTHING);
  }
});
