import { type CodeSource, decode } from '../../ia32/decoder.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import type { OpcodeRow } from '../../ia32/opcode.ts';
import type { Access } from '../cpu/access.ts';
import * as L from '../cpu/layout.ts';
import { EXCEPTIONS, W_CONTROL } from '../cpu/x87/state.ts';
import type { ValueType } from './code.ts';
import { compile } from './compile.ts';
import type { CallOut, Site } from './frame.ts';
import { type Extent, explore, type Graph, type GraphBlock } from './graph.ts';
import { type Premises, premisesOf } from './premises.ts';

/** A page of code, as the TLB has it. */
export interface CodePage {
  /** Linear page number. */
  readonly page: number;
  /** Entry of the execute table. */
  readonly entry: number;
}

/** The bytes are not where the TLB can tell. */
class NotThere extends Error {}

/** Reads code through the TLB, without any effect; null where the TLB does not say where it is. */
class Reader implements CodeSource {
  readonly pages = new Map<number, CodePage>();
  readonly #cpu: Access;
  #linear = 0;

  constructor(cpu: Access) {
    this.#cpu = cpu;
  }

  byte(index: number): number {
    const { i32, u8 } = this.#cpu;
    const linear = (this.#linear + index) | 0;
    const page = linear >>> 12;
    const entry = i32[i32[L.W_EXECUTE_TABLE] + page];
    if (entry === L.INVALID) throw new NotThere();
    if (!this.pages.has(page)) this.pages.set(page, { page, entry });
    return u8[(linear + entry) >>> 0];
  }

  instruction(linear: number, codeSize: 2 | 4): Instruction | null {
    this.#linear = linear;
    try {
      return decode(this, 0, codeSize);
    } catch (thrown) {
      if (thrown instanceof NotThere) return null;
      throw thrown;
    }
  }
}

/** A place where control comes into a region. */
export interface Entrance {
  readonly linear: number;
  /** Of the execute table. */
  readonly entry: number;
}

/** Code that was translated as a whole, what it was translated for, and where it is. */
export interface Region {
  readonly extent: Extent;
  readonly entrances: readonly Entrance[];
  readonly premises: Premises;
  readonly pages: readonly CodePage[];
  /** Where its other blocks begin, byte offsets in the machine's memory. */
  readonly hosts: readonly number[];
  /** In the table of functions; -1 until its module is made. */
  index: number;
  /** Of instructions that the executor does for it. */
  readonly callOuts: readonly number[];
  readonly sites: readonly Site[];
  /** Its code has changed. */
  isDead: boolean;
}

export interface Translated {
  readonly region: Region;
  readonly locals: readonly ValueType[];
  readonly code: Uint8Array;
}

/** Number of a physical page of RAM. */
export function physicalPage({ page, entry }: CodePage): number {
  return ((((page << 12) + entry) >>> 0) - L.RAM) >>> 12;
}

/** What is to be translated, and how. */
export interface Wish {
  readonly extent: Extent;
  /** Blocks at most. */
  readonly mostBlocks: number;
  /** Whether the block at a byte offset in the machine's memory is worth it. */
  readonly isHot: (host: number) => boolean;
  /** Instructions of this row are left to the executor, which is watched. */
  readonly isLeft: (row: OpcodeRow) => boolean;
  /** All in this linear page is, as somebody wants to stop there. */
  readonly isStopPage: (page: number) => boolean;
  /** The way to have an instruction executed in the midst of a region. */
  readonly callOut: (i: Instruction) => CallOut;
}

/** Translates the code at CS:EIP; null where that cannot be done. */
export function translateRegion(cpu: Access, wish: Wish): Translated | null {
  const { i32, codeSize } = cpu;
  const premises = premisesOf(cpu);
  const { codeBase, codeLimit } = premises;
  const reader = new Reader(cpu);
  const table = i32[L.W_EXECUTE_TABLE];
  const graph = explore(
    i32[L.W_EIP],
    offset => {
      const linear = (codeBase + offset) | 0;
      const instruction = reader.instruction(linear, codeSize);
      if (instruction === null || wish.isLeft(instruction.row)) return null;
      const last = instruction.length - 1;
      const isStop = wish.isStopPage(linear >>> 12) || wish.isStopPage(((linear + last) | 0) >>> 12);
      return !isStop && (offset >>> 0) + last <= codeLimit >>> 0 ? instruction : null;
    },
    offset => {
      const linear = (codeBase + offset) | 0;
      const entry = i32[table + (linear >>> 12)];
      return entry !== L.INVALID && wish.isHot((linear + entry) >>> 0);
    },
    wish.mostBlocks,
    wish.extent,
  );
  if (graph === null) return null;
  const callOuts: number[] = [];
  const emitter = compile(
    graph,
    premises,
    i => {
      const call = wish.callOut(i);
      callOuts.push(call.number);
      return call;
    },
    (i32[W_CONTROL] & EXCEPTIONS) !== EXCEPTIONS,
  );
  const entranceAt = ({ start }: GraphBlock): Entrance => {
    const linear = (codeBase + start) | 0;
    return { linear, entry: i32[table + (linear >>> 12)] };
  };
  const isEntrance = (block: GraphBlock) => graph.entries.some(n => graph.blocks[n] === block);
  const entrances = graph.entries.map(n => entranceAt(graph.blocks[n]));
  const inner = graph.blocks.filter(block => hasCode(block) && !isEntrance(block));
  const pages = pagesOf(graph, codeBase, reader);
  // Who enters has compared the page where that is.
  const isCompared = (page: number) => entrances.every(({ linear }) => linear >>> 12 === page);
  const { locals, code } = emitter.finish(pages.filter(({ page }) => !isCompared(page)));
  protect(cpu, graph, codeBase);
  return {
    region: {
      extent: wish.extent,
      entrances,
      premises,
      pages,
      hosts: inner.map(block => hostOf(entranceAt(block))),
      index: -1,
      callOuts,
      sites: emitter.sites,
      isDead: false,
    },
    locals,
    code,
  };
}

/** Where it lies: byte offset in the machine's memory. */
export function hostOf({ linear, entry }: Entrance): number {
  return (linear + entry) >>> 0;
}

/** Not so the block that only chooses between entries. */
function hasCode({ instructions }: GraphBlock): boolean {
  return instructions.length > 0;
}

/** Of all pages that were looked at, those that the code is in. */
function pagesOf(graph: Graph, codeBase: number, reader: Reader): readonly CodePage[] {
  const pages = new Map<number, CodePage>();
  for (const { start, end } of graph.blocks.filter(hasCode)) {
    for (const offset of [start, (end - 1) | 0]) {
      const page = reader.pages.get(((codeBase + offset) | 0) >>> 12);
      if (page !== undefined) pages.set(page.page, page);
    }
  }
  return [...pages.values()];
}

/** From now on who writes to this code is noticed. */
function protect(cpu: Access, graph: Graph, codeBase: number): void {
  const { i32, codePages } = cpu;
  const mark = (linear: number, bytes: number) => {
    const host = (linear + i32[i32[L.W_EXECUTE_TABLE] + (linear >>> 12)]) >>> 0;
    const page = (host - L.RAM) >>> 12;
    if (codePages.mark(page, host & 0xfff, (host & 0xfff) + bytes - 1)) cpu.protectCode(page);
  };
  for (const { start, end } of graph.blocks.filter(hasCode)) {
    let linear = (codeBase + start) | 0;
    for (let left = (end - start) | 0; left > 0; ) {
      const inPage = Math.min(left, 4096 - (linear & 0xfff));
      mark(linear, inPage);
      linear = (linear + inPage) | 0;
      left -= inPage;
    }
  }
}
