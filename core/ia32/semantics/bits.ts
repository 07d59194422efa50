import { type Instruction, KIND } from '../instruction.ts';
import type { Ops, Semantics } from '../ops.ts';

/** Bit tests and scans (SDM volume 1, 7.3.7). Only CF (BT) or ZF (BSF, BSR) is defined. */

/** What happens to the tested bit: `mask` has it set, `word` is the operand. */
type Change = <V>(o: Ops<V>, word: V, mask: V) => V;

/**
 * With a register as bit offset and a memory operand, the offset is a signed bit index that reaches beyond the operand
 * (SDM volume 2, BT); otherwise it is taken modulo the operand size.
 */
function bitTest<V>(o: Ops<V>, i: Instruction, change: Change | null): void {
  const size = i.dst.size;
  const index = o.read(i, i.src);
  const one = o.constant(1);
  const position = o.and(index, o.constant(8 * size - 1));
  const mask = o.shl(one, position);
  const inMemory = i.dst.kind === KIND.m16 || i.dst.kind === KIND.m32;
  if (inMemory && i.src.kind !== KIND.immediate) {
    const { segment } = i.memory;
    const words = o.sar(o.signExtend(index, size), o.constant(size === 4 ? 5 : 4));
    const moved = o.add(o.offset(i), o.mul(words, o.constant(size)));
    const offset = o.zeroExtend(moved, i.addressSize);
    if (change !== null) o.probeStore(segment, offset, size);
    const word = o.load(segment, offset, size);
    if (change !== null) o.store(segment, offset, size, change(o, word, mask));
    o.setCarry(o.and(o.shr(word, position), one));
    return;
  }
  const word = change === null ? o.read(i, i.dst) : o.readForWrite(i, i.dst);
  if (change !== null) o.write(i, i.dst, change(o, word, mask));
  o.setCarry(o.and(o.shr(word, position), one));
}

const set: Change = (o, word, mask) => o.or(word, mask);
const clear: Change = (o, word, mask) => o.and(word, o.xor(mask, o.constant(-1)));
const complement: Change = (o, word, mask) => o.xor(word, mask);

export const bt: Semantics = (o, i) => bitTest(o, i, null);
export const bts: Semantics = (o, i) => bitTest(o, i, set);
export const btr: Semantics = (o, i) => bitTest(o, i, clear);
export const btc: Semantics = (o, i) => bitTest(o, i, complement);

/** A source of 0 sets ZF and leaves the destination alone, as processors do where the manual says undefined. */
export const bsf: Semantics = (o, i) => {
  const a = o.read(i, i.src);
  const lowest = o.and(a, o.sub(o.constant(0), a));
  const index = o.sub(o.constant(31), o.countLeadingZeros(lowest));
  o.when(a, () => o.write(i, i.dst, index));
  o.setZero(o.equal(a, o.constant(0)));
};

export const bsr: Semantics = (o, i) => {
  const a = o.read(i, i.src);
  const index = o.sub(o.constant(31), o.countLeadingZeros(a));
  o.when(a, () => o.write(i, i.dst, index));
  o.setZero(o.equal(a, o.constant(0)));
};
