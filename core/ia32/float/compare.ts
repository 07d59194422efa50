import { type Float80, type FloatContext, FloatFlag } from './float80.ts';
import { Unpacked } from './unpack.ts';

export type Order = 'less' | 'equal' | 'greater' | 'unordered';

const a = new Unpacked();
const b = new Unpacked();

function isNotANumber(u: Unpacked): boolean {
  return u.kind === 'quiet' || u.kind === 'signaling' || u.kind === 'unsupported';
}

/** Compares x with y. A quiet comparison (FUCOM) raises invalid for SNaNs and unsupported formats only, others for every NaN. */
export function compare(x: Float80, y: Float80, quiet: boolean, context: FloatContext): Order {
  a.set(x);
  b.set(y);
  if (isNotANumber(a) || isNotANumber(b)) {
    const bothQuiet = (a.kind === 'quiet' || !isNotANumber(a)) && (b.kind === 'quiet' || !isNotANumber(b));
    if (!quiet || !bothQuiet) context.flags |= FloatFlag.invalid;
    return 'unordered';
  }
  if (a.isDenormal || b.isDenormal) context.flags |= FloatFlag.denormal;
  if (a.kind === 'zero' && b.kind === 'zero') return 'equal';
  const order = magnitudeOrder();
  if (a.kind === 'zero') return b.sign !== 0 ? 'greater' : 'less';
  if (b.kind === 'zero' || a.sign !== b.sign) return a.sign !== 0 ? 'less' : 'greater';
  if (order === 0) return 'equal';
  return order > 0 === (a.sign === 0) ? 'greater' : 'less';
}

function magnitudeOrder(): number {
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    return (a.kind === 'infinity' ? 1 : 0) - (b.kind === 'infinity' ? 1 : 0);
  }
  return a.exponent - b.exponent || a.high - b.high || a.low - b.low;
}

/** Condition bits C3, C2, C0 of FXAM for a register that is not empty, in their places in the status word; C1 is the sign. */
export function examine(x: Float80): number {
  const C0 = 0x100;
  const C2 = 0x400;
  const C3 = 0x4000;
  a.set(x);
  switch (a.kind) {
    case 'unsupported':
      return 0;
    case 'quiet':
    case 'signaling':
      return C0;
    case 'finite':
      return a.isDenormal ? C3 | C2 : C2;
    case 'infinity':
      return C2 | C0;
    case 'zero':
      return C3;
  }
}
