import { FloatFlag, type RoundingControl } from '../float80.ts';
import { DOUBLE, type FloatLane, type Format, get, isDenormal, isSignaling, SINGLE, seen } from './format.ts';
import { putSingle } from './round.ts';

/** Conversions between both formats and doublewords (SDM volume 1, 10.4.3 and 11.4.1.6). The number is at the second place. */

export const singleToDouble: FloatLane = (c, v, _, b, to) => {
  const x = v.getFloat32(b, true);
  if (Number.isNaN(x)) {
    if (isSignaling(v, b, SINGLE)) c.flags |= FloatFlag.invalid;
    const bits = v.getInt32(b, true);
    v.setInt32(to, bits << 29, true);
    v.setInt32(to + 4, (bits & 0x80000000) | 0x7ff80000 | ((bits & 0x7fffff) >> 3), true);
    return;
  }
  if (!c.daz && isDenormal(x, SINGLE)) c.flags |= FloatFlag.denormal;
  v.setFloat64(to, seen(c, x, SINGLE), true);
};

export const doubleToSingle: FloatLane = (c, v, _, b, to) => {
  const x = v.getFloat64(b, true);
  if (Number.isNaN(x)) {
    if (isSignaling(v, b, DOUBLE)) c.flags |= FloatFlag.invalid;
    const high = v.getInt32(b + 4, true);
    const fraction = ((high & 0xfffff) << 3) | (v.getInt32(b, true) >>> 29);
    v.setInt32(to, (high & 0x80000000) | 0x7fc00000 | fraction, true);
    return;
  }
  if (!c.daz && isDenormal(x, DOUBLE)) c.flags |= FloatFlag.denormal;
  putSingle(c, v, to, seen(c, x, DOUBLE));
};

export const integerToSingle: FloatLane = (c, v, _, b, to) => putSingle(c, v, to, v.getInt32(b, true));
export const integerToDouble: FloatLane = (_c, v, _, b, to) => v.setFloat64(to, v.getInt32(b, true), true);

function roundToInteger(x: number, rounding: RoundingControl): number {
  if (rounding === 1) return Math.floor(x);
  if (rounding === 2) return Math.ceil(x);
  const whole = Math.trunc(x);
  const rest = Math.abs(x - whole);
  const isAway = rounding === 0 && (rest > 0.5 || (rest === 0.5 && whole % 2 !== 0));
  return isAway ? whole + Math.sign(x) : whole;
}

/** `truncates`: whatever the rounding mode. What does not fit is invalid, and the integer indefinite. */
export function toInteger(format: Format, truncates: boolean): FloatLane {
  return (c, v, _, b, to) => {
    const x = seen(c, get(v, b, format), format);
    const rounded = roundToInteger(x, truncates ? 3 : c.rounding);
    if (rounded >= -0x80000000 && rounded <= 0x7fffffff) {
      if (rounded !== x) c.flags |= FloatFlag.precision;
      v.setInt32(to, rounded, true);
    } else {
      c.flags |= FloatFlag.invalid;
      v.setInt32(to, 0x80000000, true);
    }
  };
}
