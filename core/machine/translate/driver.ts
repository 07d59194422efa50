import { CS } from '../../ia32/registers.ts';
import * as L from '../cpu/layout.ts';
import { EMPTY, I32, makeModule, OP } from './code.ts';
import { EXECUTE } from './frame.ts';
import { known, type Value, Values } from './values.ts';

/**
 * Goes from region to region until one wants an instruction executed, the steps are used up, or nothing is translated where control goes. Returns what
 * the last region did (frame.ts), EXECUTE if there was none.
 */
export type Driver = () => number;

/** Place in the table of regions (layout.ts, REGION_SLOTS) of a linear address and its entry of the execute table: in words. */
export function slotOf(regions: number, linear: number, entry: number): number {
  const hash = linear ^ (linear >>> 13) ^ (entry >>> 12);
  return (regions >> 2) + ((hash & (L.REGION_SLOTS - 1)) << 2);
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
  returnIf(o.compare(OP.leS, load(L.W_BUDGET), known(0)), known(EXECUTE));
  const linear = o.add(load(L.W_EIP), load(L.W_SEGMENTS + CS * L.SEGMENT_WORDS + L.S_BASE));
  const page = o.add(o.shl(load(L.W_EXECUTE_TABLE), known(2)), o.shl(o.shr(linear, known(12)), known(2)));
  o.push(page);
  code.memory(OP.load32, 0);
  const entry = o.pop();
  const hash = o.xor(o.xor(linear, o.shr(linear, known(13))), o.shr(entry, known(12)));
  const place = o.shl(o.and(hash, known(L.REGION_SLOTS - 1)), known(4));
  const at = (word: number) => {
    o.push(place);
    code.memory(OP.load32, regions + 4 * word);
    return o.pop();
  };
  const isSame = [
    o.compare(OP.eq, at(L.R_LINEAR), linear),
    o.compare(OP.eq, at(L.R_ENTRY), entry),
    o.compare(OP.eq, at(L.R_PREMISES), load(L.W_PREMISES)),
  ].reduce((all, one) => o.and(all, one));
  returnIf(o.isZero(isSame), known(EXECUTE));
  const index = at(L.R_INDEX);
  code.constant(0);
  o.push(index);
  code.memory(OP.store32, regions + L.REGION_RAN);
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
