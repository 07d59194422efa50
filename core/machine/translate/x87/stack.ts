import type { Instruction } from '../../../ia32/instruction.ts';
import * as L from '../../cpu/layout.ts';
import * as S from '../../cpu/x87/state.ts';
import { type Code, OP } from '../code.ts';
import type { Value } from '../values.ts';
import { STATUS_SHIFT } from './hard.ts';
import type { KernelName } from './kernel.ts';
import { type Pair, X87Run } from './run.ts';

/** What an x87 instruction does to registers, tags and status word, mostly only to what is known of them. */
export class X87Stack extends X87Run {
  /** The number that a function of the kernel's makes of what `push` puts on the stack. */
  call(name: KernelName, push: (code: Code) => void): Pair {
    push(this.code);
    this.callKernel(name);
    return this.take();
  }

  /** The number on the stack. */
  take(): Pair {
    const e = this.freshWord();
    this.code.set(e);
    const m = this.freshWide();
    this.code.set(m);
    return { m, e };
  }

  /** A word that a function of the kernel's makes. */
  callForWord(name: KernelName, push: (code: Code) => void): number {
    push(this.code);
    this.callKernel(name);
    const word = this.freshWord();
    this.code.set(word);
    return word;
  }

  // Registers

  #place(index: number): number {
    return (this.current.top + index) & 7;
  }

  /** ST(index). */
  st(index: number): Pair {
    const run = this.current;
    const place = this.#place(index);
    const known = run.pairs[place];
    if (known !== null) return known;
    const { code } = this;
    const pair = { m: this.freshWide(), e: this.freshWord() };
    this.pushAddress(place);
    code.tee(pair.e);
    code.memory(OP.load64, L.W_X87_REGISTERS << 2);
    code.set(pair.m);
    code.get(pair.e);
    code.memory(OP.load16u, (L.W_X87_REGISTERS << 2) + 8);
    code.set(pair.e);
    run.pairs[place] = pair;
    return pair;
  }

  /** ST(index) := a number. */
  setSt(index: number, pair: Pair): void {
    const run = this.current;
    const place = this.#place(index);
    const bit = 1 << place;
    run.pairs[place] = pair;
    run.dirty |= bit;
    if ((run.full & bit) !== 0) return;
    run.full |= bit;
    run.empty &= ~bit;
    run.filled |= bit;
    run.emptied &= ~bit;
  }

  free(index: number): void {
    const run = this.current;
    const bit = 1 << this.#place(index);
    run.empty |= bit;
    run.full &= ~bit;
    run.emptied |= bit;
    run.filled &= ~bit;
  }

  moveTop(by: number): void {
    const run = this.current;
    run.top = (run.top + by) & 7;
  }

  pushSt(pair: Pair): void {
    this.moveTop(-1);
    this.setSt(0, pair);
  }

  popSt(): void {
    this.free(0);
    this.moveTop(1);
  }

  // The status word

  /**
   * Clears bits of the status word, and sets those that a word of the kernel's has for it. C1 is among the cleared. Leaves at an unmasked exception:
   * nothing may have changed yet.
   */
  #report(cleared: number, word: number): void {
    const run = this.current;
    const { code } = this;
    if (this.canStop) {
      code.get(word);
      code.constant(STATUS_SHIFT);
      code.op(OP.shrU);
      this.pushUnmasked();
      code.op(OP.and);
      this.leaveIf();
    }
    code.get(this.statusLocal);
    if (!run.isC1Clear || cleared !== S.SW.c1) {
      code.constant(~cleared);
      code.op(OP.and);
    }
    code.get(word);
    code.constant(STATUS_SHIFT);
    code.op(OP.shrU);
    code.op(OP.or);
    code.set(this.statusLocal);
    run.hasStatus = true;
    run.isC1Clear = false;
  }

  /** Exceptions and C1 of a result. */
  conclude({ e }: Pair): void {
    this.#report(S.SW.c1, e);
  }

  concludeWord(word: number): void {
    this.#report(S.SW.c1, word);
  }

  /** Also the other condition codes. */
  publish(word: number): void {
    this.#report(S.CONDITIONS, word);
  }

  clearStatus(bits: number): void {
    const run = this.current;
    if (bits === S.SW.c1 && run.isC1Clear) return;
    const { code } = this;
    code.get(this.statusLocal);
    code.constant(~bits);
    code.op(OP.and);
    code.set(this.statusLocal);
    run.hasStatus = true;
    if ((bits & S.SW.c1) !== 0) run.isC1Clear = true;
  }

  clearC1(): void {
    this.clearStatus(S.SW.c1);
  }

  // Memory

  /** Where the memory operand lies. Leaves where that is not known: nothing may have changed yet. */
  operandPlace(i: Instruction, size: number, write: boolean): Value {
    const offset = this.offset(i);
    this.data = offset;
    return this.place(i.memory.segment, offset, size, write);
  }

  /** Leaves if a value is not 0: nothing may have changed yet. */
  leaveUnlessZero(value: Value): void {
    this.values.push(value);
    this.leaveIf();
  }
}
