import { FLAG, STATUS_FLAGS } from '../../../ia32/flags.ts';
import { type Instruction, KIND, type Operand } from '../../../ia32/instruction.ts';
import * as L from '../../cpu/layout.ts';
import { OP } from '../code.ts';
import { Emitter } from '../emitter.ts';
import {
  carryOf,
  FLAG_LOCAL,
  type Flags,
  type Kind,
  kindOf,
  lazyOf,
  overflowOf,
  STORED,
  statusFlagsOf,
} from '../flags.ts';
import type { Premises } from '../premises.ts';
import { known, type Value } from '../values.ts';
import * as R from './record.ts';

/** The record's address, the only parameter. */
export const RECORD = 0;

/** Which registers an address has: none, a base, or an index as well. */
export type AddressForm = 0 | 1 | 2;

export function addressForm({ memory: { base, index } }: Instruction): AddressForm {
  return index < 8 ? 2 : base < 8 ? 1 : 0;
}

function isGeneral({ kind }: Operand): boolean {
  return kind === KIND.r32 || kind === KIND.r16 || kind === KIND.r8;
}

const FLAG_WORDS = [
  ['kind', L.W_FLAGS_KIND],
  ['size', L.W_FLAGS_SIZE],
  ['a', L.W_FLAGS_A],
  ['b', L.W_FLAGS_B],
  ['r', L.W_FLAGS_R],
  ['eflags', L.W_EFLAGS],
] as const;

/**
 * Registers and flags as the interpreter's functions have them: in memory, where each operation happens at once, as the executor's. Which registers and
 * numbers an instruction is about, its record says.
 */
export class Stored extends Emitter {
  readonly #form: AddressForm;
  readonly #onFlags: () => void;
  /** Of what kind the flags in memory are now; null: only the run time knows. */
  #kind: Kind | null;
  #hasSet = false;
  /** Places of registers that are in locals already. */
  #places = new Map<number, Value>();

  /** `before`: of what kind the flags are that come in; `onFlags`: that matters. */
  constructor(premises: Premises, form: AddressForm, before: Kind | null, onFlags: () => void) {
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

  protected field(offset: number): Value {
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

  protected word(word: number): Value {
    this.code.constant(0);
    this.code.memory(OP.load32, word << 2);
    return this.values.pop();
  }

  protected setWord(word: number, value: Value): void {
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
    return this.word(L.W_GENERAL + register);
  }

  override setRegister(register: number, value: Value): void {
    this.setWord(L.W_GENERAL + register, value);
  }

  override registerPart(register: number, size: number): Value {
    return this.#loadAt(known(R.placeOf(register, size)), size);
  }

  override setRegisterPart(register: number, size: number, value: Value): void {
    this.#storeAt(known(R.placeOf(register, size)), size, value);
  }

  // Operands

  #fieldOf(i: Instruction, operand: Operand): number | null {
    return operand === i.dst ? R.R_DST : operand === i.src ? R.R_SRC : null;
  }

  override read(i: Instruction, operand: Operand): Value {
    if (operand.kind === KIND.immediate) return this.field(R.R_IMMEDIATE);
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
    let offset = this.field(R.R_DISPLACEMENT);
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
    const word = (at: number) => this.word(at);
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
      this.setWord(L.W_EFLAGS, values.or(values.and(this.word(L.W_EFLAGS), known(~mask)), bits));
    switch (flags.kind) {
      case 'stored':
        return;
      case 'all':
      case 'partly':
        replace(STATUS_FLAGS, statusFlagsOf(values, flags));
        break;
      case 'add':
      case 'sub':
        this.setWord(L.W_FLAGS_A, flags.a);
        this.setWord(L.W_FLAGS_B, flags.b);
        this.setWord(L.W_FLAGS_R, flags.r);
        break;
      case 'logic':
        this.setWord(L.W_FLAGS_R, flags.r);
        break;
      case 'increment':
      case 'decrement':
        if (flags.before !== null) replace(FLAG.CF, carryOf(values, flags.before));
        this.setWord(L.W_FLAGS_R, flags.r);
        break;
      case 'result':
        replace(
          FLAG.CF | FLAG.OF | FLAG.AF,
          values.or(carryOf(values, flags), values.shl(overflowOf(values, flags), known(11))),
        );
        this.setWord(L.W_FLAGS_R, flags.r);
    }
    const lazy = lazyOf(flags);
    if (lazy === null) return;
    code.constant(0);
    code.constant64((BigInt(lazy.size) << 32n) | BigInt(lazy.kind));
    code.memory(OP.store64, L.W_FLAGS_KIND << 2);
  }

  protected override eflags(): Value {
    return this.word(L.W_EFLAGS);
  }

  protected override setEflags(value: Value): void {
    this.setWord(L.W_EFLAGS, value);
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
}
