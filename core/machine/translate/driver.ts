import { CS } from '../../ia32/registers.ts';
import * as L from '../cpu/layout.ts';
import { EMPTY, I32, makeModule, OP } from './code.ts';
import { ENTERED_OFTEN, EXECUTE } from './locals.ts';
import { known, type Value, Values } from './values.ts';

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
  return (regions >> 2) + (hash << 2);
}

/** The other place that goes with one, in words. */
export function otherSlot(slot: number): number {
  return slot ^ 4;
}

/** Index of a local. */
const ADDRESS = 0;

/** The driver of a machine: `regions` is the byte offset of its table of regions. */
export function makeDriver(memory: WebAssembly.Memory, table: WebAssembly.Table, regions: number): Driver {
  const o = new Values(ADDRESS + 1);
  const { code } = o;
  const load = (word: number): Value => {
    code.constant(0);
    code.memory(OP.load32, word << 2);
    return o.pop();
  };
  const returnIf = (condition: Value, status: Value) => {
    o.push(condition);
    code.op(OP.if);
    code.byte(EMPTY);
    o.push(status);
    code.op(OP.return);
    code.op(OP.end);
  };
  code.op(OP.loop);
  code.byte(EMPTY);
  const linear = o.add(load(L.W_EIP), load(L.W_SEGMENTS + CS * L.SEGMENT_WORDS + L.S_BASE));
  const page = o.add(o.shl(load(L.W_EXECUTE_TABLE), known(2)), o.shl(o.shr(linear, known(12)), known(2)));
  o.push(page);
  code.memory(OP.load32, 0);
  const entry = o.pop();
  const hash = o.shr(o.mul(o.xor(linear, o.shr(entry, known(12))), known(MIX)), known(HASH_SHIFT));
  const at = (place: Value, word: number) => {
    o.push(place);
    code.memory(OP.load32, regions + 4 * word);
    return o.pop();
  };
  const isElsewhere = (place: Value): Value =>
    [
      o.xor(at(place, L.R_LINEAR), linear),
      o.xor(at(place, L.R_ENTRY), entry),
      o.xor(at(place, L.R_PREMISES), load(L.W_PREMISES)),
    ].reduce((all, one) => o.or(all, one));
  const place = o.of(o.reserve(I32));
  o.push(o.shl(hash, known(4)));
  code.set(place.local);
  o.push(isElsewhere(place));
  code.op(OP.if);
  code.byte(EMPTY);
  o.push(o.xor(place, known(16)));
  code.set(place.local);
  returnIf(isElsewhere(place), known(EXECUTE));
  code.op(OP.end);
  const index = at(place, L.R_INDEX);
  code.constant(0);
  o.push(index);
  code.memory(OP.store32, regions + L.REGION_RAN);
  const counter = o.shl(index, known(2));
  o.push(counter);
  code.memory(OP.load32, regions + L.REGION_RUNS);
  const left = o.pop();
  o.push(counter);
  o.push(o.sub(left, known(1)));
  code.memory(OP.store32, regions + L.REGION_RUNS);
  returnIf(o.isZero(left), known(ENTERED_OFTEN));
  o.push(index);
  code.callIndirect(0);
  const status = o.pop();
  returnIf(status, status);
  code.op(OP.br);
  code.unsigned(0);
  code.op(OP.end);
  // Nothing comes here.
  code.constant(EXECUTE);
  code.op(OP.end);
  const body = { parameters: [], results: [I32], locals: o.locals, code: code.bytes } as const;
  const module = new WebAssembly.Module(makeModule([body], [], true));
  const run = new WebAssembly.Instance(module, { env: { memory, table } }).exports['0'];
  return () => run() ?? EXECUTE;
}
