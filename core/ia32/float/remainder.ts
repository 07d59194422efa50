import { type Float80, type FloatContext, FloatFlag } from './float80.ts';
import { roundPack64 } from './round.ts';
import { raiseInvalid, settleNaN, setZero, Unpacked } from './unpack.ts';

const a = new Unpacked();
const b = new Unpacked();

/** The low three bits of the quotient, or null when the reduction is only partial (C2). */
export type QuotientBits = number | null;

/** FPREM (quotient truncated) and FPREM1 (quotient rounded to nearest): x - q * y, exactly (SDM volume 2, FPREM and FPREM1). */
export function remainder(x: Float80, y: Float80, nearest: boolean, out: Float80, context: FloatContext): QuotientBits {
  a.set(x);
  b.set(y);
  if (settleNaN(a, x, b, y, out, context)) return 0;
  if (a.kind === 'infinity' || b.kind === 'zero') {
    context.flags &= ~FloatFlag.denormal;
    raiseInvalid(out, context);
    return 0;
  }
  if (a.kind === 'zero' || b.kind === 'infinity') {
    if (a.kind === 'zero') out.set(x);
    else roundPack64(a.sign, a.exponent, a.high, a.low, 0, out, context);
    return 0;
  }
  const distance = a.exponent - b.exponent;
  if (distance < (nearest ? -1 : 0)) {
    roundPack64(a.sign, a.exponent, a.high, a.low, 0, out, context);
    return 0;
  }
  // A partial reduction takes 32 to 63 bits off the exponent's distance.
  const isPartial = distance >= 64;
  const step = isPartial ? distance - (32 + (distance & 31)) : 0;
  const shift = isPartial ? distance - step : distance;
  const scaled = shift >= 0 ? a.mantissa() << BigInt(shift) : a.mantissa();
  const divisor = shift >= 0 ? b.mantissa() : b.mantissa() << 1n;
  let quotient = scaled / divisor;
  let rest = scaled - quotient * divisor;
  let { sign } = a;
  if (nearest && !isPartial && (rest * 2n > divisor || (rest * 2n === divisor && (quotient & 1n) !== 0n))) {
    quotient++;
    rest = divisor - rest;
    sign ^= 1;
  }
  const exponent = (shift >= 0 ? b.exponent : a.exponent) + step;
  if (rest === 0n) setZero(out, a.sign);
  else {
    const length = rest.toString(2).length;
    const mantissa = length <= 64 ? rest << BigInt(64 - length) : rest >> BigInt(length - 64);
    roundPack64(
      sign,
      exponent - (64 - length),
      Number(mantissa >> 32n),
      Number(mantissa & 0xffffffffn),
      0,
      out,
      context,
    );
  }
  return isPartial ? null : Number(quotient & 7n);
}
