import { add, sub } from '../extended/add.ts';
import { arctangent } from '../extended/arctangent.ts';
import { compare, compareUnordered, examine } from '../extended/compare.ts';
import { type ConstantName, loadConstant } from '../extended/constants.ts';
import { fromDecimal, toDecimal } from '../extended/decimal.ts';
import { div } from '../extended/divide.ts';
import { exponentialMinusOne } from '../extended/exponential.ts';
import { fromInt32, fromInt64, roundToInteger, toInt32, toInt64 } from '../extended/integer.ts';
import { logarithm, logarithmPlusOne } from '../extended/logarithm.ts';
import { expandFloat32, expandFloat64, fromFloat32, fromFloat64, toFloat32, toFloat64 } from '../extended/memory.ts';
import { mul } from '../extended/multiply.ts';
import { remainder } from '../extended/remainder.ts';
import { extract, scale } from '../extended/scale.ts';
import { sqrt } from '../extended/squareRoot.ts';
import { CONDITION } from '../extended/status.ts';
import { cos, setOne, sin, sinCos, tan } from '../extended/trigonometry.ts';
import {
  Float80,
  type FloatContext,
  FloatFlag,
  type PrecisionControl,
  type RoundingControl,
  Word64,
} from '../float80.ts';
import { type Case, emptyCase, type Form } from './vectors.ts';

/** Runs recorded cases as the x87 unit would, on its stack of two registers, and compares everything. */

/** The registers, memory and flags of one case while it runs. */
interface Unit {
  readonly context: FloatContext;
  st0: Float80;
  st1: Float80;
  readonly memory: Uint8Array;
  /** C0, C2 and C3, and C1 where it is not the direction of rounding. */
  condition: number;
  /** TOP after the instruction; 6 before. */
  top: number;
}
type Run = (u: Unit) => void;

/** Exceptions that stop an instruction before anything changes. */
const STOPS = FloatFlag.invalid | FloatFlag.denormal | FloatFlag.zeroDivide;

function unmasked(u: Unit, flags: number): boolean {
  return (u.context.flags & ~u.context.masks & flags) !== 0;
}
const view = (u: Unit): DataView => new DataView(u.memory.buffer);
const binary =
  (operation: (a: Float80, b: Float80, out: Float80, context: FloatContext) => unknown): Run =>
  u =>
    operation(u.st0, u.st1, u.st0, u.context);

function operand(u: Unit, size: 4 | 8): Float80 {
  const cell = new Float80();
  if (size === 4) expandFloat32(view(u).getUint32(0, true), cell);
  else expandFloat64(view(u).getUint32(4, true), view(u).getUint32(0, true), cell);
  return cell;
}
const withMemory =
  (
    operation: (a: Float80, b: Float80, out: Float80, context: FloatContext) => void,
    size: 4 | 8,
    reverse = false,
  ): Run =>
  u => {
    const m = operand(u, size);
    operation(reverse ? m : u.st0, reverse ? u.st0 : m, u.st0, u.context);
  };

function push(u: Unit, value: Float80): void {
  u.st1 = u.st0;
  u.st0 = value;
  u.top = 5;
}
const load =
  (operation: (u: Unit, out: Float80) => void): Run =>
  u => {
    const cell = new Float80();
    operation(u, cell);
    // A denormal operand is loaded even when its exception is unmasked.
    if (!unmasked(u, FloatFlag.invalid)) push(u, cell);
  };
/** Stores and pops; what an unmasked exception forbids to store, it forbids to pop. */
const store =
  (operation: (u: Unit) => () => void): Run =>
  u => {
    const write = operation(u);
    if (unmasked(u, FloatFlag.invalid | FloatFlag.overflow | FloatFlag.underflow)) return;
    write();
    u.top = 7;
  };
const storeInteger = (bits: 16 | 32): Run =>
  store(u => {
    const value = toInt32(u.st0, bits, u.context);
    return () => (bits === 16 ? view(u).setInt16(0, value, true) : view(u).setInt32(0, value, true));
  });
const storeWord = (operation: (a: Float80, out: Word64, context: FloatContext) => void): Run =>
  store(u => {
    const out = new Word64();
    operation(u.st0, out, u.context);
    return () => {
      view(u).setUint32(4, out.high, true);
      view(u).setUint32(0, out.low, true);
    };
  });
const constant = (name: ConstantName): Run => load((u, out) => loadConstant(name, out, u.context));

function loadTen(u: Unit, cell: Float80): Float80 {
  cell.low = view(u).getUint32(0, true);
  cell.high = view(u).getUint32(4, true);
  cell.signExponent = view(u).getUint16(8, true);
  return cell;
}
function storeTen(u: Unit, cell: Float80): void {
  view(u).setUint32(0, cell.low, true);
  view(u).setUint32(4, cell.high, true);
  view(u).setUint16(8, cell.signExponent, true);
}

const EXACT: Readonly<Record<string, Run>> = {
  fadd: binary(add),
  fsub: binary(sub),
  fmul: binary(mul),
  fdiv: binary(div),
  fsqrt: u => sqrt(u.st0, u.st0, u.context),
  fprem: u => {
    u.condition = Math.max(remainder(u.st0, u.st1, false, u.st0, u.context), 0);
  },
  fprem1: u => {
    u.condition = Math.max(remainder(u.st0, u.st1, true, u.st0, u.context), 0);
  },
  frndint: u => roundToInteger(u.st0, u.st0, u.context),
  fscale: binary(scale),
  fxtract: u => {
    const significand = new Float80();
    extract(u.st0, significand, u.st0, u.context);
    if (!unmasked(u, STOPS)) push(u, significand);
  },
  fcom: u => {
    u.condition = compare(u.st0, u.st1, u.context);
  },
  fucom: u => {
    u.condition = compareUnordered(u.st0, u.st1, u.context);
  },
  fxam: u => {
    u.condition = examine(u.st0);
  },
  fadd32: withMemory(add, 4),
  fadd64: withMemory(add, 8),
  fmul32: withMemory(mul, 4),
  fmul64: withMemory(mul, 8),
  fdiv32: withMemory(div, 4),
  fdiv64: withMemory(div, 8),
  fdivr32: withMemory(div, 4, true),
  fdivr64: withMemory(div, 8, true),
  fcom32: u => {
    u.condition = compare(u.st0, operand(u, 4), u.context);
  },
  fcom64: u => {
    u.condition = compare(u.st0, operand(u, 8), u.context);
  },
  fld32: load((u, out) => fromFloat32(view(u).getUint32(0, true), out, u.context)),
  fld64: load((u, out) => fromFloat64(view(u).getUint32(4, true), view(u).getUint32(0, true), out, u.context)),
  fild16: load((u, out) => fromInt32(view(u).getInt16(0, true), out)),
  fild32: load((u, out) => fromInt32(view(u).getInt32(0, true), out)),
  fild64: load((u, out) => fromInt64(view(u).getUint32(4, true), view(u).getUint32(0, true), out)),
  fbld: load((u, out) => fromDecimal(loadTen(u, new Float80()), out)),
  fstp32: store(u => {
    const bits = toFloat32(u.st0, u.context);
    return () => view(u).setUint32(0, bits, true);
  }),
  fstp64: storeWord(toFloat64),
  fistp16: storeInteger(16),
  fistp32: storeInteger(32),
  fistp64: storeWord(toInt64),
  fbstp: store(u => {
    const out = new Float80();
    toDecimal(u.st0, out, u.context);
    return () => storeTen(u, out);
  }),
  fld1: constant('one'),
  fldl2t: constant('log2Of10'),
  fldl2e: constant('log2OfE'),
  fldpi: constant('pi'),
  fldlg2: constant('log10Of2'),
  fldln2: constant('lnOf2'),
  fldz: constant('zero'),
};

/** An instruction with an argument that may be out of range: then C2 is set. */
const ranged =
  (operation: (u: Unit) => boolean): Run =>
  u => {
    if (!operation(u)) u.condition = CONDITION.C2;
  };
/** The result replaces ST1, and ST0 is popped. */
const popping =
  (operation: (u: Unit) => void): Run =>
  u => {
    operation(u);
    if (unmasked(u, STOPS)) return;
    u.st0 = u.st1;
    u.top = 7;
  };

/** Two processors may differ by one unit in the last place (SDM volume 1, 8.3.10), and so do these from silicon. */
const APPROXIMATE: Readonly<Record<string, Run>> = {
  fsin: ranged(u => sin(u.st0, u.st0, u.context)),
  fcos: ranged(u => cos(u.st0, u.st0, u.context)),
  fsincos: ranged(u => {
    const cosine = new Float80();
    if (!sinCos(u.st0, u.st0, cosine, u.context)) return false;
    if (!unmasked(u, STOPS)) push(u, cosine);
    return true;
  }),
  fptan: ranged(u => {
    const second = new Float80();
    if (!tan(u.st0, u.st0, u.context)) return false;
    setOne(second);
    if ((u.st0.signExponent & 0x7fff) === 0x7fff) second.set(u.st0);
    if (!unmasked(u, STOPS)) push(u, second);
    return true;
  }),
  fpatan: popping(u => arctangent(u.st1, u.st0, u.st1, u.context)),
  f2xm1: u => exponentialMinusOne(u.st0, u.st0, u.context),
  fyl2x: popping(u => logarithm(u.st0, u.st1, u.st1, u.context)),
  fyl2xp1: popping(u => logarithmPlusOne(u.st0, u.st1, u.st1, u.context)),
};

/** Instructions that raise nothing, so that their functions take no context. The others must clear roundedUp themselves. */
const WITHOUT_CONTEXT = new Set(['fxam', 'fild16', 'fild32', 'fild64', 'fbld']);

function statusWord(u: Unit): number {
  const { flags, masks, roundedUp } = u.context;
  const pending = flags & ~masks ? 0x8080 : 0;
  return pending | flags | u.condition | (roundedUp ? CONDITION.C1 : 0) | (u.top << 11);
}

function same(a: Float80, b: Float80): boolean {
  return a.signExponent === b.signExponent && a.high === b.high && a.low === b.low;
}

function inHex(a: Float80): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  return `${hex(a.signExponent, 4)}:${hex(a.high, 8)}${hex(a.low, 8)}`;
}
const bytesInHex = (bytes: Uint8Array): string => [...bytes].map(b => b.toString(16).padStart(2, '0')).join(' ');

/** What a register holds that a form does not record. */
function one(): Float80 {
  const cell = new Float80();
  fromInt32(1, cell);
  return cell;
}

/** The forms that are compared bit by bit; the others may differ by one unit in the last place. */
export function isExact(form: Form): boolean {
  return form.name in EXACT;
}

/** Units in the last place between two numbers of one sign; infinite for others that differ. */
function distance(a: Float80, b: Float80): number {
  if (same(a, b)) return 0;
  const kind = (x: Float80): number => ((x.signExponent & 0x7fff) === 0x7fff ? 2 : x.signExponent >>> 15);
  if (kind(a) !== kind(b) || kind(a) === 2) return Number.POSITIVE_INFINITY;
  const position = (x: Float80): number => (x.signExponent & 0x7fff || 1) * 2 ** 63 + x.high * 2 ** 32 + x.low;
  const rough = position(a) - position(b);
  if (Math.abs(rough) > 2 ** 62) return Math.abs(rough);
  const ordinal = (x: Float80): bigint =>
    (BigInt(x.signExponent & 0x7fff || 1) << 63n) + (BigInt(x.high) << 32n) + BigInt(x.low);
  return Math.abs(Number(ordinal(a) - ordinal(b)));
}

/** Runs all cases of a form and describes up to `limit` that differ from silicon by more than `units` in the last place. */
export function differences(form: Form, units: number, limit = 5): string[] {
  const run = EXACT[form.name] ?? APPROXIMATE[form.name];
  // Where the last place may differ, so may the direction of rounding.
  const compared = units === 0 ? 0xffff : 0xffff & ~CONDITION.C1;
  const found: string[] = [];
  const c: Case = emptyCase();
  for (let index = 0; index < form.count && found.length < limit; index++) {
    form.load(index, c);
    const context: FloatContext = {
      rounding: ((c.controlWord >> 10) & 3) as RoundingControl,
      precision: ((c.controlWord >> 8) & 3) as PrecisionControl,
      masks: c.controlWord & 0x3f,
      flags: 0,
      roundedUp: !WITHOUT_CONTEXT.has(form.name),
    };
    const u: Unit = {
      context,
      st0: form.has('a') ? new Float80().set(c.a) : one(),
      st1: form.has('b') ? new Float80().set(c.b) : one(),
      memory: form.has('memory') ? c.memory.slice() : new Uint8Array(10).fill(0xcc),
      condition: 0,
      top: 6,
    };
    run(u);
    const wrong: string[] = [];
    if ((statusWord(u) ^ c.statusWord) & compared)
      wrong.push(`status ${statusWord(u).toString(16)} not ${c.statusWord.toString(16)}`);
    if (form.has('st0') && distance(u.st0, c.st0) > units) wrong.push(`ST0 ${inHex(u.st0)} not ${inHex(c.st0)}`);
    if (form.has('st1') && distance(u.st1, c.st1) > units) wrong.push(`ST1 ${inHex(u.st1)} not ${inHex(c.st1)}`);
    if (form.has('after') && bytesInHex(u.memory) !== bytesInHex(c.after))
      wrong.push(`memory ${bytesInHex(u.memory)} not ${bytesInHex(c.after)}`);
    if (wrong.length === 0) continue;
    const inputs = [
      form.has('a') ? inHex(c.a) : '',
      form.has('b') ? inHex(c.b) : '',
      form.has('memory') ? bytesInHex(c.memory) : '',
    ];
    found.push(`${form.name} #${index} CW ${c.controlWord.toString(16)} ${inputs.join(' ')}: ${wrong.join(', ')}`);
  }
  return found;
}
