import { KIND } from '../instruction.ts';
import type { Semantics } from '../ops.ts';
import { EBP, ESP, SS } from '../registers.ts';

/** Stack instructions (SDM volume 1, 7.3.1.5). PUSH ESP pushes the value before the push. */

export const push: Semantics = (o, i) => o.push(i.operandSize, o.read(i, i.dst));

/**
 * POP to memory computes its address after ESP was incremented (SDM volume 2, POP); a fault of the store takes the
 * increment back.
 */
export const pop: Semantics = (o, i) => {
  const size = i.operandSize;
  if (i.dst.kind !== KIND.m16 && i.dst.kind !== KIND.m32) {
    o.write(i, i.dst, o.pop(size));
    return;
  }
  const before = o.stackPointer();
  const value = o.load(SS, before, size);
  const after = o.add(before, o.constant(size));
  const based = i.memory.base === ESP;
  const offset = based ? o.zeroExtend(o.add(o.offset(i), o.constant(size)), i.addressSize) : o.offset(i);
  o.store(i.memory.segment, offset, size, value);
  o.setStackPointer(after);
};

/** All eight stores are checked before the first is made. */
export const pusha: Semantics = (o, i) => {
  const size = i.operandSize;
  const before = o.stackPointer();
  const at = (n: number) => o.wrapStack(o.sub(before, o.constant(n * size)));
  for (let n = 1; n <= 8; n++) o.probeStore(SS, at(n), size);
  for (let n = 1; n <= 8; n++) o.store(SS, at(n), size, o.registerPart(n - 1, size));
  o.setStackPointer(at(8));
};

/** The value that was pushed for (E)SP is skipped. All loads come before the first register changes. */
export const popa: Semantics = (o, i) => {
  const size = i.operandSize;
  const before = o.stackPointer();
  const at = (n: number) => o.wrapStack(o.add(before, o.constant(n * size)));
  const values = [7, 6, 5, 4, 3, 2, 1, 0].map((_, n) => o.load(SS, at(n), size));
  values.forEach((value, n) => {
    if (7 - n !== ESP) o.setRegisterPart(7 - n, size, value);
  });
  o.setStackPointer(at(8));
};

export const leave: Semantics = (o, i) => {
  const frame = o.wrapStack(o.register(EBP));
  const value = o.load(SS, frame, i.operandSize);
  o.setRegisterPart(EBP, i.operandSize, value);
  o.setStackPointer(o.add(frame, o.constant(i.operandSize)));
};
