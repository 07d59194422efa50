import type { Instruction } from '../../ia32/instruction.ts';
import { OP } from './code.ts';
import { Emitter } from './emitter.ts';
import { commonKind, type Kind, kindOf } from './flags.ts';
import { type Foresight, foreseeAll } from './foresight.ts';
import type { CallOut } from './frame.ts';
import { type Graph, isLast, meaningOf } from './graph.ts';
import { type Hammock, hammocksOf } from './if-conversion.ts';
import { packed } from './packed.ts';
import type { Premises } from './premises.ts';
import { known, positiveOf, type Value } from './values.ts';
import { Ways } from './ways.ts';
import type { Lasting } from './windows.ts';

/** How an instruction is executed in the midst of a region. */
export type WayToExecute = (i: Instruction) => CallOut;

/** What code is made for, beside its premises. */
export interface Manner {
  /** Exceptions of the x87 may be unmasked. */
  readonly isX87Unmasked: boolean;
  /** An access may ask the TLB for others with it (windows.ts). */
  readonly foresees: boolean;
}

/**
 * Makes one function of a graph: loops and forward jumps become WebAssembly's own constructs, over the tree of dominators (Ramsey, Beyond Relooper:
 * Recursive Translation of Unstructured Control Flow to Structured Control Flow). `callOut` gives the way to have an instruction executed.
 * Returns what has made the code, to be finished.
 */
export function compile(graph: Graph, premises: Premises, callOut: WayToExecute, manner: Manner): Emitter {
  return new Compilation(graph, premises, callOut, manner).whole();
}

class Compilation {
  readonly #graph: Graph;
  readonly #emitter: Emitter;
  readonly #callOut: WayToExecute;
  /** By the numbers of the blocks that end with their branches. */
  readonly #hammocks: ReadonlyMap<number, Hammock>;
  /** Blocks that are reached by several forward edges, and those that a later one goes back to. */
  readonly #merges: ReadonlySet<number>;
  readonly #headers: ReadonlySet<number>;
  /** Of each block, those that are reached by several forward edges and that it dominates immediately, the last first. */
  readonly #inner: readonly (readonly number[])[];
  readonly #numbers: ReadonlyMap<number, number>;
  /** Where it is asked for steps: entries, and all that a later block goes back to. */
  readonly #asking: ReadonlySet<number>;
  /** Of what kind the flags are on all ways to a block so far that is reached by several; null: of several kinds, or it is not known. */
  readonly #arriving = new Map<number, Kind | null>();
  readonly #ways: Ways;
  readonly #foresight: readonly Foresight[];
  /** Of each block, the merges and headers that it dominates immediately. */
  readonly #joints: readonly (readonly number[])[];
  /** What is known of the TLB at such a one, and whose ends keep the locals of it. */
  readonly #lasting = new Map<number, readonly Lasting[]>();
  readonly #keeping = new Set<number>();
  /** Of each block, how many steps are taken at most from its beginning on before it is asked for more. */
  readonly #needed: readonly number[];

  constructor(graph: Graph, premises: Premises, callOut: WayToExecute, { isX87Unmasked, foresees }: Manner) {
    this.#graph = graph;
    this.#callOut = callOut;
    this.#emitter = new Emitter(premises);
    this.#emitter.canStop = isX87Unmasked;
    this.#hammocks = hammocksOf(graph);
    const sides = new Set([...this.#hammocks.values()].flatMap(({ taken, fallen }) => [taken, fallen]));
    const seen = new Set<number>();
    const merges = new Set<number>();
    const headers = new Set<number>();
    graph.blocks.forEach(({ successors }, from) => {
      if (sides.has(from)) return;
      const hammock = this.#hammocks.get(from);
      for (const to of hammock === undefined ? successors : [hammock.join]) {
        if (to <= from) {
          if (!this.#isCut(from, to)) headers.add(to);
        } else if (seen.has(to)) merges.add(to);
        else seen.add(to);
      }
    });
    this.#merges = merges;
    const inner = packed(graph.blocks, (): number[] => []);
    for (const merge of [...merges].sort((a, b) => b - a)) if (merge !== 0) inner[graph.dominators[merge]].push(merge);
    this.#inner = inner;
    this.#headers = headers;
    const joints = packed(inner, (): number[] => []);
    for (const joint of new Set([...merges, ...headers])) if (joint !== 0) joints[graph.dominators[joint]].push(joint);
    this.#joints = joints;
    this.#ways = new Ways(graph);
    this.#foresight = foresees ? foreseeAll(graph, this.#ways) : [];
    this.#numbers = new Map(packed(graph.blocks, ({ start }, n) => [start, n]));
    this.#asking = new Set([...graph.entries, ...headers]);
    const needed: number[] = [];
    for (let n = graph.blocks.length - 1; n >= 0; n--) {
      const behind = packed(graph.blocks[n].successors, to => (to <= n || this.#asking.has(to) ? 0 : needed[to]));
      needed[n] = graph.blocks[n].instructions.length + Math.max(0, ...behind);
    }
    this.#needed = needed;
  }

  #isCut(from: number, to: number): boolean {
    return this.#graph.irreducible.has(`${from} ${to}`);
  }

  whole(): Emitter {
    this.#emitter.enclose();
    this.#tree(0);
    return this.#emitter;
  }

  /** The code is now for the beginning of a block, constructs around it included. */
  #begins(n: number): void {
    const { start, instructions } = this.#graph.blocks[n];
    this.#emitter.purpose = { kind: instructions.length === 0 ? 'choose' : 'block', offset: start, length: 0 };
  }

  /** A block and all that it dominates. */
  #tree(n: number): void {
    const emitter = this.#emitter;
    const isLoop = this.#headers.has(n);
    if (isLoop) {
      emitter.join();
      this.#begins(n);
      emitter.open(OP.loop, `loop ${n}`);
    }
    const lasting = this.#lasting.get(n);
    if (lasting !== undefined) emitter.recall(lasting);
    this.#within(n, this.#inner[n]);
    if (isLoop) emitter.close();
    if (this.#keeping.delete(n)) emitter.unpin();
  }

  /** Behind the last instruction of a block: what is known now of the TLB may still hold where its ways meet again. */
  #ends(n: number): void {
    const emitter = this.#emitter;
    const kept: Lasting[] = [];
    for (const joint of this.#joints[n]) {
      const lasting = emitter.lasting(this.#ways.changedBefore(joint));
      this.#lasting.set(joint, lasting);
      kept.push(...lasting);
    }
    if (kept.length === 0) return;
    emitter.pinLasting(kept);
    this.#keeping.add(n);
  }

  /** A block, with those of its children behind it that are reached from several places; the last of them outermost. */
  #within(n: number, [outermost, ...others]: readonly number[]): void {
    if (outermost === undefined) {
      this.#block(n);
      return;
    }
    const emitter = this.#emitter;
    this.#begins(n);
    emitter.open(OP.block, `behind ${outermost}`);
    this.#within(n, others);
    this.#begins(outermost);
    emitter.close();
    emitter.settle(this.#arriving.get(outermost) ?? null);
    this.#tree(outermost);
  }

  #block(n: number): void {
    const emitter = this.#emitter;
    const { start, instructions, end, successors } = this.#graph.blocks[n];
    this.#begins(n);
    if (instructions.length === 0) {
      this.#dispatch(
        n,
        emitter.instructionPointer(),
        [...successors].sort((a, b) => this.#unsignedStart(a) - this.#unsignedStart(b)),
      );
      return;
    }
    emitter.foreseen = this.#foresight.at(n)?.foreseen ?? [];
    const needed = this.#needed[n];
    emitter.begin(start, instructions.length, this.#asking.has(n) ? needed : null);
    let offset = start;
    instructions.forEach((instruction, index) => {
      const left = instructions.length - index;
      const at = offset;
      offset = (offset + instruction.length) | 0;
      emitter.purpose = { kind: 'instruction', offset: at, length: instruction.length };
      if (emitter.translateX87(instruction, at, left)) {
        if (left > 1) return;
        emitter.flush();
        this.#ends(n);
        this.#go(n, end);
        return;
      }
      // Nothing but registers and flags is in locals between blocks.
      if (left === 1) emitter.flush();
      if (emitter.translateFlags(instruction, at, left) || emitter.translateDivision(instruction, at, left)) {
        if (left > 1) return;
        this.#ends(n);
        this.#go(n, end);
        return;
      }
      const meaning = meaningOf(instruction.row);
      if (isLast(instruction.row)) {
        emitter.callOutLast(this.#callOut(instruction), instruction, at);
        return;
      }
      if (meaning === null) {
        emitter.callOutShort(this.#callOut(instruction), instruction, at, left, needed - index - 1);
        if (left === 1) this.#go(n, end);
        return;
      }
      const transfer = emitter.translate(meaning, instruction, at, left);
      if (left > 1) return;
      this.#ends(n);
      switch (transfer.kind) {
        case 'next':
          this.#go(n, end);
          return;
        case 'none':
          return;
        case 'branch': {
          const hammock = this.#hammocks.get(n);
          if (hammock !== undefined) {
            this.#either(transfer.condition, hammock);
            this.#follow(n, hammock.join);
            return;
          }
          this.#if(transfer.condition, () => this.#go(n, transfer.target));
          this.#go(n, end);
          return;
        }
        case 'jump':
          if (transfer.target.constant !== null) {
            this.#go(n, transfer.target.constant);
            return;
          }
          this.#choose(n, transfer.target, successors);
      }
    });
  }

  /** Both sides of a branch, without the branch. */
  #either(condition: Value, { taken, fallen }: Hammock): void {
    const emitter = this.#emitter;
    const { state: before, purpose } = emitter;
    const { value, isNegated } = positiveOf(condition);
    const [one, other] = isNegated ? [fallen, taken] : [taken, fallen];
    emitter.pin(before, value);
    this.#side(one);
    const after = emitter.state;
    emitter.pin(after, known(0));
    emitter.state = before;
    this.#side(other);
    emitter.purpose = purpose;
    emitter.selectState(value, after, emitter.state);
    emitter.unpin();
    emitter.unpin();
    emitter.payEither(value, this.#stepsOf(one), this.#stepsOf(other));
  }

  #stepsOf(side: number | null): number {
    return side === null ? 0 : this.#graph.blocks[side].instructions.length;
  }

  /** The instructions of a side, which neither leave nor jump elsewhere than to its end. */
  #side(side: number | null): void {
    if (side === null) return;
    const { start, instructions } = this.#graph.blocks[side];
    let offset = start;
    for (const [index, instruction] of instructions.entries()) {
      this.#emitter.purpose = { kind: 'instruction', offset, length: instruction.length };
      const meaning = meaningOf(instruction.row);
      if (meaning !== null) this.#emitter.translate(meaning, instruction, offset, instructions.length - index);
      offset = (offset + instruction.length) | 0;
    }
  }

  #unsignedStart(n: number): number {
    return this.#graph.blocks[n].start >>> 0;
  }

  /** To the one of these blocks, in the order of their offsets, that EIP points to. */
  #dispatch(from: number, eip: Value, entries: readonly number[]): void {
    const middle = entries.length >> 1;
    const { start } = this.#graph.blocks[entries[middle]];
    if (middle === 0) {
      this.#go(from, start);
      return;
    }
    const isBefore = this.#emitter.lessUnsigned(eip, known(start));
    this.#if(isBefore, () => this.#dispatch(from, eip, entries.slice(0, middle)), eip);
    this.#dispatch(from, eip, entries.slice(middle));
  }

  /** What `then` makes runs if the condition holds, and does not come back. */
  #if(condition: Value, then: () => void, kept: Value = known(0)): void {
    const emitter = this.#emitter;
    const { state, purpose } = emitter;
    emitter.pin(state, kept);
    emitter.values.push(condition);
    emitter.open(OP.if, 'if');
    then();
    emitter.purpose = purpose;
    emitter.close();
    emitter.state = state;
    emitter.unpin();
  }

  /** To a place that only the run time knows: one of the likely ones, or out. */
  #choose(from: number, target: Value, likely: readonly number[]): void {
    const emitter = this.#emitter;
    for (const to of likely) {
      const { start } = this.#graph.blocks[to];
      this.#if(emitter.equal(target, known(start)), () => this.#go(from, start), target);
    }
    emitter.leaveTo(target);
  }

  #go(from: number, target: number): void {
    const to = this.#numbers.get(target);
    if (to === undefined || !this.#graph.blocks[from].successors.includes(to) || this.#isCut(from, to)) {
      // It may be in another region by now, also what follows without a jump.
      this.#emitter.leaveTo(known(target));
    } else this.#follow(from, to);
  }

  /** To a block that follows another one. */
  #follow(from: number, to: number): void {
    const emitter = this.#emitter;
    if (to <= from) {
      emitter.join();
      emitter.branchTo(`loop ${to}`);
    } else if (this.#merges.has(to)) {
      const kind = kindOf(emitter.flags);
      const others = this.#arriving.get(to);
      this.#arriving.set(to, others === undefined ? kind : commonKind(others, kind));
      emitter.join();
      emitter.branchTo(`behind ${to}`);
    } else {
      this.#tree(to);
    }
  }
}
