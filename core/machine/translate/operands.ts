import { type Instruction, KIND, type Operand } from '../../ia32/instruction.ts';
import { ESP, SS } from '../../ia32/registers.ts';
import * as L from '../cpu/layout.ts';
import { OP } from './code.ts';
import { Frame } from './frame.ts';
import { ADDRESS, REGISTERS } from './locals.ts';
import { packed } from './packed.ts';
import { segmentKind } from './premises.ts';
import type { Missed } from './sites.ts';
import { known, originOf, type Value } from './values.ts';
import { FORGOTTEN } from './ways.ts';
import { type Foreseen, type Lasting, NO_REACH, NOTHING_FORESEEN, type Reach } from './windows.ts';

/** Windows that are kept: each takes a local. */
const MOST_WINDOWS = 6;

const LOADS = { 1: OP.load8u, 2: OP.load16u, 4: OP.load32 } as const;
const STORES = { 1: OP.store8, 2: OP.store16, 4: OP.store32 } as const;

function isSize(size: number): size is 1 | 2 | 4 {
  return size === 1 || size === 2 || size === 4;
}

/** Where an access lies in the memory: `offset` bytes, not below 0, behind a byte of the same page. */
interface Host {
  readonly base: Value;
  readonly offset: number;
}

/** Registers, operands, memory and stack of translated code. */
export class Operands extends Frame {
  /** The operand that readForWrite() has found writable, and where it lies. */
  #held: { readonly operand: Operand; readonly host: Host } | null = null;

  /** What is foreseen of the instructions of the block. */
  foreseen: readonly Foreseen[] = [];
  #ahead: Foreseen = NOTHING_FORESEEN;

  protected override beginInstruction(offset: number, length: number, left: number): void {
    super.beginInstruction(offset, length, left);
    this.#held = null;
    this.#ahead = this.foreseen.at(-left) ?? NOTHING_FORESEEN;
  }

  // Registers

  register(register: number): Value {
    this.asked.add(register);
    this.freshen(register);
    return this.registers[register];
  }

  registerPart(register: number, size: number): Value {
    if (size === 4) return this.register(register);
    const { values } = this;
    if (size === 2 || register < 4) return values.zeroExtend(this.register(register), size);
    return values.zeroExtend(values.shr(this.register(register & 3), known(8)), 1);
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
    const kept = values.and(this.registers[whole], known(~mask));
    this.setRegister(whole, values.or(kept, isHigh ? values.shl(part, known(8)) : part));
  }

  // What is known of the TLB

  /** What of it will be known behind ways on which registers may change, a bit each; nothing where even the TLB may. */
  lasting(changed: number): readonly Lasting[] {
    const lasting: Lasting[] = [];
    if (this.windows.length === 0 || changed === FORGOTTEN) return lasting;
    for (const register of REGISTERS) {
      const origin = ((changed >> register) & 1) !== 0 ? null : originOf(this.registers[register]);
      for (const { root, low, high, write, host } of this.windows) {
        if (root !== origin?.root) continue;
        lasting.push({ register, low: low - origin.offset, high: high - origin.offset, write, host });
      }
    }
    return lasting;
  }

  /** Keeps the locals of that from being used again until unpin(). */
  pinLasting(lasting: readonly Lasting[]): void {
    this.hold(packed(lasting, ({ host }) => host));
  }

  /** It is known here, where all registers are in their locals. */
  recall(lasting: readonly Lasting[]): void {
    this.windows = packed(lasting, ({ register, low, high, write, host }) => {
      return { root: this.registers[register], low, high, write, host };
    });
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
        return this.#load(i.memory.segment, this.offset(i), operand.size, this.#ahead.operand);
      default:
        throw new Error(`operand kind ${operand.kind} of ${i.row.mnemonic} is not a value`);
    }
  }

  readForWrite(i: Instruction, operand: Operand): Value {
    if (operand.kind === KIND.r32 || operand.kind === KIND.r16 || operand.kind === KIND.r8)
      return this.read(i, operand);
    const linear = this.#linear(i.memory.segment, this.offset(i), operand.size, true);
    const host = this.#host(linear, operand.size, true, this.#ahead.operand);
    this.#held = { operand, host };
    return this.#loadHost(host, operand.size);
  }

  write(i: Instruction, operand: Operand, value: Value): void {
    if (operand.kind === KIND.r32 || operand.kind === KIND.r16 || operand.kind === KIND.r8) {
      this.setRegisterPart(operand.register, operand.size, value);
    } else if (this.#held?.operand === operand) {
      this.#storeHost(this.#held.host, operand.size, value);
    } else {
      this.#store(i.memory.segment, this.offset(i), operand.size, value, this.#ahead.operand);
    }
  }

  // Memory

  offset(i: Instruction): Value {
    const { values } = this;
    const { base, index, scale, displacement, mask } = i.memory;
    let offset = known(displacement);
    if (index < 8) offset = values.add(offset, values.shl(this.register(index), known(scale)));
    if (base < 8) offset = values.add(offset, this.register(base));
    return values.and(offset, known(mask));
  }

  /** Leaves if the segment does not hold the access, or is one for which more than that has to be looked at. */
  #linear(segment: number, offset: Value, size: number, write: boolean): Value {
    const kind = segmentKind(this.premises, segment);
    if (kind === L.SEGMENT_FLAT || (kind === L.SEGMENT_FLAT_READ_ONLY && !write)) return offset;
    const { values, code } = this;
    const word = L.W_SEGMENTS + segment * L.SEGMENT_WORDS;
    code.constant(0);
    code.memory(OP.load32, (word + L.S_LIMIT) << 2);
    const limit = values.pop();
    code.constant(0);
    code.memory(OP.load32, (word + L.S_PLAIN) << 2);
    let outside = values.or(values.pop(1), values.compare(OP.gtU, offset, limit));
    if (size > 1) outside = values.or(outside, values.compare(OP.ltU, values.sub(limit, offset), known(size - 1)));
    values.push(outside);
    this.leaveIf();
    code.constant(0);
    code.memory(OP.load32, (word + L.S_BASE) << 2);
    return values.add(values.pop(), offset);
  }

  /**
   * Where a linear address lies in the memory. Leaves if the TLB does not say, or the access crosses a page; if others that are foreseen are not in the
   * same page, too.
   */
  #host(linear: Value, size: number, write: boolean, { before, after, write: willWrite }: Reach): Host {
    const { values } = this;
    const origin = originOf(linear);
    if (origin === null)
      return { base: this.#find(linear, size, { write, before: 0, isWide: false }, write), offset: 0 };
    const { root, offset } = origin;
    const window = this.windows.find(
      w => w.root === root && (w.write || !write) && w.low <= offset && offset + size <= w.high,
    );
    if (window !== undefined) return { base: window.host, offset: offset - window.low };
    const first = values.settled(values.sub(linear, known(before)));
    const asked = { write, before, isWide: before + after > 0 || willWrite };
    const host = this.#find(first, before + size + after, asked, write || willWrite);
    const found = { root, low: offset - before, high: offset + size + after, write: write || willWrite, host };
    this.windows = [...this.windows.slice(1 - MOST_WINDOWS), found];
    return { base: host, offset: before };
  }

  /** Where `size` bytes lie, by the TLB: those of an access and of the others that it asks for with it. */
  #find(linear: Value, size: number, access: Missed, write: boolean): Value {
    const { values, code } = this;
    values.push(linear);
    code.tee(ADDRESS);
    code.constant(12);
    code.op(OP.shrU);
    code.constant(2);
    code.op(OP.shl);
    code.memory(OP.load32, write ? this.premises.writeTable : this.premises.readTable);
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
    this.leaveIf(access);
    return values.binary(OP.add, linear, entry);
  }

  #loadHost({ base, offset }: Host, size: number): Value {
    if (!isSize(size)) throw new Error(`no value has ${size} bytes`);
    this.values.push(base);
    this.code.memory(LOADS[size], offset);
    return this.values.pop(8 * size);
  }

  #storeHost({ base, offset }: Host, size: number, value: Value): void {
    if (!isSize(size)) throw new Error(`no value has ${size} bytes`);
    this.values.push(base);
    this.values.push(value);
    this.code.memory(STORES[size], offset);
  }

  /** Where an access lies in the memory. Leaves if that is not known. */
  protected place(segment: number, offset: Value, size: number, write: boolean): Value {
    const host = this.#place(segment, offset, size, write, NO_REACH);
    return this.values.add(host.base, known(host.offset));
  }

  #place(segment: number, offset: Value, size: number, write: boolean, reach: Reach): Host {
    return this.#host(this.#linear(segment, offset, size, write), size, write, reach);
  }

  #load(segment: number, offset: Value, size: number, reach: Reach): Value {
    return this.#loadHost(this.#place(segment, offset, size, false, reach), size);
  }

  #store(segment: number, offset: Value, size: number, value: Value, reach: Reach): void {
    this.#storeHost(this.#place(segment, offset, size, true, reach), size, value);
  }

  load(segment: number, offset: Value, size: number): Value {
    return this.#load(segment, offset, size, NO_REACH);
  }

  store(segment: number, offset: Value, size: number, value: Value): void {
    this.#store(segment, offset, size, value, NO_REACH);
  }

  probeStore(segment: number, offset: Value, size: number): void {
    this.#place(segment, offset, size, true, NO_REACH);
  }

  // Stack

  stackPointer(): Value {
    return this.wrapStack(this.register(ESP));
  }

  setStackPointer(value: Value): void {
    this.setRegisterPart(ESP, this.premises.stackMask === -1 ? 4 : 2, value);
  }

  wrapStack(offset: Value): Value {
    return this.values.and(offset, known(this.premises.stackMask));
  }

  push(size: number, value: Value): void {
    const offset = this.wrapStack(this.values.sub(this.register(ESP), known(size)));
    this.#store(SS, offset, size, value, this.#ahead.stack);
    this.setStackPointer(offset);
  }

  pop(size: number): Value {
    const offset = this.stackPointer();
    const value = this.#load(SS, offset, size, this.#ahead.stack);
    this.setStackPointer(this.values.add(offset, known(size)));
    return value;
  }
}
