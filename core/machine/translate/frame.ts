import { LARGE_ZERO } from '../cpu/large.ts';
import * as L from '../cpu/layout.ts';
import { type Code, EMPTY, OP, type ValueType } from './code.ts';
import { firstPlace, firstPlaceOf } from './code-table.ts';
import { Draft, type Part, type Purpose } from './draft.ts';
import {
  FLAG_LOCAL,
  type Flags,
  inLocals,
  type Kind,
  keepFlags,
  lazyOf,
  localsOf,
  mustCompute,
  STORED,
  storeKind,
  storeOperands,
} from './flags.ts';
import {
  ADDRESS,
  BUDGET,
  EIP,
  EXECUTE,
  FIRST_TEMPORARY,
  GO_ON_AT,
  REGISTERS,
  SITES,
  STATUS,
  transfer,
  W_CODE_BASE,
} from './locals.ts';
import { packed } from './packed.ts';
import type { Premises } from './premises.ts';
import type { Missed, Site } from './sites.ts';
import { isIn, isSame, known, originOf, positiveOf, type Value, Values } from './values.ts';
import type { Window } from './windows.ts';
import * as w from './words.ts';

/** Where control goes after an instruction. */
export type Transfer =
  | { readonly kind: 'next' }
  /** To an offset in CS. */
  | { readonly kind: 'jump'; readonly target: Value }
  | { readonly kind: 'branch'; readonly condition: Value; readonly target: number }
  /** It always leaves: the instruction cannot be finished here. */
  | { readonly kind: 'none' };

/** Registers and flags at a place in the code. */
export interface MachineValues {
  readonly registers: readonly Value[];
  readonly flags: Flags;
  /** Whether all but the kind of the flags is in their locals. */
  readonly isHome: boolean;
  /** What is known of the TLB; the newest last. */
  readonly windows: readonly Window[];
}

/** Index of the function that executes an instruction for translated code, behind the helpers. */
export interface CallOut {
  readonly index: number;
  /** What it is called with. */
  readonly number: number;
  /** The instruction changes neither general registers nor flags. */
  readonly isQuiet: boolean;
}

/** A way to do without the executor what is called out otherwise (system/kernel.ts). */
export interface ShortWay {
  /** Leaves 1 on the stack where all has been done but to the general registers, 0 where nothing has. Registers are in their locals. */
  readonly ask: () => void;
  /** Does what is left, in those locals. */
  readonly finish: () => void;
}

/** A literal: what map() makes is of one hidden class here and of another there, and machine code for the one does not do for the other. */
function forEachRegister(make: (register: number) => Value): Value[] {
  return [make(0), make(1), make(2), make(3), make(4), make(5), make(6), make(7)];
}

/**
 * The function around translated code: registers, flags and budget in its locals, constructs, and the ways out. A way out before an
 * instruction has changed anything leaves that instruction to the executor.
 */
export class Frame {
  readonly #draft = new Draft();
  readonly values = new Values(FIRST_TEMPORARY, this.#draft.code);
  protected readonly premises: Premises;
  protected registers: Value[] = [];
  protected windows: readonly Window[] = [];
  #flags: Flags = STORED;
  #isHome = true;
  /** Whether the instruction in hand has set a register or a flag. */
  #hasChanged = false;
  /** Whether registers and flags in memory are as in the locals. */
  #isStored = false;
  readonly sites: Site[] = [];
  /** Registers that some instruction changes, and those that are asked for. */
  protected readonly written = new Set<number>();
  protected readonly asked = new Set<number>();
  /** Constructs around the code that is being made; the outermost is the one to leave by. */
  protected readonly labels: string[] = [];
  /** Locals that a state kept for later needs. */
  readonly #pinned: (readonly number[])[] = [];
  // The instruction in hand.
  #start = LARGE_ZERO;
  /** Offset in CS behind it. */
  protected end = LARGE_ZERO;
  #left = 0;

  constructor(premises: Premises) {
    this.premises = premises;
    this.settle();
  }

  get code(): Code {
    return this.values.code;
  }

  // State

  /** All is in the locals where join() puts it, the flags of a kind if that is known. */
  settle(kind: Kind | null = null): void {
    this.#isStored = false;
    this.registers = forEachRegister(register => this.values.of(register));
    this.#flags = inLocals(this.values, kind);
    this.#isHome = true;
    this.windows = [];
  }

  get state(): MachineValues {
    return { registers: [...this.registers], flags: this.#flags, isHome: this.#isHome, windows: this.windows };
  }

  set state({ registers, flags, isHome, windows }: MachineValues) {
    this.registers = [...registers];
    this.windows = windows;
    this.#flags = flags;
    this.#isHome = isHome;
    this.#isStored = false;
  }

  get flags(): Flags {
    return this.#flags;
  }

  set flags(flags: Flags) {
    this.#flags = flags;
    this.#isHome = false;
    this.changes();
  }

  /** The instruction in hand sets a register or a flag. */
  protected changes(): void {
    this.#hasChanged = true;
    this.#isStored = false;
  }

  /** EFLAGS, in which the status flags count only as far as the flags say. */
  protected eflags(): Value {
    return this.values.of(FLAG_LOCAL.eflags);
  }

  protected setEflags(value: Value): void {
    this.changes();
    this.values.push(value);
    this.code.set(FLAG_LOCAL.eflags);
  }

  setRegister(register: number, value: Value): void {
    this.written.add(register);
    this.registers[register] = value;
    this.changes();
  }

  /** Of two states that come from the same one, the first if a value is not 0. */
  selectState(condition: Value, one: MachineValues, other: MachineValues): void {
    const registers = forEachRegister(n => {
      const value = one.registers[n];
      return isSame(value, other.registers[n]) ? value : this.values.select(condition, value, other.registers[n]);
    });
    const flags: Flags =
      one.flags === other.flags ? one.flags : { kind: 'either', condition, one: one.flags, other: other.flags };
    this.state = { registers, flags, isHome: flags === one.flags && one.isHome, windows: one.windows };
  }

  /** Keeps the locals of a state and of a value from being used again until unpin(). */
  pin({ registers, flags, windows }: MachineValues, value: Value): void {
    this.hold([...registers, ...packed(windows, ({ host }) => host), ...localsOf(flags), value]);
  }

  /** The same for those of any values. */
  protected hold(values: readonly Value[]): void {
    const locals = packed(values, ({ local }) => local);
    for (const local of locals) this.values.pin(local);
    this.#pinned.push(locals);
  }

  unpin(): void {
    for (const local of this.#pinned.pop() ?? []) this.values.unpin(local);
  }

  /** Everything but the kind of the flags into its local. What was read from a register before must not be asked for any more. */
  #settleOperands(): void {
    if (!this.#isHome) this.#flags = storeOperands(this.values, this.#flags);
    this.#isHome = true;
    const { values, registers } = this;
    // All are read before one is written: a register's value may be in the local of another.
    let moved = 0;
    for (const register of REGISTERS) {
      if (isIn(registers[register], register)) continue;
      values.push(registers[register]);
      moved |= 1 << register;
    }
    for (let register = 7; register >= 0 && moved !== 0; register--) {
      if (((moved >> register) & 1) === 0) continue;
      this.code.set(register);
      const origin = originOf(registers[register]);
      registers[register] = { constant: null, local: register, plus: 0, bits: 32, origin, negated: null };
    }
  }

  /**
   * A register's value may lie in the local of another that has changed since: it is copied before somebody holds on to it, as the next way out
   * moves that other one there.
   */
  protected freshen(register: number): void {
    const value = this.registers[register];
    const { local, plus } = value;
    if (local < 0 || local >= REGISTERS.length || this.#hasChanged) return;
    const isElsewhere = local !== register && !isIn(this.registers[local], local);
    if (isElsewhere || plus !== 0) this.registers[register] = this.values.copied(value);
  }

  /** The flags into their locals, also the kind. */
  protected storeFlags(): void {
    if (!this.#isHome) this.#flags = storeOperands(this.values, this.#flags);
    this.#isHome = true;
    storeKind(this.values, this.#flags);
  }

  #store(): void {
    this.#settleOperands();
    storeKind(this.values, this.#flags);
  }

  /** Puts everything into the locals where code that is reached from several places expects it. */
  join(): void {
    this.#store();
    this.settle();
  }

  // What the code is for

  get purpose(): Purpose {
    return this.#draft.purpose;
  }

  set purpose(purpose: Purpose) {
    this.#draft.purpose = purpose;
  }

  // Constructs

  open(op: typeof OP.block | typeof OP.loop | typeof OP.if, label: string): void {
    this.code.op(op);
    this.code.byte(EMPTY);
    this.labels.push(label);
  }

  /** The constructs that finish() makes around all of the code: behind the inner one go those that have missed an access. */
  enclose(): void {
    this.labels.push('out', 'missed');
  }

  close(): void {
    this.code.op(OP.end);
    this.labels.pop();
  }

  branchTo(label: string, op: typeof OP.br | typeof OP.brIf = OP.br): void {
    this.code.op(op);
    this.code.unsigned(this.labels.length - 1 - this.labels.lastIndexOf(label));
  }

  // Ways out

  /** Leaves to an offset in CS, where what is translated goes on. */
  leaveTo(target: Value): void {
    this.values.push(target);
    this.code.set(EIP);
    this.#store();
    const { codeBase } = this.premises;
    if (target.constant === null) {
      firstPlaceOf(w.add(w.get(EIP), w.word(codeBase)))(this.code);
      this.code.constant(GO_ON_AT);
      this.code.op(OP.or);
    } else this.code.constant(GO_ON_AT | firstPlace((codeBase + target.constant) | 0));
    this.code.set(STATUS);
    this.branchTo('out');
  }

  #pay(steps: number): void {
    const { code } = this;
    code.get(BUDGET);
    code.constant(steps);
    code.op(OP.sub);
    code.set(BUDGET);
  }

  /** So many steps if a value is not 0, or so many if it is. */
  payEither(condition: Value, one: number, other: number): void {
    const { values } = this;
    const isFlag = condition.bits === 1;
    if (isFlag && other !== 0) this.#pay(other);
    const steps = isFlag
      ? values.mul(condition, known(one - other))
      : values.select(condition, known(one), known(other));
    this.code.get(BUDGET);
    values.push(steps);
    this.code.op(OP.sub);
    this.code.set(BUDGET);
  }

  /** Steps that are left behind the instruction in hand. */
  protected steps(): Value {
    return this.values.add(this.values.of(BUDGET), known(this.#left - 1));
  }

  /** 1 where no steps are left behind the block. */
  protected noSteps(): Value {
    return this.values.compare(OP.leS, this.values.of(BUDGET), known(0));
  }

  /** What else the code has in locals goes to memory, on a way out: no more is known than before. */
  protected spill(): void {}

  /** Whether spill() does anything. */
  protected get spills(): boolean {
    return false;
  }

  /** The same where the code goes on, which has it in memory from now on. */
  flush(): void {}

  /** Leaves for good: the instruction in hand is the executor's. */
  protected leaveHere(missed: Missed | null = null): void {
    this.#settleOperands();
    this.spill();
    this.#leaveBySite(missed, OP.br);
  }

  #leaveBySite(missed: Missed | null, op: typeof OP.br | typeof OP.brIf): void {
    this.code.constant(SITES + this.sites.length);
    this.sites.push({ offset: this.#start, left: this.#left, lazy: lazyOf(this.#flags), missed });
    this.code.set(STATUS);
    this.branchTo(missed === null ? 'out' : 'missed', op);
  }

  /** Leaves before this instruction if what lies on the stack is not 0; for an access, whose address is in its local then. */
  protected leaveIf(missed: Missed | null = null): void {
    // What the instruction has read may be in the local of a register that it has set: then only the way out may settle. It also should where the flags
    // would have to be computed for that.
    const state = this.#hasChanged || (!this.#isHome && mustCompute(this.#flags)) ? this.state : null;
    if (state === null) this.#settleOperands();
    if (state === null && !this.spills) {
      this.#leaveBySite(missed, OP.brIf);
      return;
    }
    this.open(OP.if, 'leave');
    this.leaveHere(missed);
    this.close();
    if (state !== null) this.state = state;
  }

  // Blocks and instructions

  /**
   * A block of `steps` instructions from `offset` begins: all are paid at once. `needed`: what may be paid from here on before this is asked again;
   * without as much it is left to the executor, which can do a part. Null: it was asked before.
   */
  begin(offset: number, steps: number, needed: number | null): void {
    this.#isStored = false;
    if (needed !== null) {
      this.beginInstruction(offset, 0, 0);
      this.code.get(BUDGET);
      this.code.constant(needed);
      this.code.op(OP.ltS);
      this.leaveIf();
    }
    this.#pay(steps);
  }

  /** An instruction of `length` bytes at an offset in CS; `left` counts it and those of its block that follow. */
  protected beginInstruction(offset: number, length: number, left: number): void {
    this.#start = offset;
    this.end = (offset + length) | 0;
    this.#left = left;
    this.#hasChanged = false;
  }

  /** Gives back the locals that nobody can ask for any more. */
  protected endInstruction(transfer: Transfer): void {
    const { values, registers, windows } = this;
    for (const register of REGISTERS) values.keep(registers[register].local);
    keepFlags(values, this.#flags);
    for (const { host } of windows) values.keep(host.local);
    if (transfer.kind === 'jump') values.keep(transfer.target.local);
    if (transfer.kind === 'branch') {
      values.keep(transfer.condition.local);
      values.keep(positiveOf(transfer.condition).value.local);
    }
    values.sweep();
  }

  /**
   * The executor carries this instruction out, with the whole state in memory, and the code goes on behind it, unless something has to be
   * looked at first, or there are fewer steps than are `needed` behind it. If the instruction faults the code is gone. A short way is tried first.
   */
  callOut(
    call: CallOut,
    offset: number,
    length: number,
    left: number,
    needed: number,
    short: ShortWay | null = null,
  ): void {
    this.beginInstruction(offset, length, left);
    this.flush();
    if (short !== null) {
      this.join();
      short.ask();
      this.open(OP.if, 'short');
      short.finish();
      this.join();
      this.code.op(OP.else);
    }
    this.code.constant(0);
    this.code.constant(offset);
    this.code.memory(OP.store32, L.W_EIP << 2);
    // It may have filled the TLB beyond its measure.
    this.windows = [];
    if (call.isQuiet) this.#callQuietly(call, left, needed);
    else {
      this.#store();
      this.#pay(-left);
      this.#draft.leaveGap('store');
      this.settle();
      this.#call(call, needed);
      this.#draft.leaveGap('load');
      this.#pay(left - 1);
    }
    if (short !== null) this.close();
    this.endInstruction({ kind: 'next' });
  }

  /**
   * The same for one that ends its block, behind which whatever is translated where it led goes on. `ask` leaves 1 on the stack where it has done all,
   * in memory.
   */
  callOutAndLeave(call: CallOut, offset: number, ask: (() => void) | null): void {
    this.beginInstruction(offset, 0, 1);
    this.#store();
    this.#pay(-1);
    this.#draft.leaveGap('store');
    const { code } = this;
    code.constant(0);
    code.constant(offset);
    code.memory(OP.store32, L.W_EIP << 2);
    if (ask !== null) {
      ask();
      code.op(OP.if);
      code.byte(EMPTY);
      // Who was told may want to look: 1 is EXECUTE, 0 GO_ON.
      code.constant(0);
      code.memory(OP.load32, L.W_ATTEND << 2);
      code.op(OP.return);
      code.op(OP.end);
    }
    code.constant(call.number);
    code.constant(0);
    code.call(call.index);
    code.op(OP.return);
    this.endInstruction({ kind: 'none' });
  }

  /** The locals stay as they are, and what is in memory already is not stored again. */
  #callQuietly(call: CallOut, left: number, needed: number): void {
    if (!this.#isStored) {
      this.#store();
      this.#draft.leaveGap('store');
      this.#isStored = true;
    }
    const { code } = this;
    code.constant(0);
    code.get(BUDGET);
    code.constant(left);
    code.op(OP.add);
    code.memory(OP.store32, L.W_BUDGET << 2);
    this.#call(call, needed);
  }

  /** Returns at once if something has to be looked at. */
  #call({ index, number }: CallOut, needed: number): void {
    const { code } = this;
    code.constant(number);
    code.constant(needed);
    code.call(index);
    this.#returnIf(code);
  }

  // The whole

  /** Returns with EXECUTE if what lies on the stack is not 0, and leaves memory as it is. */
  #returnIf(code: Code): void {
    code.op(OP.if);
    code.byte(EMPTY);
    code.constant(EXECUTE);
    code.op(OP.return);
    code.op(OP.end);
  }

  #expect(code: Code, address: number, value: number): void {
    code.constant(0);
    code.memory(OP.load32, address);
    code.constant(value);
    code.op(OP.xor);
    this.#returnIf(code);
  }

  /**
   * The function, around the code so far, which must have ended in branches; `parts` tells what its code is for. `pages`: linear pages of the
   * code and their entries.
   */
  finish(pages: readonly { readonly page: number; readonly entry: number }[]): {
    readonly locals: readonly ValueType[];
    readonly code: Uint8Array;
    readonly parts: () => readonly Part[];
  } {
    const { premises, written, asked } = this;
    const fill = (code: Code, piece: 'load' | 'store') =>
      transfer(code, piece, n => written.has(n) || (piece === 'load' && asked.has(n)));
    const begin = (code: Code) => {
      for (const { page, entry } of pages) this.#expect(code, premises.executeTable + (page << 2), entry);
      if ((premises.word & L.PREMISE.flatCode) === 0) {
        this.#expect(code, W_CODE_BASE << 2, premises.codeBase);
        this.#expect(code, L.W_CODE_LIMIT << 2, premises.codeLimit);
      }
      fill(code, 'load');
      // The ways out go behind these: see enclose().
      for (let n = 0; n < 2; n++) {
        code.op(OP.block);
        code.byte(EMPTY);
      }
    };
    const end = (code: Code) => {
      code.op(OP.end);
      code.constant(0);
      code.get(ADDRESS);
      code.memory(OP.store32, L.W_MISSED << 2);
      code.op(OP.end);
      fill(code, 'store');
      code.constant(0);
      code.get(EIP);
      code.memory(OP.store32, L.W_EIP << 2);
      code.get(STATUS);
      code.op(OP.end);
    };
    return { locals: this.values.locals, ...this.#draft.finish(begin, fill, end) };
  }
}
