import { FLAG, STATUS_FLAGS } from '../../ia32/flags.ts';
import * as L from '../cpu/layout.ts';
import { OP } from './code.ts';
import { isIn, known, type Value, type Values } from './values.ts';

/**
 * What is known of the status flags where code is being made: how they follow from values, as the executor's lazy flags do (cpu/layout.ts, LAZY_), but
 * nothing is computed before somebody asks, and nothing is in memory.
 */
export type Flags =
  /** They are in the function's locals (FLAG_LOCAL), of whatever kind: known only when the code runs. */
  | { readonly kind: 'stored' }
  /** `r` = a + b or a - b; with a carry in if `chained`. */
  | {
      readonly kind: 'add' | 'sub';
      readonly size: number;
      readonly a: Value;
      readonly b: Value;
      readonly r: Value;
      readonly chained: boolean;
    }
  | { readonly kind: 'logic'; readonly size: number; readonly r: Value }
  /** CF as `before` has it, which mostly nobody asks for; null: it is in its place in the local of EFLAGS. */
  | {
      readonly kind: 'increment' | 'decrement';
      readonly size: number;
      readonly r: Value;
      readonly before: Flags | null;
    }
  | {
      readonly kind: 'result';
      readonly size: number;
      readonly r: Value;
      readonly carry: Value | null;
      readonly overflow: Value | null;
    }
  /** As one of two, if the condition holds, or as the other. */
  | { readonly kind: 'either'; readonly condition: Value; readonly one: Flags; readonly other: Flags }
  /** All six in their places. */
  | { readonly kind: 'all'; readonly flags: Value }
  /** Some replaced, the others as in `rest`. */
  | {
      readonly kind: 'partly';
      readonly rest: Flags;
      readonly carry: Value | null;
      readonly overflow: Value | null;
      readonly zero: Value | null;
    };

/** Locals of the stored flags: EFLAGS, and the words from W_FLAGS_KIND on. */
export const FLAG_LOCAL = { eflags: 8, kind: 9, size: 10, a: 11, b: 12, r: 13 } as const;

/** Indexes of the functions that look at stored flags (runtime.ts): kind, size, a, b, r, EFLAGS to 0 or 1, or to all six. */
export const HELPER = { carry: 0, overflow: 1, statusFlags: 2 } as const;
export type Helper = keyof typeof HELPER;

export const STORED: Flags = { kind: 'stored' };

/** Locals that they need. */
export function localsOf(flags: Flags): readonly Value[] {
  switch (flags.kind) {
    case 'stored':
      return [];
    case 'add':
    case 'sub':
      return [flags.a, flags.b, flags.r];
    case 'logic':
      return [flags.r];
    case 'increment':
    case 'decrement':
      return flags.before === null ? [flags.r] : [flags.r, ...localsOf(flags.before)];
    case 'result':
      return [flags.r, flags.carry, flags.overflow].filter(value => value !== null);
    case 'either':
      return [flags.condition, ...localsOf(flags.one), ...localsOf(flags.other)];
    case 'all':
      return [flags.flags];
    case 'partly':
      return [flags.carry, flags.overflow, flags.zero, ...localsOf(flags.rest)].filter(value => value !== null);
  }
}

/** Has the next sweep leave alone what they need. */
export function keepFlags(o: Values, flags: Flags): void {
  switch (flags.kind) {
    case 'stored':
      return;
    case 'add':
    case 'sub':
      o.keep(flags.a.local);
      o.keep(flags.b.local);
      o.keep(flags.r.local);
      return;
    case 'logic':
      o.keep(flags.r.local);
      return;
    default:
      for (const { local } of localsOf(flags)) o.keep(local);
  }
}

/** The right one of what is asked of two. */
function selected(
  o: Values,
  { condition, one, other }: Extract<Flags, { kind: 'either' }>,
  ask: (o: Values, flags: Flags) => Value,
): Value {
  return o.select(condition, ask(o, one), ask(o, other));
}

function help(o: Values, helper: Helper): Value {
  const { code } = o;
  for (const name of ['kind', 'size', 'a', 'b', 'r', 'eflags'] as const) code.get(FLAG_LOCAL[name]);
  code.call(HELPER[helper]);
  return o.pop(helper === 'statusFlags' ? 12 : 1);
}

function top(o: Values, value: Value, size: number): Value {
  return o.and(o.shr(value, known(8 * size - 1)), known(1));
}

/** A flag in the local of EFLAGS. */
function inEflags(o: Values, bit: number): Value {
  return o.and(o.shr(o.of(FLAG_LOCAL.eflags), known(bit)), known(1));
}

export function carryOf(o: Values, flags: Flags): Value {
  switch (flags.kind) {
    case 'stored':
      return help(o, 'carry');
    case 'add': {
      const { size, a, b, r, chained } = flags;
      if (!chained) return o.compare(OP.ltU, r, a);
      return top(o, o.or(o.and(a, b), o.and(o.or(a, b), o.xor(r, known(-1)))), size);
    }
    case 'sub': {
      const { size, a, b, r, chained } = flags;
      if (!chained) return o.compare(OP.ltU, a, b);
      const differ = o.xor(a, b);
      return top(o, o.or(o.and(o.xor(a, known(-1)), b), o.and(o.xor(differ, known(-1)), r)), size);
    }
    case 'logic':
      return known(0);
    case 'increment':
    case 'decrement':
      return flags.before === null ? inEflags(o, 0) : carryOf(o, flags.before);
    case 'result':
      return flags.carry ?? inEflags(o, 0);
    case 'either':
      return selected(o, flags, carryOf);
    case 'all':
      return o.and(flags.flags, known(1));
    case 'partly':
      return flags.carry ?? carryOf(o, flags.rest);
  }
}

export function overflowOf(o: Values, flags: Flags): Value {
  switch (flags.kind) {
    case 'stored':
      return help(o, 'overflow');
    case 'add':
      return top(o, o.and(o.xor(flags.a, flags.r), o.xor(flags.b, flags.r)), flags.size);
    case 'sub':
      return top(o, o.and(o.xor(flags.a, flags.b), o.xor(flags.a, flags.r)), flags.size);
    case 'logic':
      return known(0);
    case 'increment':
      return o.compare(OP.eq, flags.r, known(1 << (8 * flags.size - 1)));
    case 'decrement':
      return o.compare(OP.eq, flags.r, known(((1 << (8 * flags.size - 1)) >>> 0) - 1));
    case 'result':
      return flags.overflow ?? inEflags(o, 11);
    case 'either':
      return selected(o, flags, overflowOf);
    case 'all':
      return o.and(o.shr(flags.flags, known(11)), known(1));
    case 'partly':
      return flags.overflow ?? overflowOf(o, flags.rest);
  }
}

function auxiliaryOf(o: Values, flags: Flags): Value {
  switch (flags.kind) {
    case 'stored':
      return o.and(help(o, 'statusFlags'), known(FLAG.AF));
    case 'add':
    case 'sub':
      return o.and(o.xor(o.xor(flags.a, flags.b), flags.r), known(FLAG.AF));
    case 'logic':
    case 'result':
      return known(0);
    case 'increment':
      return o.shl(o.isZero(o.and(flags.r, known(15))), known(4));
    case 'decrement':
      return o.shl(o.compare(OP.eq, o.and(flags.r, known(15)), known(15)), known(4));
    case 'either':
      return selected(o, flags, auxiliaryOf);
    case 'all':
      return o.and(flags.flags, known(FLAG.AF));
    case 'partly':
      return auxiliaryOf(o, flags.rest);
  }
}

function zeroOf(o: Values, flags: Flags): Value {
  switch (flags.kind) {
    case 'stored':
      return o.select(o.of(FLAG_LOCAL.kind), o.isZero(o.of(FLAG_LOCAL.r)), inEflags(o, 6));
    case 'sub':
      return flags.chained ? o.isZero(flags.r) : o.compare(OP.eq, flags.a, flags.b);
    case 'add':
    case 'logic':
    case 'increment':
    case 'decrement':
    case 'result':
      return o.isZero(flags.r);
    case 'either':
      return selected(o, flags, zeroOf);
    case 'all':
      return o.and(o.shr(flags.flags, known(6)), known(1));
    case 'partly':
      return flags.zero ?? zeroOf(o, flags.rest);
  }
}

function signOf(o: Values, flags: Flags): Value {
  switch (flags.kind) {
    case 'stored':
      return o.and(o.shr(help(o, 'statusFlags'), known(7)), known(1));
    case 'add':
    case 'sub':
    case 'logic':
    case 'increment':
    case 'decrement':
    case 'result':
      return top(o, flags.r, flags.size);
    case 'either':
      return selected(o, flags, signOf);
    case 'all':
      return o.and(o.shr(flags.flags, known(7)), known(1));
    case 'partly':
      return signOf(o, flags.rest);
  }
}

function parityOf(o: Values, flags: Flags): Value {
  switch (flags.kind) {
    case 'stored':
      return o.and(o.shr(help(o, 'statusFlags'), known(2)), known(1));
    case 'add':
    case 'sub':
    case 'logic':
    case 'increment':
    case 'decrement':
    case 'result': {
      const ones = o.unary(OP.popcnt, o.and(flags.r, known(0xff)), 4);
      return o.xor(o.and(ones, known(1)), known(1));
    }
    case 'either':
      return selected(o, flags, parityOf);
    case 'all':
      return o.and(o.shr(flags.flags, known(2)), known(1));
    case 'partly':
      return parityOf(o, flags.rest);
  }
}

/** SF and OF differ. */
function lessOf(o: Values, flags: Flags): Value {
  if (flags.kind === 'sub' && !flags.chained) {
    return o.compare(OP.ltS, o.signExtend(flags.a, flags.size), o.signExtend(flags.b, flags.size));
  }
  if (flags.kind === 'logic') return signOf(o, flags);
  return o.xor(signOf(o, flags), overflowOf(o, flags));
}

/** 1 if condition 0 to 15 holds. */
export function conditionOf(o: Values, flags: Flags, code: number): Value {
  const holds = positive(o, flags, code >> 1);
  return (code & 1) === 0 ? holds : o.isZero(holds);
}

function positive(o: Values, flags: Flags, pair: number): Value {
  if (flags.kind === 'either') return selected(o, flags, (_, one) => positive(o, one, pair));
  const isCompare = flags.kind === 'sub' && !flags.chained;
  switch (pair) {
    case 0:
      return overflowOf(o, flags);
    case 1:
      return carryOf(o, flags);
    case 2:
      return zeroOf(o, flags);
    case 3:
      if (isCompare) return o.compare(OP.leU, flags.a, flags.b);
      return o.or(carryOf(o, flags), zeroOf(o, flags));
    case 4:
      return signOf(o, flags);
    case 5:
      return parityOf(o, flags);
    case 6:
      return lessOf(o, flags);
    default:
      if (isCompare) {
        return o.compare(OP.leS, o.signExtend(flags.a, flags.size), o.signExtend(flags.b, flags.size));
      }
      return o.or(lessOf(o, flags), zeroOf(o, flags));
  }
}

/** All six in their places, other bits 0. */
export function statusFlagsOf(o: Values, flags: Flags): Value {
  if (flags.kind === 'stored') return help(o, 'statusFlags');
  if (flags.kind === 'either') return selected(o, flags, statusFlagsOf);
  if (flags.kind === 'all') return o.and(flags.flags, known(STATUS_FLAGS));
  const parts = [
    carryOf(o, flags),
    o.shl(parityOf(o, flags), known(2)),
    auxiliaryOf(o, flags),
    o.shl(zeroOf(o, flags), known(6)),
    o.shl(signOf(o, flags), known(7)),
    o.shl(overflowOf(o, flags), known(11)),
  ];
  return parts.reduce((all, part) => o.or(all, part));
}

const LAZY = {
  add: L.LAZY_ADD,
  sub: L.LAZY_SUB,
  logic: L.LAZY_LOGIC,
  increment: L.LAZY_INCREMENT,
  decrement: L.LAZY_DECREMENT,
  result: L.LAZY_RESULT,
} as const;

/** Kind and size as lazy flags; null: known only when the code runs. */
export function lazyOf(flags: Flags): { readonly kind: number; readonly size: number } | null {
  switch (flags.kind) {
    case 'stored':
      return null;
    case 'either':
    case 'all':
    case 'partly':
      return { kind: L.LAZY_NONE, size: 4 };
    default:
      return { kind: LAZY[flags.kind], size: flags.size };
  }
}

/** Of what kind flags are that lie in the locals. */
export interface Kind {
  readonly kind: number;
  readonly size: number;
  /** A carry may have gone into the sum or difference. */
  readonly chained: boolean;
}

/** Null: known only when the code runs. */
export function kindOf(flags: Flags): Kind | null {
  const lazy = lazyOf(flags);
  return lazy === null ? null : { ...lazy, chained: 'chained' in flags && flags.chained };
}

/** The kind that both are of; null: there is none. */
export function commonKind(one: Kind | null, other: Kind | null): Kind | null {
  if (one === null || other === null || one.kind !== other.kind || one.size !== other.size) return null;
  return { kind: one.kind, size: one.size, chained: one.chained || other.chained };
}

/** Flags of a kind in the locals. */
export function inLocals(o: Values, of: Kind | null): Flags {
  if (of === null) return STORED;
  const { kind, size, chained } = of;
  const [a, b, r] = [FLAG_LOCAL.a, FLAG_LOCAL.b, FLAG_LOCAL.r].map(local => o.of(local));
  switch (kind) {
    case L.LAZY_NONE:
      return { kind: 'all', flags: o.of(FLAG_LOCAL.eflags) };
    case L.LAZY_ADD:
      return { kind: 'add', size, a, b, r, chained };
    case L.LAZY_SUB:
      return { kind: 'sub', size, a, b, r, chained };
    case L.LAZY_LOGIC:
      return { kind: 'logic', size, r };
    case L.LAZY_INCREMENT:
      return { kind: 'increment', size, r, before: null };
    case L.LAZY_DECREMENT:
      return { kind: 'decrement', size, r, before: null };
    default:
      return { kind: 'result', size, r, carry: null, overflow: null };
  }
}

/** Puts kind and size into their locals. */
export function storeKind(o: Values, flags: Flags): void {
  const lazy = lazyOf(flags);
  if (lazy === null) return;
  o.code.constant(lazy.kind);
  o.code.set(FLAG_LOCAL.kind);
  o.code.constant(lazy.size);
  o.code.set(FLAG_LOCAL.size);
}

/** Whether storeOperands() computes something, beside moving values. */
export function mustCompute(flags: Flags): boolean {
  switch (flags.kind) {
    case 'stored':
    case 'add':
    case 'sub':
    case 'logic':
      return false;
    case 'increment':
    case 'decrement':
      return flags.before !== null;
    case 'result':
      return flags.carry !== null || flags.overflow !== null;
    case 'either':
    case 'all':
    case 'partly':
      return true;
  }
}

/** Puts all but kind and size into the locals. Returns the same flags by those locals. */
export function storeOperands(o: Values, flags: Flags): Flags {
  const set = (name: keyof typeof FLAG_LOCAL, value: Value): Value => {
    const local = FLAG_LOCAL[name];
    if (!isIn(value, local)) {
      o.push(value);
      o.code.set(local);
    }
    return o.of(local, value.bits);
  };
  const replace = (mask: number, value: Value) =>
    set('eflags', o.or(o.and(o.of(FLAG_LOCAL.eflags), known(~mask)), value));
  switch (flags.kind) {
    case 'stored':
      return flags;
    case 'either':
    case 'all':
    case 'partly':
      replace(STATUS_FLAGS, statusFlagsOf(o, flags));
      return { kind: 'all', flags: o.of(FLAG_LOCAL.eflags) };
    case 'add':
    case 'sub': {
      const { kind, size, chained } = flags;
      return { kind, size, a: set('a', flags.a), b: set('b', flags.b), r: set('r', flags.r), chained };
    }
    case 'logic':
      return { kind: 'logic', size: flags.size, r: set('r', flags.r) };
    case 'increment':
    case 'decrement':
      if (flags.before !== null) replace(FLAG.CF, carryOf(o, flags.before));
      return { kind: flags.kind, size: flags.size, r: set('r', flags.r), before: null };
    case 'result': {
      const { size, carry, overflow } = flags;
      if (carry !== null || overflow !== null)
        replace(FLAG.CF | FLAG.OF | FLAG.AF, o.or(carryOf(o, flags), o.shl(overflowOf(o, flags), known(11))));
      return { kind: 'result', size, r: set('r', flags.r), carry: null, overflow: null };
    }
  }
}
