import { type Float80, type FloatContext, FloatFlag, MAX_EXPONENT } from '../float80.ts';
import { holdsNaN, isDenormal, isInfinity, isSignalingNaN, isUnsupported, isZero } from './operands.ts';
import { CONDITION, RELATION, type Relation } from './status.ts';

/** a compared with b; any NaN is invalid (FCOM, FCOMI, FTST; SDM volume 2). */
export function compare(a: Float80, b: Float80, context: FloatContext): Relation {
  return relate(a, b, false, context);
}

/** a compared with b; only signaling NaNs and unsupported formats are invalid (FUCOM, FUCOMI; SDM volume 2). */
export function compareUnordered(a: Float80, b: Float80, context: FloatContext): Relation {
  return relate(a, b, true, context);
}

function relate(a: Float80, b: Float80, quietly: boolean, context: FloatContext): Relation {
  context.roundedUp = false;
  if (isUnsupported(a) || isUnsupported(b)) {
    context.flags |= FloatFlag.invalid;
    return RELATION.unordered;
  }
  if (holdsNaN(a) || holdsNaN(b)) {
    if (!quietly || isSignalingNaN(a) || isSignalingNaN(b)) context.flags |= FloatFlag.invalid;
    return RELATION.unordered;
  }
  if (isDenormal(a) || isDenormal(b)) context.flags |= FloatFlag.denormal;
  const aNegative = (a.signExponent & 0x8000) !== 0;
  if (isZero(a) && isZero(b)) return RELATION.equal;
  if (aNegative !== ((b.signExponent & 0x8000) !== 0)) return aNegative ? RELATION.less : RELATION.greater;
  // Exponents 0 and 1 have the same scale.
  const aExponent = a.signExponent & MAX_EXPONENT || 1;
  const bExponent = b.signExponent & MAX_EXPONENT || 1;
  const order = aExponent - bExponent || a.high - b.high || a.low - b.low;
  if (order === 0) return RELATION.equal;
  return order > 0 !== aNegative ? RELATION.greater : RELATION.less;
}

/** C3, C2, C0 and the sign in C1 as FXAM sets them for a register that is not empty (SDM volume 2, FXAM). */
export function examine(a: Float80): number {
  const sign = a.signExponent & 0x8000 ? CONDITION.C1 : 0;
  if (isUnsupported(a)) return sign;
  if (holdsNaN(a)) return sign | CONDITION.C0;
  if (isInfinity(a)) return sign | CONDITION.C2 | CONDITION.C0;
  if (isZero(a)) return sign | CONDITION.C3;
  if (isDenormal(a)) return sign | CONDITION.C3 | CONDITION.C2;
  return sign | CONDITION.C2;
}
