import { RELATION } from '../../../ia32/float/extended/status.ts';
import { BIAS } from '../../../ia32/float/float80.ts';
import { type FunctionBody, I32 } from '../code.ts';
import * as w from '../words.ts';
import { get, type Part, set, word, word64 } from '../words.ts';
import { hardNumber, STATUS_SHIFT } from './hard.ts';
import {
  areOrdinary,
  CONTROL,
  exponentOf,
  giveHard,
  giveRounded,
  HARDEN_INDEX,
  isOrdinary,
  isPlain,
  NUMBER,
  SIGN,
  signOf,
  TOP_BIT,
} from './numbers.ts';

/** The kernel's arithmetic: for ordinary numbers and zeros. */

const LOW_HALF = 0xffffffffn;
const half = (value: Part): Part => w.shr64(value, word64(32n));
const lowHalf = (value: Part): Part => w.and64(value, word64(LOW_HALF));

/** a, b, and 8000H if b is to be subtracted. */
export function addition(): FunctionBody {
  return w.makeFunction([...NUMBER, ...NUMBER, I32], NUMBER, locals => {
    const [ma, ea, mb, eb, invert] = [0, 1, 2, 3, 4];
    const [xa, xb, e, distance, sign, other, up] = Array.from({ length: 7 }, () => locals.word());
    const [m, n, tail, shift] = [locals.wide(), locals.wide(), locals.wide(), locals.wide()];
    const isSubtraction = w.shr(get(invert), word(15));
    const hard = giveHard(w.add(word(hardNumber('add')), isSubtraction), [get(ma), get(ea)], [get(mb), get(eb)]);
    /** A difference of 0 is +0, or -0 when rounding down (SDM volume 1, 4.8.3.1). */
    const giveZero = w.give(word64(0n), w.shl(w.equal(w.and(CONTROL, word(0xc00)), word(0x400)), word(15)));
    const isDifference = w.and(w.xor(get(sign), get(other)), word(SIGN));
    const withZero: readonly Part[] = [
      w.when(w.isZero(w.and(isPlain(ma, ea), isPlain(mb, eb))), [hard]),
      w.when(w.isZero64(w.or64(get(ma), get(mb))), [w.when(isDifference, [giveZero]), w.give(word64(0n), get(sign))]),
      // The other one, rounded.
      w.when(
        w.isZero64(get(ma)),
        [set(m, get(mb)), set(e, get(xb)), set(sign, get(other))],
        [set(m, get(ma)), set(e, get(xa))],
      ),
    ];
    const distant: readonly Part[] = [
      w.when(
        w.equal(get(distance), word(64)),
        [set(tail, get(n))],
        [
          set(tail, word64(1n)),
          w.when(w.ltU(get(distance), word(128)), [
            set(
              tail,
              w.or64(
                w.shr64(get(n), get(shift)),
                w.wide(w.differs64(w.shl64(get(n), w.sub64(word64(0n), get(shift))), word64(0n))),
              ),
            ),
          ]),
        ],
      ),
      set(n, word64(0n)),
    ];
    const near: readonly Part[] = [
      set(tail, w.shl64(get(n), w.sub64(word64(0n), get(shift)))),
      set(n, w.shr64(get(n), get(shift))),
    ];
    const difference: readonly Part[] = [
      w.when(w.ltU64(get(m), get(n)), [set(shift, get(m)), set(m, get(n)), set(n, get(shift)), set(sign, get(other))]),
      set(m, w.sub64(w.sub64(get(m), get(n)), w.wide(w.differs64(get(tail), word64(0n))))),
      set(tail, w.sub64(word64(0n), get(tail))),
      w.when(w.isZero64(get(m)), [
        w.when(w.isZero64(get(tail)), [giveZero]),
        set(m, get(tail)),
        set(tail, word64(0n)),
        set(e, w.sub(get(e), word(64))),
      ]),
      set(shift, w.leadingZeros(get(m))),
      w.when(w.differs64(get(shift), word64(0n)), [
        set(m, w.or64(w.shl64(get(m), get(shift)), w.shr64(get(tail), w.sub64(word64(0n), get(shift))))),
        set(tail, w.shl64(get(tail), get(shift))),
        set(e, w.sub(get(e), w.narrow(get(shift)))),
      ]),
    ];
    const sum: readonly Part[] = [
      set(m, w.add64(get(m), get(n))),
      w.when(w.ltU64(get(m), get(n)), [
        set(
          tail,
          w.or64(w.or64(w.shr64(get(tail), word64(1n)), w.and64(get(tail), word64(1n))), w.shl64(get(m), word64(63n))),
        ),
        set(m, w.or64(w.shr64(get(m), word64(1n)), word64(TOP_BIT))),
        set(e, w.add(get(e), word(1))),
      ]),
    ];
    return [
      set(xa, exponentOf(ea)),
      set(xb, exponentOf(eb)),
      set(sign, signOf(ea)),
      set(other, w.and(w.xor(get(eb), get(invert)), word(SIGN))),
      w.when(
        areOrdinary(ma, ea, mb, eb),
        [
          w.when(
            w.geS(get(xa), get(xb)),
            [set(m, get(ma)), set(n, get(mb)), set(e, get(xa)), set(distance, w.sub(get(xa), get(xb)))],
            [
              set(m, get(mb)),
              set(n, get(ma)),
              set(e, get(xb)),
              set(distance, w.sub(get(xb), get(xa))),
              set(up, get(sign)),
              set(sign, get(other)),
              set(other, get(up)),
            ],
          ),
          w.when(get(distance), [
            set(shift, w.wide(get(distance))),
            w.when(w.ltU(get(distance), word(64)), near, distant),
          ]),
          w.when(isDifference, difference, sum),
        ],
        withZero,
      ),
      ...giveRounded(m, tail, e, sign, up, hard),
    ];
  });
}

/** A product or quotient with an operand that is 0, where there is one. */
const signsDiffer = (ea: number, eb: number): Part => w.and(w.xor(get(ea), get(eb)), word(SIGN));

export function multiplication(): FunctionBody {
  return w.makeFunction([...NUMBER, ...NUMBER], NUMBER, locals => {
    const [ma, ea, mb, eb] = [0, 1, 2, 3];
    const [e, sign, up] = [locals.word(), locals.word(), locals.word()];
    const [m, tail, middle, column] = [locals.wide(), locals.wide(), locals.wide(), locals.wide()];
    const hard = giveHard(word(hardNumber('mul')), [get(ma), get(ea)], [get(mb), get(eb)]);
    const [aHigh, aLow, bHigh, bLow] = [half(get(ma)), lowHalf(get(ma)), half(get(mb)), lowHalf(get(mb))];
    return [
      set(sign, signsDiffer(ea, eb)),
      w.when(w.isZero(areOrdinary(ma, ea, mb, eb)), [
        w.when(w.and(isPlain(ma, ea), isPlain(mb, eb)), [w.give(word64(0n), get(sign))]),
        hard,
      ]),
      set(e, w.sub(w.add(exponentOf(ea), exponentOf(eb)), word(BIAS - 1))),
      // Four products of halves, column by column; none of the sums has more than 64 bits.
      set(tail, w.mul64(aLow, bLow)),
      set(middle, w.add64(w.mul64(aHigh, bLow), half(get(tail)))),
      set(column, w.add64(w.mul64(aLow, bHigh), lowHalf(get(middle)))),
      set(m, w.add64(w.add64(w.mul64(aHigh, bHigh), half(get(middle))), half(get(column)))),
      set(tail, w.or64(lowHalf(get(tail)), w.shl64(get(column), word64(32n)))),
      w.when(w.isZero(w.ltS64(get(m), word64(0n))), [
        set(m, w.or64(w.shl64(get(m), word64(1n)), w.shr64(get(tail), word64(63n)))),
        set(tail, w.shl64(get(tail), word64(1n))),
        set(e, w.sub(get(e), word(1))),
      ]),
      ...giveRounded(m, tail, e, sign, up, hard),
    ];
  });
}

export function division(): FunctionBody {
  return w.makeFunction([...NUMBER, ...NUMBER], NUMBER, locals => {
    const [ma, ea, mb, eb] = [0, 1, 2, 3];
    const [e, sign, up] = [locals.word(), locals.word(), locals.word()];
    const [m, tail, rest, next] = [locals.wide(), locals.wide(), locals.wide(), locals.wide()];
    const [digit, left] = [locals.wide(), locals.wide()];
    const hard = giveHard(word(hardNumber('div')), [get(ma), get(ea)], [get(mb), get(eb)]);
    /** Knuth's algorithm D with digits of 32 bits: the next one of `rest`, which is below the divisor, and of the digit in `next`. */
    const step: readonly Part[] = [
      set(digit, w.div64(get(rest), half(get(mb)))),
      set(left, w.sub64(get(rest), w.mul64(get(digit), half(get(mb))))),
      // At most two too large.
      w.during(
        w.and(
          w.isZero64(half(get(left))),
          w.or(
            w.differs64(half(get(digit)), word64(0n)),
            w.gtU64(w.mul64(get(digit), lowHalf(get(mb))), w.or64(w.shl64(get(left), word64(32n)), get(next))),
          ),
        ),
        [set(digit, w.sub64(get(digit), word64(1n))), set(left, w.add64(get(left), half(get(mb))))],
      ),
      set(rest, w.sub64(w.or64(w.shl64(get(rest), word64(32n)), get(next)), w.mul64(get(digit), get(mb)))),
    ];
    return [
      set(sign, signsDiffer(ea, eb)),
      w.when(w.isZero(areOrdinary(ma, ea, mb, eb)), [
        w.when(w.and(w.and(w.isZero64(get(ma)), isPlain(ma, ea)), isOrdinary(mb, eb)), [w.give(word64(0n), get(sign))]),
        hard,
      ]),
      set(e, w.add(w.sub(exponentOf(ea), exponentOf(eb)), word(BIAS - 1))),
      set(rest, get(ma)),
      // A dividend that is not smaller than the divisor is halved; its last bit comes first in the next digit.
      w.when(w.isZero(w.ltU64(get(ma), get(mb))), [
        set(rest, w.shr64(get(ma), word64(1n))),
        set(next, w.shl64(w.and64(get(ma), word64(1n)), word64(31n))),
        set(e, w.add(get(e), word(1))),
      ]),
      ...step,
      set(m, w.shl64(get(digit), word64(32n))),
      set(next, word64(0n)),
      ...step,
      set(m, w.or64(get(m), get(digit))),
      // Never half way; what matters is on which side, and whether anything is left.
      set(
        tail,
        w.or64(
          w.wide(w.differs64(get(rest), word64(0n))),
          w.shl64(w.wide(w.gtU64(get(rest), w.sub64(get(mb), get(rest)))), word64(63n)),
        ),
      ),
      ...giveRounded(m, tail, e, sign, up, hard),
    ];
  });
}

export function squareRoot(): FunctionBody {
  return w.makeFunction(NUMBER, NUMBER, locals => {
    const [ma, ea] = [0, 1];
    const [e, sign, up, odd] = [locals.word(), locals.word(), locals.word(), locals.word()];
    const [m, tail, upper, rest, lower] = Array.from({ length: 5 }, () => locals.wide());
    const [high, low, last] = [locals.wide(), locals.wide(), locals.wide()];
    const hard = giveHard(word(hardNumber('sqrt')), [get(ma), get(ea)]);
    return [
      w.when(w.isZero(w.and(isOrdinary(ma, ea), w.isZero(signOf(ea)))), [
        w.when(w.and(w.isZero64(get(ma)), isPlain(ma, ea)), [w.give(word64(0n), signOf(ea))]),
        hard,
      ]),
      set(e, w.sub(exponentOf(ea), word(BIAS))),
      set(odd, w.and(get(e), word(1))),
      // The exponent's half: it is biased before, so that it is not negative.
      set(e, w.add(w.shr(w.add(get(e), word(0x8000)), word(1)), word(BIAS - 0x4000))),
      // The radicand is m * 2^64 + last * 2^32, with m in [2^62, 2^64): its root has 64 bits.
      set(m, get(ma)),
      w.when(w.isZero(get(odd)), [
        set(last, w.shl64(w.and64(get(m), word64(1n)), word64(31n))),
        set(m, w.shr64(get(m), word64(1n))),
      ]),
      // The upper half comes from a double: never too small, at most one too large.
      set(upper, w.fromDouble(w.rootOfDouble(w.toDouble(get(m))))),
      w.when(w.gtU64(get(upper), word64(LOW_HALF)), [set(upper, word64(LOW_HALF))]),
      set(rest, w.sub64(get(m), w.mul64(get(upper), get(upper)))),
      w.when(w.ltS64(get(rest), word64(0n)), [
        set(upper, w.sub64(get(upper), word64(1n))),
        set(rest, w.sub64(get(m), w.mul64(get(upper), get(upper)))),
      ]),
      // The lower half: what is left, divided by twice the upper one, as lower^2 is left out never too small.
      set(lower, w.div64(w.or64(w.shl64(get(rest), word64(31n)), w.shr64(get(last), word64(1n))), get(upper))),
      w.when(w.gtU64(get(lower), word64(LOW_HALF)), [set(lower, word64(LOW_HALF))]),
      // The remainder without lower^2, in units of 2^32, then in 128 bits less lower^2.
      set(
        rest,
        w.sub64(
          w.add64(w.shl64(get(rest), word64(32n)), get(last)),
          w.shl64(w.mul64(get(upper), get(lower)), word64(1n)),
        ),
      ),
      set(m, w.or64(w.shl64(get(upper), word64(32n)), get(lower))),
      set(high, half(get(rest))),
      set(low, w.shl64(get(rest), word64(32n))),
      set(lower, w.mul64(get(lower), get(lower))),
      set(high, w.sub64(get(high), w.wide(w.ltU64(get(low), get(lower))))),
      set(low, w.sub64(get(low), get(lower))),
      w.during(w.ltS64(get(high), word64(0n)), [
        // The next smaller root's square is smaller by twice that root and 1: 65 bits.
        set(m, w.sub64(get(m), word64(1n))),
        set(tail, w.or64(w.shl64(get(m), word64(1n)), word64(1n))),
        set(low, w.add64(get(low), get(tail))),
        set(high, w.add64(w.add64(get(high), w.shr64(get(m), word64(63n))), w.wide(w.ltU64(get(low), get(tail))))),
      ]),
      // The next bit is 1 when the remainder is above the root; a root is never half way.
      set(
        tail,
        w.or64(
          w.wide(w.differs64(w.or64(get(high), get(low)), word64(0n))),
          w.shl64(w.wide(w.or(w.differs64(get(high), word64(0n)), w.gtU64(get(low), get(m)))), word64(63n)),
        ),
      ),
      ...giveRounded(m, tail, e, sign, up, hard),
    ];
  });
}

/** a, b, whether quietly: gives condition codes and exceptions where a number's word has them. */
export function comparison(): FunctionBody {
  return w.makeFunction([...NUMBER, ...NUMBER, I32], [I32], locals => {
    const [ma, ea, mb, eb, quietly] = [0, 1, 2, 3, 4];
    const [order, less] = [locals.word(), locals.word()];
    const m = locals.wide();
    const operation = w.add(word(hardNumber('compare')), get(quietly));
    const relation = (name: keyof typeof RELATION): Part => word(RELATION[name] << STATUS_SHIFT);
    const [magnitudeA, magnitudeB] = [exponentOf(ea), exponentOf(eb)];
    return [
      w.when(w.isZero(w.and(isPlain(ma, ea), isPlain(mb, eb))), [
        set(order, w.call(HARDEN_INDEX, operation, get(ma), get(ea), get(mb), get(eb))),
        // The significand of the result means nothing.
        set(m),
        w.give(get(order)),
      ]),
      w.when(w.isZero64(w.or64(get(ma), get(mb))), [w.give(relation('equal'))]),
      w.when(signsDiffer(ea, eb), [w.give(w.select(relation('less'), relation('greater'), signOf(ea)))]),
      w.when(
        w.equal(magnitudeA, magnitudeB),
        [w.when(w.equal64(get(ma), get(mb)), [w.give(relation('equal'))]), set(less, w.ltU64(get(ma), get(mb)))],
        [set(less, w.ltU(magnitudeA, magnitudeB))],
      ),
      // Of negative numbers the one of the larger magnitude is less.
      set(less, w.xor(get(less), w.shr(signOf(ea), word(15)))),
      w.give(w.select(relation('less'), relation('greater'), get(less))),
    ];
  });
}
