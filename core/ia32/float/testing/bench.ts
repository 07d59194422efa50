import { add } from '../extended/add.ts';
import { div } from '../extended/divide.ts';
import { roundToInteger } from '../extended/integer.ts';
import { fromFloat64, toFloat64 } from '../extended/memory.ts';
import { mul } from '../extended/multiply.ts';
import { sqrt } from '../extended/squareRoot.ts';
import { Float80, type FloatContext, Word64 } from '../float80.ts';

/** Nanoseconds for each operation on numbers with full significands, by hand: npx tsx core/ia32/float/testing/bench.ts */

const COUNT = 1024;
const ROUNDS = 2000;

let state = 1;
function random(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 0;
}
const operands: readonly Float80[] = Array.from({ length: COUNT }, () => {
  const cell = new Float80();
  cell.signExponent = 0x3ff8 + (random() & 15);
  cell.high = (random() | 0x80000000) >>> 0;
  cell.low = random();
  return cell;
});
const out = new Float80();
const word = new Word64();

function measure(
  name: string,
  precision: 2 | 3,
  operation: (a: Float80, b: Float80, context: FloatContext) => void,
): void {
  const context: FloatContext = { rounding: 0, precision, flags: 0, roundedUp: false, masks: 0x3f };
  const pass = (): number => {
    const start = performance.now();
    for (let round = 0; round < ROUNDS; round++)
      for (let i = 0; i < COUNT; i++) operation(operands[i], operands[(i + 1) & (COUNT - 1)], context);
    return performance.now() - start;
  };
  const best = Math.min(pass(), pass(), pass());
  console.log(`${name} precision ${precision === 3 ? 64 : 53}: ${((best * 1e6) / (ROUNDS * COUNT)).toFixed(1)} ns`);
}

for (const precision of [3, 2] as const) {
  measure('add', precision, (a, b, context) => add(a, b, out, context));
  measure('mul', precision, (a, b, context) => mul(a, b, out, context));
  measure('div', precision, (a, b, context) => div(a, b, out, context));
  measure('sqrt', precision, (a, _, context) => sqrt(a, out, context));
  measure('roundToInteger', precision, (a, _, context) => roundToInteger(a, out, context));
  measure('toFloat64', precision, (a, _, context) => toFloat64(a, word, context));
  measure('fromFloat64', precision, (a, _, context) => fromFloat64(a.high & 0x3fffffff, a.low, out, context));
}
