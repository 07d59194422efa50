/**
 * A sum of two doubles, 106 bits of significand (Dekker, A floating-point technique for extending the available precision,
 * 1971). Operations work in place and lose less than 2^-100 of the result; there must be no over- or underflow.
 */
export class DoubleDouble {
  high: number;
  low: number;

  constructor(high = 0, low = 0) {
    this.high = high;
    this.low = low;
  }

  set(from: DoubleDouble): this {
    this.high = from.high;
    this.low = from.low;
    return this;
  }

  setNumber(value: number): this {
    this.high = value;
    this.low = 0;
    return this;
  }

  /** Multiplies by a power of two. */
  scale(power: number): this {
    this.high *= power;
    this.low *= power;
    return this;
  }

  add(b: DoubleDouble): this {
    const sum = this.high + b.high;
    const part = sum - this.high;
    const error = this.high - (sum - part) + (b.high - part);
    const lowSum = this.low + b.low;
    const lowPart = lowSum - this.low;
    const lowError = this.low - (lowSum - lowPart) + (b.low - lowPart);
    return this.#settle(sum, error + lowSum, lowError);
  }

  addNumber(b: number): this {
    const sum = this.high + b;
    const part = sum - this.high;
    return this.#settle(sum, this.high - (sum - part) + (b - part) + this.low, 0);
  }

  multiply(b: DoubleDouble): this {
    const product = this.high * b.high;
    const error = productError(this.high, b.high, product);
    return this.#settle(product, error + (this.high * b.low + this.low * b.high), 0);
  }

  divide(b: DoubleDouble): this {
    const first = this.high / b.high;
    rest.set(this).add(term.setNumber(-first).multiply(b));
    const second = rest.high / b.high;
    rest.add(term.setNumber(-second).multiply(b));
    return this.setNumber(first)
      .addNumber(second)
      .addNumber(rest.high / b.high);
  }

  #settle(high: number, low: number, lower: number): this {
    const sum = high + low;
    const error = low - (sum - high) + lower;
    this.high = sum + error;
    this.low = error - (this.high - sum);
    return this;
  }
}

const rest = new DoubleDouble();
const term = new DoubleDouble();

/** a * b - product, exactly, from halves of 26 bits. */
function productError(a: number, b: number, product: number): number {
  const aSplit = a * 134217729;
  const aHigh = aSplit - (aSplit - a);
  const aLow = a - aHigh;
  const bSplit = b * 134217729;
  const bHigh = bSplit - (bSplit - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** out := the sum of coefficients[first + i * step] * x^i over `terms` terms. */
export function polynomial(
  x: DoubleDouble,
  coefficients: readonly DoubleDouble[],
  first: number,
  step: number,
  terms: number,
  out: DoubleDouble,
): DoubleDouble {
  out.set(coefficients[first + (terms - 1) * step]);
  for (let i = terms - 2; i >= 0; i--) out.multiply(x).add(coefficients[first + i * step]);
  return out;
}

/** 1 / n! for n from 0. */
export const INVERSE_FACTORIALS: readonly DoubleDouble[] = inverseFactorials(30);

function inverseFactorials(count: number): DoubleDouble[] {
  const values = [new DoubleDouble(1)];
  for (let n = 1; n < count; n++) values.push(new DoubleDouble().set(values[n - 1]).divide(new DoubleDouble(n)));
  return values;
}
