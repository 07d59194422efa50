import { FLAG } from '../flags.ts';
import type { Ops, Semantics } from '../ops.ts';
import { EAX } from '../registers.ts';
import { VECTOR } from '../vectors.ts';

/** Decimal arithmetic (SDM volume 1, 7.3.4). */

function flag<V>(o: Ops<V>, mask: number): V {
  return o.lessUnsigned(o.constant(0), o.and(o.statusFlags(), o.constant(mask)));
}

/** Whether the low digit needs an adjustment: above 9, or AF. */
function lowDigit<V>(o: Ops<V>, al: V): V {
  return o.or(o.lessUnsigned(o.constant(9), o.and(al, o.constant(15))), flag(o, FLAG.AF));
}

/** ZF, SF and PF by AL; CF and AF as given. */
function decimalFlags<V>(o: Ops<V>, al: V, carry: V, auxiliary: V): void {
  o.flagsResult(1, al, carry, o.constant(0));
  const af = o.select(auxiliary, o.constant(FLAG.AF), o.constant(0));
  o.setStatusFlags(o.or(o.and(o.statusFlags(), o.constant(~FLAG.AF)), af));
}

function asciiAdjust<V>(o: Ops<V>, direction: 1 | -1): void {
  const ax = o.registerPart(EAX, 2);
  const adjust = lowDigit(o, ax);
  const moved = o.zeroExtend(o.add(ax, o.constant(direction * 0x106)), 2);
  const r = o.and(o.select(adjust, moved, ax), o.constant(0xff0f));
  o.setRegisterPart(EAX, 2, r);
  decimalFlags(o, o.zeroExtend(r, 1), adjust, adjust);
}

export const aaa: Semantics = o => asciiAdjust(o, 1);

export const aas: Semantics = o => asciiAdjust(o, -1);

function decimalAdjust<V>(o: Ops<V>, direction: 1 | -1): void {
  const al = o.registerPart(EAX, 1);
  const carry = o.carry();
  const low = lowDigit(o, al);
  const high = o.or(o.lessUnsigned(o.constant(0x99), al), carry);
  const first = o.select(low, o.constant(6 * direction), o.constant(0));
  const second = o.select(high, o.constant(0x60 * direction), o.constant(0));
  const r = o.zeroExtend(o.add(o.add(al, first), second), 1);
  // DAS also sets CF when subtracting 6 borrows (SDM volume 2, DAS).
  const borrow = direction < 0 ? o.and(low, o.lessUnsigned(al, o.constant(6))) : o.constant(0);
  o.setRegisterPart(EAX, 1, r);
  decimalFlags(o, r, o.or(high, borrow), low);
}

export const daa: Semantics = o => decimalAdjust(o, 1);

export const das: Semantics = o => decimalAdjust(o, -1);

/** AAM with an immediate of 0 divides by zero. */
export const aam: Semantics = (o, i) => {
  const base = i.dst.value & 0xff;
  if (base === 0) {
    o.raise(VECTOR.DE);
    return;
  }
  const al = o.registerPart(EAX, 1);
  const quotient = o.divUnsigned(al, base);
  const remainder = o.sub(al, o.mul(quotient, o.constant(base)));
  o.setRegisterPart(EAX, 2, o.or(o.shl(quotient, o.constant(8)), remainder));
  o.flagsLogic(1, remainder);
};

export const aad: Semantics = (o, i) => {
  const ax = o.registerPart(EAX, 2);
  const product = o.mul(o.shr(ax, o.constant(8)), o.constant(i.dst.value & 0xff));
  const r = o.zeroExtend(o.add(ax, product), 1);
  o.setRegisterPart(EAX, 2, r);
  o.flagsLogic(1, r);
};
