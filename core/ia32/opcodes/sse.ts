import type { OperationName } from '../operations.ts';
import type { FloatForm, PackedOperation, SseOperation } from '../sse/operations.ts';
import { anyReg, type ByPrefix, byReg, type Entry, entryOf, type OperandList, range, row, UNDEFINED } from './row.ts';

/** MMX, SSE, SSE2 and SSE3 in the opcodes after 0F (SDM volume 2, tables ): rows without prefix, after 66, F3 and F2. */
type Four = readonly [none: Entry, operandSize?: Entry | null, repeat?: Entry | null, repeatNot?: Entry | null];

const MMX = ['mmx'] as const;
const SSE = ['sse'] as const;
/** Both register files: what SSE needs comes before the x87's pending exceptions. */
const BOTH = ['sse', 'mmx'] as const;

function sse(operation: PackedOperation | SseOperation, operands: OperandList, mnemonic: string = operation): Entry {
  return row(operation, operands, { mnemonic, checks: SSE });
}

function mixed(operation: PackedOperation | SseOperation, operands: OperandList, mnemonic: string = operation): Entry {
  return row(operation, operands, { mnemonic, checks: BOTH });
}

function mmx(operation: PackedOperation | 'emms', operands: OperandList, mnemonic: string = operation): Entry {
  return row(operation, operands, { mnemonic, checks: MMX });
}

/** An integer operation on MMX registers, and after 66 on XMM registers. */
function integer(operation: PackedOperation): Four {
  return [mmx(operation, 'Pq Qq'), sse(operation, 'Vx Wx')];
}

/** A memory form and a register form that mean different things. */
function split(memory: Entry, register: Entry): Entry {
  // Both are rows: forms come from here only.
  return 'operation' in memory && 'operation' in register ? byReg(anyReg(memory), anyReg(register)) : UNDEFINED;
}

/** From memory a conversion has nothing to do with the x87 (SDM volume 2, CVTPI2PD). */
function fromMmx(operation: 'cvtpi2ps' | 'cvtpi2pd'): Entry {
  return split(sse(operation, 'Vx Mq'), mixed(operation, 'Vx Nq'));
}

const FLOAT_OPERANDS = { ps: 'Vx Wx', pd: 'Vx Wx', ss: 'Vx Wd', sd: 'Vx Wq' } as const;

/** Packed single without prefix, packed double after 66, scalar single after F3, scalar double after F2. */
function float(name: 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'sqrt'): Four {
  const form = (suffix: FloatForm) => sse(`${name}${suffix}`, FLOAT_OPERANDS[suffix]);
  return [form('ps'), form('pd'), form('ss'), form('sd')];
}

function single(name: 'rcp' | 'rsqrt'): Four {
  return [sse(`${name}ps`, 'Vx Wx'), null, sse(`${name}ss`, 'Vx Wd')];
}

function horizontal(name: 'addsub' | 'hadd' | 'hsub'): Four {
  return [UNDEFINED, sse(`${name}pd`, 'Vx Wx'), null, sse(`${name}ps`, 'Vx Wx')];
}

/** A bitwise operation: the same on numbers of either precision. */
function bitwise(operation: PackedOperation, name: string): readonly [Entry, Entry] {
  return [sse(operation, 'Vx Wx', `${name}ps`), sse(operation, 'Vx Wx', `${name}pd`)];
}

/** Loads or stores of a whole register or of one number. */
function move(name: 'movu' | 'mova', operands: 'Vx Wu' | 'Wu Vx' | 'Vx Wx' | 'Wx Vx'): readonly [Entry, Entry] {
  return [sse('movVector', operands, `${name}ps`), sse('movVector', operands, `${name}pd`)];
}

/** Groups 12 to 14: shifts by an immediate, of MMX registers and after 66 of XMM registers. */
function shifts(rows: Partial<Record<2 | 3 | 4 | 6 | 7, PackedOperation>>, whole: boolean): Four {
  const group = (operands: 'Nq Ib' | 'Ux Ib') => {
    const form = (reg: 2 | 4 | 6 | 3 | 7) => {
      const operation = rows[reg];
      if (operation === undefined || (whole && reg % 2 === 1 && operands === 'Nq Ib')) return UNDEFINED;
      return row(operation, operands, { checks: operands === 'Nq Ib' ? MMX : SSE });
    };
    return byReg([UNDEFINED, UNDEFINED, form(2), form(3), form(4), UNDEFINED, form(6), form(7)]);
  };
  return [group('Nq Ib'), group('Ux Ib')];
}

const fence = (mnemonic: string) => row('nop', '', { mnemonic });
const hint = row('nop', 'Ev');
const prefetch = (mnemonic: string) => row('nop', 'Mb', { mnemonic });
const memoryOnly = (operation: OperationName, operands: OperandList, mnemonic: string = operation) =>
  row(operation, operands, { mnemonic, checks: SSE });

/** Group 15. FXSAVE and FXRSTOR do not look at pending x87 exceptions (SDM volume 2, FXSAVE). */
const GROUP_15 = byReg(
  [
    row('fxsave', 'Mfx', { checks: ['fxsr'] }),
    row('fxrstor', 'Mfx', { checks: ['fxsr'] }),
    memoryOnly('ldmxcsr', 'Md'),
    memoryOnly('stmxcsr', 'Md'),
    UNDEFINED,
    UNDEFINED,
    UNDEFINED,
    row('clflush', 'Mb'),
  ],
  [UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED, fence('lfence'), fence('mfence'), fence('sfence')],
);

const INTEGER: Readonly<Record<number, PackedOperation>> = {
  96: 'punpcklbw',
  97: 'punpcklwd',
  98: 'punpckldq',
  99: 'packsswb',
  100: 'pcmpgtb',
  101: 'pcmpgtw',
  102: 'pcmpgtd',
  103: 'packuswb',
  104: 'punpckhbw',
  105: 'punpckhwd',
  106: 'punpckhdq',
  107: 'packssdw',
  116: 'pcmpeqb',
  117: 'pcmpeqw',
  118: 'pcmpeqd',
  209: 'psrlw',
  210: 'psrld',
  211: 'psrlq',
  212: 'paddq',
  213: 'pmullw',
  216: 'psubusb',
  217: 'psubusw',
  218: 'pminub',
  219: 'pand',
  220: 'paddusb',
  221: 'paddusw',
  222: 'pmaxub',
  223: 'pandn',
  224: 'pavgb',
  225: 'psraw',
  226: 'psrad',
  227: 'pavgw',
  228: 'pmulhuw',
  229: 'pmulhw',
  232: 'psubsb',
  233: 'psubsw',
  234: 'pminsw',
  235: 'por',
  236: 'paddsb',
  237: 'paddsw',
  238: 'pmaxsw',
  239: 'pxor',
  241: 'psllw',
  242: 'pslld',
  243: 'psllq',
  244: 'pmuludq',
  245: 'pmaddwd',
  246: 'psadbw',
  248: 'psubb',
  249: 'psubw',
  250: 'psubd',
  251: 'psubq',
  252: 'paddb',
  253: 'paddw',
  254: 'paddd',
};

const INTEGERS = Object.fromEntries(
  Object.entries(INTEGER).map(([opcode, operation]): [string, Four] => [opcode, integer(operation)]),
);

const ROWS: Readonly<Record<number, Four>> = {
  ...INTEGERS,
  // The interleaving of low halves reads no more than a doubleword of memory for MMX.
  96: [mmx('punpcklbw', 'Pq Qd'), sse('punpcklbw', 'Vx Wx')],
  97: [mmx('punpcklwd', 'Pq Qd'), sse('punpcklwd', 'Vx Wx')],
  98: [mmx('punpckldq', 'Pq Qd'), sse('punpckldq', 'Vx Wx')],

  16: [...move('movu', 'Vx Wu'), sse('movss', 'Vx Wd'), sse('movsd', 'Vx Wq')],
  17: [...move('movu', 'Wu Vx'), sse('movss', 'Wd Vx'), sse('movsd', 'Wq Vx')],
  18: [
    split(sse('movLow', 'Vx Mq', 'movlps'), sse('movhlps', 'Vx Ux')),
    sse('movLow', 'Vx Mq', 'movlpd'),
    sse('movsldup', 'Vx Wx'),
    sse('movddup', 'Vx Wq'),
  ],
  19: [sse('movLow', 'Mq Vx', 'movlps'), sse('movLow', 'Mq Vx', 'movlpd')],
  20: [sse('punpckldq', 'Vx Wx', 'unpcklps'), sse('punpcklqdq', 'Vx Wx', 'unpcklpd')],
  21: [sse('punpckhdq', 'Vx Wx', 'unpckhps'), sse('punpckhqdq', 'Vx Wx', 'unpckhpd')],
  22: [
    split(sse('movHigh', 'Vx Mq', 'movhps'), sse('movHigh', 'Vx Ux', 'movlhps')),
    sse('movHigh', 'Vx Mq', 'movhpd'),
    sse('movshdup', 'Vx Wx'),
  ],
  23: [sse('movHighToMemory', 'Mq Vx', 'movhps'), sse('movHighToMemory', 'Mq Vx', 'movhpd')],
  40: move('mova', 'Vx Wx'),
  41: move('mova', 'Wx Vx'),
  42: [fromMmx('cvtpi2ps'), fromMmx('cvtpi2pd'), sse('cvtsi2ss', 'Vx Ed'), sse('cvtsi2sd', 'Vx Ed')],
  43: [sse('movVector', 'Mx Vx', 'movntps'), sse('movVector', 'Mx Vx', 'movntpd')],
  44: [mixed('cvttps2pi', 'Pq Wq'), mixed('cvttpd2pi', 'Pq Wx'), sse('cvttss2si', 'Gd Wd'), sse('cvttsd2si', 'Gd Wq')],
  45: [mixed('cvtps2pi', 'Pq Wq'), mixed('cvtpd2pi', 'Pq Wx'), sse('cvtss2si', 'Gd Wd'), sse('cvtsd2si', 'Gd Wq')],
  46: [sse('ucomiss', 'Vx Wd'), sse('ucomisd', 'Vx Wq')],
  47: [sse('comiss', 'Vx Wd'), sse('comisd', 'Vx Wq')],

  80: [sse('movmskps', 'Gd Ux'), sse('movmskpd', 'Gd Ux')],
  81: float('sqrt'),
  82: single('rsqrt'),
  83: single('rcp'),
  84: bitwise('pand', 'and'),
  85: bitwise('pandn', 'andn'),
  86: bitwise('por', 'or'),
  87: bitwise('pxor', 'xor'),
  88: float('add'),
  89: float('mul'),
  90: [sse('cvtps2pd', 'Vx Wq'), sse('cvtpd2ps', 'Vx Wx'), sse('cvtss2sd', 'Vx Wd'), sse('cvtsd2ss', 'Vx Wq')],
  91: [sse('cvtdq2ps', 'Vx Wx'), sse('cvtps2dq', 'Vx Wx'), sse('cvttps2dq', 'Vx Wx')],
  92: float('sub'),
  93: float('min'),
  94: float('div'),
  95: float('max'),
  108: [UNDEFINED, sse('punpcklqdq', 'Vx Wx')],
  109: [UNDEFINED, sse('punpckhqdq', 'Vx Wx')],
  110: [mmx('movd', 'Pq Ed'), sse('movd', 'Vx Ed')],
  111: [mmx('movVector', 'Pq Qq', 'movq'), sse('movVector', 'Vx Wx', 'movdqa'), sse('movVector', 'Vx Wu', 'movdqu')],

  112: [mmx('pshufw', 'Pq Qq Ib'), sse('pshufd', 'Vx Wx Ib'), sse('pshufhw', 'Vx Wx Ib'), sse('pshuflw', 'Vx Wx Ib')],
  113: shifts({ 2: 'psrlw', 4: 'psraw', 6: 'psllw' }, false),
  114: shifts({ 2: 'psrld', 4: 'psrad', 6: 'pslld' }, false),
  115: shifts({ 2: 'psrlq', 3: 'psrldq', 6: 'psllq', 7: 'pslldq' }, true),
  119: [mmx('emms', '')],
  124: horizontal('hadd'),
  125: horizontal('hsub'),
  126: [mmx('movdToGeneral', 'Ed Pq', 'movd'), sse('movdToGeneral', 'Ed Vx', 'movd'), sse('movq', 'Vx Wq')],
  127: [mmx('movVector', 'Qq Pq', 'movq'), sse('movVector', 'Wx Vx', 'movdqa'), sse('movVector', 'Wu Vx', 'movdqu')],

  174: [GROUP_15],
  194: [sse('cmpps', 'Vx Wx Ib'), sse('cmppd', 'Vx Wx Ib'), sse('cmpss', 'Vx Wd Ib'), sse('cmpsd', 'Vx Wq Ib')],
  195: [row('mov', 'Md Gd', { mnemonic: 'movnti' })],
  196: [mmx('pinsrw', 'Pq RdMw Ib'), sse('pinsrw', 'Vx RdMw Ib')],
  197: [mmx('pextrw', 'Gd Nq Ib'), sse('pextrw', 'Gd Ux Ib')],
  198: [sse('shufps', 'Vx Wx Ib'), sse('shufpd', 'Vx Wx Ib')],
  208: horizontal('addsub'),
  214: [UNDEFINED, sse('movq', 'Wq Vx'), mixed('movq', 'Vx Nq', 'movq2dq'), mixed('movVector', 'Pq Ux', 'movdq2q')],
  215: [mmx('pmovmskb', 'Gd Nq'), sse('pmovmskb', 'Gd Ux')],
  230: [UNDEFINED, sse('cvttpd2dq', 'Vx Wx'), sse('cvtdq2pd', 'Vx Wq'), sse('cvtpd2dq', 'Vx Wx')],
  231: [row('movVector', 'Mq Pq', { mnemonic: 'movntq', checks: MMX }), sse('movVector', 'Mx Vx', 'movntdq')],
  240: [UNDEFINED, null, null, sse('movVector', 'Vx Mdq', 'lddqu')],
  247: [mmx('maskmov', 'Pq Nq', 'maskmovq'), sse('maskmov', 'Vx Ux', 'maskmovdqu')],
};

/** The rows without prefix; hints and prefetches (group 16) take any. */
export const SSE_ROWS: Readonly<Record<number, Entry>> = {
  ...Object.fromEntries(Object.entries(ROWS).map(([opcode, [none]]) => [opcode, none])),
  // Hint NOPs: all that the P6 reserved, of which SSE gave the first one a meaning.
  ...range(0x18, 8, hint),
  24: byReg(
    [
      prefetch('prefetchnta'),
      prefetch('prefetcht0'),
      prefetch('prefetcht1'),
      prefetch('prefetcht2'),
      hint,
      hint,
      hint,
      hint,
    ],
    anyReg(hint),
  ),
};

/** What the prefixes make of them. */
export const SSE_PREFIXED: Readonly<Record<number, ByPrefix>> = Object.fromEntries(
  Object.entries(ROWS).map(([opcode, [, operandSize, repeat, repeatNot]]) => [
    opcode,
    {
      operandSize: entryOf(operandSize ?? UNDEFINED),
      repeat: entryOf(repeat ?? UNDEFINED),
      repeatNot: entryOf(repeatNot ?? UNDEFINED),
    },
  ]),
);
