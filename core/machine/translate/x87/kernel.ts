import * as L from '../../cpu/layout.ts';
import { W_EMPTY, W_STATUS } from '../../cpu/x87/state.ts';
import { type FunctionBody, I32, type Import, makeModule } from '../code.ts';
import * as w from '../words.ts';
import { get, set, word } from '../words.ts';
import { addition, comparison, division, multiplication, squareRoot } from './arithmetic.ts';
import * as convert from './convert.ts';
import { makeHard } from './hard.ts';
import { commonFunctions, NUMBER } from './numbers.ts';

/**
 * x87 arithmetic in WebAssembly, for translated code. Numbers are parameters and results; only the control word is read from memory. Ordinary numbers
 * and zeros are computed here, the rest is left to the executor's arithmetic (hard.ts): that says what an operation means, and kernel.test.ts compares.
 */

/** TOP in the status word, as the number of bytes from the first register on. */
const topBytes = w.and(w.shr(w.load(word(W_STATUS << 2)), word(7)), word(0x70));

/** Place relative to TOP, in bytes, significand, word: into a register in memory. */
function keep(): FunctionBody {
  return w.makeFunction([I32, ...NUMBER], [], locals => {
    const [place, m, e] = [0, 1, 2];
    const address = locals.word();
    return [
      set(address, w.and(w.add(topBytes, get(place)), word(0x70))),
      w.store64(get(address), L.W_X87_REGISTERS << 2, get(m)),
      w.store(get(address), (L.W_X87_REGISTERS << 2) + 8, w.and(get(e), word(0xffff))),
      w.give(),
    ];
  });
}

/** Status word but for TOP, change of TOP, registers filled and emptied as bits relative to TOP: into memory. */
function finish(): FunctionBody {
  return w.makeFunction([I32, I32, I32, I32], [], locals => {
    const [status, change, filled, emptied] = [0, 1, 2, 3];
    const [top, empty] = [locals.word(), locals.word()];
    const turned = (by: w.Part) => w.and(w.shr(w.or(get(empty), w.shl(get(empty), word(8))), by), word(0xff));
    return [
      set(top, w.shr(topBytes, word(4))),
      set(empty, w.and(w.load(word(W_EMPTY << 2)), word(0xff))),
      set(empty, turned(get(top))),
      set(empty, w.or(w.and(get(empty), w.xor(get(filled), word(0xff))), get(emptied))),
      w.store(word(W_EMPTY << 2), 0, turned(w.sub(word(8), get(top)))),
      w.store(
        word(W_STATUS << 2),
        0,
        w.or(w.and(get(status), word(~0x3800)), w.shl(w.and(w.add(get(top), get(change)), word(7)), word(11))),
      ),
      w.give(),
    ];
  });
}

/** By name, in the order in which translated code imports them. */
const FUNCTIONS = {
  add: addition(),
  multiply: multiplication(),
  divide: division(),
  root: squareRoot(),
  compare: comparison(),
  fromDouble: convert.fromDouble(),
  fromSingle: convert.fromSingle(),
  fromInteger: convert.fromInteger(),
  toDouble: convert.toDouble(),
  toSingle: convert.toSingle(),
  toInteger: convert.toInteger(),
  roundToInteger: convert.roundToInteger(),
  always: convert.always(),
  keep: keep(),
  finish: finish(),
} as const satisfies Readonly<Record<string, FunctionBody>>;

export type KernelName = keyof typeof FUNCTIONS;
const NAMES = Object.keys(FUNCTIONS);

/** What a module of translated code imports, in this order. */
export const KERNEL: readonly Import[] = Object.entries(FUNCTIONS).map(([name, { parameters, results }]) => ({
  name,
  parameters,
  results,
}));

const HARD: Import = { name: 'hard', parameters: [I32], results: [I32] };

const COMMON = commonFunctions();
let compiled: WebAssembly.Module | null = null;

/** The kernel of a machine, by name. */
export function makeKernel(memory: WebAssembly.Memory): Readonly<Record<string, WebAssembly.Imported>> {
  compiled ??= new WebAssembly.Module(makeModule([...COMMON, ...Object.values(FUNCTIONS)], [HARD]));
  const hard = makeHard(new Int32Array(memory.buffer));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory, hard } });
  return Object.fromEntries(NAMES.map((name, n) => [name, exports[String(COMMON.length + n)]]));
}
