import type { Instruction, Operand } from './instruction.ts';

/**
 * The value domain in which an instruction's meaning is written. With V = number it is executed; with V a WebAssembly
 * local it is compiled. A value is a pattern of 32 bits; narrower ones are zero-extended unless said otherwise.
 * Widths (`size`) are in bytes: 1, 2 or 4.
 *
 * Order within a semantics function: read operands (may fault), compute, write the destination (may fault), then flags.
 * A fault leaves the function at once, with nothing architectural changed.
 */
export interface Ops<V> {
  constant(value: number): V;
  add(a: V, b: V): V;
  sub(a: V, b: V): V;
  and(a: V, b: V): V;
  or(a: V, b: V): V;
  xor(a: V, b: V): V;
  /** Shifts by b & 31. */
  shl(a: V, b: V): V;
  shr(a: V, b: V): V;
  sar(a: V, b: V): V;
  /** Low 32 bits of the product. */
  mul(a: V, b: V): V;
  /** High 32 bits of the unsigned or signed 64-bit product. */
  mulHighUnsigned(a: V, b: V): V;
  mulHighSigned(a: V, b: V): V;
  /** Remainder and quotient of unsigned division by a constant that is not 0. */
  divUnsigned(a: V, divisor: number): V;
  /** Comparisons give 1 or 0. */
  equal(a: V, b: V): V;
  lessUnsigned(a: V, b: V): V;
  /** a where the condition is not 0, else b. Both are computed. */
  select(condition: V, a: V, b: V): V;
  /** Keeps the low `size` bytes, zero- or sign-extended. */
  zeroExtend(a: V, size: number): V;
  signExtend(a: V, size: number): V;
  /** 31 - position of the highest set bit; 32 for 0. */
  countLeadingZeros(a: V): V;
  /** Runs `then` where the condition is not 0. For rare paths: a translator makes a branch of it. */
  when(condition: V, then: () => void): void;

  /** The full 32 bits of general register 0 to 7. */
  register(register: number): V;
  setRegister(register: number, value: V): void;
  /** The low `size` bytes of a register; for size 1, numbers 4 to 7 are AH, CH, DH, BH. Writing keeps the other bits. */
  registerPart(register: number, size: number): V;
  setRegisterPart(register: number, size: number, value: V): void;

  /** Register, memory or immediate. Immediates come as they are in the instruction, masked to the operand's size. */
  read(i: Instruction, operand: Operand): V;
  /** Like read, but raises the fault that write() would raise: for operands that are read, then written. */
  readForWrite(i: Instruction, operand: Operand): V;
  /** Writes the low bytes of the value. */
  write(i: Instruction, operand: Operand, value: V): void;

  /** Offset of the memory operand in its segment (LEA). */
  offset(i: Instruction): V;
  /** Segmented memory access: segment register number, offset, size 1, 2 or 4. */
  load(segment: number, offset: V, size: number): V;
  store(segment: number, offset: V, size: number, value: V): void;
  /** Raises the fault that a store of `size` bytes (up to 8) at this place would raise, and does nothing else. */
  probeStore(segment: number, offset: V, size: number): void;

  /**
   * MMX and SSE values are no V: each lies at a place, a byte offset in the one memory, which is known before the instruction runs. So
   * it is taken apart into lanes of 1, 2 or 4 bytes, each a V, and what is described lane by lane can be executed by array accesses as
   * well as compiled to v128 instructions, whose lanes these are.
   *
   * The place of an operand's value: a register's own, or, of `size` bytes of memory, where they were fetched to. The next one that is
   * fetched comes to lie there as well.
   */
  vector(i: Instruction, operand: Operand, size: number): number;
  /** Writes the `size` bytes at a place to memory, or to the low end of a register, whose other bytes stay. */
  setVector(i: Instruction, operand: Operand, place: number, size: number): void;
  /** A lane, zero-extended; `index` counts lanes of that size from the low end. */
  lane(place: number, size: number, index: number): V;
  setLane(place: number, size: number, index: number, value: V): void;
  /** A place of 16 bytes for a result in the making. */
  readonly scratch: number;

  /** Stack: value widths 2 or 4 bytes; the stack pointer is SP or ESP as SS says. A fault leaves the pointer alone. */
  push(size: number, value: V): void;
  pop(size: number): V;
  /** The stack pointer, 16 or 32 bits wide as SS says; setting keeps the high half of ESP when it is 16 bits wide. */
  stackPointer(): V;
  setStackPointer(value: V): void;
  /** Cuts a stack offset to 16 bits where SS says so. */
  wrapStack(offset: V): V;

  /** Status flags of r = a + b (+ carry in), all zero-extended to `size`: CF PF AF ZF SF OF. */
  flagsAdd(size: number, a: V, b: V, r: V): void;
  /** Status flags of r = a - b (- borrow in). */
  flagsSub(size: number, a: V, b: V, r: V): void;
  /** ZF SF PF by the result; CF, OF and AF cleared. */
  flagsLogic(size: number, r: V): void;
  /** Status flags of r = a + 1 and r = a - 1: CF is kept. */
  flagsIncrement(size: number, r: V): void;
  flagsDecrement(size: number, r: V): void;
  /** ZF SF PF by the result; CF and OF given as 0 or 1; AF cleared. */
  flagsResult(size: number, r: V, carry: V, overflow: V): void;
  /** CF and OF given as 0 or 1; the others stay as they are. */
  setCarryOverflow(carry: V, overflow: V): void;
  setCarry(carry: V): void;
  setZero(zero: V): void;
  /** All six status flags from their places in `flags` (bits 0, 2, 4, 6, 7, 11). */
  setStatusFlags(flags: V): void;
  /** The six status flags in their places, other bits 0. */
  statusFlags(): V;
  setDirection(down: boolean): void;
  /** By how much a string instruction moves its pointers: an element's size, less than 0 where DF is set. */
  stringStep(size: number): V;
  /** Clears IF, or VIF where code has that in its place; #GP(0) where it may not. */
  clearInterrupts(): void;
  /** CF as 0 or 1. */
  carry(): V;
  /** 1 if condition 0 to 15 (CONDITION_NAMES) holds. */
  condition(code: number): V;

  /** Selector in segment register 0 to 5 (ES to GS). */
  segmentSelector(register: number): V;

  /** Offset in CS of the next instruction. */
  next(i: Instruction): V;
  /** Offset in CS of the relative operand: that of the next instruction and the displacement, not yet cut. */
  target(i: Instruction): V;
  /** Goes to an offset in CS, cut to 16 bits when the operand size is 16; #GP(0) beyond the limit of CS. */
  jump(i: Instruction, target: V): void;
  /** Raises the fault that jump() to this target would raise. */
  probeJump(i: Instruction, target: V): void;
  /** Goes to the relative operand's target if the condition is not 0, else on to the next instruction. */
  branch(i: Instruction, condition: V): void;

  /** Raises an exception without an error code: #DE, #BR, #UD. */
  raise(vector: number): void;
}

/** An instruction's meaning. */
export type Semantics = <V>(o: Ops<V>, i: Instruction) => void;
