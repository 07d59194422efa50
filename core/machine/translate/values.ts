import { Code, I32, OP, type Op, type ValueType } from './code.ts';

/**
 * A value of 32 bits in code that is being made: known now, or in a local of the function. It is never changed; a local is given to another value
 * only when nobody can ask for this one any more.
 */
export interface Value {
  /** Null: not known before the code runs. */
  readonly constant: number | null;
  /** -1 for a constant. */
  readonly local: number;
  /** What is added to the local whenever the value is asked for; 0 for a constant. */
  readonly plus: number;
  /** All bits from this one on are 0. */
  readonly bits: number;
  /** It is known to be another value plus a number; null: nothing is known. */
  readonly origin: Origin | null;
  /** It is 1 where this one is 0, else 0; null: nothing is known. Its local lasts only as long as somebody keeps it. */
  readonly negated: Value | null;
}

export interface Origin {
  readonly root: Value;
  readonly offset: number;
}

/** What a value is a known number away from: itself, if nothing else is known. Null for a constant. */
export function originOf(value: Value): Origin | null {
  if (value.constant !== null) return null;
  return value.origin ?? { root: value, offset: 0 };
}

/** How many low bits a number needs, taken as unsigned. */
function width(value: number): number {
  return 32 - Math.clz32(value);
}

export function known(value: number): Value {
  return { constant: value | 0, local: -1, plus: 0, bits: width(value), origin: null, negated: null };
}

/** A value that is not known, plus a number: no code, before somebody asks for it. */
function moved(value: Value, by: number): Value {
  const root = value.origin?.root ?? value;
  const bits = Math.min(32, Math.max(value.bits, width(by)) + 1);
  const origin = { root, offset: (value.origin?.offset ?? 0) + by };
  return { constant: null, local: value.local, plus: (value.plus + by) | 0, bits, origin, negated: null };
}

/** Whether a value is what lies in a local. */
export function isIn(value: Value, local: number): boolean {
  return value.local === local && value.plus === 0;
}

/** Whether two values are known to be the same. */
export function isSame(a: Value, b: Value): boolean {
  return a.constant === b.constant && a.local === b.local && a.plus === b.plus;
}

/** What a condition comes from by nothing but negations, and whether it is then the opposite of that being 0. */
export function positiveOf(condition: Value): { readonly value: Value; readonly isNegated: boolean } {
  let value = condition;
  let isNegated = false;
  for (; value.negated !== null; value = value.negated) isNegated = !isNegated;
  return { value, isNegated };
}

/** Makes values, and the code that computes them, one after the other. */
export class Values {
  code: Code;
  /** Types of the locals so far. */
  readonly locals: ValueType[] = [];
  readonly #first: number;
  readonly #free: number[] = [];
  /** Given out since the last sweep, and those before that are still needed: so many of the array's first. */
  readonly #temporary: number[] = [];
  #temporaries = 0;
  /** By local: the number of the sweep that leaves it alone, and how many hold on to it over sweeps. */
  readonly #kept: number[] = [];
  readonly #pins: number[] = [];
  #sweeps = 1;

  /** Locals below `first` have a use of their own. */
  constructor(first: number, code = new Code()) {
    this.code = code;
    for (let n = 0; n < first; n++) this.reserve(I32);
    this.#first = first;
  }

  fresh(): number {
    const local = this.#free.pop() ?? this.reserve(I32);
    this.#temporary[this.#temporaries++] = local;
    return local;
  }

  /** A local that no sweep takes back. */
  reserve(type: ValueType): number {
    this.#kept.push(0);
    this.#pins.push(0);
    return this.locals.push(type) - 1;
  }

  /** The next sweep() leaves this local alone. */
  keep(local: number): void {
    if (local >= this.#first) this.#kept[local] = this.#sweeps;
  }

  /** Every sweep() does so until unpin(), which comes as often as this. */
  pin(local: number): void {
    if (local >= this.#first) this.#pins[local]++;
  }

  unpin(local: number): void {
    if (local >= this.#first) this.#pins[local]--;
  }

  /** Takes back all locals but those that are kept. */
  sweep(): void {
    const temporary = this.#temporary;
    let count = 0;
    for (let n = 0; n < this.#temporaries; n++) {
      const local = temporary[n];
      if (this.#kept[local] === this.#sweeps || this.#pins[local] !== 0) temporary[count++] = local;
      else this.#free.push(local);
    }
    this.#temporaries = count;
    this.#sweeps++;
  }

  /** The value in a local that has a use of its own: only while nothing is set there. */
  of(local: number, bits = 32): Value {
    return { constant: null, local, plus: 0, bits, origin: null, negated: null };
  }

  /** Puts a value on the stack. */
  push(value: Value): void {
    if (value.constant !== null) this.code.constant(value.constant);
    else this.code.get(value.local);
    if (value.plus === 0) return;
    this.code.constant(value.plus);
    this.code.op(OP.add);
  }

  /** The same value, in a local as it is. */
  settled(value: Value): Value {
    return value.plus === 0 ? value : this.copied(value);
  }

  /** The same value, in a local of its own. */
  copied(value: Value): Value {
    this.push(value);
    const { local } = this.pop();
    return { constant: null, local, plus: 0, bits: value.bits, origin: originOf(value), negated: null };
  }

  /** What lies on the stack becomes a value. */
  pop(bits = 32): Value {
    const local = this.fresh();
    this.code.set(local);
    return { constant: null, local, plus: 0, bits, origin: null, negated: null };
  }

  unary(op: Op, a: Value, bits = 32): Value {
    this.push(a);
    this.code.op(op);
    return this.pop(bits);
  }

  binary(op: Op, a: Value, b: Value, bits = 32): Value {
    this.push(a);
    this.push(b);
    this.code.op(op);
    return this.pop(bits);
  }

  add(a: Value, b: Value): Value {
    if (a.constant !== null && b.constant !== null) return known(a.constant + b.constant);
    if (a.constant === 0) return b;
    if (b.constant === 0) return a;
    if (b.constant !== null) return moved(a, b.constant);
    if (a.constant !== null) return moved(b, a.constant);
    return this.binary(OP.add, a, b, Math.min(32, Math.max(a.bits, b.bits) + 1));
  }

  sub(a: Value, b: Value): Value {
    if (a.constant !== null && b.constant !== null) return known(a.constant - b.constant);
    if (b.constant === 0) return a;
    return b.constant === null ? this.binary(OP.sub, a, b) : moved(a, -b.constant);
  }

  and(a: Value, b: Value): Value {
    if (a.constant !== null && b.constant !== null) return known(a.constant & b.constant);
    const [value, mask] = a.constant === null ? [a, b] : [b, a];
    if (mask.constant === 0) return known(0);
    // Nothing is cut off.
    if (mask.constant !== null && (value.bits === 0 || (~mask.constant & (-1 >>> (32 - value.bits))) === 0))
      return value;
    return this.binary(OP.and, a, b, Math.min(a.bits, b.bits));
  }

  or(a: Value, b: Value): Value {
    if (a.constant !== null && b.constant !== null) return known(a.constant | b.constant);
    if (a.constant === 0) return b;
    if (b.constant === 0) return a;
    return this.binary(OP.or, a, b, Math.max(a.bits, b.bits));
  }

  xor(a: Value, b: Value): Value {
    if (a.constant !== null && b.constant !== null) return known(a.constant ^ b.constant);
    if (a.constant === 0) return b;
    if (b.constant === 0) return a;
    if (a.constant === null && a.local === b.local && a.plus === b.plus) return known(0);
    return this.binary(OP.xor, a, b, Math.max(a.bits, b.bits));
  }

  shl(a: Value, b: Value): Value {
    if (b.constant === null) return this.binary(OP.shl, a, b);
    const count = b.constant & 31;
    if (a.constant !== null) return known(a.constant << count);
    return count === 0 ? a : this.binary(OP.shl, a, known(count), Math.min(32, a.bits + count));
  }

  shr(a: Value, b: Value): Value {
    if (b.constant === null) return this.binary(OP.shrU, a, b, a.bits);
    const count = b.constant & 31;
    if (a.constant !== null) return known(a.constant >>> count);
    if (count === 0) return a;
    return a.bits <= count ? known(0) : this.binary(OP.shrU, a, known(count), a.bits - count);
  }

  sar(a: Value, b: Value): Value {
    if (a.constant !== null && b.constant !== null) return known(a.constant >> b.constant);
    if (a.bits < 32) return this.shr(a, b);
    return this.binary(OP.shrS, a, b);
  }

  mul(a: Value, b: Value): Value {
    if (a.constant !== null && b.constant !== null) return known(Math.imul(a.constant, b.constant));
    return this.binary(OP.mul, a, b, Math.min(32, a.bits + b.bits));
  }

  /** High half of the product of 64 bits. */
  mulHigh(a: Value, b: Value, extend: typeof OP.extendS64 | typeof OP.extendU64): Value {
    const { code } = this;
    this.push(a);
    code.op(extend);
    this.push(b);
    code.op(extend);
    code.op(OP.mul64);
    code.op(OP.constant64);
    code.signed(32);
    code.op(OP.shrU64);
    code.op(OP.wrap64);
    return this.pop();
  }

  /** 1 or 0. */
  compare(op: Op, a: Value, b: Value): Value {
    return this.binary(op, a, b, 1);
  }

  isZero(a: Value): Value {
    if (a.constant !== null) return known(a.constant === 0 ? 1 : 0);
    const { local, plus, bits, origin } = this.unary(OP.eqz, a, 1);
    return { constant: null, local, plus, bits, origin, negated: a };
  }

  select(condition: Value, a: Value, b: Value): Value {
    if (condition.constant !== null) return condition.constant !== 0 ? a : b;
    if (isSame(a, b)) return a;
    this.push(a);
    this.push(b);
    this.push(condition);
    this.code.op(OP.select);
    return this.pop(Math.max(a.bits, b.bits));
  }

  zeroExtend(a: Value, size: number): Value {
    return size === 4 ? a : this.and(a, known(size === 2 ? 0xffff : 0xff));
  }

  signExtend(a: Value, size: number): Value {
    if (size === 4) return a;
    const shift = 32 - 8 * size;
    if (a.constant !== null) return known((a.constant << shift) >> shift);
    if (a.bits < 8 * size) return a;
    return this.unary(size === 2 ? OP.extend16S : OP.extend8S, a);
  }
}
