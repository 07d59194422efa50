import type { Check, OpcodeRow } from '../opcode.ts';
import type { VmxOperation } from '../operations.ts';
import { byReg, type Forms, type OperandList, row, UNDEFINED } from './row.ts';

/** Opcodes that the /reg field of ModRM completes (SDM volume 2, table A-6). */

const LOCK = { lock: true };
const CPL0 = ['cpl0'] as const;
const PROTECTED = ['protected'] as const;
export const PROTECTED_CPL0 = ['protected', 'cpl0'] as const;

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

export const GROUP_1A = only(row('pop', 'Ev'));

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
  row('lldt', 'Ew', { checks: PROTECTED_CPL0, intercept: 'descriptor' }),
  row('ltr', 'Ew', { checks: PROTECTED_CPL0, intercept: 'descriptor' }),
  row('verr', 'Ew', { checks: PROTECTED, sensitive: true }),
  row('verw', 'Ew', { checks: PROTECTED, sensitive: true }),
  UNDEFINED,
  UNDEFINED,
]);

const sgdt = row('sgdt', 'Ms', { intercept: 'descriptor', sensitive: true });
const sidt = row('sidt', 'Ms', { intercept: 'descriptor', sensitive: true });
const lgdt = row('lgdt', 'Ms', { checks: CPL0, intercept: 'descriptor' });
const lidt = row('lidt', 'Ms', { checks: CPL0, intercept: 'descriptor' });
const smsw = row('smsw', 'RvMw', { sensitive: true });
const lmsw = row('lmsw', 'Ew', { checks: CPL0, intercept: 'cr', endsBlock: true });
const invlpg = row('invlpg', 'M', { checks: CPL0, intercept: 'invlpg', endsBlock: true });

/** A VMX instruction (SDM volume 3, 30.3). */
export function vmx(operation: VmxOperation, operands: OperandList, checks: readonly Check[]): OpcodeRow {
  return row(operation, operands, { checks, intercept: 'vmx', endsBlock: true });
}

/** The register forms of /0 are VMX instructions. VMCALL exits in every mode of a guest. */
export const GROUP_7 = byReg(
  [sgdt, sidt, lgdt, lidt, smsw, UNDEFINED, lmsw, invlpg],
  [
    [
      UNDEFINED,
      vmx('vmcall', '', CPL0),
      vmx('vmlaunch', '', PROTECTED_CPL0),
      vmx('vmresume', '', PROTECTED_CPL0),
      vmx('vmxoff', '', PROTECTED_CPL0),
      UNDEFINED,
      UNDEFINED,
      UNDEFINED,
    ],
    UNDEFINED,
    UNDEFINED,
    UNDEFINED,
    smsw,
    UNDEFINED,
    lmsw,
    UNDEFINED,
  ],
);

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

/** CMPXCHG8B takes any prefix; in /6 and /7, the VMX pointers, the prefix is a part of the opcode. */
function group9(six: OpcodeRow, seven: OpcodeRow): Forms {
  const cmpxchg8b = row('cmpxchg8b', 'Mq', LOCK);
  return byReg([UNDEFINED, cmpxchg8b, UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED, six, seven]);
}

export const GROUP_9 = group9(vmx('vmptrld', 'Mq', PROTECTED_CPL0), vmx('vmptrst', 'Mq', PROTECTED_CPL0));
export const GROUP_9_PREFIXED = {
  operandSize: group9(vmx('vmclear', 'Mq', PROTECTED_CPL0), UNDEFINED),
  repeat: group9(vmx('vmxon', 'Mq', PROTECTED_CPL0), UNDEFINED),
  repeatNot: group9(UNDEFINED, UNDEFINED),
} as const;

export const GROUP_11_BYTE = only(row('mov', 'Eb Ib'));
export const GROUP_11_WORD = only(row('mov', 'Ev Iz'));

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

/** A group whose one member is /0. */
function only(member: OpcodeRow): Forms {
  return byReg([member, UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED]);
}
