import { type CodeSource, decode } from '../../ia32/decoder.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import type { OpcodeRow } from '../../ia32/opcode.ts';
import { CS } from '../../ia32/registers.ts';
import type { Executor } from './executor.ts';
import { type Handler, handlerOf } from './handlers.ts';
import * as L from './layout.ts';

/** Instructions in one block at most. */
const MAX_INSTRUCTIONS = 32;
/** Blocks kept: a direct-mapped cache, so memory stays bounded. */
const CACHE_SIZE = 1 << 15;

/** Straight-line code decoded once: from an address to the first instruction that ends a block, within one page. */
export interface Block {
  /** Byte offset in the machine's memory of the first instruction: RAM plus physical address. */
  readonly host: number;
  readonly codeSize: 2 | 4;
  /** CodePages generation of the page when it was decoded. */
  readonly generation: number;
  /** Bytes from the first instruction to the end of the last. */
  readonly bytes: number;
  readonly instructions: readonly Instruction[];
  readonly handlers: readonly Handler[];
  /** Whether the cache may keep it: not what crosses a page or lies outside of RAM. */
  readonly isCached: boolean;
  /** The two blocks that followed last, valid for a link key (Access.linkKey) at a linear address. */
  link: Block | null;
  linkKey: number;
  linkLinear: number;
  other: Block | null;
  otherKey: number;
  otherLinear: number;
}

/** Thrown by the code source when a further instruction of a block would leave the page or the segment. */
const END_OF_BLOCK = Symbol('end of block');

/** The bytes at CS:EIP, for the decoder: each is fetched when it is asked for, so that faults come as the processor's. */
class Fetcher implements CodeSource {
  readonly #cpu: Executor;
  /** Offset in CS of index 0. */
  #offset = 0;
  #linear = 0;
  /** Host offset of index 0, valid up to the end of its page. */
  #host = 0;
  #inPage = 0;
  /** Offset in CS beyond which a fetch raises #GP(0), unsigned. */
  #limit = 0;
  #isFirst = true;

  constructor(cpu: Executor) {
    this.#cpu = cpu;
  }

  /** `host` is -1 where code is not in RAM: every byte is then read through the bus. */
  start(offset: number, linear: number, host: number, isFirst: boolean): void {
    this.#offset = offset;
    this.#linear = linear;
    this.#host = host;
    this.#inPage = 4096 - (linear & 0xfff);
    this.#limit = this.#cpu.segment(CS, L.S_LIMIT) >>> 0;
    this.#isFirst = isFirst;
  }

  byte(index: number): number {
    const cpu = this.#cpu;
    if ((this.#offset >>> 0) + index > this.#limit) {
      if (!this.#isFirst) throw END_OF_BLOCK;
      cpu.generalProtection(0);
    }
    if (index < this.#inPage && this.#host >= 0) return cpu.u8[this.#host + index];
    if (!this.#isFirst) throw END_OF_BLOCK;
    return cpu.physical.read(cpu.reach((this.#linear + index) | 0, 'execute', cpu.cpl === 3), 1);
  }
}

/** Finds the block at CS:EIP, decoding it if need be. */
export class Blocks {
  readonly #cpu: Executor;
  readonly #fetcher: Fetcher;
  readonly #cache: (Block | undefined)[] = new Array<Block | undefined>(CACHE_SIZE);
  readonly #handlers = new Map<OpcodeRow, Handler>();

  constructor(cpu: Executor) {
    this.#cpu = cpu;
    this.#fetcher = new Fetcher(cpu);
  }

  /** Throws the fault of the fetch: page fault or #GP(0) at the limit of CS. */
  find(): Block {
    const cpu = this.#cpu;
    const { i32 } = cpu;
    const offset = i32[L.W_EIP];
    const linear = (i32[L.W_SEGMENTS + CS * L.SEGMENT_WORDS + L.S_BASE] + offset) | 0;
    let entry = i32[i32[L.W_EXECUTE_TABLE] + (linear >>> 12)];
    if (entry === L.INVALID) {
      cpu.translate(linear, 'execute', cpu.cpl === 3);
      entry = i32[i32[L.W_EXECUTE_TABLE] + (linear >>> 12)];
      // Not RAM: nothing to cache, decode one instruction at a time.
      if (entry === L.INVALID) return this.#decode(offset, linear, -1, 1);
    }
    const host = (linear + entry) >>> 0;
    const slot = (host ^ (host >>> 15)) & (CACHE_SIZE - 1);
    const cached = this.#cache[slot];
    const { codeSize } = cpu;
    if (
      cached !== undefined &&
      cached.host === host &&
      cached.codeSize === codeSize &&
      cached.generation === cpu.codePages.generations[(host - L.RAM) >>> 12] &&
      (offset >>> 0) + cached.bytes - 1 <= i32[L.W_CODE_LIMIT] >>> 0
    ) {
      return cached;
    }
    const block = this.#decode(offset, linear, host, MAX_INSTRUCTIONS);
    if (block.isCached) {
      const page = (host - L.RAM) >>> 12;
      const isNew = cpu.codePages.mark(page, host & 0xfff, (host & 0xfff) + block.bytes - 1);
      if (isNew) cpu.protectCode(page);
      this.#cache[slot] = block;
    }
    return block;
  }

  #decode(offset: number, linear: number, host: number, most: number): Block {
    const cpu = this.#cpu;
    const { codeSize } = cpu;
    const instructions: Instruction[] = [];
    const handlers: Handler[] = [];
    let bytes = 0;
    while (instructions.length < most && (linear & 0xfff) + bytes < 4096) {
      this.#fetcher.start(offset + bytes, (linear + bytes) | 0, host < 0 ? -1 : host + bytes, bytes === 0);
      let instruction: Instruction;
      try {
        instruction = decode(this.#fetcher, 0, codeSize);
      } catch (thrown) {
        if (thrown === END_OF_BLOCK) break;
        throw thrown;
      }
      instructions.push(instruction);
      handlers.push(this.#handler(instruction.row));
      bytes += instruction.length;
      if (instruction.row.endsBlock) break;
    }
    const generation = host < 0 ? 0 : cpu.codePages.generations[(host - L.RAM) >>> 12];
    // What crosses into the next page depends on that page's translation, so it is decoded anew each time.
    const isCached = host >= 0 && (host & 0xfff) + bytes <= 4096;
    return {
      host,
      codeSize,
      generation,
      bytes,
      instructions,
      handlers,
      isCached,
      link: null,
      linkKey: -1,
      linkLinear: 0,
      other: null,
      otherKey: -1,
      otherLinear: 0,
    };
  }

  #handler(row: OpcodeRow): Handler {
    let handler = this.#handlers.get(row);
    if (handler === undefined) {
      handler = handlerOf(row);
      this.#handlers.set(row, handler);
    }
    return handler;
  }
}
