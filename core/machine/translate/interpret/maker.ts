import type { Instruction } from '../../../ia32/instruction.ts';
import * as L from '../../cpu/layout.ts';
import { EMPTY, type FunctionBody, I32, OP } from '../code.ts';
import { importIndex } from '../imports.ts';
import { ADDRESS } from '../locals.ts';
import type { Missed } from '../sites.ts';
import { known, type Value } from '../values.ts';
import * as R from './record.ts';
import { RECORD, Stored } from './stored.ts';

/** Where control goes behind the instruction. */
type Way =
  | { readonly kind: 'next' }
  /** To the offset in CS that its record says. */
  | { readonly kind: 'target' }
  | { readonly kind: 'elsewhere'; readonly offset: Value }
  /** To where EIP says by now, unless something has to be looked at first. */
  | { readonly kind: 'transferred' }
  | { readonly kind: 'branch'; readonly condition: Value };

/**
 * The third reader of the semantics: makes the function that does all instructions of one shape. It takes the address of a record, and gives back where to
 * go on (record.ts). What it cannot do leaves it before anything has changed, as in a region.
 */
export class Maker extends Stored {
  #way: Way = { kind: 'next' };
  #target: Value | null = null;

  // Ways out

  protected override leaveHere(): void {
    this.code.constant(R.REFUSED);
    this.code.op(OP.return);
  }

  protected override leaveIf(missed: Missed | null = null): void {
    this.code.op(OP.if);
    this.code.byte(EMPTY);
    if (missed !== null) {
      this.setWord(L.W_MISSED, this.values.of(ADDRESS));
      this.setWord(L.W_MISSED_ACCESS, known(missed.write ? L.MISSED_WRITE : L.MISSED_READ));
    }
    this.leaveHere();
    this.code.op(OP.end);
  }

  /** It ends its block. */
  protected override steps(): Value {
    return this.word(L.W_BUDGET);
  }

  protected override noSteps(): Value {
    return this.values.compare(OP.leS, this.word(L.W_BUDGET), known(0));
  }

  // Control

  override next(_i: Instruction): Value {
    return this.field(R.R_NEXT);
  }

  override target(_i: Instruction): Value {
    this.#target ??= this.field(R.R_TARGET);
    return this.#target;
  }

  #cut(i: Instruction, target: Value): Value {
    return i.operandSize === 2 && target !== this.#target ? this.values.and(target, known(0xffff)) : target;
  }

  #check(target: Value): void {
    if (this.premises.codeLimit === -1) return;
    this.values.push(target);
    this.values.push(this.word(L.W_CODE_LIMIT));
    this.code.op(OP.gtU);
    this.leaveIf();
  }

  override probeJump(i: Instruction, target: Value): void {
    this.#check(this.#cut(i, target));
  }

  override jump(i: Instruction, target: Value): void {
    const offset = this.#cut(i, target);
    this.#check(offset);
    this.#way = target === this.#target ? { kind: 'target' } : { kind: 'elsewhere', offset };
  }

  override branch(i: Instruction, condition: Value): void {
    if (this.premises.codeLimit !== -1) {
      const { values } = this;
      const isBeyond = values.compare(OP.gtU, this.target(i), this.word(L.W_CODE_LIMIT));
      values.push(values.select(condition, isBeyond, known(0)));
      this.leaveIf();
    }
    this.#way = { kind: 'branch', condition };
  }

  override raise(_vector: number): void {
    this.leaveHere();
  }

  // What is not in the common words

  protected override setInPlace(register: number, value: Value): void {
    this.setRegister(register, value);
  }

  protected override pushPointer(): void {
    this.code.get(RECORD);
    this.code.memory(OP.load64, R.R_POINTER);
  }

  /** An x87 instruction, one of flags, a division, or one with a short way. Returns false if it is none of these. */
  translateOther(i: Instruction): boolean {
    this.canStop = true;
    if (this.translateX87(i, 0, 1)) {
      this.flush();
      return true;
    }
    if (this.translateFlags(i, 0, 1) || this.translateDivision(i, 0, 1)) return true;
    const { code } = this;
    const transfer = this.shortTransfer(i, this.next(i));
    if (transfer !== null) {
      this.#pay(-1);
      transfer();
      code.op(OP.eqz);
      code.op(OP.if);
      code.byte(EMPTY);
      this.#pay(1);
      this.leaveHere();
      code.op(OP.end);
      this.#way = { kind: 'transferred' };
      return true;
    }
    const short = this.shortWay(i);
    if (short === null) return false;
    short.ask();
    code.op(OP.eqz);
    this.leaveIf();
    short.finish();
    return true;
  }

  #pay(steps: number): void {
    this.setWord(L.W_BUDGET, this.values.sub(this.word(L.W_BUDGET), known(steps)));
  }

  // The whole

  /** By a link of the record, or wherever EIP then leads. */
  #follow(offset: number, link: number): void {
    const { code } = this;
    code.get(RECORD);
    code.memory(OP.load32, link);
    code.constant(0);
    code.memory(OP.load32, L.W_LINK_KEY << 2);
    code.op(OP.eq);
    code.op(OP.if);
    code.byte(EMPTY);
    code.get(RECORD);
    code.memory(OP.load32, link + R.LINK_BLOCK);
    code.op(OP.return);
    code.op(OP.end);
    this.setWord(L.W_EIP, this.field(offset));
    code.get(RECORD);
    code.constant(link);
    code.op(OP.add);
    this.#resolve();
  }

  #resolve(): void {
    this.code.call(importIndex('resolve'));
    this.code.op(OP.return);
  }

  /** Leads on to the instruction behind. */
  goOn(): void {
    this.#follow(R.R_NEXT, R.R_NEXT_LINK);
  }

  /** The function around the code so far. */
  whole(): FunctionBody {
    const { code } = this;
    const way = this.#way;
    switch (way.kind) {
      case 'next':
        code.get(RECORD);
        code.constant(R.RECORD_BYTES);
        code.op(OP.add);
        code.op(OP.return);
        break;
      case 'target':
        this.#follow(R.R_TARGET, R.R_LINK);
        break;
      case 'branch':
        this.values.push(way.condition);
        code.op(OP.if);
        code.byte(EMPTY);
        this.#follow(R.R_TARGET, R.R_LINK);
        code.op(OP.end);
        this.#follow(R.R_NEXT, R.R_NEXT_LINK);
        break;
      case 'transferred':
        this.values.push(this.word(L.W_ATTEND));
        code.op(OP.if);
        code.byte(EMPTY);
        code.constant(R.GOES_ELSEWHERE);
        code.op(OP.return);
        code.op(OP.end);
        code.constant(0);
        this.#resolve();
        break;
      case 'elsewhere':
        this.setWord(L.W_EIP, way.offset);
        code.constant(0);
        this.#resolve();
    }
    code.op(OP.unreachable);
    code.op(OP.end);
    return { parameters: [I32], results: [I32], locals: this.values.locals.slice(1), code: code.bytes.slice() };
  }
}
