import { CS } from '../../../ia32/registers.ts';
import * as L from '../../cpu/layout.ts';
import { type FunctionBody, I32, type Import, makeModule } from '../code.ts';
import { ENTRY_OF_NEXT, lookUp, PLACE_OF_NEXT } from '../code-table.ts';
import { BLOCK_OFTEN, EXECUTE } from '../locals.ts';
import * as w from '../words.ts';
import { get, type Part, set, word } from '../words.ts';
import * as R from './record.ts';

/** Has the executor carry out the instruction of a record of a block. Returns 0 if the block can go on behind it, else the status to leave with. */
export type CarryOut = (record: number, block: number) => number;

const CARRY_OUT: Import = { name: 'carryOut', parameters: [I32, I32], results: [I32] };
/** Indexes of functions, which are those of their types as well. */
const [CARRY_OUT_INDEX, RESOLVE] = [0, 1];

const state = (at: number): Part => w.load(word(0), at << 2);
const put = (at: number, value: Part): Part => w.store(word(0), at << 2, value);

/** Whether a block's offsets are for another CS. */
const isOfOtherCode = (block: number): Part =>
  w.or(
    w.xor(w.load(get(block), R.H_BASE), state(L.W_SEGMENTS + CS * L.SEGMENT_WORDS + L.S_BASE)),
    w.xor(w.load(get(block), R.H_LIMIT), state(L.W_CODE_LIMIT)),
  );

/** Whether a block, with its address, or 0, in a local, is what lies at EIP: of all that was linked most still is when W_LINK_KEY changes. */
function isStillNext(block: number): Part {
  const differs = (at: number, value: Part) => w.xor(w.load(get(block), at), value);
  return w.isZero(
    w.or(
      w.or(w.isZero(get(block)), isOfOtherCode(block)),
      w.or(
        differs(R.H_EIP, state(L.W_EIP)),
        w.or(differs(R.H_ENTRY, ENTRY_OF_NEXT), differs(R.H_PREMISES, state(L.W_PREMISES))),
      ),
    ),
  );
}

/** Finds the block at EIP, and remembers it as a link at a place, unless that is 0. Returns minus its address, or GOES_ELSEWHERE. */
function resolve(regions: number): FunctionBody {
  return w.makeFunction([I32], [I32], locals => {
    const place = 0;
    const [first, block] = locals.words(2);
    return [
      w.when(get(place), [
        set(block, w.sub(word(0), w.load(get(place), R.LINK_BLOCK))),
        w.when(isStillNext(block), [w.store(get(place), 0, state(L.W_LINK_KEY)), w.give(w.sub(word(0), get(block)))]),
      ]),
      set(first, PLACE_OF_NEXT),
      ...lookUp(locals, regions, first, block, [w.give(word(R.GOES_ELSEWHERE))]),
      w.when(w.ltU(get(block), word(L.REGION_FUNCTIONS)), [w.give(word(R.GOES_ELSEWHERE))]),
      w.when(isOfOtherCode(block), [w.give(word(R.GOES_ELSEWHERE))]),
      set(block, w.sub(word(0), get(block))),
      w.when(get(place), [w.store(get(place), 0, state(L.W_LINK_KEY)), w.store(get(place), R.LINK_BLOCK, get(block))]),
      w.give(get(block)),
    ];
  });
}

/** Runs blocks from one on as long as they lead to others. Returns a status (locals.ts). */
function run(regions: number): FunctionBody {
  return w.makeFunction([I32], [I32], locals => {
    const block = 0;
    const [record, next, left] = locals.words(3);
    const leaveWith = (status: number): readonly Part[] => [
      put(L.W_EIP, w.load(get(block), R.H_EIP)),
      w.give(word(status)),
    ];
    return [
      w.when(isOfOtherCode(block), [w.give(word(EXECUTE))]),
      w.forever([
        set(left, w.sub(w.load(get(block), R.H_COUNTER), word(1))),
        w.store(get(block), R.H_COUNTER, get(left)),
        w.when(w.isZero(get(left)), [w.store(word(0), regions + L.REGION_RAN, get(block)), ...leaveWith(BLOCK_OFTEN)]),
        set(left, w.sub(state(L.W_BUDGET), w.load(get(block), R.H_COUNT))),
        w.when(w.ltS(get(left), word(0)), leaveWith(EXECUTE)),
        put(L.W_BUDGET, get(left)),
        set(record, w.add(get(block), word(R.RECORD_BYTES))),
        w.forever([
          get(record),
          w.load(get(record), R.R_HANDLER),
          code => code.callIndirect(RESOLVE),
          code => code.set(next),
          w.when(w.ltS(word(0), get(next)), [set(record, get(next)), w.branch(1)]),
          w.when(w.isZero(get(next)), [
            set(left, w.call(CARRY_OUT_INDEX, get(record), get(block))),
            w.when(get(left), [w.give(get(left))]),
            set(record, w.add(get(record), word(R.RECORD_BYTES))),
            w.branch(1),
          ]),
          w.when(w.equal(get(next), word(R.GOES_ELSEWHERE)), [w.give(state(L.W_ATTEND))]),
          set(block, w.sub(word(0), get(next))),
          w.branch(1),
        ]),
      ]),
    ];
  });
}

export interface Loop {
  readonly resolve: WebAssembly.Imported;
  readonly run: WebAssembly.Imported;
}

/** The loop of a machine: `regions` is the byte offset of its table of regions. */
export function makeLoop(
  memory: WebAssembly.Memory,
  table: WebAssembly.Table,
  regions: number,
  carryOut: CarryOut,
): Loop {
  const module = new WebAssembly.Module(makeModule([resolve(regions), run(regions)], [CARRY_OUT], true));
  const { exports } = new WebAssembly.Instance(module, { env: { memory, table, carryOut } });
  return { resolve: exports['0'], run: exports['1'] };
}
