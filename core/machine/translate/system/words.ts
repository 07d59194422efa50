import { FLAG, STATUS_FLAGS } from '../../../ia32/flags.ts';
import { CR0, CS, SS } from '../../../ia32/registers.ts';
import { KEY_CPL, KEY_USE, MEMO_MIX, MEMO_SHIFT, type Use } from '../../cpu/descriptor-memo.ts';
import * as L from '../../cpu/layout.ts';
import { ATTRIBUTE } from '../../cpu/state.ts';
import { LOGGED } from '../../cpu/transfer-log.ts';
import { type FunctionBody, I32 } from '../code.ts';
import * as w from '../words.ts';
import { get, type Part, set, word } from '../words.ts';

/** What the short ways have in common: the processor's words in memory, the TLB, the memo of descriptors. */

export const state = (at: number): Part => w.load(word(0), at << 2);
export const put = (at: number, value: Part): Part => w.store(word(0), at << 2, value);

/** Word of a segment register. */
export const segment = (index: number, s: number): number => L.W_SEGMENTS + index * L.SEGMENT_WORDS + s;

/** First words of the TLB's tables for accesses of the system's own. */
export const SYSTEM_READS = word(L.W_TLB);
export const SYSTEM_WRITES = word(L.W_TLB_WRITE);

/** It cannot be done here, and nothing has changed: the executor does it. */
const REFUSED: readonly Part[] = [w.give(word(0))];
export const refuseIf = (condition: Part): Part => w.when(condition, REFUSED);
export const refuseUnless = (condition: Part): Part => refuseIf(w.isZero(condition));

/** Puts the place in memory of `size` bytes at a linear address into a local; refuses where the TLB does not say, or a page ends between them. */
export function reach(locals: w.Locals, into: number, linear: Part, size: Part, table: Part): readonly Part[] {
  const entry = locals.word();
  const isBeyond = w.gtU(w.and(w.or(get(into), get(entry)), word(0xfff)), w.sub(word(4096), size));
  return [
    set(into, linear),
    set(entry, w.load(w.shl(w.add(w.shr(get(into), word(12)), table), word(2)))),
    // The last byte of a page fits also where there is no entry.
    refuseIf(w.or(isBeyond, w.and(get(entry), word(1)))),
    set(into, w.add(get(into), get(entry))),
  ];
}

/**
 * Refuses outside of protected mode, and where something has to be looked at behind the instruction or a change of the privilege level means more than
 * usual.
 */
export const refuseUnlessCalm: Part = refuseIf(
  [
    w.and(state(L.W_EFLAGS), word(FLAG.VM)),
    state(L.W_ALIGNMENT),
    state(L.W_INTERRUPT),
    state(L.W_SHADOW),
    w.and(state(L.W_VMX_WATCH), word(~L.WATCH_TIMER)),
  ].reduce((all, one) => w.or(all, one), w.isZero(w.and(state(L.W_CR0), word(CR0.PE)))),
);

/** Index of find() in the kernel, behind its imports. */
export const [STATUS_FLAGS_OF, TELL, READ_TIME, FIND] = [0, 1, 2, 3];

/**
 * The place of what is noted under a key (descriptor-memo.ts), 0 if that is not what the descriptor table has now: only then something could differ from
 * what was found when it was noted.
 */
export function find(): FunctionBody {
  return w.makeFunction([I32], [I32], locals => {
    const key = 0;
    const [place, address] = [locals.word(), locals.word()];
    return [
      set(place, w.shl(w.shr(w.mul(get(key), word(MEMO_MIX)), word(MEMO_SHIFT)), word(5))),
      refuseIf(w.differs(w.load(get(place), L.MEMO + 4 * L.M_KEY), get(key))),
      set(address, w.and(get(key), word(0xfff8))),
      refuseIf(w.gtU(w.add(get(address), word(7)), state(L.W_GDTR_LIMIT))),
      ...reach(locals, address, w.add(get(address), state(L.W_GDTR_BASE)), word(8), SYSTEM_READS),
      refuseIf(w.differs64(w.load64(get(address)), w.load64(get(place), L.MEMO + 4 * L.M_LOW))),
      w.give(w.add(get(place), word(L.MEMO))),
    ];
  });
}

/** Looks up what is noted of a selector for a use at a CPL; refuses without it. */
export function lookUp(into: number, use: Use, cpl: Part, selector: Part): readonly Part[] {
  const key = w.or(w.or(word(use << KEY_USE), w.shl(cpl, word(KEY_CPL))), selector);
  return [set(into, w.call(FIND, key)), refuseUnless(get(into))];
}

/** A word of what is noted, S_BASE to S_PLAIN. */
export const noted = (place: number, s: number): Part => w.load(get(place), 4 * (L.M_HIDDEN + s - L.S_BASE));

/** Gives a segment register, whose byte offset in the memory is on hand, the selector and all that is noted. */
export function take(at: Part, selector: Part, place: number): readonly Part[] {
  const from = 4 * L.M_HIDDEN;
  return [
    w.store(at, 4 * L.S_SELECTOR, selector),
    w.store64(at, 4 * L.S_BASE, w.load64(get(place), from)),
    w.store64(at, 4 * L.S_ATTRIBUTES, w.load64(get(place), from + 8)),
    w.store(at, 4 * L.S_PLAIN, w.load(get(place), from + 16)),
  ];
}
export const placeOf = (index: number): Part => word(segment(index, 0) << 2);

/** Refuses if code there would be looked for elsewhere than now: another base, limit or width. */
export function refuseUnlessSameCode(place: number): Part {
  const differs = (s: number) => w.xor(noted(place, s), state(segment(CS, s)));
  return refuseIf(
    w.or(
      w.or(differs(L.S_BASE), differs(L.S_LIMIT)),
      w.or(differs(L.S_CHECKED), w.and(differs(L.S_ATTRIBUTES), word(ATTRIBUTE.big))),
    ),
  );
}

/** Refuses unless the stack is flat and 32 bits wide. */
export const refuseUnlessFlatStack: Part = refuseIf(
  w.or(state(segment(SS, L.S_CHECKED)), w.xor(state(L.W_STACK_MASK), word(-1))),
);
/** The same for one that is noted. */
export function refuseUnlessFlat(place: number): Part {
  const isNarrow = w.isZero(w.and(noted(place, L.S_ATTRIBUTES), word(ATTRIBUTE.big)));
  return refuseIf(w.or(noted(place, L.S_CHECKED), isNarrow));
}

/** All of EFLAGS, as Executor.eflags(). */
export const eflags: Part = w.or(
  w.and(state(L.W_EFLAGS), word(~STATUS_FLAGS)),
  w.or(
    w.call(
      STATUS_FLAGS_OF,
      ...[L.W_FLAGS_KIND, L.W_FLAGS_SIZE, L.W_FLAGS_A, L.W_FLAGS_B, L.W_FLAGS_R, L.W_EFLAGS].map(state),
    ),
    word(FLAG.ONE),
  ),
);

export const setEflags = (value: Part): readonly Part[] => [
  put(L.W_EFLAGS, w.or(w.and(value, word(0x3f7fd5)), word(FLAG.ONE))),
  put(L.W_FLAGS_KIND, word(L.LAZY_NONE)),
];

/** As State.setCpl(), for what changes between rings 0 and 3. */
export function setCpl(cpl: 0 | 3): readonly Part[] {
  const user = cpl === 3 ? L.USER_TABLES : 0;
  const premises = w.and(state(L.W_PREMISES), word(~L.PREMISE.user));
  return [
    put(L.W_CPL, word(cpl)),
    put(L.W_READ_TABLE, word(L.W_TLB + user)),
    put(L.W_WRITE_TABLE, word(L.W_TLB_WRITE + user)),
    put(L.W_EXECUTE_TABLE, word(L.W_TLB_EXECUTE + user)),
    put(L.W_PREMISES, cpl === 3 ? w.or(premises, word(L.PREMISE.user)) : premises),
    put(L.W_LINK_KEY, w.or(w.and(state(L.W_LINK_KEY), word(~3)), word(cpl))),
  ];
}

const paid = put(L.W_BUDGET, w.sub(state(L.W_BUDGET), word(1)));
const ask = (tell: readonly Part[]): readonly Part[] => [paid, w.when(state(L.W_PROBED), tell), w.give(word(1))];

/** An interrupt is done: a step was taken, and who looks is told (kernel.ts). */
export const delivered = (vector: Part): readonly Part[] => ask([w.call(TELL, vector)]);

/** Numbers that TELL has for transfers, in the order of LOGGED; below are those of vectors. */
export const FIRST_TRANSFER = 256;

/** The same of a transfer to a CPL, which may be told later. */
export function transferred(by: (typeof LOGGED)[number], cpl: Part): readonly Part[] {
  const number = LOGGED.indexOf(by);
  const logged = state(L.W_LOGGED);
  const at = w.shl(logged, word(Math.log2(4 * L.LOG_WORDS)));
  const linear = w.add(state(segment(CS, L.S_BASE)), state(L.W_EIP));
  const left = w.add(state(L.W_RESERVE), state(L.W_BUDGET));
  const log = [word(number), cpl, linear, left].map((part, n) => w.store(at, L.LOG + 4 * n, part));
  const mayLog = w.and(w.equal(state(L.W_PROBED), word(L.TOLD_LATER)), w.ltU(logged, word(L.LOG_ENTRIES)));
  return ask([
    w.when(mayLog, [...log, put(L.W_LOGGED, w.add(logged, word(1)))], [w.call(TELL, word(FIRST_TRANSFER + number))]),
  ]);
}
