import { add, sub } from '../../../ia32/float/extended/add.ts';
import { compare, compareUnordered, examine } from '../../../ia32/float/extended/compare.ts';
import { loadConstant } from '../../../ia32/float/extended/constants.ts';
import { div } from '../../../ia32/float/extended/divide.ts';
import { roundToInteger, toInt32, toInt64 } from '../../../ia32/float/extended/integer.ts';
import * as memory from '../../../ia32/float/extended/memory.ts';
import { mul } from '../../../ia32/float/extended/multiply.ts';
import { sqrt } from '../../../ia32/float/extended/squareRoot.ts';
import { Float80, type FloatContext } from '../../../ia32/float/float80.ts';
import * as L from '../../cpu/layout.ts';
import { EXCEPTIONS, ROUNDINGS, SW, W_CONTROL } from '../../cpu/x87/state.ts';

/**
 * What the kernel leaves to the executor's arithmetic: NaNs, infinities, denormals, results at the limits of the exponent and rare operations. What
 * an unmasked exception leaves of a result means nothing. Operands and result lie at X87_SCRATCH.
 */

type Hard = (a: Float80, b: Float80, r: Float80, context: FloatContext) => void;

/** The condition codes of a comparison and the like: beside the exception flags. */
const telling =
  (relate: (a: Float80, b: Float80, context: FloatContext) => number): Hard =>
  (a, b, _r, context) => {
    const told = relate(a, b, context);
    context.flags |= told;
  };

const constant =
  (name: Parameters<typeof loadConstant>[0]): Hard =>
  (_a, _b, r, context) =>
    loadConstant(name, r, context);

const integer =
  (bits: 16 | 32 | 64, truncates: boolean): Hard =>
  (a, _b, r, context) => {
    if (truncates) context.rounding = 3;
    if (bits === 64) toInt64(a, r, context);
    else {
      r.low = toInt32(a, bits, context);
      r.high = r.low >> 31;
    }
  };

/** In the order of their numbers. */
const OPERATIONS = {
  add,
  sub,
  mul,
  div,
  sqrt: (a, _b, r, context) => sqrt(a, r, context),
  compare: telling(compare),
  compareUnordered: telling(compareUnordered),
  examine: telling(examine),
  roundInteger: (a, _b, r, context) => roundToInteger(a, r, context),
  expandDouble: (a, _b, r) => memory.expandFloat64(a.high | 0, a.low | 0, r),
  loadDouble: (a, _b, r, context) => memory.fromFloat64(a.high | 0, a.low | 0, r, context),
  expandSingle: (a, _b, r) => memory.expandFloat32(a.low | 0, r),
  loadSingle: (a, _b, r, context) => memory.fromFloat32(a.low | 0, r, context),
  storeDouble: (a, _b, r, context) => memory.toFloat64(a, r, context),
  storeSingle: (a, _b, r, context) => {
    r.low = memory.toFloat32(a, context);
  },
  storeI16: integer(16, false),
  storeI32: integer(32, false),
  storeI64: integer(64, false),
  truncateI16: integer(16, true),
  truncateI32: integer(32, true),
  truncateI64: integer(64, true),
  fldl2t: constant('log2Of10'),
  fldl2e: constant('log2OfE'),
  fldpi: constant('pi'),
  fldlg2: constant('log10Of2'),
  fldln2: constant('lnOf2'),
} as const satisfies Readonly<Record<string, Hard>>;

export type HardName = keyof typeof OPERATIONS;
const NAMES = Object.keys(OPERATIONS);
const LIST: readonly Hard[] = Object.values(OPERATIONS);

/** The number by which the kernel asks for an operation. */
export function hardNumber(name: HardName): number {
  return NAMES.indexOf(name);
}

/** How far up the status word's bits lie in what an operation gives back beside the significand: below them are sign and exponent. */
export const STATUS_SHIFT = 17;

/** Carries an operation out. Returns sign and exponent, and above them what it adds to the status word. */
export function makeHard(i32: Int32Array): (number: number) => number {
  const [a, b, r] = [new Float80(), new Float80(), new Float80()];
  const context: FloatContext = { rounding: 0, precision: 3, flags: 0, roundedUp: false, masks: EXCEPTIONS };
  const place = L.X87_SCRATCH >> 2;
  const read = (word: number, cell: Float80) => {
    cell.low = i32[word] >>> 0;
    cell.high = i32[word + 1] >>> 0;
    cell.signExponent = i32[word + 2] & 0x1ffff;
  };
  return number => {
    const control = i32[W_CONTROL];
    context.rounding = ROUNDINGS[(control >>> 10) & 3];
    context.precision = ROUNDINGS[(control >>> 8) & 3];
    context.masks = control & EXCEPTIONS;
    context.flags = 0;
    context.roundedUp = false;
    read(place, a);
    read(place + 4, b);
    r.signExponent = r.high = r.low = 0;
    LIST[number](a, b, r, context);
    i32[place + 8] = r.low;
    i32[place + 9] = r.high;
    const status = context.flags | (context.roundedUp ? SW.c1 : 0);
    return (status << STATUS_SHIFT) | (r.signExponent & 0x1ffff);
  };
}
