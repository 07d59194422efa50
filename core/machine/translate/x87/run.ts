import type { Instruction } from '../../../ia32/instruction.ts';
import { CR0, CS } from '../../../ia32/registers.ts';
import * as L from '../../cpu/layout.ts';
import * as S from '../../cpu/x87/state.ts';
import { I32, I64, OP } from '../code.ts';
import { importIndex } from '../imports.ts';
import { Operands } from '../operands.ts';
import type { Value } from '../values.ts';
import type { KernelName } from './kernel.ts';

/** A number (numbers.ts) in two locals, which do not change as long as a register has it. */
export interface Pair {
  readonly m: number;
  readonly e: number;
}

/** An instruction that the x87 shows, and its offset in CS. */
interface Pointer {
  readonly offset: number;
  readonly instruction: Instruction;
}

/** What is known of the x87 in a block, from its first instruction there on. Registers are numbered from TOP as it was then. */
interface Run {
  /** Of ST(0). */
  top: number;
  /** Registers whose value is in locals. */
  readonly pairs: (Pair | null)[];
  /** As bits: those that memory does not have yet, and what is known of the tags, and has changed of them. */
  dirty: number;
  full: number;
  empty: number;
  filled: number;
  emptied: number;
  /** Whether the local of the tags is set, that of the status word differs from memory, and C1 in it is known to be 0. */
  hasTags: boolean;
  hasStatus: boolean;
  isC1Clear: boolean;
  /** The last instruction, as its pointer shows it. */
  pointer: Pointer | null;
  /** Whether the instruction pointer's selector is in its place, and of which segment the data pointer's is. */
  hasSelector: boolean;
  dataSegment: number | null;
}

const SELECTORS = L.W_SEGMENTS + L.S_SELECTOR;
const selectorOf = (segment: number) => (SELECTORS + segment * L.SEGMENT_WORDS) << 2;

/** Registers relative to TOP as bits. */
const bitsOf = (top: number, list: readonly number[]) => list.reduce((all, n) => all | (1 << ((top + n) & 7)), 0);

/**
 * The x87 registers of a block in locals: a push, a pop or an exchange changes only what is known of them. Tags are looked at once. Whoever leaves
 * puts everything where it belongs. What the executor would do on a stack fault, a pending or an unmasked exception, or without x87, is left to it.
 */
export class X87Run extends Operands {
  /** Whether exceptions may be unmasked: each result is then looked at. Otherwise the code is for masked ones only. */
  canStop = false;
  protected run: Run | null = null;
  /** Locals: the status word without TOP's changes, bytes from the first register to the first TOP, tags from there on (1: empty). */
  protected readonly statusLocal = this.values.reserve(I32);
  readonly #base = this.values.reserve(I32);
  readonly #tags = this.values.reserve(I32);
  /** Halves of pairs, and those of them that are free. */
  readonly #all: { readonly m: number[]; readonly e: number[] } = { m: [], e: [] };
  #free: { readonly m: number[]; readonly e: number[] } = { m: [], e: [] };
  /** Offset of the memory operand of the instruction in hand. */
  protected data: Value | null = null;

  /** Whether these registers, relative to TOP, may be full or empty as far as is known. */
  protected mayBe(full: readonly number[], empty: readonly number[]): boolean {
    // A copy of ST(7) always faults: it is where the copy would go.
    if (full.some(n => empty.includes(n))) return false;
    const run = this.run;
    if (run === null) return true;
    return (bitsOf(run.top, full) & run.empty) === 0 && (bitsOf(run.top, empty) & run.full) === 0;
  }

  /** An x87 instruction begins, which wants these registers full and empty. */
  protected beginX87(full: readonly number[], empty: readonly number[]): void {
    this.data = null;
    const run = this.run ?? this.#enter();
    const [wanted, unwanted] = [bitsOf(run.top, full) & ~run.full, bitsOf(run.top, empty) & ~run.empty];
    if ((wanted | unwanted) === 0) return;
    const { code } = this;
    if (!run.hasTags) this.#loadTags(run);
    code.get(this.#tags);
    code.constant(wanted | unwanted);
    code.op(OP.and);
    code.constant(unwanted);
    code.op(OP.xor);
    this.leaveIf();
    run.full |= wanted;
    run.empty |= unwanted;
  }

  #loadTags(run: Run): void {
    const { code } = this;
    const address = S.W_EMPTY << 2;
    code.constant(0);
    code.memory(OP.load32, address);
    code.constant(0);
    code.memory(OP.load32, address);
    code.constant(8);
    code.op(OP.shl);
    code.op(OP.or);
    code.get(this.#base);
    code.constant(4);
    code.op(OP.shrU);
    code.op(OP.shrU);
    code.set(this.#tags);
    run.hasTags = true;
  }

  #enter(): Run {
    const { code } = this;
    const load = (word: number) => {
      code.constant(0);
      code.memory(OP.load32, word << 2);
    };
    load(S.W_STATUS);
    code.tee(this.statusLocal);
    code.constant(S.SW.summary);
    code.op(OP.and);
    load(L.W_CR0);
    code.constant(CR0.EM | CR0.TS);
    code.op(OP.and);
    code.op(OP.or);
    if (!this.canStop) {
      this.pushUnmasked();
      code.op(OP.or);
    }
    this.leaveIf();
    code.get(this.statusLocal);
    code.constant(7);
    code.op(OP.shrU);
    code.constant(0x70);
    code.op(OP.and);
    code.set(this.#base);
    this.run = {
      top: 0,
      pairs: [null, null, null, null, null, null, null, null],
      dirty: 0,
      full: 0,
      empty: 0,
      filled: 0,
      emptied: 0,
      hasTags: false,
      hasStatus: false,
      isC1Clear: false,
      pointer: null,
      hasSelector: false,
      dataSegment: null,
    };
    return this.run;
  }

  /** Puts the exceptions that are not masked on the stack. */
  protected pushUnmasked(): void {
    const { code } = this;
    code.constant(0);
    code.memory(OP.load32, S.W_CONTROL << 2);
    code.constant(S.EXCEPTIONS);
    code.op(OP.and);
    code.constant(S.EXCEPTIONS);
    code.op(OP.xor);
  }

  protected get current(): Run {
    if (this.run === null) throw new Error('No x87 instruction has begun.');
    return this.run;
  }

  /** The instruction is done; `shows`: the pointers show it. */
  protected endX87(i: Instruction, offset: number, shows: boolean): void {
    const run = this.current;
    if (shows) this.#point(run, i, offset);
    const used = run.pairs.filter(pair => pair !== null);
    this.#free = {
      m: this.#all.m.filter(local => !used.some(({ m }) => m === local)),
      e: this.#all.e.filter(local => !used.some(({ e }) => e === local)),
    };
  }

  #point(run: Run, i: Instruction, offset: number): void {
    const { code } = this;
    run.pointer = { offset, instruction: i };
    if (!run.hasSelector) this.#copy(selectorOf(CS), S.W_INSTRUCTION_SELECTOR << 2);
    run.hasSelector = true;
    if (this.data === null) return;
    code.constant(0);
    this.values.push(this.data);
    code.memory(OP.store32, S.W_DATA << 2);
    const { segment } = i.memory;
    if (run.dataSegment !== segment) this.#copy(selectorOf(segment), S.W_DATA_SELECTOR << 2);
    run.dataSegment = segment;
  }

  #copy(from: number, to: number): void {
    const { code } = this;
    code.constant(0);
    code.constant(0);
    code.memory(OP.load32, from);
    code.memory(OP.store32, to);
  }

  /** Everything into memory: here, in the code on a way out. What is known stays as it is. */
  protected override spill(): void {
    const run = this.run;
    if (run === null) return;
    const { code } = this;
    run.pairs.forEach((pair, n) => {
      if (pair === null || ((run.dirty >> n) & 1) === 0) return;
      code.constant(16 * n);
      code.get(pair.m);
      code.get(pair.e);
      this.callKernel('keep');
    });
    if (run.hasStatus || (run.filled | run.emptied | run.top) !== 0) {
      code.get(this.statusLocal);
      code.constant(run.top);
      code.constant(run.filled);
      code.constant(run.emptied);
      this.callKernel('finish');
    }
    this.#spillPointer(run);
  }

  protected override get spills(): boolean {
    return this.run !== null;
  }

  /** Everything into memory, where the code goes on. */
  override flush(): void {
    if (this.run !== null) this.#flushRun(this.run);
    this.run = null;
    this.#free = { m: [...this.#all.m], e: [...this.#all.e] };
  }

  #flushRun(run: Run): void {
    const { code } = this;
    const address = this.freshWord();
    run.pairs.forEach((pair, n) => {
      if (pair === null || ((run.dirty >> n) & 1) === 0) return;
      this.pushAddress(n);
      code.tee(address);
      code.get(pair.m);
      code.memory(OP.store64, L.W_X87_REGISTERS << 2);
      code.get(address);
      code.get(pair.e);
      code.memory(OP.store16, (L.W_X87_REGISTERS << 2) + 8);
    });
    if (run.top !== 0) {
      code.constant(0);
      this.values.push(this.status());
      code.memory(OP.store32, S.W_STATUS << 2);
    } else if (run.hasStatus) {
      code.constant(0);
      code.get(this.statusLocal);
      code.memory(OP.store32, S.W_STATUS << 2);
    }
    if ((run.filled | run.emptied) !== 0) {
      if (!run.hasTags) this.#loadTags(run);
      code.constant(0);
      code.get(this.#tags);
      code.constant(0xff & ~(run.filled | run.emptied));
      code.op(OP.and);
      code.constant(run.emptied);
      code.op(OP.or);
      code.get(this.#base);
      code.constant(4);
      code.op(OP.shrU);
      code.op(OP.shl);
      code.tee(address);
      code.get(address);
      code.constant(8);
      code.op(OP.shrU);
      code.op(OP.or);
      code.constant(0xff);
      code.op(OP.and);
      code.memory(OP.store32, S.W_EMPTY << 2);
    }
    this.#spillPointer(run);
  }

  #spillPointer({ pointer }: Run): void {
    if (pointer === null) return;
    const { code } = this;
    code.constant(0);
    this.pushPointer(pointer);
    code.memory(OP.store64, S.W_OPCODE << 2);
  }

  /** Puts an opcode, and above it the offset, on the stack. */
  protected pushPointer({ offset, instruction }: Pointer): void {
    this.code.constant64((BigInt(offset) << 32n) | BigInt(S.opcodeOf(instruction)));
  }

  /** Puts a register's place in bytes, from the first one on, on the stack. */
  protected pushAddress(place: number): void {
    const { code } = this;
    code.get(this.#base);
    if (place === 0) return;
    code.constant(16 * place);
    code.op(OP.add);
    code.constant(0x70);
    code.op(OP.and);
  }

  /** The status word as it is to be seen. */
  status(): Value {
    const run = this.current;
    const { code } = this;
    code.get(this.statusLocal);
    code.constant(~0x3800);
    code.op(OP.and);
    this.pushAddress(run.top);
    code.constant(7);
    code.op(OP.shl);
    code.op(OP.or);
    return this.values.pop(16);
  }

  // Locals

  freshWide(): number {
    return this.#free.m.pop() ?? this.#reserve('m');
  }

  freshWord(): number {
    return this.#free.e.pop() ?? this.#reserve('e');
  }

  #reserve(half: 'm' | 'e'): number {
    const local = this.values.reserve(half === 'm' ? I64 : I32);
    this.#all[half].push(local);
    return local;
  }

  /** A function of the kernel's, with what lies on the stack. */
  protected callKernel(name: KernelName): void {
    this.code.call(importIndex(name));
  }
}
