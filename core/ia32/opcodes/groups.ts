import type { OpcodeRow } from '../opcode.ts';
import { byReg, type Forms, type OperandList, row, UNDEFINED } from './row.ts';

/** Opcodes that the /reg field of ModRM completes (SDM volume 2, table A-6). */

const LOCK = { lock: true };
const CPL0 = ['cpl0'] as const;
const PROTECTED = ['protected'] as const;

function arithmetic(operands: OperandList): Forms {
  return byReg([
    row('add', operands, LOCK),
    row('or', operands, LOCK),
    row('adc', operands, LOCK),
    row('sbb', operands, LOCK),
    row('and', operands, LOCK),
    row('sub', operands, LOCK),
    row('xor', operands, LOCK),
    row('cmp', operands),
  ]);
}

export const GROUP_1_BYTE = arithmetic('Eb Ib');
export const GROUP_1_WORD = arithmetic('Ev Iz');
export const GROUP_1_SIGNED = arithmetic('Ev Ibs');

export const GROUP_1A = only(0, row('pop', 'Ev'));

/** Group 2. /6 is not documented and does what /4 does. */
export function shiftGroup(operands: OperandList): Forms {
  const shl = row('shl', operands);
  return byReg([
    row('rol', operands),
    row('ror', operands),
    row('rcl', operands),
    row('rcr', operands),
    shl,
    row('shr', operands),
    shl,
    row('sar', operands),
  ]);
}

/** Group 3. /1 is not documented and does what /0 does. */
function unary(operand: 'Eb' | 'Ev', test: OpcodeRow): Forms {
  return byReg([
    test,
    test,
    row('not', operand, LOCK),
    row('neg', operand, LOCK),
    row('mul', operand),
    row('imulWide', operand, { mnemonic: 'imul' }),
    row('div', operand),
    row('idiv', operand),
  ]);
}

export const GROUP_3_BYTE = unary('Eb', row('test', 'Eb Ib'));
export const GROUP_3_WORD = unary('Ev', row('test', 'Ev Iz'));

export const GROUP_4 = byReg([
  row('inc', 'Eb', LOCK),
  row('dec', 'Eb', LOCK),
  UNDEFINED,
  UNDEFINED,
  UNDEFINED,
  UNDEFINED,
  UNDEFINED,
  UNDEFINED,
]);

export const GROUP_5 = byReg([
  row('inc', 'Ev', LOCK),
  row('dec', 'Ev', LOCK),
  row('callIndirect', 'Ev', { mnemonic: 'call', endsBlock: true }),
  row('callFar', 'Mp', { mnemonic: 'call', endsBlock: true, sensitive: true }),
  row('jmpIndirect', 'Ev', { mnemonic: 'jmp', endsBlock: true }),
  row('jmpFar', 'Mp', { mnemonic: 'jmp', endsBlock: true, sensitive: true }),
  row('push', 'Ev'),
  UNDEFINED,
]);

export const GROUP_6 = byReg([
  row('sldt', 'RvMw', { checks: PROTECTED, intercept: 'descriptor', sensitive: true }),
  row('str', 'RvMw', { checks: PROTECTED, intercept: 'descriptor', sensitive: true }),
  row('lldt', 'Ew', { checks: ['protected', 'cpl0'], intercept: 'descriptor' }),
  row('ltr', 'Ew', { checks: ['protected', 'cpl0'], intercept: 'descriptor' }),
  row('verr', 'Ew', { checks: PROTECTED, sensitive: true }),
  row('verw', 'Ew', { checks: PROTECTED, sensitive: true }),
  UNDEFINED,
  UNDEFINED,
]);

export const GROUP_7 = byReg([
  row('sgdt', 'Ms', { intercept: 'descriptor', sensitive: true }),
  row('sidt', 'Ms', { intercept: 'descriptor', sensitive: true }),
  row('lgdt', 'Ms', { checks: CPL0, intercept: 'descriptor' }),
  row('lidt', 'Ms', { checks: CPL0, intercept: 'descriptor' }),
  row('smsw', 'RvMw', { sensitive: true }),
  UNDEFINED,
  row('lmsw', 'Ew', { checks: CPL0, intercept: 'cr', endsBlock: true }),
  row('invlpg', 'M', { checks: CPL0, intercept: 'invlpg', endsBlock: true }),
]);

export const GROUP_8 = byReg([
  UNDEFINED,
  UNDEFINED,
  UNDEFINED,
  UNDEFINED,
  row('bt', 'Ev Ib'),
  row('bts', 'Ev Ib', LOCK),
  row('btr', 'Ev Ib', LOCK),
  row('btc', 'Ev Ib', LOCK),
]);

export const GROUP_9 = only(1, row('cmpxchg8b', 'Mq', LOCK));

export const GROUP_11_BYTE = only(0, row('mov', 'Eb Ib'));
export const GROUP_11_WORD = only(0, row('mov', 'Ev Iz'));

/** FXSAVE and FXRSTOR do not look at pending x87 exceptions (SDM volume 2, FXSAVE). */
export const GROUP_15 = byReg([
  row('fxsave', 'Mfx', { checks: ['fpuNoWait'] }),
  row('fxrstor', 'Mfx', { checks: ['fpuNoWait'] }),
  UNDEFINED,
  UNDEFINED,
  UNDEFINED,
  UNDEFINED,
  UNDEFINED,
  UNDEFINED,
]);

// Moves from and to special registers: /reg is the register's number, and the ones that do not exist are undefined.

const fromSegment = row('movFromSegment', 'RvMw Sw', { mnemonic: 'mov' });
const fromRing = row('movFromSegment', 'RvMw Sw', { mnemonic: 'mov', sensitive: true });
const toSegment = row('movToSegment', 'Sw Ew', { mnemonic: 'mov', sensitive: true });
const toStack = row('movToSegment', 'Sw Ew', { mnemonic: 'mov', sensitive: true, endsBlock: true });

/** CS and SS show the privilege level in their low bits. */
export const MOV_FROM_SEGMENT = byReg([
  fromSegment,
  fromRing,
  fromRing,
  fromSegment,
  fromSegment,
  fromSegment,
  UNDEFINED,
  UNDEFINED,
]);
export const MOV_TO_SEGMENT = byReg([
  toSegment,
  UNDEFINED,
  toStack,
  toSegment,
  toSegment,
  toSegment,
  UNDEFINED,
  UNDEFINED,
]);

/** CR0, CR2, CR3 and CR4. The mod field is ignored: always a register (SDM volume 2, MOV - Move to/from Control Registers). */
function control(move: OpcodeRow): Forms {
  return byReg([move, UNDEFINED, move, move, move, UNDEFINED, UNDEFINED, UNDEFINED]);
}

export const MOV_FROM_CONTROL = control(
  row('movFromControl', 'Rd Cd', { mnemonic: 'mov', checks: CPL0, intercept: 'cr' }),
);
export const MOV_TO_CONTROL = control(
  row('movToControl', 'Cd Rd', { mnemonic: 'mov', checks: CPL0, intercept: 'cr', endsBlock: true }),
);

/** DR4 and DR5 are DR6 and DR7, or undefined if CR4.DE is set: known only when it runs. */
export const MOV_FROM_DEBUG = row('movFromDebug', 'Rd Dd', { mnemonic: 'mov', checks: CPL0, intercept: 'dr' });
export const MOV_TO_DEBUG = row('movToDebug', 'Dd Rd', {
  mnemonic: 'mov',
  checks: CPL0,
  intercept: 'dr',
  endsBlock: true,
});

/** A group with one member. */
function only(reg: 0 | 1, member: OpcodeRow): Forms {
  return byReg([
    reg === 0 ? member : UNDEFINED,
    reg === 1 ? member : UNDEFINED,
    UNDEFINED,
    UNDEFINED,
    UNDEFINED,
    UNDEFINED,
    UNDEFINED,
    UNDEFINED,
  ]);
}
