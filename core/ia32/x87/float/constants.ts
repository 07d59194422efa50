import type { Float80, FloatContext } from './float80.ts';

/** A constant truncated to 64 bits, and whether the bits beyond are at least a half: it rounds up to nearest. */
interface Constant {
  readonly signExponent: number;
  readonly high: number;
  readonly low: number;
  readonly roundsUp: boolean;
  readonly exact: boolean;
}

/** What FLD1, FLDL2T and their kin load (SDM volume 2): rounded by rounding control, without raising precision. */
export const CONSTANTS = {
  fld1: { signExponent: 0x3fff, high: 0x80000000, low: 0, roundsUp: false, exact: true },
  fldl2t: { signExponent: 0x4000, high: 0xd49a784b, low: 0xcd1b8afe, roundsUp: false, exact: false },
  fldl2e: { signExponent: 0x3fff, high: 0xb8aa3b29, low: 0x5c17f0bb, roundsUp: true, exact: false },
  fldpi: { signExponent: 0x4000, high: 0xc90fdaa2, low: 0x2168c234, roundsUp: true, exact: false },
  fldlg2: { signExponent: 0x3ffd, high: 0x9a209a84, low: 0xfbcff798, roundsUp: true, exact: false },
  fldln2: { signExponent: 0x3ffe, high: 0xb17217f7, low: 0xd1cf79ab, roundsUp: true, exact: false },
  fldz: { signExponent: 0, high: 0, low: 0, roundsUp: false, exact: true },
} as const satisfies Record<string, Constant>;

export function loadConstant(name: keyof typeof CONSTANTS, out: Float80, context: FloatContext): void {
  const constant: Constant = CONSTANTS[name];
  const up = !constant.exact && (context.rounding === 2 || (context.rounding === 0 && constant.roundsUp));
  out.signExponent = constant.signExponent;
  out.high = constant.high;
  out.low = up ? constant.low + 1 : constant.low;
}
