import { BIAS, type Float80, type FloatContext } from '../float80.ts';

/** A constant cut off to 64 bits, and whether the nearest value is the next one. Cut off exactly: `exact`. */
interface Constant {
  readonly exponent: number;
  readonly high: number;
  readonly low: number;
  readonly nearest: 'exact' | 'below' | 'above';
}

/** The constants of FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2 and FLDZ (SDM volume 1, 8.3.4). */
const CONSTANTS = {
  one: { exponent: BIAS, high: 0x80000000, low: 0, nearest: 'exact' },
  log2Of10: { exponent: BIAS + 1, high: 0xd49a784b, low: 0xcd1b8afe, nearest: 'below' },
  log2OfE: { exponent: BIAS, high: 0xb8aa3b29, low: 0x5c17f0bb, nearest: 'above' },
  pi: { exponent: BIAS + 1, high: 0xc90fdaa2, low: 0x2168c234, nearest: 'above' },
  log10Of2: { exponent: BIAS - 2, high: 0x9a209a84, low: 0xfbcff798, nearest: 'above' },
  lnOf2: { exponent: BIAS - 1, high: 0xb17217f7, low: 0xd1cf79ab, nearest: 'above' },
  zero: { exponent: 0, high: 0, low: 0, nearest: 'exact' },
} as const satisfies Record<string, Constant>;

export type ConstantName = keyof typeof CONSTANTS;

/** out := a constant by rounding control, whatever precision control says; no exception is raised (SDM volume 2, FLD1...). */
export function loadConstant(name: ConstantName, out: Float80, context: FloatContext): void {
  const constant: Constant = CONSTANTS[name];
  const up =
    constant.nearest !== 'exact' &&
    (context.rounding === 2 || (context.rounding === 0 && constant.nearest === 'above'));
  context.roundedUp = false;
  out.signExponent = constant.exponent;
  out.high = constant.high;
  out.low = up ? constant.low + 1 : constant.low;
}
