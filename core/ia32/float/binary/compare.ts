import { FloatFlag } from '../float80.ts';
import { type Format, get, isDenormal, isSignaling, type SseContext, seen } from './format.ts';

/** How two numbers relate: -1, 0, 1, or 2 when they are unordered. */
type Relation = -1 | 0 | 1 | 2;

/** `signals`: a quiet NaN raises the invalid exception, too. */
export function compare(c: SseContext, v: DataView, a: number, b: number, format: Format, signals: boolean): Relation {
  const x = get(v, a, format);
  const y = get(v, b, format);
  const xIsNan = Number.isNaN(x);
  const yIsNan = Number.isNaN(y);
  if (xIsNan || yIsNan) {
    const isInvalid = signals || (xIsNan && isSignaling(v, a, format)) || (yIsNan && isSignaling(v, b, format));
    if (isInvalid) c.flags |= FloatFlag.invalid;
    return 2;
  }
  if (!c.daz && (isDenormal(x, format) || isDenormal(y, format))) c.flags |= FloatFlag.denormal;
  const first = seen(c, x, format);
  const second = seen(c, y, format);
  return first < second ? -1 : first > second ? 1 : 0;
}

/** Predicates of CMPPS and its like (SDM volume 2, table 3-7): bits for less, equal, greater and unordered; the even ones keep quiet. */
const PREDICATES: readonly number[] = [0b0010, 0b0001, 0b0011, 0b1000, 0b1101, 0b1110, 0b1100, 0b0111];

/** Whether the predicate, three bits of the immediate, holds. Of LT, LE and their opposites a quiet NaN is invalid. */
export function holds(c: SseContext, v: DataView, a: number, b: number, format: Format, predicate: number): boolean {
  const signals = (predicate & 3) === 1 || (predicate & 3) === 2;
  return ((PREDICATES[predicate] >> (compare(c, v, a, b, format, signals) + 1)) & 1) !== 0;
}
