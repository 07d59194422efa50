import type { X87Operation } from '../../../ia32/x87/operations.ts';
import { MachineStop } from '../fault.ts';
import type { SystemFunction } from '../system.ts';

const names = [
  'fadd',
  'fsub',
  'fsubr',
  'fmul',
  'fdiv',
  'fdivr',
  'faddp',
  'fsubp',
  'fsubrp',
  'fmulp',
  'fdivp',
  'fdivrp',
  'fiadd',
  'fisub',
  'fisubr',
  'fimul',
  'fidiv',
  'fidivr',
  'fcom',
  'fcomp',
  'fcompp',
  'fucom',
  'fucomp',
  'fucompp',
  'ficom',
  'ficomp',
  'fcomi',
  'fcomip',
  'fucomi',
  'fucomip',
  'fld',
  'fst',
  'fstp',
  'fild',
  'fist',
  'fistp',
  'fisttp',
  'fbld',
  'fbstp',
  'fxch',
  'fcmov',
  'fld1',
  'fldl2t',
  'fldl2e',
  'fldpi',
  'fldlg2',
  'fldln2',
  'fldz',
  'fchs',
  'fabs',
  'ftst',
  'fxam',
  'f2xm1',
  'fyl2x',
  'fptan',
  'fpatan',
  'fxtract',
  'fprem1',
  'fdecstp',
  'fincstp',
  'fprem',
  'fyl2xp1',
  'fsqrt',
  'fsincos',
  'frndint',
  'fscale',
  'fsin',
  'fcos',
  'fnop',
  'fninit',
  'fnclex',
  'ffree',
  'ffreep',
  'fldcw',
  'fnstcw',
  'fnstsw',
  'fldenv',
  'fnstenv',
  'frstor',
  'fnsave',
  'fwait',
  'fxsave',
  'fxrstor',
];
const table: any = {};
for (const n of names)
  table[n] = (cpu: any, i: any) => {
    if (['fninit', 'fnclex', 'fwait', 'fxsave', 'fxrstor', 'fnop', 'fldcw'].includes(n)) return;
    if (n === 'fnstcw') {
      cpu.write(i, i.dst, 0x37f);
      return;
    }
    if (n === 'fnstsw') {
      cpu.write(i, i.dst, 0);
      return;
    }
    throw new MachineStop('unimplemented', `x87 ${n}`);
  };
export const X87: Readonly<Record<X87Operation, SystemFunction>> = table;
