import type { Instruction, Operand } from '../../../ia32/instruction.ts';
import { KIND } from '../../../ia32/instruction.ts';
import { FLAG, STATUS_FLAGS } from '../../../ia32/flags.ts';
import * as L from '../../cpu/layout.ts';
import { EMPTY, type FunctionBody, I32, OP } from '../code.ts';
import { Emitter } from '../emitter.ts';
import { carryOf, FLAG_LOCAL, type Flags, type Kind, kindOf, lazyOf, overflowOf, STORED, statusFlagsOf } from '../flags.ts';
import { importIndex } from '../imports.ts';
import type { Premises } from '../premises.ts';
import { known, type Value } from '../values.ts';
import * as R from './record.ts';

/** The record's address, the only parameter. */
const RECORD = 0;

/** Where control goes behind the instruction. */
type Way =
  | { readonly kind: 'next' }
  /** To the offset in CS that its record says. */
  | { readonly kind: 'target' }
  | { readonly kind: 'elsewhere'; readonly offset: Value }
  /** To where EIP says by now, unless something has to be looked at first. */
  | { readonly kind: 'transferred' }
  | { readonly kind: 'branch'; readonly condition: Value };

function isGeneral({ kind }: Operand): boolean {
  return kind === KIND.r32 || kind === KIND.r16 || kind === KIND.r8;
}

/**
 * The third reader of the semantics: makes the function that does all instructions of one shape, which says by its record which registers and numbers
 * an instruction is about. Registers and flags are in memory, and each operation happens there at once, as the executor's.
 */
export class Maker extends Emitter {
  #hasSet = false;
  /** Of what kind the flags in memory are now; null: only the run time knows. */
  #kind: Kind | null;
  #way: Way = { kind: 'next' };
  #target: Value | null = null;
  /** Places of registers that are in locals already. */
  #places = new Map<number, Value>();

  readonly #form: 0 | 1 | 2;
  readonly #onFlags: () => void;

  /** `form`: of the address (shapes.ts); `before`: of what kind the flags are that come in; `onFlags`: that matters. */
  constructor(premises: Premises, form: 0 | 1 | 2, before: Kind | null, onFlags: () => void) {
    super(premises);
    this.#form = form;
    this.#kind = before;
    this.#onFlags = onFlags;
  }

  /** Of what kind the flags are behind the instruction; undefined: as before. */
  get after(): Kind | null | undefined {
    return this.#hasSet ? this.#kind : undefined;
  }

  // The record

  #field(offset: number): Value {
    this.code.get(RECORD);
    this.code.memory(OP.load32, offset);
    return this.values.pop();
  }

  #place(offset: number): Value {
    const found = this.#places.get(offset);
    if (found !== undefined) return found;
    this.code.get(RECORD);
    this.code.memory(OP.load8u, offset);
    const place = this.values.pop(8);
    this.#places.set(offset, place);
    return place;
  }

  #word(word: number): Value {
    this.code.constant(0);
    this.code.memory(OP.load32, word << 2);
    return this.values.pop();
  }

  #setWord(word: number, value: Value): void {
    this.code.constant(0);
    this.values.push(value);
    this.code.memory(OP.store32, word << 2);
  }

  // Registers

  #loadAt(place: Value, size: number): Value {
    this.values.push(place);
    this.code.memory(size === 4 ? OP.load32 : size === 2 ? OP.load16u : OP.load8u, 0);
    return this.values.pop(8 * size);
  }

  #storeAt(place: Value, size: number, value: Value): void {
    this.values.push(place);
    this.values.push(value);
    this.code.memory(size === 4 ? OP.store32 : size === 2 ? OP.store16 : OP.store8, 0);
  }

  override register(register: number): Value {
    return this.#word(L.W_GENERAL + register);
  }

  override setRegister(register: number, value: Value): void {
    this.#setWord(L.W_GENERAL + register, value);
  }

  override registerPart(register: number, size: number): Value {
    return this.#loadAt(known(placeOf(register, size)), size);
  }

  override setRegisterPart(register: number, size: number, value: Value): void {
    this.#storeAt(known(placeOf(register, size)), size, value);
  }

  // Operands

  #fieldOf(i: Instruction, operand: Operand): number | null {
    return operand === i.dst ? R.R_DST : operand === i.src ? R.R_SRC : null;
  }

  override read(i: Instruction, operand: Operand): Value {
    if (operand.kind === KIND.immediate) return this.#field(R.R_IMMEDIATE);
    const field = isGeneral(operand) ? this.#fieldOf(i, operand) : null;
    return field === null ? super.read(i, operand) : this.#loadAt(this.#place(field), operand.size);
  }

  override write(i: Instruction, operand: Operand, value: Value): void {
    const field = isGeneral(operand) ? this.#fieldOf(i, operand) : null;
    if (field === null) super.write(i, operand, value);
    else this.#storeAt(this.#place(field), operand.size, value);
  }

  override offset(i: Instruction): Value {
    const { values, code } = this;
    const { mask } = i.memory;
    let offset = this.#field(R.R_DISPLACEMENT);
    if (this.#form > 0) offset = values.add(offset, this.#loadAt(this.#place(R.R_BASE), 4));
    if (this.#form === 2) {
      values.push(this.#loadAt(this.#place(R.R_INDEX), 4));
      code.get(RECORD);
      code.memory(OP.load8u, R.R_SCALE);
      code.op(OP.shl);
      offset = values.add(offset, values.pop());
    }
    return values.and(offset, known(mask));
  }

  // Flags

  override get flags(): Flags {
    if (!this.#hasSet) this.#onFlags();
    return this.#load(this.#kind);
  }

  override set flags(flags: Flags) {
    this.#store(flags);
    this.#hasSet = true;
    this.#kind = kindOf(flags);
  }

  #local(name: keyof typeof FLAG_LOCAL, word: number): void {
    this.code.constant(0);
    this.code.memory(OP.load32, word << 2);
    this.code.set(FLAG_LOCAL[name]);
  }

  /** Their operands are loaded when they are asked for. */
  #load(kind: Kind | null): Flags {
    if (kind === null) {
      for (const [name, word] of FLAG_WORDS) this.#local(name, word);
      return STORED;
    }
    const word = (at: number) => this.#word(at);
    const operands = {
      get a() {
        return word(L.W_FLAGS_A);
      },
      get b() {
        return word(L.W_FLAGS_B);
      },
      get r() {
        return word(L.W_FLAGS_R);
      },
    };
    const { size, chained } = kind;
    switch (kind.kind) {
      case L.LAZY_ADD:
        return Object.assign(operands, { kind: 'add', size, chained } as const);
      case L.LAZY_SUB:
        return Object.assign(operands, { kind: 'sub', size, chained } as const);
      case L.LAZY_LOGIC:
        return Object.assign(operands, { kind: 'logic', size } as const);
    }
    this.#local('eflags', L.W_EFLAGS);
    switch (kind.kind) {
      case L.LAZY_INCREMENT:
        return Object.assign(operands, { kind: 'increment', size, before: null } as const);
      case L.LAZY_DECREMENT:
        return Object.assign(operands, { kind: 'decrement', size, before: null } as const);
      case L.LAZY_RESULT:
        return Object.assign(operands, { kind: 'result', size, carry: null, overflow: null } as const);
      default:
        return { kind: 'all', flags: this.values.of(FLAG_LOCAL.eflags) };
    }
  }

  #store(flags: Flags): void {
    const { values, code } = this;
    const replace = (mask: number, bits: Value) =>
      this.#setWord(L.W_EFLAGS, values.or(values.and(this.#word(L.W_EFLAGS), known(~mask)), bits));
    switch (flags.kind) {
      case 'stored':
        return;
      case 'all':
      case 'partly':
        replace(STATUS_FLAGS, statusFlagsOf(values, flags));
        break;
      case 'add':
      case 'sub':
        this.#setWord(L.W_FLAGS_A, flags.a);
        this.#setWord(L.W_FLAGS_B, flags.b);
        this.#setWord(L.W_FLAGS_R, flags.r);
        break;
      case 'logic':
        this.#setWord(L.W_FLAGS_R, flags.r);
        break;
      case 'increment':
      case 'decrement':
        if (flags.before !== null) replace(FLAG.CF, carryOf(values, flags.before));
        this.#setWord(L.W_FLAGS_R, flags.r);
        break;
      case 'result':
        replace(
          FLAG.CF | FLAG.OF | FLAG.AF,
          values.or(carryOf(values, flags), values.shl(overflowOf(values, flags), known(11))),
        );
        this.#setWord(L.W_FLAGS_R, flags.r);
    }
    const lazy = lazyOf(flags);
    if (lazy === null) return;
    code.constant(0);
    code.constant64((BigInt(lazy.size) << 32n) | BigInt(lazy.kind));
    code.memory(OP.store64, L.W_FLAGS_KIND << 2);
  }

  protected override eflags(): Value {
    return this.#word(L.W_EFLAGS);
  }

  protected override setEflags(value: Value): void {
    this.#setWord(L.W_EFLAGS, value);
  }

  override when(condition: Value, then: () => void): void {
    if (condition.constant !== null) {
      if (condition.constant !== 0) then();
      return;
    }
    const { windows } = this;
    const [kind, hasSet] = [this.#kind, this.#hasSet];
    const places = new Map(this.#places);
    this.values.push(condition);
    this.open(OP.if, 'when');
    then();
    this.close();
    this.#places = places;
    this.windows = windows;
    if (this.#hasSet && (!hasSet || this.#kind !== kind)) this.#kind = null;
  }

  // Ways out

  protected override leaveHere(): void {
    this.code.constant(R.REFUSED);
    this.code.op(OP.return);
  }

  protected override leaveIf(): void {
    this.code.op(OP.if);
    this.code.byte(EMPTY);
    this.leaveHere();
    this.code.op(OP.end);
  }

  protected override noSteps(): Value {
    return this.values.compare(OP.leS, this.#word(L.W_BUDGET), known(0));
  }

  // Control

  override next(_i: Instruction): Value {
    return this.#field(R.R_NEXT);
  }

  override target(_i: Instruction): Value {
    this.#target ??= this.#field(R.R_TARGET);
    return this.#target;
  }

  #cut(i: Instruction, target: Value): Value {
    return i.operandSize === 2 && target !== this.#target ? this.values.and(target, known(0xffff)) : target;
  }

  #check(target: Value): void {
    if (this.premises.codeLimit === -1) return;
    this.values.push(target);
    this.values.push(this.#word(L.W_CODE_LIMIT));
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
      const isBeyond = values.compare(OP.gtU, this.target(i), this.#word(L.W_CODE_LIMIT));
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
    this.#setWord(L.W_BUDGET, this.values.sub(this.#word(L.W_BUDGET), known(steps)));
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
    this.#setWord(L.W_EIP, this.#field(offset));
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
        this.values.push(this.#word(L.W_ATTEND));
        code.op(OP.if);
        code.byte(EMPTY);
        code.constant(R.GOES_ELSEWHERE);
        code.op(OP.return);
        code.op(OP.end);
        code.constant(0);
        this.#resolve();
        break;
      case 'elsewhere':
        this.#setWord(L.W_EIP, way.offset);
        code.constant(0);
        this.#resolve();
    }
    code.op(OP.unreachable);
    code.op(OP.end);
    return { parameters: [I32], results: [I32], locals: this.values.locals.slice(1), code: code.bytes.slice() };
  }
}

const FLAG_WORDS = [
  ['kind', L.W_FLAGS_KIND],
  ['size', L.W_FLAGS_SIZE],
  ['a', L.W_FLAGS_A],
  ['b', L.W_FLAGS_B],
  ['r', L.W_FLAGS_R],
  ['eflags', L.W_EFLAGS],
] as const;

/** Where a register or its part lies, in bytes. */
export function placeOf(register: number, size: number): number {
  return size === 1 ? ((register & 3) << 2) | (register >> 2) : register << 2;
}
