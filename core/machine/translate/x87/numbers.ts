import * as L from '../../cpu/layout.ts';
import { SW, W_CONTROL } from '../../cpu/x87/state.ts';
import { type FunctionBody, I32, I64 } from '../code.ts';
import * as w from '../words.ts';
import { get, type Part, set, word, word64 } from '../words.ts';
import { STATUS_SHIFT } from './hard.ts';

/**
 * What the kernel's functions have in common. A number is a significand of 64 bits and a word: sign and exponent as in a register, and above them, where
 * it is a result, what the operation adds to the status word. Bit 16 is MEMORY_DENORMAL.
 */

/** Significand and word. */
export const NUMBER = [I64, I32] as const;
export const TOP_BIT = 1n << 63n;
/** The word without its sign: exponents from 1 to MAX_EXPONENT - 1 are those of ordinary numbers. */
const MAGNITUDE = 0x17fff;
export const SIGN = 0x8000;
/** PE in a result's word. */
export const PRECISION = 0x20 << STATUS_SHIFT;
/** Where C1 is in it. */
export const ROUNDED_UP = Math.log2(SW.c1) + STATUS_SHIFT;

export const CONTROL = w.load(word(W_CONTROL << 2));
/** Precision and rounding control for 64 bits and the nearest. */
const PRECISE = 0x300;
const HOW = 0xf00;

/** Indexes of the functions that the others call: behind the imported one. */
export const HARD_INDEX = 0;
export const HARDEN_INDEX = 1;
export const PLAIN_INDEX = 2;
export const ROUND_INDEX = 3;
export const AWAY_INDEX = 4;

export const exponentOf = (e: number): Part => w.and(get(e), word(MAGNITUDE));
export const signOf = (e: number): Part => w.and(get(e), word(SIGN));

/** Whether a word is that of an ordinary number, whose significand has its integer bit. */
const hasOrdinaryExponent = (e: number): Part => w.ltU(w.sub(exponentOf(e), word(1)), word(0x7ffe));

export const isOrdinary = (m: number, e: number): Part => w.and(w.ltS64(get(m), word64(0n)), hasOrdinaryExponent(e));

export const areOrdinary = (ma: number, ea: number, mb: number, eb: number): Part =>
  w.and(w.ltS64(w.and64(get(ma), get(mb)), word64(0n)), w.and(hasOrdinaryExponent(ea), hasOrdinaryExponent(eb)));

/** Whether a number is ordinary or 0. */
export const isPlain = (m: number, e: number): Part => w.call(PLAIN_INDEX, get(m), get(e));

/** Ends with the executor's result. */
export const giveHard = (operation: Part, a: readonly Part[], b: readonly Part[] = [word64(0n), word(0)]): Part =>
  w.give(w.call(HARDEN_INDEX, operation, ...a, ...b));

/** Whether tail and odd bit round a magnitude up to the nearest: 1 or 0. */
export const nearestUp = (tail: number, odd: Part): Part =>
  w.and(w.narrow(w.shr64(get(tail), word64(63n))), w.or(w.differs64(w.shl64(get(tail), word64(1n)), word64(0n)), odd));

/** The same by rounding control. `sign`: bit 15. */
export const roundsUp = (tail: number, odd: Part, sign: Part, control: Part = CONTROL): Part =>
  w.call(AWAY_INDEX, get(tail), odd, sign, control);

/**
 * Ends with the significand `m`, which has its integer bit, and the 64 bits behind it, rounded as the control word says. `e`: exponent; `sign`: bit 15.
 * Near the limits of the exponent `hard` ends it.
 */
export function giveRounded(m: number, tail: number, e: number, sign: number, up: number, hard: Part): readonly Part[] {
  const packed = w.or(get(e), get(sign));
  return [
    w.when(w.gtU(w.sub(get(e), word(1)), word(0x7ffc)), [hard]),
    w.when(w.differs(w.and(CONTROL, word(HOW)), word(PRECISE)), [
      w.give(w.call(ROUND_INDEX, get(m), get(tail), get(e), get(sign))),
    ]),
    w.when(w.isZero64(get(tail)), [w.give(get(m), packed)]),
    set(up, nearestUp(tail, w.and(w.narrow(get(m)), word(1)))),
    set(m, w.add64(get(m), w.wide(get(up)))),
    w.when(w.isZero64(get(m)), [set(m, word64(TOP_BIT)), set(e, w.add(get(e), word(1)))]),
    w.give(get(m), w.or(w.or(packed, word(PRECISION)), w.shl(get(up), word(ROUNDED_UP)))),
  ];
}

/** Functions that the others call, in the order of their indexes. */
export function commonFunctions(): readonly FunctionBody[] {
  return [harden(), plain(), round(), away()];
}

/** Operation, a, b: has the executor's arithmetic do it. */
function harden(): FunctionBody {
  return w.makeFunction([I32, ...NUMBER, ...NUMBER], NUMBER, locals => {
    const [operation, ma, ea, mb, eb] = [0, 1, 2, 3, 4];
    const result = locals.word();
    const place = word(L.X87_SCRATCH);
    return [
      w.store64(place, 0, get(ma)),
      w.store(place, 8, get(ea)),
      w.store64(place, 16, get(mb)),
      w.store(place, 24, get(eb)),
      set(result, w.call(HARD_INDEX, get(operation))),
      w.give(w.load64(place, 32), get(result)),
    ];
  });
}

function plain(): FunctionBody {
  return w.makeFunction(NUMBER, [I32], () => {
    const [m, e] = [0, 1];
    return [w.when(w.isZero64(get(m)), [w.give(w.isZero(exponentOf(e)))]), w.give(isOrdinary(m, e))];
  });
}

/** Significand, tail, exponent, sign: to the precision and in the direction of the control word. */
function round(): FunctionBody {
  return w.makeFunction([I64, I64, I32, I32], NUMBER, locals => {
    const [m, tail, e, sign] = [0, 1, 2, 3];
    const [up, precision] = [locals.word(), locals.word()];
    const [unit, dropped] = [locals.wide(), locals.wide()];
    return [
      set(precision, w.and(CONTROL, word(0x300))),
      set(dropped, w.select(word64(11n), word64(40n), w.equal(get(precision), word(0x200)))),
      // 01 is reserved, and means 64 bits.
      w.when(
        w.and(get(precision), word(0x100)),
        [set(unit, word64(1n))],
        [
          set(unit, w.shl64(word64(1n), get(dropped))),
          set(
            tail,
            w.or64(w.shl64(get(m), w.sub64(word64(64n), get(dropped))), w.wide(w.differs64(get(tail), word64(0n)))),
          ),
          set(m, w.and64(get(m), w.sub64(word64(0n), get(unit)))),
        ],
      ),
      w.when(w.isZero64(get(tail)), [w.give(get(m), w.or(get(e), get(sign)))]),
      set(up, roundsUp(tail, w.differs64(w.and64(get(m), get(unit)), word64(0n)), get(sign))),
      w.when(get(up), [
        set(m, w.add64(get(m), get(unit))),
        w.when(w.isZero64(get(m)), [set(m, word64(TOP_BIT)), set(e, w.add(get(e), word(1)))]),
      ]),
      w.give(get(m), w.or(w.or(w.or(get(e), get(sign)), word(PRECISION)), w.shl(get(up), word(ROUNDED_UP)))),
    ];
  });
}

/** Tail, odd bit, sign, control word: whether a magnitude is rounded up (SDM volume 1, 4.8.4). */
function away(): FunctionBody {
  return w.makeFunction([I64, I32, I32, I32], [I32], locals => {
    const [tail, odd, sign, control] = [0, 1, 2, 3];
    const rounding = locals.word();
    return [
      w.when(w.isZero64(get(tail)), [w.give(word(0))]),
      set(rounding, w.and(w.shr(get(control), word(10)), word(3))),
      w.when(w.isZero(get(rounding)), [w.give(nearestUp(tail, get(odd)))]),
      // 1: down, 2: up, 3: toward zero.
      w.when(w.equal(get(rounding), word(1)), [w.give(w.differs(get(sign), word(0)))]),
      w.when(w.equal(get(rounding), word(2)), [w.give(w.isZero(get(sign)))]),
      w.give(word(0)),
    ];
  });
}
