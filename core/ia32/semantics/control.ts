import type { Instruction } from '../instruction.ts';
import type { Ops, Semantics } from '../ops.ts';
import { ECX } from '../registers.ts';

/** Near control transfers (SDM volume 1, 7.3.8). Far ones are plain functions of the processor. */

export const jmp: Semantics = (o, i) => o.jump(i, o.target(i));

export const jmpIndirect: Semantics = (o, i) => o.jump(i, o.read(i, i.dst));

export const jcc: Semantics = (o, i) => o.branch(i, o.condition(i.condition));

/** The return address is written before the jump; a target beyond the limit takes it back (the jump is checked first). */
export const call: Semantics = (o, i) => {
  const target = o.target(i);
  o.probeJump(i, target);
  o.push(i.operandSize, o.next(i));
  o.jump(i, target);
};

export const callIndirect: Semantics = (o, i) => {
  const target = o.read(i, i.dst);
  o.probeJump(i, target);
  o.push(i.operandSize, o.next(i));
  o.jump(i, target);
};

/** RET and RET imm16. */
export const ret: Semantics = (o, i) => {
  const before = o.stackPointer();
  const target = o.load(2, before, i.operandSize);
  o.jump(i, target);
  o.setStackPointer(o.add(before, o.constant(i.operandSize + i.dst.value)));
};

function countDown<V>(o: Ops<V>, i: Instruction): V {
  return o.zeroExtend(o.sub(o.registerPart(ECX, i.addressSize), o.constant(1)), i.addressSize);
}

/** The counter changes only after the branch, whose target may be beyond the limit. */
function loopIf<V>(o: Ops<V>, i: Instruction, condition: V): void {
  const left = countDown(o, i);
  o.branch(i, o.and(condition, o.lessUnsigned(o.constant(0), left)));
  o.setRegisterPart(ECX, i.addressSize, left);
}

export const loop: Semantics = (o, i) => loopIf(o, i, o.constant(1));
export const loope: Semantics = (o, i) => loopIf(o, i, o.condition(4));
export const loopne: Semantics = (o, i) => loopIf(o, i, o.condition(5));

export const jcxz: Semantics = (o, i) => o.branch(i, o.equal(o.registerPart(ECX, i.addressSize), o.constant(0)));

export const nop: Semantics = () => {};
