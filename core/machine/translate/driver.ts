import { CS } from '../../ia32/registers.ts';
import * as L from '../cpu/layout.ts';
import { I32, type Import, makeModule } from './code.ts';
import { ENTERED_OFTEN, EXECUTE } from './locals.ts';
import * as w from './words.ts';
import { get, type Part, set, word } from './words.ts';

/**
 * Goes from region to region until one wants an instruction executed, as also where the steps are used up, nothing is translated where control goes, or
 * a region has been entered as often as its counter said (layout.ts, REGION_RUNS). Returns what the last region did (locals.ts), EXECUTE if there was none.
 */
export type Driver = () => number;

/** Multiplicative hashing: the golden ratio's digits, of which the upper ones are taken. */
const MIX = 0x9e3779b1;
const HASH_SHIFT = 32 - Math.log2(L.REGION_SLOTS);

/** The first of the two places in the table of regions (layout.ts, REGION_SLOTS) of a linear address and its entry of the execute table: in words. */
export function slotOf(regions: number, linear: number, entry: number): number {
  const hash = Math.imul(linear ^ (entry >>> 12), MIX) >>> HASH_SHIFT;
  return (regions >>> 2) + (hash << 2);
}

/** The other place that goes with one, in words. */
export function otherSlot(slot: number): number {
  return slot ^ 4;
}

const state = (at: number): Part => w.load(word(0), at << 2);

/** Puts the index into a local that the table of regions has for what lies at EIP; does `otherwise`, which does not come back, where it has none. */
export function lookUp(locals: w.Locals, regions: number, into: number, otherwise: readonly Part[]): readonly Part[] {
  const [linear, entry, place] = locals.words(3);
  const differs = (at: number, value: Part) => w.xor(w.load(get(place), regions + 4 * at), value);
  const isElsewhere = w.or(
    w.or(differs(L.R_LINEAR, get(linear)), differs(L.R_ENTRY, get(entry))),
    differs(L.R_PREMISES, state(L.W_PREMISES)),
  );
  const hash = w.mul(w.xor(get(linear), w.shr(get(entry), word(12))), word(MIX));
  return [
    set(linear, w.add(state(L.W_EIP), state(L.W_SEGMENTS + CS * L.SEGMENT_WORDS + L.S_BASE))),
    set(entry, w.load(w.shl(w.add(state(L.W_EXECUTE_TABLE), w.shr(get(linear), word(12))), word(2)))),
    set(place, w.shl(w.shr(hash, word(HASH_SHIFT)), word(4))),
    w.when(isElsewhere, [set(place, w.xor(get(place), word(16))), w.when(isElsewhere, otherwise)]),
    set(into, w.load(get(place), regions + 4 * L.R_INDEX)),
  ];
}

const RUN: Import = { name: 'run', parameters: [I32], results: [I32] };
const RUN_INDEX = 0;
/** The driver, and the type of a region's function. */
const DRIVER_TYPE = 1;

/** The driver of a machine: `regions` is the byte offset of its table of regions; `run`: runs a block of the interpreter's. */
export function makeDriver(
  memory: WebAssembly.Memory,
  table: WebAssembly.Table,
  regions: number,
  run: WebAssembly.Imported,
): Driver {
  const body = w.makeFunction([], [I32], locals => {
    const [index, counter, status] = locals.words(3);
    const returnIfStatus = w.when(get(status), [w.give(get(status))]);
    return [
      w.forever([
        ...lookUp(locals, regions, index, [w.give(word(EXECUTE))]),
        w.when(
          w.geU(get(index), word(L.REGION_FUNCTIONS)),
          [set(status, w.call(RUN_INDEX, get(index))), returnIfStatus],
          [
            w.store(word(0), regions + L.REGION_RAN, get(index)),
            set(counter, w.load(w.shl(get(index), word(2)), regions + L.REGION_RUNS)),
            w.store(w.shl(get(index), word(2)), regions + L.REGION_RUNS, w.sub(get(counter), word(1))),
            w.when(w.isZero(get(counter)), [w.give(word(ENTERED_OFTEN))]),
            set(status, get(index), code => code.callIndirect(DRIVER_TYPE)),
            returnIfStatus,
          ],
        ),
      ]),
    ];
  });
  const module = new WebAssembly.Module(makeModule([body], [RUN], true));
  const drive = new WebAssembly.Instance(module, { env: { memory, table, run } }).exports['0'];
  return () => drive() ?? EXECUTE;
}
