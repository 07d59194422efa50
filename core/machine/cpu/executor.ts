import { FLAG, STATUS_FLAGS } from '../../ia32/flags.ts';
import type { Instruction, Operand } from '../../ia32/instruction.ts';
import type { Ops } from '../../ia32/ops.ts';
import { SS } from '../../ia32/registers.ts';
import { Access } from './access.ts';
import { clearInterruptFlag } from './interrupt-flag.ts';
import type { PortSpace } from './io.ts';
import * as L from './layout.ts';
import type { ApicBase } from './msr.ts';
import { fetchVector, storeVector } from './vector.ts';

/** What ports answer when nobody is wired to them. */
const ABSENT_PORTS: PortSpace = {
  read: (_port, size) => (size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff),
  write: () => {},
};

const WIDTH_MASK = [0, 0xff, 0xffff, 0, -1] as const;

/** PF for each byte value: set when the number of ones is even. */
const PARITY = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let bit = 0; bit < 8; bit++) ones += (byte >> bit) & 1;
  return ones & 1 ? 0 : FLAG.PF;
});

/**
 * The first reader of the semantics: values are numbers (signed 32-bit), each operation happens at once. Status flags are
 * lazy: an operation leaves its operands and result, and a flag is computed when somebody asks.
 */
export class Executor extends Access implements Ops<number> {
  /** The I/O address space; the board wires it. */
  ports: PortSpace = ABSENT_PORTS;
  /** Ticks of the time-stamp counter; the board wires it. */
  timeStamp: () => number = () => 0;
  /** Sets the time-stamp counter (WRMSR); the board wires it. */
  setTimeStamp: (ticks: number) => void = () => {};
  /** The local APIC, as far as it is a register of the processor; the board wires it. */
  apic: ApicBase | null = null;
  /** Steps since reset; the run loop wires it. */
  stepCount: () => number = () => 0;
  /** Whether this processor has VMX: otherwise CPUID does not announce it, and its instructions and registers are not there. */
  hasVmx = true;
  /** What held off events when the current instruction began (SHADOW_): the instruction itself finds W_SHADOW cleared. */
  heldOff = 0;
  /**
   * The event that is being delivered to a guest, as its IDT-vectoring fields (SDM volume 3, 24.9.3); 0 when there is none. It
   * outlives a delivery that failed, up to the end of the one that follows.
   */
  delivering = 0;
  deliveringCode = 0;
  /** Bytes of the instruction that is the event, a software interrupt or exception. */
  deliveringLength = 0;
  /** An IRET that has ended the blocking of NMIs faults: until its fault is delivered, or exits and says so (SDM volume 3, 27.2.2). */
  unblocksNmi = false;

  // Values

  constant(value: number): number {
    return value | 0;
  }

  add(a: number, b: number): number {
    return (a + b) | 0;
  }

  sub(a: number, b: number): number {
    return (a - b) | 0;
  }

  and(a: number, b: number): number {
    return a & b;
  }

  or(a: number, b: number): number {
    return a | b;
  }

  xor(a: number, b: number): number {
    return a ^ b;
  }

  shl(a: number, b: number): number {
    return a << b;
  }

  shr(a: number, b: number): number {
    return (a >>> b) | 0;
  }

  sar(a: number, b: number): number {
    return a >> b;
  }

  mul(a: number, b: number): number {
    return Math.imul(a, b);
  }

  mulHighUnsigned(a: number, b: number): number {
    const aLow = a & 0xffff;
    const aHigh = a >>> 16;
    const bLow = b & 0xffff;
    const bHigh = b >>> 16;
    const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
    const cross = aLow * bHigh + (middle % 0x10000);
    return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) | 0;
  }

  mulHighSigned(a: number, b: number): number {
    const high = this.mulHighUnsigned(a, b);
    return (high - (a < 0 ? b : 0) - (b < 0 ? a : 0)) | 0;
  }

  divUnsigned(a: number, divisor: number): number {
    return Math.floor((a >>> 0) / divisor) | 0;
  }

  equal(a: number, b: number): number {
    return a === b ? 1 : 0;
  }

  lessUnsigned(a: number, b: number): number {
    return a >>> 0 < b >>> 0 ? 1 : 0;
  }

  select(condition: number, a: number, b: number): number {
    return condition !== 0 ? a : b;
  }

  zeroExtend(a: number, size: number): number {
    return size === 4 ? a : a & WIDTH_MASK[size];
  }

  signExtend(a: number, size: number): number {
    return size === 4 ? a : size === 2 ? (a << 16) >> 16 : (a << 24) >> 24;
  }

  countLeadingZeros(a: number): number {
    return Math.clz32(a);
  }

  when(condition: number, then: () => void): void {
    if (condition !== 0) then();
  }

  // Registers

  register(register: number): number {
    return this.i32[register];
  }

  setRegister(register: number, value: number): void {
    this.i32[register] = value;
  }

  registerPart(register: number, size: number): number {
    if (size === 4) return this.i32[register];
    if (size === 2) return this.u16[register << 1];
    return this.u8[((register & 3) << 2) | (register >> 2)];
  }

  setRegisterPart(register: number, size: number, value: number): void {
    if (size === 4) this.i32[register] = value;
    else if (size === 2) this.u16[register << 1] = value;
    else this.u8[((register & 3) << 2) | (register >> 2)] = value;
  }

  // Operands. The numbers are those of KIND in ia32/instruction.ts.

  // The commonest kinds are tested first, in functions small enough for the engine to inline.

  read(i: Instruction, operand: Operand): number {
    if (operand.kind === 1) return this.i32[operand.register]; // r32
    if (operand.kind === 3) return operand.value; // immediate
    if (operand.kind === 2) return this.load32(i.memory.segment, this.offset(i)); // m32
    return this.readOther(i, operand);
  }

  protected readOther(i: Instruction, operand: Operand): number {
    switch (operand.kind) {
      case 4: // r8
        return this.u8[((operand.register & 3) << 2) | (operand.register >> 2)];
      case 5: // m8
        return this.load(i.memory.segment, this.offset(i), 1);
      case 6: // r16
        return this.u16[operand.register << 1];
      case 7: // m16
        return this.load(i.memory.segment, this.offset(i), 2);
      default:
        throw new Error(`operand kind ${operand.kind} of ${i.row.mnemonic} is not a value`);
    }
  }

  readForWrite(i: Instruction, operand: Operand): number {
    return operand.kind === 1 ? this.i32[operand.register] : this.readForWriteOther(i, operand);
  }

  protected readForWriteOther(i: Instruction, operand: Operand): number {
    if (operand.kind === 4 || operand.kind === 6) return this.readOther(i, operand); // r8, r16
    const linear = this.linearForWrite(i.memory.segment, this.offset(i), operand.size);
    this.probeWriteLinear(linear, operand.size);
    return this.readLinear(linear, operand.size);
  }

  write(i: Instruction, operand: Operand, value: number): void {
    if (operand.kind === 1)
      this.i32[operand.register] = value; // r32
    else this.writeOther(i, operand, value);
  }

  protected writeOther(i: Instruction, operand: Operand, value: number): void {
    if (operand.kind === 4)
      this.u8[((operand.register & 3) << 2) | (operand.register >> 2)] = value; // r8
    else if (operand.kind === 6)
      this.u16[operand.register << 1] = value; // r16
    else this.store(i.memory.segment, this.offset(i), operand.size, value);
  }

  // Memory

  offset(i: Instruction): number {
    const { i32 } = this;
    const m = i.memory;
    return (i32[m.base] + (i32[m.index] << m.scale) + m.displacement) & m.mask;
  }

  load(segment: number, offset: number, size: number): number {
    if (size === 4) return this.load32(segment, offset);
    return this.readLinear(this.linearForRead(segment, offset, size), size);
  }

  /** The fast path of a 32-bit load, in one piece: a flat segment, a TLB hit, one page. */
  protected load32(segment: number, offset: number): number {
    const { i32 } = this;
    const entry = i32[i32[L.W_READ_TABLE] + (offset >>> 12)];
    const isFlat = (i32[L.W_SEGMENTS + L.S_CHECKED + segment * L.SEGMENT_WORDS] & 1) === 0;
    if (isFlat && ((offset | entry) & 0xfff) <= 4092) return this.view.getInt32((offset + entry) >>> 0, true);
    return this.readLinear(this.linearForRead(segment, offset, 4), 4);
  }

  protected store32(segment: number, offset: number, value: number): void {
    const { i32 } = this;
    const entry = i32[i32[L.W_WRITE_TABLE] + (offset >>> 12)];
    const isFlat = (i32[L.W_SEGMENTS + L.S_CHECKED + segment * L.SEGMENT_WORDS] & 2) === 0;
    if (isFlat && ((offset | entry) & 0xfff) <= 4092) this.view.setInt32((offset + entry) >>> 0, value, true);
    else this.writeLinear(this.linearForWrite(segment, offset, 4), 4, value);
  }

  store(segment: number, offset: number, size: number, value: number): void {
    if (size === 4) {
      this.store32(segment, offset, value);
      return;
    }
    this.writeLinear(this.linearForWrite(segment, offset, size), size, value);
  }

  probeStore(segment: number, offset: number, size: number): void {
    this.probeWriteLinear(this.linearForWrite(segment, offset, size), size);
  }

  // Vectors

  readonly scratch = L.SCRATCH;

  vector(i: Instruction, operand: Operand, size: number): number {
    if (operand.kind === 16) return (L.W_XMM << 2) + (operand.register << 4); // xmm
    if (operand.kind === 15) return (L.W_X87_REGISTERS << 2) + (operand.register << 4); // mm
    return fetchVector(this, i, operand.kind === 17, size);
  }

  setVector(i: Instruction, operand: Operand, place: number, size: number): void {
    if (operand.kind !== 15 && operand.kind !== 16) {
      storeVector(this, i, operand.kind === 17, place, size);
      return;
    }
    const { i32 } = this;
    const from = place >> 2;
    const to = this.vector(i, operand, size) >> 2;
    for (let n = 0; n < size >> 2; n++) i32[to + n] = i32[from + n];
  }

  lane(place: number, size: number, index: number): number {
    if (size === 4) return this.i32[(place >> 2) + index];
    return size === 2 ? this.u16[(place >> 1) + index] : this.u8[place + index];
  }

  setLane(place: number, size: number, index: number, value: number): void {
    if (size === 4) this.i32[(place >> 2) + index] = value;
    else if (size === 2) this.u16[(place >> 1) + index] = value;
    else this.u8[place + index] = value;
  }

  // Stack

  stackPointer(): number {
    return this.i32[4] & this.i32[L.W_STACK_MASK];
  }

  setStackPointer(value: number): void {
    if (this.i32[L.W_STACK_MASK] === -1) this.i32[4] = value;
    else this.u16[8] = value;
  }

  wrapStack(offset: number): number {
    return offset & this.i32[L.W_STACK_MASK];
  }

  push(size: number, value: number): void {
    const offset = (this.i32[4] - size) & this.i32[L.W_STACK_MASK];
    this.store(SS, offset, size, value);
    this.setStackPointer(offset);
  }

  pop(size: number): number {
    const offset = this.stackPointer();
    const value = this.load(SS, offset, size);
    this.setStackPointer((offset + size) | 0);
    return value;
  }

  // Flags

  flagsAdd(size: number, a: number, b: number, r: number): void {
    this.lazyFlags(L.LAZY_ADD, size, a, b, r);
  }

  flagsSub(size: number, a: number, b: number, r: number): void {
    this.lazyFlags(L.LAZY_SUB, size, a, b, r);
  }

  flagsLogic(size: number, r: number): void {
    const { i32 } = this;
    i32[L.W_FLAGS_KIND] = L.LAZY_LOGIC;
    i32[L.W_FLAGS_SIZE] = size;
    i32[L.W_FLAGS_R] = r;
  }

  protected lazyFlags(kind: number, size: number, a: number, b: number, r: number): void {
    const { i32 } = this;
    i32[L.W_FLAGS_KIND] = kind;
    i32[L.W_FLAGS_SIZE] = size;
    i32[L.W_FLAGS_A] = a;
    i32[L.W_FLAGS_B] = b;
    i32[L.W_FLAGS_R] = r;
  }

  flagsIncrement(size: number, r: number): void {
    this.lazyKeepCarry(L.LAZY_INCREMENT, size, r);
  }

  flagsDecrement(size: number, r: number): void {
    this.lazyKeepCarry(L.LAZY_DECREMENT, size, r);
  }

  protected lazyKeepCarry(kind: number, size: number, r: number): void {
    const { i32 } = this;
    const carry = this.carry();
    i32[L.W_EFLAGS] = (i32[L.W_EFLAGS] & ~FLAG.CF) | carry;
    i32[L.W_FLAGS_KIND] = kind;
    i32[L.W_FLAGS_SIZE] = size;
    i32[L.W_FLAGS_R] = r;
  }

  flagsResult(size: number, r: number, carry: number, overflow: number): void {
    const { i32 } = this;
    i32[L.W_EFLAGS] = (i32[L.W_EFLAGS] & ~(FLAG.CF | FLAG.OF | FLAG.AF)) | carry | (overflow << 11);
    i32[L.W_FLAGS_KIND] = L.LAZY_RESULT;
    i32[L.W_FLAGS_SIZE] = size;
    i32[L.W_FLAGS_R] = r;
  }

  setCarryOverflow(carry: number, overflow: number): void {
    this.setStatusFlags((this.statusFlags() & ~(FLAG.CF | FLAG.OF)) | carry | (overflow << 11));
  }

  setCarry(carry: number): void {
    this.setStatusFlags((this.statusFlags() & ~FLAG.CF) | carry);
  }

  setZero(zero: number): void {
    this.setStatusFlags((this.statusFlags() & ~FLAG.ZF) | (zero << 6));
  }

  setStatusFlags(flags: number): void {
    const { i32 } = this;
    i32[L.W_EFLAGS] = (i32[L.W_EFLAGS] & ~STATUS_FLAGS) | (flags & STATUS_FLAGS);
    i32[L.W_FLAGS_KIND] = L.LAZY_NONE;
  }

  statusFlags(): number {
    const { i32 } = this;
    const kind = i32[L.W_FLAGS_KIND];
    if (kind === L.LAZY_NONE) return i32[L.W_EFLAGS] & STATUS_FLAGS;
    const size = i32[L.W_FLAGS_SIZE];
    const r = i32[L.W_FLAGS_R];
    const sign = (r >>> (8 * size - 8)) & FLAG.SF;
    return (
      this.carry() |
      PARITY[r & 0xff] |
      this.auxiliaryFlag() |
      (r === 0 ? FLAG.ZF : 0) |
      sign |
      (this.overflowFlag() << 11)
    );
  }

  /** All of EFLAGS. */
  eflags(): number {
    return (this.i32[L.W_EFLAGS] & ~STATUS_FLAGS) | this.statusFlags() | FLAG.ONE;
  }

  /** Replaces EFLAGS as a debugger does: no privilege checks, reserved bits as they must be. */
  setEflags(value: number): void {
    this.i32[L.W_EFLAGS] = (value & 0x3f7fd5) | FLAG.ONE;
    this.i32[L.W_FLAGS_KIND] = L.LAZY_NONE;
    this.updateAlignment();
  }

  setDirection(down: boolean): void {
    const { i32 } = this;
    i32[L.W_EFLAGS] = down ? i32[L.W_EFLAGS] | FLAG.DF : i32[L.W_EFLAGS] & ~FLAG.DF;
  }

  stringStep(size: number): number {
    return (this.i32[L.W_EFLAGS] & FLAG.DF) === 0 ? size : -size;
  }

  clearInterrupts(): void {
    clearInterruptFlag(this);
  }

  segmentSelector(register: number): number {
    return this.selector(register);
  }

  /** Carry out of a + b or borrow out of a - b is the majority of the top bits, with or without a carry in. */
  carry(): number {
    const { i32 } = this;
    switch (i32[L.W_FLAGS_KIND]) {
      case 1: {
        const a = i32[L.W_FLAGS_A];
        const b = i32[L.W_FLAGS_B];
        return (((a & b) | ((a | b) & ~i32[L.W_FLAGS_R])) >>> (8 * i32[L.W_FLAGS_SIZE] - 1)) & 1;
      }
      case 2: {
        const a = i32[L.W_FLAGS_A];
        const b = i32[L.W_FLAGS_B];
        return (((~a & b) | (~(a ^ b) & i32[L.W_FLAGS_R])) >>> (8 * i32[L.W_FLAGS_SIZE] - 1)) & 1;
      }
      case 3:
        return 0;
      default:
        return i32[L.W_EFLAGS] & FLAG.CF;
    }
  }

  protected overflowFlag(): number {
    const { i32 } = this;
    const a = i32[L.W_FLAGS_A];
    const b = i32[L.W_FLAGS_B];
    const r = i32[L.W_FLAGS_R];
    const shift = 8 * i32[L.W_FLAGS_SIZE] - 1;
    switch (i32[L.W_FLAGS_KIND]) {
      case 1:
        return (((a ^ r) & (b ^ r)) >>> shift) & 1;
      case 2:
        return (((a ^ b) & (a ^ r)) >>> shift) & 1;
      case 3:
        return 0;
      case 4:
        return r === 1 << shift ? 1 : 0;
      case 5:
        return r >>> 0 === ((1 << shift) >>> 0) - 1 ? 1 : 0;
      default:
        return (i32[L.W_EFLAGS] >>> 11) & 1;
    }
  }

  protected auxiliaryFlag(): number {
    const { i32 } = this;
    const r = i32[L.W_FLAGS_R];
    switch (i32[L.W_FLAGS_KIND]) {
      case 1:
      case 2:
        return (i32[L.W_FLAGS_A] ^ i32[L.W_FLAGS_B] ^ r) & FLAG.AF;
      case 3:
        return 0;
      case 4:
        return (r & 15) === 0 ? FLAG.AF : 0;
      case 5:
        return (r & 15) === 15 ? FLAG.AF : 0;
      default:
        return i32[L.W_EFLAGS] & FLAG.AF;
    }
  }

  protected zeroFlag(): number {
    const { i32 } = this;
    return i32[L.W_FLAGS_KIND] === 0 ? (i32[L.W_EFLAGS] >>> 6) & 1 : i32[L.W_FLAGS_R] === 0 ? 1 : 0;
  }

  protected signFlag(): number {
    const { i32 } = this;
    if (i32[L.W_FLAGS_KIND] === 0) return (i32[L.W_EFLAGS] >>> 7) & 1;
    return (i32[L.W_FLAGS_R] >>> (8 * i32[L.W_FLAGS_SIZE] - 1)) & 1;
  }

  protected parityFlag(): number {
    const { i32 } = this;
    const flags = i32[L.W_FLAGS_KIND] === 0 ? i32[L.W_EFLAGS] : PARITY[i32[L.W_FLAGS_R] & 0xff];
    return (flags >>> 2) & 1;
  }

  /** SF and OF differ: a signed comparison found less. */
  protected signedLess(): number {
    return this.signFlag() ^ (this.i32[L.W_FLAGS_KIND] === 0 ? (this.i32[L.W_EFLAGS] >>> 11) & 1 : this.overflowFlag());
  }

  condition(code: number): number {
    const negate = code & 1;
    switch (code >> 1) {
      case 0:
        return (this.i32[L.W_FLAGS_KIND] === 0 ? (this.i32[L.W_EFLAGS] >>> 11) & 1 : this.overflowFlag()) ^ negate;
      case 1:
        return this.carry() ^ negate;
      case 2:
        return this.zeroFlag() ^ negate;
      case 3:
        return (this.carry() | this.zeroFlag()) ^ negate;
      case 4:
        return this.signFlag() ^ negate;
      case 5:
        return this.parityFlag() ^ negate;
      case 6:
        return this.signedLess() ^ negate;
      default:
        return (this.signedLess() | this.zeroFlag()) ^ negate;
    }
  }

  // Control. EIP already points behind the instruction when its semantics run.

  next(_i: Instruction): number {
    return this.i32[L.W_EIP];
  }

  target(i: Instruction): number {
    return (this.i32[L.W_EIP] + i.dst.value) | 0;
  }

  probeJump(i: Instruction, target: number): void {
    const offset = i.operandSize === 2 ? target & 0xffff : target;
    if (offset >>> 0 > this.i32[L.W_CODE_LIMIT] >>> 0) this.generalProtection(0);
  }

  jump(i: Instruction, target: number): void {
    const offset = i.operandSize === 2 ? target & 0xffff : target;
    if (offset >>> 0 > this.i32[L.W_CODE_LIMIT] >>> 0) this.generalProtection(0);
    this.i32[L.W_EIP] = offset;
  }

  branch(i: Instruction, condition: number): void {
    if (condition !== 0) this.jump(i, (this.i32[L.W_EIP] + i.dst.value) | 0);
  }

  raise(vector: number): void {
    this.raiseFault(vector, null);
  }
}
