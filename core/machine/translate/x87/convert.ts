import { BIAS } from '../../../ia32/float/float80.ts';
import { type FunctionBody, I32, I64 } from '../code.ts';
import * as w from '../words.ts';
import { get, type Part, set, word, word64 } from '../words.ts';
import { hardNumber } from './hard.ts';
import {
  CONTROL,
  exponentOf,
  giveHard,
  isOrdinary,
  isPlain,
  NUMBER,
  PRECISION,
  ROUNDED_UP,
  roundsUp,
  signOf,
  TOP_BIT,
} from './numbers.ts';

/** The kernel's conversions between registers and what memory holds (SDM volume 1, 4.2). */

interface Format {
  readonly fraction: number;
  readonly maximum: number;
  readonly bias: number;
}
const DOUBLE: Format = { fraction: 52, maximum: 0x7ff, bias: 1023 };
const SINGLE: Format = { fraction: 23, maximum: 0xff, bias: 127 };

/** Bits, and 1 if they are loaded (FLD), 0 if they are the operand of an operation. */
function expansion({ fraction, maximum, bias }: Format, operation: 'expandDouble' | 'expandSingle'): FunctionBody {
  return w.makeFunction([I64, I32], NUMBER, locals => {
    const [bits, loads] = [0, 1];
    const [exponent, sign] = [locals.word(), locals.word()];
    const whole = fraction === 52 ? 63 : 31;
    return [
      set(exponent, w.and(w.narrow(w.shr64(get(bits), word64(BigInt(fraction)))), word(maximum))),
      set(sign, w.shl(w.narrow(w.shr64(get(bits), word64(BigInt(whole)))), word(15))),
      w.when(w.ltU(w.sub(get(exponent), word(1)), word(maximum - 1)), [
        w.give(
          w.or64(w.shl64(get(bits), word64(BigInt(63 - fraction))), word64(TOP_BIT)),
          w.or(w.add(get(exponent), word(BIAS - bias)), get(sign)),
        ),
      ]),
      w.when(w.isZero64(w.shl64(get(bits), word64(BigInt(64 - whole)))), [w.give(word64(0n), get(sign))]),
      // The load's number is behind that of the operand.
      giveHard(w.add(word(hardNumber(operation)), get(loads)), [get(bits), word(0)]),
    ];
  });
}

export const fromDouble = (): FunctionBody => expansion(DOUBLE, 'expandDouble');
export const fromSingle = (): FunctionBody => expansion(SINGLE, 'expandSingle');

/** A signed integer of 64 bits. */
export function fromInteger(): FunctionBody {
  return w.makeFunction([I64], NUMBER, locals => {
    const value = 0;
    const zeros = locals.wide();
    const sign = locals.word();
    return [
      w.when(w.isZero64(get(value)), [w.give(word64(0n), word(0))]),
      w.when(w.ltS64(get(value), word64(0n)), [set(value, w.sub64(word64(0n), get(value))), set(sign, word(0x8000))]),
      set(zeros, w.leadingZeros(get(value))),
      w.give(w.shl64(get(value), get(zeros)), w.or(w.sub(word(BIAS + 63), w.narrow(get(zeros))), get(sign))),
    ];
  });
}

/** The status word's bits of an inexact result. */
const inexact = (up: Part): Part => w.or(word(PRECISION), w.shl(up, word(ROUNDED_UP)));

function contraction({ fraction, maximum, bias }: Format, operation: 'storeDouble' | 'storeSingle'): FunctionBody {
  return w.makeFunction(NUMBER, NUMBER, locals => {
    const [m, e] = [0, 1];
    const [exponent, up] = [locals.word(), locals.word()];
    const [tail, bits, sign] = [locals.wide(), locals.wide(), locals.wide()];
    const dropped = BigInt(63 - fraction);
    return [
      set(sign, w.shl64(w.wide(w.shr(signOf(e), word(15))), word64(fraction === 52 ? 63n : 31n))),
      set(exponent, w.sub(exponentOf(e), word(BIAS - bias))),
      // Neither tiny, nor can it become too large when it is rounded up.
      w.when(w.isZero(w.and(isOrdinary(m, e), w.ltU(w.sub(get(exponent), word(1)), word(maximum - 2)))), [
        w.when(w.and(w.isZero64(get(m)), isPlain(m, e)), [w.give(get(sign), word(0))]),
        giveHard(word(hardNumber(operation)), [get(m), get(e)]),
      ]),
      set(tail, w.shl64(get(m), word64(64n - dropped))),
      // The integer bit is added to the exponent.
      set(
        bits,
        w.add64(
          w.add64(
            w.shr64(get(m), word64(dropped)),
            w.shl64(w.wide(w.sub(get(exponent), word(1))), word64(BigInt(fraction))),
          ),
          get(sign),
        ),
      ),
      w.when(w.isZero64(get(tail)), [w.give(get(bits), word(0))]),
      set(up, roundsUp(tail, w.and(w.narrow(get(bits)), word(1)), signOf(e))),
      w.give(w.add64(get(bits), w.wide(get(up))), inexact(get(up))),
    ];
  });
}

export const toDouble = (): FunctionBody => contraction(DOUBLE, 'storeDouble');
export const toSingle = (): FunctionBody => contraction(SINGLE, 'storeSingle');

/** value := the magnitude of a plain number below 2^63, rounded to an integer; `tail` becomes what was behind the point. */
function toMagnitude(
  value: number,
  tail: number,
  up: number,
  shift: number,
  m: number,
  e: number,
  control: Part,
): readonly Part[] {
  return [
    // By how much it lies too far left: 1 and more.
    set(shift, w.wide(w.sub(word(BIAS + 63), exponentOf(e)))),
    w.when(
      w.ltU64(get(shift), word64(64n)),
      [set(value, w.shr64(get(m), get(shift))), set(tail, w.shl64(get(m), w.sub64(word64(0n), get(shift))))],
      [
        set(value, word64(0n)),
        set(tail, get(m)),
        w.when(w.gtU64(get(shift), word64(64n)), [set(tail, w.wide(w.differs64(get(m), word64(0n))))]),
      ],
    ),
    set(up, roundsUp(tail, w.and(w.narrow(get(value)), word(1)), signOf(e), control)),
    set(value, w.add64(get(value), w.wide(get(up)))),
  ];
}

/** Rounding control toward zero. */
const TRUNCATE = 0xc00;

/** Significand, word, kind: 0 to 2 for 16, 32 and 64 bits, 3 to 5 to truncate to them. */
export function toInteger(): FunctionBody {
  return w.makeFunction([...NUMBER, I32], NUMBER, locals => {
    const [m, e, kind] = [0, 1, 2];
    const [up, truncates] = [locals.word(), locals.word()];
    const [value, tail, shift, limit] = [locals.wide(), locals.wide(), locals.wide(), locals.wide()];
    const hard = giveHard(w.add(word(hardNumber('storeI16')), get(kind)), [get(m), get(e)]);
    const size = w.sub(get(kind), w.select(word(3), word(0), get(truncates)));
    return [
      set(truncates, w.gtU(get(kind), word(2))),
      w.when(w.isZero(w.and(isPlain(m, e), w.ltU(exponentOf(e), word(BIAS + 63)))), [hard]),
      ...toMagnitude(value, tail, up, shift, m, e, w.or(CONTROL, w.select(word(TRUNCATE), word(0), get(truncates)))),
      // 2^15, 2^31, 2^63: the one negative number more is left to the executor.
      set(limit, w.shl64(word64(1n), w.wide(w.sub(w.shl(word(16), size), word(1))))),
      w.when(w.isZero(w.ltU64(get(value), get(limit))), [hard]),
      w.when(signOf(e), [set(value, w.sub64(word64(0n), get(value)))]),
      w.give(get(value), w.select(inexact(get(up)), word(0), w.differs64(get(tail), word64(0n)))),
    ];
  });
}

export function roundToInteger(): FunctionBody {
  return w.makeFunction(NUMBER, NUMBER, locals => {
    const [m, e] = [0, 1];
    const up = locals.word();
    const [value, tail, shift] = [locals.wide(), locals.wide(), locals.wide()];
    const status = w.select(inexact(get(up)), word(0), w.differs64(get(tail), word64(0n)));
    return [
      w.when(w.isZero(isPlain(m, e)), [giveHard(word(hardNumber('roundInteger')), [get(m), get(e)])]),
      w.when(w.or(w.isZero64(get(m)), w.gtU(exponentOf(e), word(BIAS + 62))), [w.give(get(m), get(e))]),
      ...toMagnitude(value, tail, up, shift, m, e, CONTROL),
      w.when(w.isZero64(get(value)), [w.give(word64(0n), w.or(signOf(e), status))]),
      set(shift, w.leadingZeros(get(value))),
      w.give(
        w.shl64(get(value), get(shift)),
        w.or(w.or(w.sub(word(BIAS + 63), w.narrow(get(shift))), signOf(e)), status),
      ),
    ];
  });
}

/** Number of an operation with one operand or none that the executor's arithmetic always does. */
export function always(): FunctionBody {
  return w.makeFunction([I32, ...NUMBER], NUMBER, () => [giveHard(get(0), [get(1), get(2)])]);
}
