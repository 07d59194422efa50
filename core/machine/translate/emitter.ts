import { FLAG, STATUS_FLAGS } from '../../ia32/flags.ts';
import { type Instruction, KIND, type Operand } from '../../ia32/instruction.ts';
import type { Ops } from '../../ia32/ops.ts';
import { ESP, SS } from '../../ia32/registers.ts';
import * as L from '../cpu/layout.ts';
import { EMPTY, OP } from './code.ts';
import { carryOf, conditionOf, FLAG_LOCAL, type Flags, localsOf, STORED, statusFlagsOf, storeFlags } from './flags.ts';
import { known, type Value, Values } from './values.ts';

/** What translated code takes for granted; it is looked at before the code is entered (see Region). */
export interface Premises {
  /** Bytes: where the TLB tables of this privilege level begin in the memory. */
  readonly readTable: number;
  readonly writeTable: number;
  /** -1 or 0xFFFF. */
  readonly stackMask: number;
  /** Offsets in CS beyond this fault. */
  readonly codeLimit: number;
  /** Whether an access needs neither base nor limit of a segment. */
  isFlat(segment: number, write: boolean): boolean;
}

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
}

const BUDGET = 14;
const EIP = 15;
const FIRST_TEMPORARY = 16;

const LOADS = { 1: OP.load8u, 2: OP.load16u, 4: OP.load32 } as const;
const STORES = { 1: OP.store8, 2: OP.store16, 4: OP.store32 } as const;

function isSize(size: number): size is 1 | 2 | 4 {
  return size === 1 || size === 2 || size === 4;
}

function unreachable(): never {
  throw new Error('Vector instructions are not translated.');
}

/**
 * The second reader of the semantics: values are WebAssembly locals, and each operation appends the code that will do it. General registers and
 * flags stay in locals. Whatever cannot be done on the fast path (a TLB miss, a fault, code that is written to) leaves before the
 * instruction has changed anything, and the executor carries that instruction out.
 */
export class Emitter implements Ops<Value> {
  readonly values = new Values(FIRST_TEMPORARY);
  readonly #premises: Premises;
  #registers: Value[] = [];
  #flags: Flags = STORED;
  /** Registers that some instruction changes. */
  readonly #written = new Set<number>();
  /** Constructs around the code that is being made; the outermost is the one to leave by. */
  readonly #labels: string[] = [];
  /** Locals that a state kept for later needs. */
  readonly #pinned: (readonly number[])[] = [];
  // The instruction in hand.
  #start = 0;
  #next = 0;
  #left = 0;
  /** Whether a carry goes into its sum or difference. */
  #chains = false;
  #transfer: Transfer = { kind: 'next' };
  /** The operand that readForWrite() has found writable, and where it lies. */
  #held: { readonly operand: Operand; readonly host: Value } | null = null;

  constructor(premises: Premises) {
    this.#premises = premises;
    this.settle();
  }

  get code() {
    return this.values.code;
  }

  // State

  /** All is in the locals where join() puts it. */
  settle(): void {
    this.#registers = Array.from({ length: 8 }, (_, register) => this.values.of(register));
    this.#flags = STORED;
  }

  get state(): MachineValues {
    return { registers: [...this.#registers], flags: this.#flags };
  }

  set state({ registers, flags }: MachineValues) {
    this.#registers = [...registers];
    this.#flags = flags;
  }

  /** Keeps the locals of a state and of a value from being used again until unpin(). */
  pin({ registers, flags }: MachineValues, value: Value): void {
    this.#pinned.push([...registers, ...localsOf(flags), value].map(({ local }) => local));
  }

  unpin(): void {
    this.#pinned.pop();
  }

  #store(): void {
    storeFlags(this.values, this.#flags);
    // All are read before one is written: a register's value may be in the local of another.
    const moved = [0, 1, 2, 3, 4, 5, 6, 7].filter(register => this.#registers[register].local !== register);
    for (const register of moved) this.values.push(this.#registers[register]);
    for (const register of moved.reverse()) this.code.set(register);
  }

  /** Puts everything into the locals where code that is reached from several places expects it. */
  join(): void {
    this.#store();
    this.settle();
  }

  // Constructs

  open(op: typeof OP.block | typeof OP.loop | typeof OP.if, label: string): void {
    this.code.op(op);
    this.code.byte(EMPTY);
    this.#labels.push(label);
  }

  /** A construct that finish() makes around all of the code. */
  enclose(label: string): void {
    this.#labels.push(label);
  }

  close(): void {
    this.code.op(OP.end);
    this.#labels.pop();
  }

  branchTo(label: string): void {
    this.code.op(OP.br);
    this.code.unsigned(this.#labels.length - 1 - this.#labels.lastIndexOf(label));
  }

  /** Leaves to an offset in CS, giving back `steps` of the block's that were not taken. */
  leaveTo(target: Value, steps: number): void {
    this.values.push(target);
    this.code.set(EIP);
    this.#store();
    if (steps !== 0) {
      this.code.get(BUDGET);
      this.code.constant(steps);
      this.code.op(OP.add);
      this.code.set(BUDGET);
    }
    this.branchTo('out');
  }

  #leaveHere(): void {
    this.leaveTo(known(this.#start), this.#left);
  }

  /** Leaves before this instruction if what lies on the stack is not 0. */
  #leaveIf(): void {
    this.open(OP.if, 'leave');
    this.#leaveHere();
    this.close();
  }

  /** A block of `steps` instructions from `offset` begins: all are paid at once, or it is left to the executor, which can do a part. */
  begin(offset: number, steps: number): void {
    const { code } = this;
    code.get(BUDGET);
    code.constant(steps);
    code.op(OP.sub);
    code.tee(BUDGET);
    code.constant(0);
    code.op(OP.ltS);
    this.open(OP.if, 'leave');
    this.leaveTo(known(offset), steps);
    this.close();
  }

  /** One instruction at an offset in CS; `left` counts it and those of its block that follow. Returns where it goes. */
  translate(meaning: (o: Ops<Value>, i: Instruction) => void, i: Instruction, offset: number, left: number): Transfer {
    this.#start = offset;
    this.#next = (offset + i.length) | 0;
    this.#left = left;
    this.#chains = i.row.operation === 'adc' || i.row.operation === 'sbb';
    this.#held = null;
    this.#transfer = { kind: 'next' };
    meaning(this, i);
    this.#sweep();
    return this.#transfer;
  }

  #sweep(): void {
    const { registers, flags } = this.state;
    const needed = new Set([...registers, ...localsOf(flags)].map(value => value.local));
    for (const pinned of this.#pinned) for (const local of pinned) needed.add(local);
    if (this.#transfer.kind === 'jump') needed.add(this.#transfer.target.local);
    if (this.#transfer.kind === 'branch') needed.add(this.#transfer.condition.local);
    this.values.sweep(needed);
  }

  /** The whole function, around the code so far, which must have ended in branches. */
  finish(): { readonly locals: number; readonly code: Uint8Array } {
    const { values } = this;
    const body = values.code;
    const code = new Values(0).code;
    const flagWords = [
      [FLAG_LOCAL.eflags, L.W_EFLAGS],
      [FLAG_LOCAL.kind, L.W_FLAGS_KIND],
      [FLAG_LOCAL.size, L.W_FLAGS_SIZE],
      [FLAG_LOCAL.a, L.W_FLAGS_A],
      [FLAG_LOCAL.b, L.W_FLAGS_B],
      [FLAG_LOCAL.r, L.W_FLAGS_R],
      [BUDGET, L.W_BUDGET],
    ];
    const registers = [0, 1, 2, 3, 4, 5, 6, 7].map(register => [register, L.W_GENERAL + register]);
    for (const [local, word] of [...registers, ...flagWords]) {
      code.constant(0);
      code.memory(OP.load32, word << 2);
      code.set(local);
    }
    code.op(OP.block);
    code.byte(EMPTY);
    code.append(body.bytes);
    code.op(OP.end);
    const changed = registers.filter(([register]) => this.#written.has(register));
    for (const [local, word] of [...changed, ...flagWords, [EIP, L.W_EIP]]) {
      code.constant(0);
      code.get(local);
      code.memory(OP.store32, word << 2);
    }
    code.op(OP.end);
    return { locals: values.locals, code: code.bytes };
  }

  // Values

  constant(value: number): Value {
    return known(value);
  }

  add(a: Value, b: Value): Value {
    return this.values.add(a, b);
  }

  sub(a: Value, b: Value): Value {
    return this.values.sub(a, b);
  }

  and(a: Value, b: Value): Value {
    return this.values.and(a, b);
  }

  or(a: Value, b: Value): Value {
    return this.values.or(a, b);
  }

  xor(a: Value, b: Value): Value {
    return this.values.xor(a, b);
  }

  shl(a: Value, b: Value): Value {
    return this.values.shl(a, b);
  }

  shr(a: Value, b: Value): Value {
    return this.values.shr(a, b);
  }

  sar(a: Value, b: Value): Value {
    return this.values.sar(a, b);
  }

  mul(a: Value, b: Value): Value {
    return this.values.mul(a, b);
  }

  mulHighUnsigned(a: Value, b: Value): Value {
    return this.values.mulHigh(a, b, OP.extendU64);
  }

  mulHighSigned(a: Value, b: Value): Value {
    return this.values.mulHigh(a, b, OP.extendS64);
  }

  divUnsigned(a: Value, divisor: number): Value {
    return this.values.binary(OP.divU, a, known(divisor), a.bits);
  }

  equal(a: Value, b: Value): Value {
    return this.values.compare(OP.eq, a, b);
  }

  lessUnsigned(a: Value, b: Value): Value {
    return this.values.compare(OP.ltU, a, b);
  }

  select(condition: Value, a: Value, b: Value): Value {
    return this.values.select(condition, a, b);
  }

  zeroExtend(a: Value, size: number): Value {
    return this.values.zeroExtend(a, size);
  }

  signExtend(a: Value, size: number): Value {
    return this.values.signExtend(a, size);
  }

  countLeadingZeros(a: Value): Value {
    return this.values.unary(OP.clz, a, 6);
  }

  /**
   * Behind the construct, what `then` may have changed is in the same places whether it ran or not: each such register in a local of its own, the flags
   * in theirs.
   */
  when(condition: Value, then: () => void): void {
    if (condition.constant !== null) {
      if (condition.constant !== 0) then();
      return;
    }
    const { values } = this;
    const outer = values.code;
    const before = this.state;
    // The code inside is made first: only then is known what it changes.
    const inner = new Values(0).code;
    values.code = inner;
    this.#labels.push('when');
    then();
    const after = this.state;
    const changed = [0, 1, 2, 3, 4, 5, 6, 7].filter(n => after.registers[n].local !== before.registers[n].local);
    const merged = changed.map(() => values.fresh());
    storeFlags(values, after.flags);
    changed.forEach((register, n) => {
      values.push(after.registers[register]);
      values.code.set(merged[n]);
    });
    this.#labels.pop();
    values.code = outer;
    storeFlags(values, before.flags);
    changed.forEach((register, n) => {
      values.push(before.registers[register]);
      outer.set(merged[n]);
    });
    values.push(condition);
    outer.op(OP.if);
    outer.byte(EMPTY);
    outer.append(inner.bytes);
    outer.op(OP.end);
    const registers = [...before.registers];
    changed.forEach((register, n) => {
      registers[register] = values.of(merged[n]);
    });
    this.state = { registers, flags: STORED };
  }

  // Registers

  register(register: number): Value {
    return this.#registers[register];
  }

  setRegister(register: number, value: Value): void {
    this.#written.add(register);
    this.#registers[register] = value;
  }

  registerPart(register: number, size: number): Value {
    if (size === 4) return this.#registers[register];
    const { values } = this;
    if (size === 2 || register < 4) return values.zeroExtend(this.#registers[register], size);
    return values.zeroExtend(values.shr(this.#registers[register & 3], known(8)), 1);
  }

  setRegisterPart(register: number, size: number, value: Value): void {
    const { values } = this;
    if (size === 4) {
      this.setRegister(register, value);
      return;
    }
    const part = values.zeroExtend(value, size);
    const isHigh = size === 1 && register >= 4;
    const whole = isHigh ? register & 3 : register;
    const mask = size === 2 ? 0xffff : isHigh ? 0xff00 : 0xff;
    const kept = values.and(this.#registers[whole], known(~mask));
    this.setRegister(whole, values.or(kept, isHigh ? values.shl(part, known(8)) : part));
  }

  // Operands

  read(i: Instruction, operand: Operand): Value {
    switch (operand.kind) {
      case KIND.r32:
      case KIND.r16:
      case KIND.r8:
        return this.registerPart(operand.register, operand.size);
      case KIND.immediate:
        return known(operand.value);
      case KIND.m32:
      case KIND.m16:
      case KIND.m8:
        return this.load(i.memory.segment, this.offset(i), operand.size);
      default:
        throw new Error(`operand kind ${operand.kind} of ${i.row.mnemonic} is not a value`);
    }
  }

  readForWrite(i: Instruction, operand: Operand): Value {
    if (operand.kind === KIND.r32 || operand.kind === KIND.r16 || operand.kind === KIND.r8)
      return this.read(i, operand);
    const linear = this.#linear(i.memory.segment, this.offset(i), operand.size, true);
    const host = this.#host(linear, operand.size, true);
    this.#held = { operand, host };
    return this.#loadHost(host, operand.size);
  }

  write(i: Instruction, operand: Operand, value: Value): void {
    if (operand.kind === KIND.r32 || operand.kind === KIND.r16 || operand.kind === KIND.r8) {
      this.setRegisterPart(operand.register, operand.size, value);
    } else if (this.#held?.operand === operand) {
      this.#storeHost(this.#held.host, operand.size, value);
    } else {
      this.store(i.memory.segment, this.offset(i), operand.size, value);
    }
  }

  // Memory

  offset(i: Instruction): Value {
    const { values } = this;
    const { base, index, scale, displacement, mask } = i.memory;
    let offset = known(displacement);
    if (index < 8) offset = values.add(offset, values.shl(this.#registers[index], known(scale)));
    if (base < 8) offset = values.add(offset, this.#registers[base]);
    return values.and(offset, known(mask));
  }

  /** Leaves if the segment does not hold the access. */
  #linear(segment: number, offset: Value, size: number, write: boolean): Value {
    if (this.#premises.isFlat(segment, write)) return offset;
    const { values, code } = this;
    const word = L.W_SEGMENTS + segment * L.SEGMENT_WORDS;
    code.constant(0);
    code.memory(OP.load32, (word + L.S_LIMIT) << 2);
    const limit = values.pop();
    let outside = values.compare(OP.gtU, offset, limit);
    if (size > 1) outside = values.or(outside, values.compare(OP.ltU, values.sub(limit, offset), known(size - 1)));
    values.push(outside);
    this.#leaveIf();
    code.constant(0);
    code.memory(OP.load32, (word + L.S_BASE) << 2);
    return values.add(values.pop(), offset);
  }

  /** Where a linear address lies in the memory. Leaves if the TLB does not say, or the access crosses a page. */
  #host(linear: Value, size: number, write: boolean): Value {
    const { values, code } = this;
    values.push(linear);
    code.constant(12);
    code.op(OP.shrU);
    code.constant(2);
    code.op(OP.shl);
    code.memory(OP.load32, write ? this.#premises.writeTable : this.#premises.readTable);
    const entry = values.pop();
    values.push(entry);
    if (size === 1) {
      code.constant(1);
      code.op(OP.and);
    } else {
      values.push(linear);
      code.op(OP.or);
      code.constant(0xfff);
      code.op(OP.and);
      code.constant(4096 - size);
      code.op(OP.gtU);
    }
    this.#leaveIf();
    return values.add(linear, entry);
  }

  #loadHost(host: Value, size: number): Value {
    if (!isSize(size)) throw new Error(`no value has ${size} bytes`);
    this.values.push(host);
    this.code.memory(LOADS[size], 0);
    return this.values.pop(8 * size);
  }

  #storeHost(host: Value, size: number, value: Value): void {
    if (!isSize(size)) throw new Error(`no value has ${size} bytes`);
    this.values.push(host);
    this.values.push(value);
    this.code.memory(STORES[size], 0);
  }

  load(segment: number, offset: Value, size: number): Value {
    return this.#loadHost(this.#host(this.#linear(segment, offset, size, false), size, false), size);
  }

  store(segment: number, offset: Value, size: number, value: Value): void {
    this.#storeHost(this.#host(this.#linear(segment, offset, size, true), size, true), size, value);
  }

  probeStore(segment: number, offset: Value, size: number): void {
    this.#host(this.#linear(segment, offset, size, true), size, true);
  }

  // Vectors

  readonly scratch = L.SCRATCH;
  readonly vector = unreachable;
  readonly setVector = unreachable;
  readonly lane = unreachable;
  readonly setLane = unreachable;

  // Stack

  stackPointer(): Value {
    return this.wrapStack(this.#registers[ESP]);
  }

  setStackPointer(value: Value): void {
    this.setRegisterPart(ESP, this.#premises.stackMask === -1 ? 4 : 2, value);
  }

  wrapStack(offset: Value): Value {
    return this.values.and(offset, known(this.#premises.stackMask));
  }

  push(size: number, value: Value): void {
    const offset = this.wrapStack(this.values.sub(this.#registers[ESP], known(size)));
    this.store(SS, offset, size, value);
    this.setStackPointer(offset);
  }

  pop(size: number): Value {
    const offset = this.stackPointer();
    const value = this.load(SS, offset, size);
    this.setStackPointer(this.values.add(offset, known(size)));
    return value;
  }

  // Flags

  flagsAdd(size: number, a: Value, b: Value, r: Value): void {
    this.#flags = { kind: 'add', size, a, b, r, chained: this.#chains };
  }

  flagsSub(size: number, a: Value, b: Value, r: Value): void {
    this.#flags = { kind: 'sub', size, a, b, r, chained: this.#chains };
  }

  flagsLogic(size: number, r: Value): void {
    this.#flags = { kind: 'logic', size, r };
  }

  flagsIncrement(size: number, r: Value): void {
    this.#flags = { kind: 'increment', size, r, carry: this.carry() };
  }

  flagsDecrement(size: number, r: Value): void {
    this.#flags = { kind: 'decrement', size, r, carry: this.carry() };
  }

  flagsResult(size: number, r: Value, carry: Value, overflow: Value): void {
    this.#flags = { kind: 'result', size, r, carry, overflow };
  }

  #replace(carry: Value | null, overflow: Value | null, zero: Value | null): void {
    const flags = this.#flags;
    const rest = flags.kind === 'partly' ? flags : { rest: flags, carry: null, overflow: null, zero: null };
    this.#flags = {
      kind: 'partly',
      rest: rest.rest,
      carry: carry ?? rest.carry,
      overflow: overflow ?? rest.overflow,
      zero: zero ?? rest.zero,
    };
  }

  setCarryOverflow(carry: Value, overflow: Value): void {
    this.#replace(carry, overflow, null);
  }

  setCarry(carry: Value): void {
    this.#replace(carry, null, null);
  }

  setZero(zero: Value): void {
    this.#replace(null, null, zero);
  }

  setStatusFlags(flags: Value): void {
    this.#flags = { kind: 'all', flags: this.values.and(flags, known(STATUS_FLAGS)) };
  }

  statusFlags(): Value {
    return statusFlagsOf(this.values, this.#flags);
  }

  setDirection(down: boolean): void {
    const { code } = this;
    code.get(FLAG_LOCAL.eflags);
    code.constant(down ? FLAG.DF : ~FLAG.DF);
    code.op(down ? OP.or : OP.and);
    code.set(FLAG_LOCAL.eflags);
  }

  carry(): Value {
    return carryOf(this.values, this.#flags);
  }

  condition(code: number): Value {
    return conditionOf(this.values, this.#flags, code);
  }

  // Control

  next(_i: Instruction): Value {
    return known(this.#next);
  }

  #cut(i: Instruction, target: Value): Value {
    return i.operandSize === 2 ? this.values.and(target, known(0xffff)) : target;
  }

  /** Leaves if the target is beyond the limit of CS. Returns whether it always is. */
  #check(target: Value): boolean {
    const limit = this.#premises.codeLimit;
    if (limit === -1) return false;
    if (target.constant !== null) {
      if (target.constant >>> 0 <= limit >>> 0) return false;
      this.#leaveHere();
      return true;
    }
    this.values.push(target);
    this.code.constant(limit);
    this.code.op(OP.gtU);
    this.#leaveIf();
    return false;
  }

  probeJump(i: Instruction, target: Value): void {
    this.#check(this.#cut(i, target));
  }

  jump(i: Instruction, target: Value): void {
    const offset = this.#cut(i, target);
    this.#transfer = this.#check(offset) ? { kind: 'none' } : { kind: 'jump', target: offset };
  }

  branch(i: Instruction, condition: Value): void {
    const target = this.#cut(i, known(this.#next + i.dst.value));
    const limit = this.#premises.codeLimit;
    if (limit !== -1 && (target.constant ?? 0) >>> 0 > limit >>> 0) {
      this.values.push(condition);
      this.#leaveIf();
    } else {
      this.#transfer = { kind: 'branch', condition, target: target.constant ?? 0 };
    }
  }

  raise(_vector: number): void {
    this.#leaveHere();
  }
}
