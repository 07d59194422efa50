import * as L from '../cpu/layout.ts';
import { I32, type Import, makeModule } from './code.ts';
import { lookUp, PLACE_OF_NEXT } from './code-table.ts';
import { ENTERED_OFTEN, EXECUTE, GO_ON_AT } from './locals.ts';
import * as w from './words.ts';
import { get, set, word } from './words.ts';

/**
 * Goes from region to region until one wants an instruction executed, as also where the steps are used up, nothing is translated where control goes, or
 * a region has been entered as often as its counter said (layout.ts, REGION_RUNS). Returns what the last region did (locals.ts), EXECUTE if there was none.
 */
export type Driver = () => number;

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
    const [first, index, counter, status] = locals.words(4);
    const goOn = w.when(get(status), [w.give(get(status))], [set(first, PLACE_OF_NEXT)]);
    return [
      set(first, PLACE_OF_NEXT),
      w.forever([
        ...lookUp(locals, regions, first, index, [w.give(word(EXECUTE))]),
        w.when(
          w.geU(get(index), word(L.REGION_FUNCTIONS)),
          [set(status, w.call(RUN_INDEX, get(index))), goOn],
          [
            w.store(word(0), regions + L.REGION_RAN, get(index)),
            set(counter, w.load(w.shl(get(index), word(2)), regions + L.REGION_RUNS)),
            w.store(w.shl(get(index), word(2)), regions + L.REGION_RUNS, w.sub(get(counter), word(1))),
            w.when(w.isZero(get(counter)), [w.give(word(ENTERED_OFTEN))]),
            set(status, get(index), code => code.callIndirect(DRIVER_TYPE)),
            w.when(w.ltS(get(status), word(0)), [set(first, w.and(get(status), word(~GO_ON_AT)))], [goOn]),
          ],
        ),
      ]),
    ];
  });
  const module = new WebAssembly.Module(makeModule([body], [RUN], true));
  const drive = new WebAssembly.Instance(module, { env: { memory, table, run } }).exports['0'];
  return () => drive() ?? EXECUTE;
}
