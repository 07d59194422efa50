import {
  GROUP_6,
  GROUP_7,
  GROUP_8,
  GROUP_9,
  GROUP_9_PREFIXED,
  MOV_FROM_CONTROL,
  MOV_FROM_DEBUG,
  MOV_TO_CONTROL,
  MOV_TO_DEBUG,
  PROTECTED_CPL0,
  vmx,
} from './groups.ts';
import { type ByPrefix, type Entry, opcodeMap, range, row, UNDEFINED } from './row.ts';
import { SSE_PREFIXED, SSE_ROWS } from './sse.ts';

const LOCK = { lock: true };

/** Opcodes after 0F (SDM volume 2, table A-3). */
export const TWO_BYTE: readonly Entry[] = opcodeMap({
  ...SSE_ROWS,
  0: GROUP_6,
  1: GROUP_7,
  2: row('lar', 'Gv Ew', { checks: ['protected'], sensitive: true }),
  3: row('lsl', 'Gv Ew', { checks: ['protected'], sensitive: true }),
  6: row('clts', '', { checks: ['cpl0'], intercept: 'cr', endsBlock: true }),
  8: row('invd', '', { checks: ['cpl0'], intercept: 'always' }),
  9: row('wbinvd', '', { checks: ['cpl0'], intercept: 'wbinvd' }),
  11: row('ud', '', { mnemonic: 'ud2', endsBlock: true }),
  32: MOV_FROM_CONTROL,
  33: MOV_FROM_DEBUG,
  34: MOV_TO_CONTROL,
  35: MOV_TO_DEBUG,
  48: row('wrmsr', '', { checks: ['cpl0'], intercept: 'msr', endsBlock: true }),
  49: row('rdtsc', '', { intercept: 'rdtsc', endsBlock: true }),
  50: row('rdmsr', '', { checks: ['cpl0'], intercept: 'msr', endsBlock: true }),
  51: row('rdpmc', '', { intercept: 'rdpmc' }),
  52: row('sysenter', '', { endsBlock: true }),
  53: row('sysexit', '', { checks: ['cpl0'], endsBlock: true }),
  ...range(0x40, 16, row('cmov', 'Gv Ev')),
  120: vmx('vmread', 'Ed Gd', PROTECTED_CPL0),
  121: vmx('vmwrite', 'Gd Ed', PROTECTED_CPL0),

  ...range(0x80, 16, row('jcc', 'Jz', { mnemonic: 'j', endsBlock: true })),
  ...range(0x90, 16, row('setcc', 'Eb', { mnemonic: 'set' })),
  160: row('pushSegment', 'FS', { mnemonic: 'push' }),
  161: row('popSegment', 'FS', { mnemonic: 'pop', sensitive: true }),
  162: row('cpuid', '', { intercept: 'always' }),
  163: row('bt', 'Ev Gv'),
  164: row('shld', 'Ev Gv Ib'),
  165: row('shld', 'Ev Gv CL'),
  168: row('pushSegment', 'GS', { mnemonic: 'push' }),
  169: row('popSegment', 'GS', { mnemonic: 'pop', sensitive: true }),
  // There is no system management mode, and outside of it RSM raises #UD.
  170: row('ud', '', { mnemonic: 'rsm', endsBlock: true }),
  171: row('bts', 'Ev Gv', LOCK),
  172: row('shrd', 'Ev Gv Ib'),
  173: row('shrd', 'Ev Gv CL'),
  175: row('imul', 'Gv Ev'),
  176: row('cmpxchg', 'Eb Gb', LOCK),
  177: row('cmpxchg', 'Ev Gv', LOCK),
  178: row('lss', 'Gv Mp', { endsBlock: true }),
  179: row('btr', 'Ev Gv', LOCK),
  180: row('lfs', 'Gv Mp'),
  181: row('lgs', 'Gv Mp'),
  182: row('movzx', 'Gv Eb'),
  183: row('movzx', 'Gv Ew'),
  185: row('ud', 'Gv Ev', { mnemonic: 'ud1', endsBlock: true }),
  186: GROUP_8,
  187: row('btc', 'Ev Gv', LOCK),
  188: row('bsf', 'Gv Ev'),
  189: row('bsr', 'Gv Ev'),
  190: row('movsx', 'Gv Eb'),
  191: row('movsx', 'Gv Ew'),
  192: row('xadd', 'Eb Gb', LOCK),
  193: row('xadd', 'Ev Gv', LOCK),
  199: GROUP_9,
  ...range(0xc8, 8, row('bswap', 'Zv')),
  255: row('ud', 'Gv Ev', { mnemonic: 'ud0', endsBlock: true }),
});

const UNPREFIXED: ByPrefix = { operandSize: UNDEFINED, repeat: UNDEFINED, repeatNot: UNDEFINED };

/** Opcodes after 0F of which a prefix is a part (SDM volume 2, 2.1.2). */
export const TWO_BYTE_PREFIXED: Readonly<Record<number, ByPrefix>> = {
  ...SSE_PREFIXED,
  120: UNPREFIXED,
  121: UNPREFIXED,
  199: GROUP_9_PREFIXED,
};

/** Opcodes after 66 0F 38 (SDM volume 2, table A-4). */
export const THREE_BYTE_38: readonly Entry[] = opcodeMap({
  128: vmx('invept', 'Gd Mdq', PROTECTED_CPL0),
  129: vmx('invvpid', 'Gd Mdq', PROTECTED_CPL0),
});
