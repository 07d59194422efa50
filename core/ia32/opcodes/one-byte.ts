import type { OperationName, SemanticsName } from '../operations.ts';
import {
  GROUP_1_BYTE,
  GROUP_1_SIGNED,
  GROUP_1_WORD,
  GROUP_1A,
  GROUP_3_BYTE,
  GROUP_3_WORD,
  GROUP_4,
  GROUP_5,
  GROUP_11_BYTE,
  GROUP_11_WORD,
  MOV_FROM_SEGMENT,
  MOV_TO_SEGMENT,
  shiftGroup,
} from './groups.ts';
import { type ByPrefix, type Entry, type OperandList, opcodeMap, type RowOptions, range, row } from './row.ts';
import { X87 } from './x87.ts';

/** The six encodings of an operation on two operands (SDM volume 2, table A-2). */
function arithmetic(first: number, operation: SemanticsName, options: RowOptions = { lock: true }) {
  return {
    [first]: row(operation, 'Eb Gb', options),
    [first + 1]: row(operation, 'Ev Gv', options),
    [first + 2]: row(operation, 'Gb Eb'),
    [first + 3]: row(operation, 'Gv Ev'),
    [first + 4]: row(operation, 'AL Ib'),
    [first + 5]: row(operation, 'eAX Iz'),
  };
}

const ENDS = { endsBlock: true };
const IO = { intercept: 'io', endsBlock: true } as const;

/** A string instruction, and what F3 and F2 make of it. */
function string(operation: SemanticsName, repeated: OperationName, operands: OperandList) {
  const once = row(operation, operands);
  const repeat = row(repeated, operands, { mnemonic: operation });
  return { once, prefixed: { operandSize: once, repeat, repeatNot: repeat } };
}

const STRINGS = {
  164: string('movs', 'repMovs', 'Yb Xb'),
  165: string('movs', 'repMovs', 'Yv Xv'),
  166: string('cmps', 'repCmps', 'Xb Yb'),
  167: string('cmps', 'repCmps', 'Xv Yv'),
  170: string('stos', 'repStos', 'Yb'),
  171: string('stos', 'repStos', 'Yv'),
  172: string('lods', 'repLods', 'Xb'),
  173: string('lods', 'repLods', 'Xv'),
  174: string('scas', 'repScas', 'Yb'),
  175: string('scas', 'repScas', 'Yv'),
};

function strings<T>(part: (string: (typeof STRINGS)[164]) => T): Record<number, T> {
  return Object.fromEntries(Object.entries(STRINGS).map(([opcode, one]) => [opcode, part(one)]));
}

const NOP = row('nop');
export const ONE_BYTE_PREFIXED: Readonly<Record<number, ByPrefix>> = {
  ...strings(({ prefixed }) => prefixed),
  // A P6 carries PAUSE out as a NOP, but for its VM exit.
  144: { operandSize: NOP, repeat: row('nop', '', { mnemonic: 'pause', intercept: 'pause' }), repeatNot: NOP },
};

/** One-byte opcodes (SDM volume 2, table A-2). The prefixes and 0F are the decoder's. */
export const ONE_BYTE: readonly Entry[] = opcodeMap({
  ...arithmetic(0x00, 'add'),
  6: row('pushSegment', 'ES', { mnemonic: 'push' }),
  7: row('popSegment', 'ES', { mnemonic: 'pop', sensitive: true }),
  ...arithmetic(0x08, 'or'),
  14: row('pushSegment', 'CS', { mnemonic: 'push', sensitive: true }),
  ...arithmetic(0x10, 'adc'),
  22: row('pushSegment', 'SS', { mnemonic: 'push', sensitive: true }),
  23: row('popSegment', 'SS', { mnemonic: 'pop', sensitive: true, endsBlock: true }),
  ...arithmetic(0x18, 'sbb'),
  30: row('pushSegment', 'DS', { mnemonic: 'push' }),
  31: row('popSegment', 'DS', { mnemonic: 'pop', sensitive: true }),
  ...arithmetic(0x20, 'and'),
  39: row('daa'),
  ...arithmetic(0x28, 'sub'),
  47: row('das'),
  ...arithmetic(0x30, 'xor'),
  55: row('aaa'),
  ...arithmetic(0x38, 'cmp', {}),
  63: row('aas'),

  ...range(0x40, 8, row('inc', 'Zv')),
  ...range(0x48, 8, row('dec', 'Zv')),
  ...range(0x50, 8, row('push', 'Zv')),
  ...range(0x58, 8, row('pop', 'Zv')),
  96: row('pusha'),
  97: row('popa'),
  98: row('bound', 'Gv Ma'),
  99: row('arpl', 'Ew Gw', { checks: ['protected'] }),
  104: row('push', 'Iz'),
  105: row('imul', 'Gv Ev Iz'),
  106: row('push', 'Ibs'),
  107: row('imul', 'Gv Ev Ibs'),
  108: row('ins', 'Yb', IO),
  109: row('ins', 'Yv', IO),
  110: row('outs', 'Xb', IO),
  111: row('outs', 'Xv', IO),
  ...range(0x70, 16, row('jcc', 'Jb', { mnemonic: 'j', endsBlock: true })),

  128: GROUP_1_BYTE,
  129: GROUP_1_WORD,
  130: GROUP_1_BYTE,
  131: GROUP_1_SIGNED,
  132: row('test', 'Eb Gb'),
  133: row('test', 'Ev Gv'),
  134: row('xchg', 'Eb Gb', { lock: true }),
  135: row('xchg', 'Ev Gv', { lock: true }),
  136: row('mov', 'Eb Gb'),
  137: row('mov', 'Ev Gv'),
  138: row('mov', 'Gb Eb'),
  139: row('mov', 'Gv Ev'),
  140: MOV_FROM_SEGMENT,
  141: row('lea', 'Gv M'),
  142: MOV_TO_SEGMENT,
  143: GROUP_1A,
  144: NOP,
  ...range(0x91, 7, row('xchg', 'Zv eAX')),
  152: row('cbw'),
  153: row('cwd'),
  154: row('callFar', 'Ap', { mnemonic: 'call', endsBlock: true, sensitive: true }),
  155: row('fwait'),
  156: row('pushf', '', { checks: ['iopl86'], sensitive: true }),
  157: row('popf', '', { checks: ['iopl86'], sensitive: true, endsBlock: true }),
  158: row('sahf'),
  159: row('lahf'),

  160: row('mov', 'AL Ob'),
  161: row('mov', 'eAX Ov'),
  162: row('mov', 'Ob AL'),
  163: row('mov', 'Ov eAX'),
  ...strings(({ once }) => once),
  168: row('test', 'AL Ib'),
  169: row('test', 'eAX Iz'),
  ...range(0xb0, 8, row('mov', 'Zb Ib')),
  ...range(0xb8, 8, row('mov', 'Zv Iz')),

  192: shiftGroup('Eb Ib'),
  193: shiftGroup('Ev Ib'),
  194: row('ret', 'Iw', ENDS),
  195: row('ret', '', ENDS),
  196: row('les', 'Gv Mp'),
  197: row('lds', 'Gv Mp'),
  198: GROUP_11_BYTE,
  199: GROUP_11_WORD,
  200: row('enter', 'Iw Ib'),
  201: row('leave'),
  202: row('retFar', 'Iw', { mnemonic: 'retf', endsBlock: true, sensitive: true }),
  203: row('retFar', '', { mnemonic: 'retf', endsBlock: true, sensitive: true }),
  204: row('int3', '', ENDS),
  205: row('int', 'Ib', { checks: ['iopl86'], endsBlock: true, sensitive: true }),
  206: row('into', '', ENDS),
  207: row('iret', '', { checks: ['iopl86'], endsBlock: true, sensitive: true }),

  208: shiftGroup('Eb 1'),
  209: shiftGroup('Ev 1'),
  210: shiftGroup('Eb CL'),
  211: shiftGroup('Ev CL'),
  212: row('aam', 'Ib'),
  213: row('aad', 'Ib'),
  214: row('salc'),
  215: row('xlat'),
  216: X87.d8,
  217: X87.d9,
  218: X87.da,
  219: X87.db,
  220: X87.dc,
  221: X87.dd,
  222: X87.de,
  223: X87.df,

  224: row('loopne', 'Jb', ENDS),
  225: row('loope', 'Jb', ENDS),
  226: row('loop', 'Jb', ENDS),
  227: row('jcxz', 'Jb', ENDS),
  228: row('in', 'AL Ib', IO),
  229: row('in', 'eAX Ib', IO),
  230: row('out', 'Ib AL', IO),
  231: row('out', 'Ib eAX', IO),
  232: row('call', 'Jz', ENDS),
  233: row('jmp', 'Jz', ENDS),
  234: row('jmpFar', 'Ap', { mnemonic: 'jmp', endsBlock: true, sensitive: true }),
  235: row('jmp', 'Jb', ENDS),
  236: row('in', 'AL DX', IO),
  237: row('in', 'eAX DX', IO),
  238: row('out', 'DX AL', IO),
  239: row('out', 'DX eAX', IO),

  241: row('int1', '', ENDS),
  244: row('hlt', '', { checks: ['cpl0'], intercept: 'hlt', endsBlock: true }),
  245: row('cmc'),
  246: GROUP_3_BYTE,
  247: GROUP_3_WORD,
  248: row('clc'),
  249: row('stc'),
  250: row('cli', '', ENDS),
  251: row('sti', '', ENDS),
  252: row('cld'),
  253: row('std'),
  254: GROUP_4,
  255: GROUP_5,
});
