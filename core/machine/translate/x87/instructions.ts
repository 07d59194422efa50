import { type Instruction, KIND } from '../../../ia32/instruction.ts';
import { EAX } from '../../../ia32/registers.ts';
import type { X87Operation } from '../../../ia32/x87/operations.ts';
import * as S from '../../cpu/x87/state.ts';
import { OP } from '../code.ts';
import { conditionOf } from '../flags.ts';
import { known, type Value } from '../values.ts';
import { type HardName, hardNumber, STATUS_SHIFT } from './hard.ts';
import type { KernelName } from './kernel.ts';
import { readMemory, writeMemory } from './memory.ts';
import type { Pair } from './run.ts';
import { X87Stack } from './stack.ts';

/**
 * x87 instructions in translated code: what they do to stack, tags, condition codes and pointers is as in cpu/x87, for full and empty registers as they
 * should be and masked exceptions; what they compute is the kernel's.
 */

interface Translation {
  /** Registers, relative to TOP, that must be full, and those that must be empty. */
  readonly full: (i: Instruction) => readonly number[];
  readonly empty: readonly number[];
  /** Whether the state's pointers show the instruction (SDM volume 1, 8.1.8). */
  readonly shows: boolean;
  readonly emit: (x: X87Stack, i: Instruction) => void;
}

type Emit = Translation['emit'];

const NONE: readonly number[] = [];
const ST0: readonly number[] = [0];
const isRegister = (i: Instruction) => i.src.kind === KIND.st;
const isMemory = (i: Instruction) => i.modrm < 0xc0;

function translation(full: Translation['full'], emit: Emit, empty = NONE, shows = true): Translation {
  return { full, empty, emit, shows };
}

const onTop = (emit: Emit): Translation => translation(() => ST0, emit);
const pushing = (emit: Emit): Translation => translation(() => NONE, emit, [7]);
const controlling = (emit: Emit): Translation => translation(() => NONE, emit, NONE, false);
const pop = (x: X87Stack, count: number) => {
  for (let n = 0; n < count; n++) x.popSt();
};

/** The executor wraps around the end of a segment of 64 KB within an operand of 10 bytes. */
const mayWrap = (i: Instruction) => i.row.format === 'f80' && i.memory.mask !== -1 && isMemory(i);

// Arithmetic

function both(x: X87Stack, name: KernelName, a: Pair, b: Pair, last: number | null): Pair {
  return x.call(name, c => {
    c.get(a.m);
    c.get(a.e);
    c.get(b.m);
    c.get(b.e);
    if (last !== null) c.constant(last);
  });
}

/** dst := dst op src, or src op dst. */
function binary(name: KernelName, last: number | null, isReversed: boolean, pops: 0 | 1): Translation {
  return translation(
    i => (isRegister(i) ? [i.dst.register, i.src.register] : [i.dst.register]),
    (x, i) => {
      const to = i.dst.register;
      const source = isRegister(i) ? x.st(i.src.register) : readMemory(x, i, false);
      const a = x.st(to);
      const result = isReversed ? both(x, name, source, a, last) : both(x, name, a, source, last);
      x.conclude(result);
      x.setSt(to, result);
      pop(x, pops);
    },
  );
}

const ADD = 0;
const SUBTRACT = 0x8000;

/** Sets condition codes, or status flags, and pops. */
function comparison(quietly: boolean, pops: 0 | 1 | 2, toFlags: boolean): Translation {
  const other = (i: Instruction) => (isRegister(i) ? i.src.register : 1);
  const isInMemory = (i: Instruction) => !isRegister(i) && i.src.kind !== KIND.none;
  return translation(
    i => (isInMemory(i) ? ST0 : [0, other(i)]),
    (x, i) => {
      const b = isInMemory(i) ? readMemory(x, i, false) : x.st(other(i));
      compare(x, b, quietly, toFlags);
      pop(x, pops);
    },
  );
}

function compare(x: X87Stack, b: Pair, quietly: boolean, toFlags: boolean): void {
  const a = x.st(0);
  const { code } = x;
  const word = x.callForWord('compare', c => {
    for (const { m, e } of [a, b]) {
      c.get(m);
      c.get(e);
    }
    c.constant(quietly ? 1 : 0);
  });
  if (!toFlags) {
    x.publish(word);
    return;
  }
  // C0, C2 and C3 as CF, PF and ZF: the same bits, eight places lower.
  code.get(word);
  code.constant(STATUS_SHIFT + 8);
  code.op(OP.shrU);
  code.constant(0x45);
  code.op(OP.and);
  const flags = x.values.pop(7);
  code.get(word);
  code.constant(S.EXCEPTIONS << STATUS_SHIFT);
  code.op(OP.and);
  code.set(word);
  x.concludeWord(word);
  x.flags = { kind: 'all', flags };
}

/** ST(0) by a function of it. */
function unary(name: KernelName): Translation {
  return onTop(x => {
    const a = x.st(0);
    const result = x.call(name, c => {
      c.get(a.m);
      c.get(a.e);
    });
    x.conclude(result);
    x.setSt(0, result);
  });
}

function changingSign(op: typeof OP.xor | typeof OP.and, mask: number): Translation {
  return onTop(x => {
    const { m, e } = x.st(0);
    const changed = x.freshWord();
    x.code.get(e);
    x.code.constant(mask);
    x.code.op(op);
    x.code.set(changed);
    x.setSt(0, { m, e: changed });
    x.clearC1();
  });
}

function known64(x: X87Stack, m: bigint, e: number): Pair {
  x.code.constant64(m);
  x.code.constant(e);
  return x.take();
}

const constant = (m: bigint, e: number): Translation =>
  pushing(x => {
    x.pushSt(known64(x, m, e));
    x.clearC1();
  });

/** One that depends on rounding control. */
const rounded = (name: HardName): Translation =>
  pushing(x => {
    const value = x.call('always', c => {
      c.constant(hardNumber(name));
      c.constant64(0n);
      c.constant(0);
    });
    x.pushSt(value);
    x.clearC1();
  });

// Loads, stores, moves

const load: Translation = translation(
  i => (i.dst.kind === KIND.st ? [i.dst.register] : NONE),
  (x, i) => {
    if (i.dst.kind === KIND.st) {
      x.pushSt(x.st(i.dst.register));
      x.clearC1();
      return;
    }
    const value = readMemory(x, i, true);
    if (i.row.format === 'f32' || i.row.format === 'f64') x.conclude(value);
    else x.clearC1();
    x.pushSt(value);
  },
  [7],
);

const store = (pops: 0 | 1): Translation =>
  onTop((x, i) => {
    if (i.dst.kind === KIND.st) {
      x.setSt(i.dst.register, x.st(0));
      x.clearC1();
    } else writeMemory(x, i, false);
    pop(x, pops);
  });

const exchanged = (i: Instruction) => (isRegister(i) ? i.src.register : i.dst.register);

const exchange: Translation = translation(
  i => [0, exchanged(i)],
  (x, i) => {
    const [first, second] = [x.st(0), x.st(exchanged(i))];
    x.setSt(0, second);
    x.setSt(exchanged(i), first);
    x.clearC1();
  },
);

const move: Translation = translation(
  i => [0, i.src.register],
  (x, i) => {
    const [kept, moved] = [x.st(0), x.st(i.src.register)];
    const condition = conditionOf(x.values, x.flags, i.condition);
    const { code } = x;
    for (const half of ['m', 'e'] as const) {
      code.get(moved[half]);
      code.get(kept[half]);
      x.values.push(condition);
      code.op(OP.select);
    }
    x.setSt(0, x.take());
  },
);

// Control

const storeWord =
  (word: (x: X87Stack) => Value): Emit =>
  (x, i) => {
    if (i.dst.kind === KIND.r16) x.setRegisterPart(EAX, 2, word(x));
    else {
      const at = x.operandPlace(i, 2, true);
      const value = word(x);
      x.values.push(at);
      x.values.push(value);
      x.code.memory(OP.store16, 0);
    }
  };

const loadControl: Emit = (x, i) => {
  const { code, values } = x;
  const at = x.operandPlace(i, 2, false);
  values.push(at);
  code.memory(OP.load16u, 0);
  const word = values.pop(16);
  const unmasked = values.xor(values.and(word, known(S.EXCEPTIONS)), known(S.EXCEPTIONS));
  // One by which an exception becomes pending, or for which this code is not made, is the executor's.
  x.leaveUnlessZero(x.canStop ? values.and(unmasked, x.status()) : unmasked);
  code.constant(0);
  values.push(values.or(values.and(word, known(0x1f3f)), known(0x40)));
  code.memory(OP.store32, S.W_CONTROL << 2);
};

const control = (x: X87Stack): Value => {
  x.code.constant(0);
  x.code.memory(OP.load32, S.W_CONTROL << 2);
  return x.values.pop(16);
};

/** What is not here is called out. */
const TRANSLATIONS: Readonly<Partial<Record<X87Operation, Translation>>> = {
  fadd: binary('add', ADD, false, 0),
  fsub: binary('add', SUBTRACT, false, 0),
  fsubr: binary('add', SUBTRACT, true, 0),
  fmul: binary('multiply', null, false, 0),
  fdiv: binary('divide', null, false, 0),
  fdivr: binary('divide', null, true, 0),
  faddp: binary('add', ADD, false, 1),
  fsubp: binary('add', SUBTRACT, false, 1),
  fsubrp: binary('add', SUBTRACT, true, 1),
  fmulp: binary('multiply', null, false, 1),
  fdivp: binary('divide', null, false, 1),
  fdivrp: binary('divide', null, true, 1),
  fiadd: binary('add', ADD, false, 0),
  fisub: binary('add', SUBTRACT, false, 0),
  fisubr: binary('add', SUBTRACT, true, 0),
  fimul: binary('multiply', null, false, 0),
  fidiv: binary('divide', null, false, 0),
  fidivr: binary('divide', null, true, 0),
  fcom: comparison(false, 0, false),
  fcomp: comparison(false, 1, false),
  fcompp: comparison(false, 2, false),
  fucom: comparison(true, 0, false),
  fucomp: comparison(true, 1, false),
  fucompp: comparison(true, 2, false),
  ficom: comparison(false, 0, false),
  ficomp: comparison(false, 1, false),
  fcomi: comparison(false, 0, true),
  fcomip: comparison(false, 1, true),
  fucomi: comparison(true, 0, true),
  fucomip: comparison(true, 1, true),
  ftst: onTop(x => compare(x, known64(x, 0n, 0), false, false)),
  fxam: onTop(x => {
    const { m, e } = x.st(0);
    const shown = x.call('always', c => {
      c.constant(hardNumber('examine'));
      c.get(m);
      c.get(e);
    });
    x.publish(shown.e);
  }),
  fld: load,
  fild: load,
  fst: store(0),
  fstp: store(1),
  fist: store(0),
  fistp: store(1),
  fisttp: onTop((x, i) => {
    writeMemory(x, i, true);
    x.popSt();
  }),
  fxch: exchange,
  fcmov: move,
  fld1: constant(1n << 63n, 0x3fff),
  fldz: constant(0n, 0),
  fldl2t: rounded('fldl2t'),
  fldl2e: rounded('fldl2e'),
  fldpi: rounded('fldpi'),
  fldlg2: rounded('fldlg2'),
  fldln2: rounded('fldln2'),
  fchs: changingSign(OP.xor, 0x8000),
  fabs: changingSign(OP.and, 0x7fff),
  fsqrt: unary('root'),
  frndint: unary('roundToInteger'),
  ffree: translation(
    () => NONE,
    (x, i) => {
      x.clearC1();
      x.free(i.dst.register);
    },
  ),
  fincstp: translation(
    () => NONE,
    x => {
      x.clearC1();
      x.moveTop(1);
    },
  ),
  fdecstp: translation(
    () => NONE,
    x => {
      x.clearC1();
      x.moveTop(-1);
    },
  ),
  fnop: translation(
    () => NONE,
    () => {},
  ),
  fnclex: controlling(x => x.clearStatus(S.EXCEPTIONS | S.SW.stackFault | S.SW.summary | S.SW.busy)),
  fldcw: controlling(loadControl),
  fnstcw: controlling(storeWord(control)),
  fnstsw: controlling(storeWord(x => x.status())),
  fwait: controlling(() => {}),
};

const BY_NAME: ReadonlyMap<string, Translation> = new Map(Object.entries(TRANSLATIONS));

/** Translates x87 instructions where that can be done. */
export class X87Instructions extends X87Stack {
  /** Returns false for what has to be called out. `left` counts the instruction and those of its block that follow. */
  translateX87(i: Instruction, offset: number, left: number): boolean {
    const found = BY_NAME.get(i.row.operation);
    if (found === undefined || mayWrap(i)) return false;
    const full = found.full(i);
    if (!this.mayBe(full, found.empty)) return false;
    this.beginInstruction(offset, i.length, left);
    this.beginX87(full, found.empty);
    found.emit(this, i);
    this.endX87(i, offset, found.shows);
    this.endInstruction({ kind: 'next' });
    return true;
  }
}
