import { type CodeSource, decode } from '../../ia32/decoder.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import { CS } from '../../ia32/registers.ts';
import type { Access } from '../cpu/access.ts';
import * as L from '../cpu/layout.ts';
import { compile } from './compile.ts';
import type { Premises } from './emitter.ts';
import { explore, type Graph } from './graph.ts';

/** A page of code, as the TLB has it. */
interface CodePage {
  /** Linear page number. */
  readonly page: number;
  /** Entry of the execute table. */
  readonly entry: number;
  /** Of the page's code (CodePages). */
  readonly generation: number;
}

/** A segment that the code uses: its attributes, and which accesses were taken to need no checks (S_CHECKED). */
interface SegmentUse {
  readonly attributes: number;
  flat: number;
}

/** Descriptor bits in S_ATTRIBUTES. */
const PRESENT_DATA = 0x90;
const TYPE_MASK = 0x9c;
const WRITABLE = 2;

/** The code uses a segment in a way that has to be looked at each time. */
class NotTranslatable extends Error {}

/** Reads code through the TLB, without any effect; null where the TLB does not say where it is. */
class Reader implements CodeSource {
  readonly pages = new Map<number, CodePage>();
  readonly #cpu: Access;
  #linear = 0;

  constructor(cpu: Access) {
    this.#cpu = cpu;
  }

  byte(index: number): number {
    const { i32, u8, codePages } = this.#cpu;
    const linear = (this.#linear + index) | 0;
    const page = linear >>> 12;
    const entry = i32[i32[L.W_EXECUTE_TABLE] + page];
    if (entry === L.INVALID) throw new NotTranslatable();
    const host = (linear + entry) >>> 0;
    if (!this.pages.has(page)) {
      this.pages.set(page, { page, entry, generation: codePages.generations[(host - L.RAM) >>> 12] });
    }
    return u8[host];
  }

  instruction(linear: number, codeSize: 2 | 4): Instruction | null {
    this.#linear = linear;
    try {
      return decode(this, 0, codeSize);
    } catch (thrown) {
      if (thrown instanceof NotTranslatable) return null;
      throw thrown;
    }
  }
}

/** Code that was translated as a whole, and what it was translated for. */
export class Region {
  readonly graph: Graph;
  readonly function: { readonly locals: number; readonly code: Uint8Array };
  /** Runs from the first block's start, which is EIP, on, as far as it comes. */
  run: () => void = () => {};
  readonly #pages: readonly CodePage[];
  readonly #segments: ReadonlyMap<number, SegmentUse>;
  readonly #words: readonly (readonly [number, number])[];
  /** Access.linkKey for which pages and words were found as they must be. */
  #linkKey = -1;

  /** Of the code at CS:EIP. Throws NotTranslatable. */
  constructor(cpu: Access, mostBlocks: number) {
    const { i32 } = cpu;
    const base = cpu.base(CS);
    const limit = cpu.segment(CS, L.S_LIMIT) >>> 0;
    const reader = new Reader(cpu);
    const { codeSize } = cpu;
    const graph = explore(
      i32[L.W_EIP],
      offset => {
        const instruction = reader.instruction((base + offset) | 0, codeSize);
        return instruction !== null && (offset >>> 0) + instruction.length - 1 <= limit ? instruction : null;
      },
      mostBlocks,
    );
    if (graph === null) throw new NotTranslatable();
    const segments = new Map<number, SegmentUse>();
    const premises: Premises = {
      readTable: i32[L.W_READ_TABLE] << 2,
      writeTable: i32[L.W_WRITE_TABLE] << 2,
      stackMask: i32[L.W_STACK_MASK],
      codeLimit: i32[L.W_CODE_LIMIT],
      isFlat: (segment, write) => {
        const attributes = cpu.segment(segment, L.S_ATTRIBUTES);
        const use = segments.get(segment) ?? { attributes, flat: 0 };
        segments.set(segment, use);
        const bit = write ? 2 : 1;
        if ((cpu.segment(segment, L.S_CHECKED) & bit) === 0) {
          use.flat |= bit;
          return true;
        }
        const isPlain = (attributes & TYPE_MASK) === PRESENT_DATA && (!write || (attributes & WRITABLE) !== 0);
        if (!isPlain) throw new NotTranslatable();
        return false;
      },
    };
    this.graph = graph;
    this.function = compile(graph, premises);
    this.#segments = segments;
    this.#pages = [...reader.pages.values()];
    const words = [L.W_EIP, L.W_READ_TABLE, L.W_STACK_MASK, L.W_CODE_LIMIT, L.W_ALIGNMENT];
    const segment = L.W_SEGMENTS + CS * L.SEGMENT_WORDS;
    this.#words = [...words, segment + L.S_BASE, segment + L.S_ATTRIBUTES, segment + L.S_LIMIT].map(word => [
      word,
      i32[word],
    ]);
    this.#protect(cpu);
  }

  /** From now on who writes to this code is noticed. */
  #protect(cpu: Access): void {
    for (const { start, end } of this.graph.blocks) {
      const base = cpu.base(CS);
      for (let at = (base + start) | 0; at !== ((base + end) | 0); at = (at + 1) | 0) {
        const host = (at + cpu.i32[cpu.i32[L.W_EXECUTE_TABLE] + (at >>> 12)]) >>> 0;
        const page = (host - L.RAM) >>> 12;
        if (cpu.codePages.mark(page, host & 0xfff, host & 0xfff)) cpu.protectCode(page);
      }
    }
  }

  /** Whether all is as it was translated for. */
  holds(cpu: Access): boolean {
    const { i32 } = cpu;
    if (cpu.linkKey !== this.#linkKey) {
      for (const { page, entry, generation } of this.#pages) {
        if (i32[i32[L.W_EXECUTE_TABLE] + page] !== entry) return false;
        const host = ((page << 12) + entry) >>> 0;
        if (cpu.codePages.generations[(host - L.RAM) >>> 12] !== generation) return false;
      }
      this.#linkKey = cpu.linkKey;
    }
    for (const [word, value] of this.#words) if (i32[word] !== value) return false;
    for (const [segment, { attributes, flat }] of this.#segments) {
      const word = L.W_SEGMENTS + segment * L.SEGMENT_WORDS;
      if (i32[word + L.S_ATTRIBUTES] !== attributes || (i32[word + L.S_CHECKED] & flat) !== 0) return false;
    }
    return true;
  }
}

/** Translates the code at CS:EIP, at most so many blocks of it; null where that cannot be done. */
export function translateRegion(cpu: Access, mostBlocks: number): Region | null {
  try {
    return new Region(cpu, mostBlocks);
  } catch (thrown) {
    if (thrown instanceof NotTranslatable) return null;
    throw thrown;
  }
}
