import { type CodeSource, decode } from '../../ia32/decoder.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import type { OpcodeRow } from '../../ia32/opcode.ts';
import type { Access } from '../cpu/access.ts';
import { MOST_INSTRUCTIONS } from '../cpu/blocks.ts';
import { LARGE_ZERO } from '../cpu/large.ts';
import * as L from '../cpu/layout.ts';
import { EXCEPTIONS, W_CONTROL } from '../cpu/x87/state.ts';
import type { ValueType } from './code.ts';
import { compile, type Manner, type WayToExecute } from './compile.ts';
import type { Part } from './draft.ts';
import { type Extent, explore, type Graph, type GraphBlock } from './graph.ts';
import { packed } from './packed.ts';
import { type Premises, premisesOf } from './premises.ts';
import { packSites } from './sites.ts';

/** A page of code, as the TLB has it. */
export interface CodePage {
  /** Linear page number. */
  readonly page: number;
  /** Entry of the execute table. */
  readonly entry: number;
}

/** The bytes are not where the TLB can tell. */
class NotThere extends Error {}

/** Gives the instructions from a byte offset in the machine's memory on that the executor has decoded, all in one page: none, if it has not. */
export type Decoded = (host: number, codeSize: 2 | 4) => readonly Instruction[];

/** Reads code where the TLB has its pages, without any effect; null where it is not known where that is. */
class Reader implements CodeSource {
  readonly pages = new Map<number, CodePage>();
  readonly #u8: Uint8Array;
  readonly #decoded: Decoded;
  /** What was decoded already, how many of it were given, and the linear address of the one that comes then. */
  #known: readonly Instruction[] = [];
  #given = 0;
  #next = LARGE_ZERO;
  /** Of a linear page. */
  readonly entryOf: (page: number) => number;
  #linear = 0;

  constructor(u8: Uint8Array, entryOf: (page: number) => number, decoded: Decoded) {
    this.#u8 = u8;
    this.entryOf = entryOf;
    this.#decoded = decoded;
  }

  byte(index: number): number {
    return this.byteAt((this.#linear + index) | 0);
  }

  byteAt(linear: number): number {
    return this.#u8[this.#hostOf(linear)];
  }

  #hostOf(linear: number): number {
    const page = linear >>> 12;
    const entry = this.entryOf(page);
    if (entry === L.INVALID) throw new NotThere();
    if (!this.pages.has(page)) this.pages.set(page, { page, entry });
    return (linear + entry) >>> 0;
  }

  instruction(linear: number, codeSize: 2 | 4): Instruction | null {
    this.#linear = linear;
    try {
      return this.#knownAt(linear, codeSize) ?? decode(this, 0, codeSize);
    } catch (thrown) {
      if (thrown instanceof NotThere) return null;
      throw thrown;
    }
  }

  #knownAt(linear: number, codeSize: 2 | 4): Instruction | null {
    if (linear !== this.#next || this.#given === this.#known.length) {
      this.#known = this.#decoded(this.#hostOf(linear), codeSize);
      this.#given = 0;
    }
    if (this.#given === this.#known.length) return null;
    const instruction = this.#known[this.#given++];
    this.#next = (linear + instruction.length) | 0;
    return instruction;
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
  /** Offset in CS where it was to be entered when it was made, if that is in the midst of its procedure. */
  readonly within: number | null;
  readonly entrances: readonly Entrance[];
  /** Whether a jump leads out of it to code that was left out (graph.ts). */
  readonly isOpen: boolean;
  readonly premises: Premises;
  readonly pages: readonly CodePage[];
  /** Where its other blocks begin, byte offsets in the machine's memory, and where the executor cuts long ones. */
  readonly hosts: readonly number[];
  readonly cuts: readonly number[];
  /** In the table of functions; -1 until its module is made. */
  index: number;
  /** Number of its module, in the order in which they were made; -1 until then. */
  module: number;
  /** Of instructions that the executor does for it. */
  readonly callOuts: readonly number[];
  /** Where it is left for the executor (sites.ts). */
  readonly sites: Int32Array;
  /** Its code has changed. */
  isDead: boolean;
  /** Memory was replaced as a whole since it ran: whether it still is of what is there has to be seen. */
  isAsleep: boolean;
  /** The bytes that it was made of, those of `spans` one after the other. */
  readonly source: Uint8Array;
  /** Linear addresses where its blocks begin and, behind the last instruction, end: in turn. */
  readonly spans: readonly number[];
  readonly instructions: number;
  /** Of its WebAssembly. */
  readonly bytes: number;
  readonly manner: Manner;
  /** How often it was left where an access asks for others with it. */
  wide: number;
  /** How often it was entered before its counter was set, and to what that was set then. */
  entered: number;
  countsFrom: number;
  /** How often it had been entered when it was last judged whether it should stay. */
  entriesBefore: number;
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
  /** Offset in CS where the procedure begins that the code may be in the midst of; null: not known. */
  readonly procedure: number | null;
  /** Blocks at most. */
  readonly mostBlocks: number;
  /** Whether the block at a byte offset in the machine's memory is worth it. */
  readonly isHot: (host: number) => boolean;
  /** Instructions of this row are left to the executor, which is watched. */
  readonly isLeft: (row: OpcodeRow) => boolean;
  /** All in this linear page is, as somebody wants to stop there. */
  readonly isStopPage: (page: number) => boolean;
  /** The way to have an instruction executed in the midst of a region. */
  readonly callOut: WayToExecute;
  /** Whether an access may ask the TLB for others with it in the code that begins at a byte offset in the machine's memory. */
  readonly foresees: (host: number) => boolean;
  /** What need not be decoded once more. */
  readonly decoded: Decoded;
}

/** The code from an offset in CS on as a graph; null where not even the first instruction can be translated. */
function graphOf(
  reader: Reader,
  start: number,
  { codeBase, codeLimit, word }: Premises,
  wish: Omit<Wish, 'callOut' | 'foresees' | 'decoded' | 'procedure'>,
  within: number | null,
): Graph | null {
  const codeSize = (word & L.PREMISE.code32) === 0 ? 2 : 4;
  return explore(
    start,
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
      const entry = reader.entryOf(linear >>> 12);
      return entry !== L.INVALID && wish.isHot((linear + entry) >>> 0);
    },
    wish.mostBlocks,
    wish.extent,
    within,
  );
}

/** The pages that the code itself has to compare: not the one that whoever enters has compared. */
function toCompare(pages: readonly CodePage[], entrances: readonly Entrance[]): readonly CodePage[] {
  return pages.filter(({ page }) => !entrances.every(({ linear }) => linear >>> 12 === page));
}

/** Translates the code at CS:EIP; null where that cannot be done. */
export function translateRegion(cpu: Access, wish: Wish): Translated | null {
  const { i32 } = cpu;
  const premises = premisesOf(cpu);
  const { codeBase } = premises;
  const table = i32[L.W_EXECUTE_TABLE];
  const reader = new Reader(cpu.u8, page => i32[table + page], wish.decoded);
  const eip = i32[L.W_EIP];
  const whole = wish.procedure === null ? null : graphOf(reader, wish.procedure, premises, wish, eip);
  const graph = whole ?? graphOf(reader, eip, premises, wish, null);
  if (graph === null) return null;
  const start = (codeBase + (whole === null ? eip : (wish.procedure ?? eip))) | 0;
  const manner: Manner = {
    isX87Unmasked: (i32[W_CONTROL] & EXCEPTIONS) !== EXCEPTIONS,
    foresees: wish.foresees(hostOf({ linear: start, entry: i32[table + (start >>> 12)] })),
  };
  const callOuts: number[] = [];
  const emitter = compile(
    graph,
    premises,
    i => {
      const call = wish.callOut(i);
      callOuts.push(call.number);
      return call;
    },
    manner,
  );
  const entranceAt = (start: number): Entrance => {
    const linear = (codeBase + start) | 0;
    return { linear, entry: i32[table + (linear >>> 12)] };
  };
  const entryBlocks = new Set(graph.entries.map(n => graph.blocks[n]));
  const entrances = packed(graph.entries, n => entranceAt(graph.blocks[n].start));
  const blocks = graph.blocks.filter(hasCode);
  const pages = pagesOf(graph, codeBase, reader);
  const spans = blocks.flatMap(({ start, end }) => [(codeBase + start) | 0, (codeBase + end) | 0]);
  const { locals, code } = emitter.finish(toCompare(pages, entrances));
  protect(cpu, { pages, spans });
  return {
    region: {
      extent: wish.extent,
      within: whole === null ? null : eip,
      entrances,
      isOpen: graph.isOpen,
      premises,
      pages,
      hosts: blocks.filter(block => !entryBlocks.has(block)).map(({ start }) => hostOf(entranceAt(start))),
      cuts: blocks.flatMap(cutsOf).map(start => hostOf(entranceAt(start))),
      index: -1,
      module: -1,
      callOuts,
      sites: packSites(emitter.sites),
      isDead: false,
      isAsleep: false,
      source: sourceOf(cpu, { pages, spans }),
      spans,
      instructions: blocks.reduce((sum, { instructions }) => sum + instructions.length, 0),
      bytes: code.length,
      manner,
      wide: 0,
      entered: 0,
      countsFrom: 0,
      entriesBefore: 0,
    },
    locals,
    code,
  };
}

/** A region's code once more. */
export interface Repeated {
  readonly code: Uint8Array;
  readonly parts: readonly Part[];
  /** By their offsets in CS. */
  readonly instructions: ReadonlyMap<number, Instruction>;
  /** A byte of the guest's code by its linear address. */
  readonly byteAt: (linear: number) => number;
}

/**
 * Makes the code of a region that is alive once more, without any effect: from the same bytes, where they are now, and with the same blocks. `callOut`
 * gives the ways that it has. Null if the result is another one, which should not be.
 */
export function repeatRegion(
  cpu: Access,
  region: Region,
  wish: Pick<Wish, 'mostBlocks' | 'isLeft' | 'callOut' | 'decoded'>,
): Repeated | null {
  const { premises, entrances, pages, hosts, extent } = region;
  const entries = new Map(pages.map(({ page, entry }) => [page, entry]));
  const starts = new Set([...hosts, ...entrances.map(hostOf)]);
  const reader = new Reader(cpu.u8, page => entries.get(page) ?? L.INVALID, wish.decoded);
  const graph = graphOf(
    reader,
    (entrances[0].linear - premises.codeBase) | 0,
    premises,
    {
      ...wish,
      extent,
      isHot: host => starts.has(host),
      isStopPage: () => false,
    },
    region.within,
  );
  if (graph === null) return null;
  const emitter = compile(graph, premises, wish.callOut, region.manner);
  const { code, parts } = emitter.finish(toCompare(pages, entrances));
  const instructions = new Map<number, Instruction>();
  for (const block of graph.blocks) {
    let offset = block.start;
    for (const instruction of block.instructions) {
      instructions.set(offset, instruction);
      offset = (offset + instruction.length) | 0;
    }
  }
  const byteAt = (linear: number) => reader.byteAt(linear | 0);
  return code.length === region.bytes ? { code, parts: parts(), instructions, byteAt } : null;
}

/** Whether a linear address is in the code of a region, as it was translated. */
export function hasCodeAt({ spans }: Region, linear: number): boolean {
  // A block may go on at address 0.
  return spans.some((start, n) => n % 2 === 0 && (linear - start) >>> 0 < (spans[n + 1] - start) >>> 0);
}

/** Where it lies: byte offset in the machine's memory. */
export function hostOf({ linear, entry }: Entrance): number {
  return (linear + entry) >>> 0;
}

/** Where the executor's blocks end in a longer one, and the next begin. */
function cutsOf({ start, instructions }: GraphBlock): readonly number[] {
  const cuts: number[] = [];
  let at = start;
  instructions.forEach(({ length }, n) => {
    if (n > 0 && n % MOST_INSTRUCTIONS === 0) cuts.push(at);
    at = (at + length) | 0;
  });
  return cuts;
}

/** Not so the block that only chooses between entries. */
function hasCode({ instructions }: GraphBlock): boolean {
  return instructions.length > 0;
}

/** Of all pages that were looked at, those that the code is in. */
function pagesOf(graph: Graph, codeBase: number, reader: Reader): readonly CodePage[] {
  const pages = new Map<number, CodePage>();
  for (const { start, end } of graph.blocks.filter(hasCode)) {
    const first = (codeBase + start) | 0;
    // As bytes from the first page's beginning: linear addresses may wrap around.
    const bytes = (first & 0xfff) + ((end - start) | 0);
    for (let n = 0; n < bytes; n += 4096) {
      const page = reader.pages.get(((first + n) | 0) >>> 12);
      if (page !== undefined) pages.set(page.page, page);
    }
  }
  return [...pages.values()];
}

/** Calls `see` for the code of a region, in order: a byte offset in the machine's memory, and as many bytes as lie in the same page. */
function eachPiece(
  { pages, spans }: Pick<Region, 'pages' | 'spans'>,
  see: (host: number, bytes: number) => void,
): void {
  for (let n = 0; n < spans.length; n += 2) {
    let linear = spans[n];
    for (let left = (spans[n + 1] - linear) | 0; left > 0; ) {
      const number = linear >>> 12;
      const entry = pages.find(({ page }) => page === number)?.entry;
      if (entry === undefined) throw new Error('Code was translated that lies in no page.');
      const bytes = Math.min(left, 4096 - (linear & 0xfff));
      see((linear + entry) >>> 0, bytes);
      linear = (linear + bytes) | 0;
      left -= bytes;
    }
  }
}

/** From now on who writes to this code is noticed. */
export function protect(cpu: Access, region: Pick<Region, 'pages' | 'spans'>): void {
  eachPiece(region, (host, bytes) => {
    const page = (host - L.RAM) >>> 12;
    if (cpu.codePages.mark(page, host & 0xfff, (host & 0xfff) + bytes - 1)) cpu.protectCode(page);
  });
}

function sourceOf(cpu: Access, region: Pick<Region, 'pages' | 'spans'>): Uint8Array {
  let length = 0;
  eachPiece(region, (_, bytes) => {
    length += bytes;
  });
  const source = new Uint8Array(length);
  let at = 0;
  eachPiece(region, (host, bytes) => {
    source.set(cpu.u8.subarray(host, host + bytes), at);
    at += bytes;
  });
  return source;
}

/** Whether the bytes that a region was made of are still there. */
export function isUnchanged(cpu: Access, region: Region): boolean {
  const { source } = region;
  let at = 0;
  let isSame = true;
  eachPiece(region, (host, bytes) => {
    for (let n = 0; n < bytes && isSame; n++) isSame = cpu.u8[host + n] === source[at + n];
    at += bytes;
  });
  return isSame;
}
