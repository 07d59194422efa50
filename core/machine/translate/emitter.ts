import { FLAG, STATUS_FLAGS } from '../../ia32/flags.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import type { Ops } from '../../ia32/ops.ts';
import * as L from '../cpu/layout.ts';
import { Code, EMPTY, OP } from './code.ts';
import { carryOf, conditionOf, type Flags, STORED, statusFlagsOf } from './flags.ts';
import type { Transfer } from './frame.ts';
import { REGISTERS } from './locals.ts';
import { SystemInstructions } from './system/instructions.ts';
import { known, type Value } from './values.ts';

function unreachable(): never {
  throw new Error('Vector instructions are not translated.');
}

/**
 * The second reader of the semantics: values are WebAssembly locals, and each operation appends the code that will do it. General registers and
 * flags stay in locals. Whatever cannot be done on the fast path (a TLB miss, a fault, code that is written to) leaves before the
 * instruction has changed anything, and the executor carries that instruction out.
 */
export class Emitter extends SystemInstructions implements Ops<Value> {
  /** Whether a carry goes into its sum or difference. */
  #chains = false;
  #transfer: Transfer = { kind: 'next' };

  /** One instruction at an offset in CS; `left` counts it and those of its block that follow. Returns where it goes. */
  translate(meaning: (o: Ops<Value>, i: Instruction) => void, i: Instruction, offset: number, left: number): Transfer {
    this.beginInstruction(offset, i.length, left);
    this.#chains = i.row.operation === 'adc' || i.row.operation === 'sbb';
    this.#transfer = { kind: 'next' };
    meaning(this, i);
    this.endInstruction(this.#transfer);
    return this.#transfer;
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
    this.storeFlags();
    const outer = values.code;
    const before = this.state;
    // The code inside is made first: only then is known what it changes.
    const inner = new Code();
    values.code = inner;
    this.labels.push('when');
    then();
    const isFlags = this.flags !== before.flags;
    if (isFlags) this.storeFlags();
    const after = this.state;
    const changed = REGISTERS.filter(n => after.registers[n] !== before.registers[n]);
    const merged = changed.map(() => values.fresh());
    changed.forEach((register, n) => {
      values.push(after.registers[register]);
      inner.set(merged[n]);
    });
    this.labels.pop();
    values.code = outer;
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
    this.state = { registers, flags: isFlags ? STORED : before.flags, isHome: true, windows: before.windows };
  }

  // Vectors

  readonly scratch = L.SCRATCH;
  readonly vector = unreachable;
  readonly setVector = unreachable;
  readonly lane = unreachable;
  readonly setLane = unreachable;

  // Flags

  flagsAdd(size: number, a: Value, b: Value, r: Value): void {
    this.flags = { kind: 'add', size, a, b, r, chained: this.#chains };
  }

  flagsSub(size: number, a: Value, b: Value, r: Value): void {
    this.flags = { kind: 'sub', size, a, b, r, chained: this.#chains };
  }

  flagsLogic(size: number, r: Value): void {
    this.flags = { kind: 'logic', size, r };
  }

  /** The flags that CF is to be taken from. */
  #carrying(): Flags | null {
    const { flags } = this;
    return flags.kind === 'increment' || flags.kind === 'decrement' ? flags.before : flags;
  }

  flagsIncrement(size: number, r: Value): void {
    this.flags = { kind: 'increment', size, r, before: this.#carrying() };
  }

  flagsDecrement(size: number, r: Value): void {
    this.flags = { kind: 'decrement', size, r, before: this.#carrying() };
  }

  flagsResult(size: number, r: Value, carry: Value, overflow: Value): void {
    this.flags = { kind: 'result', size, r, carry, overflow };
  }

  #replace(carry: Value | null, overflow: Value | null, zero: Value | null): void {
    const flags = this.flags;
    const rest = flags.kind === 'partly' ? flags : { rest: flags, carry: null, overflow: null, zero: null };
    this.flags = {
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
    this.flags = { kind: 'all', flags: this.values.and(flags, known(STATUS_FLAGS)) };
  }

  statusFlags(): Value {
    return statusFlagsOf(this.values, this.flags);
  }

  setDirection(down: boolean): void {
    const { values } = this;
    const others = values.and(this.eflags(), known(~FLAG.DF));
    this.setEflags(down ? values.or(others, known(FLAG.DF)) : others);
  }

  stringStep(size: number): Value {
    const { values } = this;
    // 2 * size where DF, bit 10, is set.
    const down = values.shr(values.and(this.eflags(), known(FLAG.DF)), known(9 - Math.log2(size)));
    return values.sub(known(size), down);
  }

  /** Outside of ring 0 it is the executor's: IOPL decides, and what IF means. */
  clearInterrupts(): void {
    const { code } = this;
    code.constant(0);
    code.memory(OP.load32, L.W_CPL << 2);
    this.leaveIf();
    this.setEflags(this.values.and(this.eflags(), known(~FLAG.IF)));
  }

  segmentSelector(register: number): Value {
    this.code.constant(0);
    this.code.memory(OP.load32, (L.W_SEGMENTS + register * L.SEGMENT_WORDS + L.S_SELECTOR) << 2);
    return this.values.pop(16);
  }

  carry(): Value {
    return carryOf(this.values, this.flags);
  }

  condition(code: number): Value {
    return conditionOf(this.values, this.flags, code);
  }

  // Control

  /** EIP as it is when the code is entered. */
  instructionPointer(): Value {
    this.code.constant(0);
    this.code.memory(OP.load32, L.W_EIP << 2);
    return this.values.pop();
  }

  next(_i: Instruction): Value {
    return known(this.end);
  }

  target(i: Instruction): Value {
    return known(this.end + i.dst.value);
  }

  #cut(i: Instruction, target: Value): Value {
    return i.operandSize === 2 ? this.values.and(target, known(0xffff)) : target;
  }

  /** Leaves if the target is beyond the limit of CS. Returns whether it always is. */
  #check(target: Value): boolean {
    const limit = this.premises.codeLimit;
    if (limit === -1) return false;
    if (target.constant !== null) {
      if (target.constant >>> 0 <= limit >>> 0) return false;
      this.leaveHere();
      return true;
    }
    this.values.push(target);
    this.code.constant(limit);
    this.code.op(OP.gtU);
    this.leaveIf();
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
    const target = this.#cut(i, this.target(i));
    const limit = this.premises.codeLimit;
    if (limit !== -1 && (target.constant ?? 0) >>> 0 > limit >>> 0) {
      this.values.push(condition);
      this.leaveIf();
    } else {
      this.#transfer = { kind: 'branch', condition, target: target.constant ?? 0 };
    }
  }

  raise(_vector: number): void {
    this.leaveHere();
  }
}
