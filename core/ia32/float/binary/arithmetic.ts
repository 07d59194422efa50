import { FloatFlag } from '../float80.ts';
import {
  copy,
  type FloatLane,
  type Format,
  get,
  isDenormal,
  put,
  putIndefinite,
  putNan,
  putQuiet,
  type SseContext,
  seen,
} from './format.ts';
import { type Exact, exactly, putNearest, roundExact } from './round.ts';

/**
 * Addition, multiplication, division and square root in both formats and all rounding modes. The host rounds to nearest; whether and
 * to which side its result is off follows from the exact error of the operation, so that the other modes need a neighbour at most. Single
 * precision is computed in double and rounded a second time, which changes nothing for these operations. What comes near the ends
 * of a format is done exactly, with integers.
 */
interface Operation {
  /** Rounded to nearest. */
  compute(x: number, y: number): number;
  /** Sign of (exact result - computed one); NaN where the host's range does not do to say it. */
  error(x: number, y: number, result: number): number;
  /** No value has a meaning. NaNs are out of the question. */
  isInvalid(x: number, y: number): boolean;
  /** A result of 0 is exact, not what underflow left. */
  isZero(x: number, y: number): boolean;
  /** Of finite operands, when the result is not 0; what is smaller than a rounding needs may be one sticky bit. */
  exact(x: Exact, y: Exact): Exact;
}

/** Beyond these an operand's product with a result loses bits, or overflows on the way. */
const SMALLEST = 2 ** -900;
const LARGEST = 2 ** 990;

function isOutside(x: number): boolean {
  const magnitude = Math.abs(x);
  return magnitude < SMALLEST || magnitude > LARGEST;
}

/** p + error = x * y exactly (Dekker). */
function productError(x: number, y: number, p: number): number {
  const xs = x * 134217729;
  const xHigh = xs - (xs - x);
  const xLow = x - xHigh;
  const ys = y * 134217729;
  const yHigh = ys - (ys - y);
  const yLow = y - yHigh;
  return xLow * yLow - (p - xHigh * yHigh - xLow * yHigh - xHigh * yLow);
}

const ADD: Operation = {
  compute: (x, y) => x + y,
  // Knuth's two-sum.
  error: (x, y, sum) => {
    const part = sum - x;
    return x - (sum - part) + (y - part);
  },
  isInvalid: (x, y) => x - x !== 0 && x === -y,
  isZero: () => true,
  exact: (x, y) => {
    const exponent = Math.min(x.exponent, y.exponent);
    const mantissa = (x.mantissa << BigInt(x.exponent - exponent)) + (y.mantissa << BigInt(y.exponent - exponent));
    return { mantissa, exponent };
  },
};

const MULTIPLY: Operation = {
  compute: (x, y) => x * y,
  error: productError,
  isInvalid: (x, y) => (x === 0 && y - y !== 0) || (y === 0 && x - x !== 0),
  isZero: (x, y) => x === 0 || y === 0,
  exact: (x, y) => ({ mantissa: x.mantissa * y.mantissa, exponent: x.exponent + y.exponent }),
};

const DIVIDE: Operation = {
  compute: (x, y) => x / y,
  error: (x, y, quotient) => {
    if (isOutside(x)) return Number.NaN;
    const product = quotient * y;
    const rest = x - product - productError(quotient, y, product);
    return y < 0 ? -rest : rest;
  },
  isInvalid: (x, y) => (x === 0 && y === 0) || (x - x !== 0 && y - y !== 0),
  isZero: (x, y) => x === 0 || y - y !== 0,
  exact: (x, y) => {
    const dividend = x.mantissa << 128n;
    const quotient = dividend / y.mantissa;
    return sticky(
      quotient,
      dividend - quotient * y.mantissa,
      x.exponent - 128 - y.exponent,
      x.mantissa < 0n !== y.mantissa < 0n,
    );
  },
};

/** A truncated value with one bit more, which says whether there is a rest. */
function sticky(value: bigint, rest: bigint, exponent: number, negative: boolean): Exact {
  const bit = rest === 0n ? 0n : negative ? -1n : 1n;
  return { mantissa: value * 2n + bit, exponent: exponent - 1 };
}

const SQUARE_ROOT: Operation = {
  compute: (_, y) => Math.sqrt(y),
  error: (_, y, root) => {
    if (isOutside(y)) return Number.NaN;
    const product = root * root;
    return y - product - productError(root, root, product);
  },
  isInvalid: (_, y) => y < 0,
  isZero: () => true,
  exact: (_, y) => {
    const odd = y.exponent & 1;
    const value = y.mantissa << BigInt(128 + odd);
    const root = integerRoot(value);
    return sticky(root, value - root * root, (y.exponent - odd - 128) / 2, false);
  },
};

function integerRoot(value: bigint): bigint {
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** A sum of zeros or of opposites is +0, but -0 when rounding down unless both are +0. */
function zeroSum(c: SseContext, x: number, y: number, sum: number): number {
  return c.rounding === 1 && !(Object.is(x, 0) && Object.is(y, 0)) ? -0 : sum;
}

/** `negates`: the second operand's sign is turned, which makes a difference of a sum. */
function lane(format: Format, operation: Operation, negates = false): FloatLane {
  return (c, v, a, b, to) => {
    let x = get(v, a, format);
    let y = get(v, b, format);
    if (c.quick && !isDenormal(x, format) && !isDenormal(y, format)) {
      // The common case: the magnitude of a NaN, and of what an invalid operation gives, lies nowhere.
      const result = operation.compute(x, negates ? -y : y);
      const nearest = format.size === 4 ? Math.fround(result) : result;
      const magnitude = Math.abs(nearest);
      if (magnitude > format.easyAbove && magnitude < format.easyBelow) {
        put(v, to, format, nearest);
        return;
      }
    }
    if (Number.isNaN(x) || Number.isNaN(y)) {
      putNan(c, v, a, b, to, format);
      return;
    }
    let flags = 0;
    if (isDenormal(x, format) || isDenormal(y, format)) {
      if (!c.daz) flags = FloatFlag.denormal;
      x = seen(c, x, format);
      y = seen(c, y, format);
    }
    if (negates) y = -y;
    if (operation.isInvalid(x, y)) {
      putIndefinite(c, v, to, format);
      return;
    }
    const result = operation.compute(x, y);
    if (y === 0 && operation === DIVIDE && x - x === 0) {
      c.flags |= FloatFlag.zeroDivide;
      put(v, to, format, result);
      return;
    }
    c.flags |= flags;
    const nearest = format.size === 4 ? Math.fround(result) : result;
    const magnitude = Math.abs(nearest);
    if (magnitude > format.easyAbove && magnitude < format.easyBelow) {
      const error = result !== nearest ? result - nearest : operation.error(x, y, result);
      if (!Number.isNaN(error)) {
        putNearest(c, v, to, format, nearest, error);
        return;
      }
    }
    if (result === 0 && operation.isZero(x, y)) {
      put(v, to, format, operation === ADD ? zeroSum(c, x, y, result) : result);
    } else if (magnitude === Infinity && (x - x !== 0 || y - y !== 0)) put(v, to, format, result);
    else put(v, to, format, roundExact(c, operation.exact(exactly(x), exactly(y)), format));
  };
}

export const add = (format: Format): FloatLane => lane(format, ADD);
export const sub = (format: Format): FloatLane => lane(format, ADD, true);
export const mul = (format: Format): FloatLane => lane(format, MULTIPLY);
export const div = (format: Format): FloatLane => lane(format, DIVIDE);

export const sqrt = (format: Format): FloatLane => {
  const root = lane(format, SQUARE_ROOT);
  return (c, v, _, b, to) => root(c, v, b, b, to);
};

/** MIN and MAX: the second operand where either is a NaN, or both are zeros (SDM volume 2, MINPS). */
function choose(format: Format, isFirst: (x: number, y: number) => boolean): FloatLane {
  return (c, v, a, b, to) => {
    const x = get(v, a, format);
    const y = get(v, b, format);
    if (Number.isNaN(x) || Number.isNaN(y)) {
      c.flags |= FloatFlag.invalid;
      if (Number.isNaN(y)) copy(v, b, to, format);
      else put(v, to, format, seen(c, y, format));
      return;
    }
    if (!c.daz && (isDenormal(x, format) || isDenormal(y, format))) c.flags |= FloatFlag.denormal;
    const first = seen(c, x, format);
    const second = seen(c, y, format);
    put(v, to, format, isFirst(first, second) ? first : second);
  };
}

export const min = (format: Format): FloatLane => choose(format, (x, y) => x < y);
export const max = (format: Format): FloatLane => choose(format, (x, y) => x > y);

/** Bits of an approximation's significand. */
const APPROXIMATE = 12;

/**
 * RCP and RSQRT: the manual demands a relative error of at most 1.5 * 2^-12 and leaves the rest to the processor, and processors
 * differ. Here it is the value rounded to 12 bits: an error of at most 2^-12. No exception; denormals are zeros, in and out.
 */
export function approximation(format: Format, of: (y: number) => number): FloatLane {
  return (_, v, _a, b, to) => {
    const y = get(v, b, format);
    if (Number.isNaN(y)) {
      putQuiet(v, b, to, format);
      return;
    }
    const value = of(isDenormal(y, format) ? y * 0 : y);
    if (Number.isNaN(value)) {
      v.setInt32(to, format.indefinite, true);
      return;
    }
    put(v, to, format, isDenormal(Math.fround(value), format) ? value * 0 : value);
    if (Math.abs(value) === Infinity) return;
    const cut = 1 << (format.precision - APPROXIMATE);
    v.setInt32(to, (v.getInt32(to, true) + cut / 2) & -cut, true);
  };
}
