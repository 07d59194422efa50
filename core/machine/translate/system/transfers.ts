import { FLAG, STATUS_FLAGS } from '../../../ia32/flags.ts';
import { CS, DS, ECX, EDX, ES, ESP, FS, GS, SS, TR } from '../../../ia32/registers.ts';
import { USE } from '../../cpu/descriptor-memo.ts';
import * as L from '../../cpu/layout.ts';
import { SYSENTER_CS, SYSENTER_EIP, SYSENTER_ESP } from '../../cpu/msr-numbers.ts';
import { ATTRIBUTE } from '../../cpu/state.ts';
import { type FunctionBody, I32 } from '../code.ts';
import * as w from '../words.ts';
import { get, type Part, set, word } from '../words.ts';
import {
  delivered,
  eflags,
  lookUp,
  noted,
  placeOf,
  put,
  reach,
  refuseIf,
  refuseUnless,
  refuseUnlessCalm,
  refuseUnlessFlat,
  refuseUnlessFlatStack,
  refuseUnlessSameCode,
  SYSTEM_READS,
  SYSTEM_WRITES,
  segment,
  setCpl,
  setEflags,
  state,
  take,
  transferred,
} from './words.ts';

/** Ways between rings 3 and 0 as systems with flat segments of 32 bits go them. cpu/interrupts.ts and cpu/far.ts say what each means. */

/** Present gates of 32 bits for interrupts and traps: SDM volume 3, 6.11. */
const GATE_MASK = 0x9e00;
const GATE = 0x8e00;
const TRAP_GATE = 0x100;

const DPL_MASK = 3 << 5;

/** INT n to ring 0: vector, EIP behind the instruction. */
export function interrupt(): FunctionBody {
  return w.makeFunction([I32, I32], [I32], locals => {
    const [vector, eip] = [0, 1];
    const [at, low, high, cpl, code, selector, stack, bottom, host, bytes, flags, target] = locals.words(12);
    const inner: readonly Part[] = [
      // The task state segment's SS0 and ESP0 (7.2.1), of 32 bits.
      refuseUnless(w.and(state(segment(TR, L.S_ATTRIBUTES)), word(8))),
      refuseIf(w.ltU(state(segment(TR, L.S_LIMIT)), word(9))),
      ...reach(locals, at, w.add(state(segment(TR, L.S_BASE)), word(4)), word(8), SYSTEM_READS),
      set(selector, w.and(w.load(get(at), 4), word(0xffff))),
      ...lookUp(stack, USE.stack, word(0), get(selector)),
      refuseUnlessFlat(stack),
      refuseUnlessFlatStack,
      set(bottom, w.load(get(at))),
      set(bytes, word(20)),
    ];
    return [
      refuseUnlessCalm,
      refuseIf(w.gtU(w.add(w.shl(get(vector), word(3)), word(7)), state(L.W_IDTR_LIMIT))),
      ...reach(locals, at, w.add(state(L.W_IDTR_BASE), w.shl(get(vector), word(3))), word(8), SYSTEM_READS),
      set(low, w.load(get(at))),
      set(high, w.load(get(at), 4)),
      set(cpl, state(L.W_CPL)),
      refuseIf(w.differs(w.and(get(high), word(GATE_MASK)), word(GATE))),
      refuseIf(w.ltU(w.and(w.shr(get(high), word(13)), word(3)), get(cpl))),
      ...lookUp(code, USE.gate, get(cpl), w.shr(get(low), word(16))),
      refuseIf(w.and(noted(code, L.S_ATTRIBUTES), word(DPL_MASK | ATTRIBUTE.conforming))),
      refuseUnlessSameCode(code),
      set(target, w.or(w.and(get(low), word(0xffff)), w.and(get(high), word(~0xffff)))),
      refuseIf(w.gtU(get(target), noted(code, L.S_LIMIT))),
      w.when(get(cpl), inner, [refuseUnlessFlatStack, set(bottom, state(L.W_GENERAL + ESP)), set(bytes, word(12))]),
      set(bottom, w.sub(get(bottom), get(bytes))),
      ...reach(locals, host, get(bottom), get(bytes), SYSTEM_WRITES),
      set(flags, eflags),
      w.store(get(host), 0, get(eip)),
      w.store(get(host), 4, state(segment(CS, L.S_SELECTOR))),
      w.store(get(host), 8, get(flags)),
      w.when(get(cpl), [
        w.store(get(host), 12, state(L.W_GENERAL + ESP)),
        w.store(get(host), 16, state(segment(SS, L.S_SELECTOR))),
        ...take(placeOf(SS), get(selector), stack),
      ]),
      put(L.W_GENERAL + ESP, get(bottom)),
      ...take(placeOf(CS), w.and(w.shr(get(low), word(16)), word(0xfffc)), code),
      ...setCpl(0),
      put(L.W_EIP, get(target)),
      // Interrupt gates clear IF as well (6.12.1.3).
      ...setEflags(
        w.and(
          w.and(get(flags), word(~(FLAG.TF | FLAG.NT | FLAG.RF | FLAG.VM))),
          w.select(word(-1), word(~FLAG.IF), w.and(get(high), word(TRAP_GATE))),
        ),
      ),
      ...delivered(get(vector)),
    ];
  });
}

/** What an IRET here may write: with any other flag it means more. */
const PLAIN_FLAGS = STATUS_FLAGS | FLAG.ONE | FLAG.IF | FLAG.DF | FLAG.IOPL | FLAG.ID;
/** Breakpoints that DR7 enables. */
const DR7_ENABLES = 0xff;

/**
 * RF, which a return from a fault sets, ends with the instruction that is returned to (17.3.1.1): where that has a step and no breakpoint nobody sees
 * it, but for the monitor of a guest that exits there, and who hears of the return at once.
 */
const isResumeSeen: Part = [
  w.and(state(L.W_DR + 7), word(DR7_ENABLES)),
  w.equal(state(L.W_PROBED), word(L.TOLD_AT_ONCE)),
  w.equal(state(L.W_VMX_OPERATION), word(L.VMX_NON_ROOT)),
].reduce((a, b) => w.or(a, b), w.ltS(state(L.W_BUDGET), word(2)));

/** Whether a data segment register keeps what it has in ring 3 (5.8.6): it is not more privileged, or null altogether. */
function refuseIfDropped(index: number, scratch: number): readonly Part[] {
  const attributes = state(segment(index, L.S_ATTRIBUTES));
  const kept = word(ATTRIBUTE.code | ATTRIBUTE.conforming);
  const words = [L.S_SELECTOR, L.S_BASE, L.S_LIMIT].map(s => state(segment(index, s)));
  return [
    set(scratch, attributes),
    w.when(w.differs(w.and(get(scratch), word(DPL_MASK)), word(DPL_MASK)), [
      w.when(w.differs(w.and(get(scratch), kept), kept), [
        refuseIf(words.reduce((all, one) => w.or(all, one), get(scratch))),
      ]),
    ]),
  ];
}

/** IRETD from ring 0 to ring 0 or 3. */
export function interruptReturn(): FunctionBody {
  return w.makeFunction([], [I32], locals => {
    const [host, selector, flags, code, stack, outer, scratch] = locals.words(7);
    return [
      refuseUnlessCalm,
      refuseIf(w.or(w.or(state(L.W_CPL), state(L.W_NMI_BLOCKED)), w.and(state(L.W_EFLAGS), word(FLAG.NT)))),
      refuseUnlessFlatStack,
      ...reach(locals, host, state(L.W_GENERAL + ESP), word(12), SYSTEM_READS),
      set(selector, w.and(w.load(get(host), 4), word(0xffff))),
      set(flags, w.load(get(host), 8)),
      w.when(w.and(get(flags), word(FLAG.RF)), [refuseIf(isResumeSeen), set(flags, w.and(get(flags), word(~FLAG.RF)))]),
      refuseIf(w.and(get(flags), word(~PLAIN_FLAGS))),
      ...lookUp(code, USE.return, word(0), get(selector)),
      refuseUnlessSameCode(code),
      refuseIf(w.gtU(w.load(get(host)), noted(code, L.S_LIMIT))),
      w.when(
        w.and(get(selector), word(3)),
        [
          refuseIf(w.differs(w.and(get(selector), word(3)), word(3))),
          ...reach(locals, scratch, w.add(state(L.W_GENERAL + ESP), word(12)), word(8), SYSTEM_READS),
          refuseIf(w.differs(get(scratch), w.add(get(host), word(12)))),
          set(outer, w.and(w.load(get(host), 16), word(0xffff))),
          ...lookUp(stack, USE.stack, word(3), get(outer)),
          refuseUnlessFlat(stack),
          ...[ES, DS, FS, GS].flatMap(index => refuseIfDropped(index, scratch)),
          put(L.W_GENERAL + ESP, w.load(get(host), 12)),
          ...take(placeOf(SS), get(outer), stack),
          ...setCpl(3),
        ],
        [put(L.W_GENERAL + ESP, w.add(state(L.W_GENERAL + ESP), word(12)))],
      ),
      ...take(placeOf(CS), get(selector), code),
      put(L.W_EIP, w.load(get(host))),
      ...setEflags(get(flags)),
      ...transferred('iret', state(L.W_CPL)),
    ];
  });
}

/** Segment registers as SYSENTER and SYSEXIT set them, beside the selector: flat whatever the tables say. */
const FLAT = { kernelCode: 0xc09b, kernelStack: 0xc093, userCode: 0xc0fb, userStack: 0xc0f3 } as const;

const flatten = (index: number, selector: Part, attributes: number): readonly Part[] => [
  put(segment(index, L.S_SELECTOR), selector),
  put(segment(index, L.S_ATTRIBUTES), word(attributes)),
];

/** Refuses unless CS and SS have base 0, no limit and 32 bits already. */
const refuseUnlessFlatCode: Part = refuseIf(
  w.or(
    w.or(state(segment(CS, L.S_BASE)), w.xor(state(segment(CS, L.S_LIMIT)), word(-1))),
    w.or(
      w.xor(state(segment(CS, L.S_CHECKED)), word(2)),
      w.isZero(w.and(state(segment(CS, L.S_ATTRIBUTES)), word(ATTRIBUTE.big))),
    ),
  ),
);

const msr = (number: number): Part => state(L.W_MSR + number);

/** Takes the selector that both begin with; refuses where more than it would change. */
const begin = (selector: number): readonly Part[] => [
  refuseUnlessCalm,
  set(selector, w.and(msr(SYSENTER_CS), word(0xfffc))),
  refuseUnless(get(selector)),
  refuseUnlessFlatCode,
  refuseUnlessFlatStack,
];

/** SYSENTER (SDM volume 2). */
export function sysenter(): FunctionBody {
  return w.makeFunction([], [I32], locals => {
    const selector = locals.word();
    return [
      ...begin(selector),
      ...setEflags(w.and(eflags, word(~(FLAG.VM | FLAG.IF | FLAG.RF)))),
      ...flatten(CS, get(selector), FLAT.kernelCode),
      ...flatten(SS, w.add(get(selector), word(8)), FLAT.kernelStack),
      ...setCpl(0),
      put(L.W_GENERAL + ESP, msr(SYSENTER_ESP)),
      put(L.W_EIP, msr(SYSENTER_EIP)),
      ...transferred('sysenter', word(0)),
    ];
  });
}

/** SYSEXIT (SDM volume 2). */
export function sysexit(): FunctionBody {
  return w.makeFunction([], [I32], locals => {
    const selector = locals.word();
    return [
      ...begin(selector),
      refuseIf(w.or(state(L.W_CPL), w.and(state(L.W_EFLAGS), word(FLAG.AC)))),
      ...flatten(CS, w.or(w.add(get(selector), word(16)), word(3)), FLAT.userCode),
      ...flatten(SS, w.or(w.add(get(selector), word(24)), word(3)), FLAT.userStack),
      ...setCpl(3),
      put(L.W_GENERAL + ESP, state(L.W_GENERAL + ECX)),
      put(L.W_EIP, state(L.W_GENERAL + EDX)),
      ...transferred('sysexit', word(3)),
    ];
  });
}
