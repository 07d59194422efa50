import type { OpcodeRow } from '../opcode.ts';
import type { X87Operation } from '../x87/operations.ts';
import { byReg, type OperandList, row, UNDEFINED } from './row.ts';

/**
 * Opcodes D8 to DF (SDM volume 2, tables ): the memory forms by /reg, the register forms by the whole byte.
 *
 * Arithmetic and comparisons name both operands, so that `dst` is the register that they work on and `src` the other one,
 * also in the memory forms, where the manual leaves ST(0) out. FLD, FST, FFREE and their like have one operand, in `dst`.
 *
 * Register forms that the manual does not list but that the processors carry out like another one: DC D0 (FCOM),
 * DC D8 and DE D0 (FCOMP), DD C8 and DF C8 (FXCH), DF D0 and DF D8 (FSTP), D9 D8 (FSTP that ignores an empty ST(0)), DF C0
 * (FFREEP), and FENI, FDISI, FSETPM as NOPs.
 */

const wait = { checks: ['fpu'] } as const;
const noWait = { checks: ['fpuNoWait'] } as const;
const UD = UNDEFINED;

function fpu(operation: X87Operation, operands: OperandList = ''): OpcodeRow {
  return row(operation, operands, wait);
}

function fcmov(mnemonic: string): OpcodeRow {
  return row('fcmov', 'ST0 STi', { ...wait, mnemonic });
}

/** 8087 and 80287 instructions that do nothing since. */
function relic(operation: X87Operation): OpcodeRow {
  return row(operation, '', noWait);
}

const fcom = fpu('fcom', 'ST0 STi');
const fcomp = fpu('fcomp', 'ST0 STi');
const fxch = fpu('fxch', 'ST0 STi');
const fstp = fpu('fstp', 'STi');

const d8 = byReg(
  [
    fpu('fadd', 'ST0 Mf32'),
    fpu('fmul', 'ST0 Mf32'),
    fpu('fcom', 'ST0 Mf32'),
    fpu('fcomp', 'ST0 Mf32'),
    fpu('fsub', 'ST0 Mf32'),
    fpu('fsubr', 'ST0 Mf32'),
    fpu('fdiv', 'ST0 Mf32'),
    fpu('fdivr', 'ST0 Mf32'),
  ],
  [
    fpu('fadd', 'ST0 STi'),
    fpu('fmul', 'ST0 STi'),
    fcom,
    fcomp,
    fpu('fsub', 'ST0 STi'),
    fpu('fsubr', 'ST0 STi'),
    fpu('fdiv', 'ST0 STi'),
    fpu('fdivr', 'ST0 STi'),
  ],
);

const d9 = byReg(
  [
    fpu('fld', 'Mf32'),
    UD,
    fpu('fst', 'Mf32'),
    fpu('fstp', 'Mf32'),
    fpu('fldenv', 'Menv'),
    fpu('fldcw', 'Mw'),
    row('fnstenv', 'Menv', noWait),
    row('fnstcw', 'Mw', noWait),
  ],
  [
    fpu('fld', 'STi'),
    fxch,
    [fpu('fnop'), UD, UD, UD, UD, UD, UD, UD],
    fpu('fstpnce', 'STi'),
    [fpu('fchs'), fpu('fabs'), UD, UD, fpu('ftst'), fpu('fxam'), UD, UD],
    [fpu('fld1'), fpu('fldl2t'), fpu('fldl2e'), fpu('fldpi'), fpu('fldlg2'), fpu('fldln2'), fpu('fldz'), UD],
    [
      fpu('f2xm1'),
      fpu('fyl2x'),
      fpu('fptan'),
      fpu('fpatan'),
      fpu('fxtract'),
      fpu('fprem1'),
      fpu('fdecstp'),
      fpu('fincstp'),
    ],
    [
      fpu('fprem'),
      fpu('fyl2xp1'),
      fpu('fsqrt'),
      fpu('fsincos'),
      fpu('frndint'),
      fpu('fscale'),
      fpu('fsin'),
      fpu('fcos'),
    ],
  ],
);

const da = byReg(
  [
    fpu('fiadd', 'ST0 Mi32'),
    fpu('fimul', 'ST0 Mi32'),
    fpu('ficom', 'ST0 Mi32'),
    fpu('ficomp', 'ST0 Mi32'),
    fpu('fisub', 'ST0 Mi32'),
    fpu('fisubr', 'ST0 Mi32'),
    fpu('fidiv', 'ST0 Mi32'),
    fpu('fidivr', 'ST0 Mi32'),
  ],
  [
    fcmov('fcmovb'),
    fcmov('fcmove'),
    fcmov('fcmovbe'),
    fcmov('fcmovu'),
    UD,
    [UD, fpu('fucompp'), UD, UD, UD, UD, UD, UD],
    UD,
    UD,
  ],
);

const db = byReg(
  [
    fpu('fild', 'Mi32'),
    fpu('fisttp', 'Mi32'),
    fpu('fist', 'Mi32'),
    fpu('fistp', 'Mi32'),
    UD,
    fpu('fld', 'Mf80'),
    UD,
    fpu('fstp', 'Mf80'),
  ],
  [
    fcmov('fcmovnb'),
    fcmov('fcmovne'),
    fcmov('fcmovnbe'),
    fcmov('fcmovnu'),
    [
      relic('fneni'),
      relic('fndisi'),
      row('fnclex', '', noWait),
      row('fninit', '', noWait),
      relic('fsetpm'),
      UD,
      UD,
      UD,
    ],
    fpu('fucomi', 'ST0 STi'),
    fpu('fcomi', 'ST0 STi'),
    UD,
  ],
);

// Seen from the memory forms, subtraction and division change places with their reverses here and in DE.
const dc = byReg(
  [
    fpu('fadd', 'ST0 Mf64'),
    fpu('fmul', 'ST0 Mf64'),
    fpu('fcom', 'ST0 Mf64'),
    fpu('fcomp', 'ST0 Mf64'),
    fpu('fsub', 'ST0 Mf64'),
    fpu('fsubr', 'ST0 Mf64'),
    fpu('fdiv', 'ST0 Mf64'),
    fpu('fdivr', 'ST0 Mf64'),
  ],
  [
    fpu('fadd', 'STi ST0'),
    fpu('fmul', 'STi ST0'),
    fcom,
    fcomp,
    fpu('fsubr', 'STi ST0'),
    fpu('fsub', 'STi ST0'),
    fpu('fdivr', 'STi ST0'),
    fpu('fdiv', 'STi ST0'),
  ],
);

const dd = byReg(
  [
    fpu('fld', 'Mf64'),
    fpu('fisttp', 'Mi64'),
    fpu('fst', 'Mf64'),
    fpu('fstp', 'Mf64'),
    fpu('frstor', 'Msave'),
    UD,
    row('fnsave', 'Msave', noWait),
    row('fnstsw', 'Mw', noWait),
  ],
  [fpu('ffree', 'STi'), fxch, fpu('fst', 'STi'), fstp, fpu('fucom', 'ST0 STi'), fpu('fucomp', 'ST0 STi'), UD, UD],
);

const de = byReg(
  [
    fpu('fiadd', 'ST0 Mi16'),
    fpu('fimul', 'ST0 Mi16'),
    fpu('ficom', 'ST0 Mi16'),
    fpu('ficomp', 'ST0 Mi16'),
    fpu('fisub', 'ST0 Mi16'),
    fpu('fisubr', 'ST0 Mi16'),
    fpu('fidiv', 'ST0 Mi16'),
    fpu('fidivr', 'ST0 Mi16'),
  ],
  [
    fpu('faddp', 'STi ST0'),
    fpu('fmulp', 'STi ST0'),
    fcomp,
    [UD, fpu('fcompp'), UD, UD, UD, UD, UD, UD],
    fpu('fsubrp', 'STi ST0'),
    fpu('fsubp', 'STi ST0'),
    fpu('fdivrp', 'STi ST0'),
    fpu('fdivp', 'STi ST0'),
  ],
);

const df = byReg(
  [
    fpu('fild', 'Mi16'),
    fpu('fisttp', 'Mi16'),
    fpu('fist', 'Mi16'),
    fpu('fistp', 'Mi16'),
    fpu('fbld', 'Mbcd'),
    fpu('fild', 'Mi64'),
    fpu('fbstp', 'Mbcd'),
    fpu('fistp', 'Mi64'),
  ],
  [
    fpu('ffreep', 'STi'),
    fxch,
    fstp,
    fstp,
    [row('fnstsw', 'AX', noWait), UD, UD, UD, UD, UD, UD, UD],
    fpu('fucomip', 'ST0 STi'),
    fpu('fcomip', 'ST0 STi'),
    UD,
  ],
);

export const X87 = { d8, d9, da, db, dc, dd, de, df } as const;
