import { type CodeSource, decode } from '../../ia32/decoder.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import type { OpcodeRow } from '../../ia32/opcode.ts';
import { CS } from '../../ia32/registers.ts';
import { CallTargets } from './call-targets.ts';
import type { Executor } from './executor.ts';
import { type Handler, handlerOf } from './handlers.ts';
import { LARGE_ZERO } from './large.ts';
import * as L from './layout.ts';

/** Instructions in one block at most. */
export const MOST_INSTRUCTIONS = 32;
/**
 * Blocks kept: a direct-mapped cache, so memory stays bounded. A Linux that boots has some ten thousand in turn; with twice as many, new
 * programs there begin no more than a tenth faster, and the heap is a hundred megabytes larger.
 */
const CACHE_SIZE = 1 << 14;

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
  /** Whether it was tried to translate it (translate/translator.ts), in vain. */
  isUntranslatable: boolean;
  /** Whether the cache keeps it: not what crosses a page or lies outside of RAM, and not for ever. */
  isCached: boolean;
  /** The two blocks that followed last, valid for a link key (Access.linkKey) at a linear address. */
  link: Block | null;
  linkKey: number;
  linkLinear: number | null;
  other: Block | null;
  otherKey: number;
  otherLinear: number | null;
}

/**
 * Hears of every instruction of some rows of the opcode table, whoever executes it: for a monitor or a debugger. Time and effect of the code
 * are the same with it and without.
 */
export interface RowWatch {
  /** Whether instructions of this row are watched. Asked once for each. */
  has(row: OpcodeRow): boolean;
  /** Before one is executed, EIP already behind it. Returns whether retires() wants to hear of its end. */
  begins(instruction: Instruction): boolean;
  /** It was executed, without a fault or a VM exit. */
  retires(instruction: Instruction): void;
}

/** Who can watch at the same time. */
export type RowWatcher = 'monitor' | 'debugger';

/** Thrown by the code source when a further instruction of a block would leave the page or the segment. */
const END_OF_BLOCK = Symbol('end of block');

/** The bytes at CS:EIP, for the decoder: each is fetched when it is asked for, so that faults come as the processor's. */
class Fetcher implements CodeSource {
  readonly #cpu: Executor;
  /** Offset in CS of index 0. */
  #offset = LARGE_ZERO;
  #linear = LARGE_ZERO;
  /** Host offset of index 0, valid up to the end of its page. */
  #host = 0;
  #inPage = 0;
  /** Offset in CS beyond which a fetch raises #GP(0), unsigned. */
  #limit = LARGE_ZERO;
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

const NOTHING: readonly Instruction[] = [];

function slotOf(host: number): number {
  return (host ^ (host >>> 15)) & (CACHE_SIZE - 1);
}

/** Places for instructions that cross a page, a power of two. */
const CROSSING_SIZE = 1 << 8;
const LONGEST = 15;

/** An instruction that begins in one page and ends in the next, as a block of its own. */
interface Crossing {
  readonly block: Block;
  readonly bytes: Uint8Array;
}

/** Finds the block at CS:EIP, decoding it if need be. */
export class Blocks {
  readonly #cpu: Executor;
  readonly #fetcher: Fetcher;
  readonly #cache: (Block | undefined)[] = new Array<Block | undefined>(CACHE_SIZE);
  readonly #crossing: (Crossing | undefined)[] = new Array<Crossing | undefined>(CROSSING_SIZE);
  #lastDropped: Block | null = null;
  /** Blocks dropped since links to such were last looked for. */
  #dropped = 0;
  readonly callTargets = new CallTargets();
  /** Others are watched than before. */
  onWatch: () => void = () => {};
  readonly #handlerOfRow = new Map<OpcodeRow, Handler>();
  /** The block that is being decoded. */
  readonly #instructions: Instruction[] = [];
  readonly #handlers: Handler[] = [];
  readonly #watches: Record<RowWatcher, RowWatch | null> = { monitor: null, debugger: null };

  constructor(cpu: Executor) {
    this.#cpu = cpu;
    this.#fetcher = new Fetcher(cpu);
  }

  /** Sets who watches; null for nobody, which costs nothing. Decoded code is dropped. Call between runs. */
  watch(watch: RowWatch | null, watcher: RowWatcher = 'monitor'): void {
    if (this.#watches[watcher] === watch) return;
    this.#watches[watcher] = watch;
    this.#handlerOfRow.clear();
    this.#cache.fill(undefined);
    this.#crossing.fill(undefined);
    this.#lastDropped = null;
    this.onWatch();
  }

  /** Whether somebody watches instructions of this row: only what is executed is told. */
  isWatched(row: OpcodeRow): boolean {
    return this.#watches.monitor?.has(row) === true || this.#watches.debugger?.has(row) === true;
  }

  /** The block that is kept and has a byte of the machine's memory in it; of several, the one that begins last. */
  around(host: number): Block | null {
    let found: Block | null = null;
    for (const block of this.#cache) {
      if (block === undefined || block.host > host || block.host + block.bytes <= host) continue;
      const isValid = block.generation === this.#cpu.codePages.generations[(block.host - L.RAM) >>> 12];
      if (isValid && block.host > (found?.host ?? -1)) found = block;
    }
    return found;
  }

  /** Throws the fault of the fetch: page fault or #GP(0) at the limit of CS. */
  find(): Block {
    const cpu = this.#cpu;
    const { i32 } = cpu;
    const offset = i32[L.W_EIP];
    const linear = (i32[L.W_SEGMENTS + CS * L.SEGMENT_WORDS + L.S_BASE] + offset) | 0;
    let entry = i32[i32[L.W_EXECUTE_TABLE] + (linear >>> 12)];
    if (entry === L.INVALID) {
      // Segmentation comes first: beyond the limit there is no walk (SDM volume 3, 5.1).
      if (offset >>> 0 > i32[L.W_CODE_LIMIT] >>> 0) cpu.generalProtection(0);
      cpu.translate(linear, 'execute', cpu.cpl === 3);
      entry = i32[i32[L.W_EXECUTE_TABLE] + (linear >>> 12)];
      // Not RAM: nothing to cache, decode one instruction at a time.
      if (entry === L.INVALID) return this.#decode(offset, linear, -1, 1);
    }
    const host = (linear + entry) >>> 0;
    const slot = slotOf(host);
    const cached = this.#cache[slot];
    const isKept = cached !== undefined && this.#isOf(cached, host, cpu.codeSize);
    if (isKept && (offset >>> 0) + cached.bytes - 1 <= i32[L.W_CODE_LIMIT] >>> 0) return cached;
    if ((host & 0xfff) > 4096 - LONGEST) {
      const crossing = this.#crossingAt(offset, linear, host);
      if (crossing !== null) return crossing;
    }
    const block = this.#decode(offset, linear, host, MOST_INSTRUCTIONS);
    if (!block.isCached) {
      this.#keepCrossing(block, linear);
    } else {
      const page = (host - L.RAM) >>> 12;
      const isNew = cpu.codePages.mark(page, host & 0xfff, (host & 0xfff) + block.bytes - 1);
      if (isNew) cpu.protectCode(page);
      this.#keep(slot, block);
    }
    return block;
  }

  /** Whether a block is what memory holds at a byte offset. */
  #isOf(block: Block, host: number, codeSize: 2 | 4): boolean {
    return (
      block.host === host &&
      block.codeSize === codeSize &&
      block.generation === this.#cpu.codePages.generations[(host - L.RAM) >>> 12]
    );
  }

  /** The instructions of the block at a byte offset in the machine's memory, all in its page, if they are kept: none may be. */
  decodedAt(host: number, codeSize: 2 | 4): readonly Instruction[] {
    const cached = this.#cache[slotOf(host)];
    return cached !== undefined && this.#isOf(cached, host, codeSize) ? cached.instructions : NOTHING;
  }

  /** Host offset of the page behind that of a linear address if the TLB has it, else -1. */
  #nextPage(linear: number): number {
    const { i32 } = this.#cpu;
    const next = ((linear | 0xfff) + 1) | 0;
    const entry = i32[i32[L.W_EXECUTE_TABLE] + (next >>> 12)];
    return entry === L.INVALID ? -1 : (next + entry) >>> 0;
  }

  /**
   * The block of an instruction that crosses into the next page, if it is kept and memory still holds these bytes: what the next page is
   * depends on its translation. Without that in the TLB, decoding has to fetch and may fault; with it, fetching leaves no trace.
   */
  #crossingAt(offset: number, linear: number, host: number): Block | null {
    const cpu = this.#cpu;
    const crossing = this.#crossing[crossingSlot(host)];
    if (crossing === undefined) return null;
    const { block, bytes } = crossing;
    if (block.host !== host || block.codeSize !== cpu.codeSize) return null;
    if ((offset >>> 0) + block.bytes - 1 > cpu.segment(CS, L.S_LIMIT) >>> 0) return null;
    const next = this.#nextPage(linear);
    if (next < 0) return null;
    const inPage = 4096 - (linear & 0xfff);
    for (let n = 0; n < bytes.length; n++) {
      if (bytes[n] !== cpu.u8[n < inPage ? host + n : next + n - inPage]) return null;
    }
    return block;
  }

  #keepCrossing(block: Block, linear: number): void {
    const { u8 } = this.#cpu;
    const { host } = block;
    const next = this.#nextPage(linear);
    if (next < 0) return;
    const inPage = 4096 - (linear & 0xfff);
    const bytes = Uint8Array.from({ length: block.bytes }, (_, n) => u8[n < inPage ? host + n : next + n - inPage]);
    this.#crossing[crossingSlot(host)] = { block, bytes };
  }

  #keep(slot: number, block: Block): void {
    if (this.#lastDropped !== null) unlink(this.#lastDropped);
    this.#drop(slot);
    this.#cache[slot] = block;
  }

  /**
   * Others may still be linked to this block, so it must not hold on to others itself: two that displace each other in turn would make a
   * chain without end. The run loop may link it once more, to the block that displaced it. Now and then the links to it go too.
   */
  #drop(slot: number): void {
    const block = this.#cache[slot];
    if (block === undefined) return;
    unlink(block);
    this.#lastDropped = block;
    block.isCached = false;
    this.#cache[slot] = undefined;
    if (++this.#dropped === CACHE_SIZE / 2) this.#unlinkDropped();
  }

  #unlinkDropped(): void {
    this.#dropped = 0;
    for (const block of this.#cache) {
      if (block === undefined) continue;
      if (block.link?.isCached === false) block.link = null;
      if (block.other?.isCached === false) block.other = null;
    }
  }

  #decode(offset: number, linear: number, host: number, most: number): Block {
    const cpu = this.#cpu;
    const { codeSize } = cpu;
    const instructions = this.#instructions;
    const handlers = this.#handlers;
    let count = 0;
    let bytes = 0;
    while (count < most && (linear & 0xfff) + bytes < 4096) {
      this.#fetcher.start(offset + bytes, (linear + bytes) | 0, host < 0 ? -1 : host + bytes, bytes === 0);
      let instruction: Instruction;
      try {
        instruction = decode(this.#fetcher, 0, codeSize);
      } catch (thrown) {
        if (thrown === END_OF_BLOCK) break;
        throw thrown;
      }
      instructions[count] = instruction;
      handlers[count] = this.#handler(instruction.row);
      count++;
      bytes += instruction.length;
      if (!instruction.row.endsBlock) continue;
      if (instruction.row.operation === 'call') this.callTargets.add((linear + bytes + instruction.dst.value) | 0);
      break;
    }
    const generation = host < 0 ? 0 : cpu.codePages.generations[(host - L.RAM) >>> 12];
    // What crosses into the next page depends on that page's translation: see #crossingAt().
    const isCached = host >= 0 && (host & 0xfff) + bytes <= 4096;
    return {
      host,
      codeSize,
      generation,
      bytes,
      // Copies have just the room they need.
      instructions: instructions.slice(0, count),
      handlers: handlers.slice(0, count),
      isCached,
      isUntranslatable: false,
      link: null,
      linkKey: -1,
      linkLinear: null,
      other: null,
      otherKey: -1,
      otherLinear: null,
    };
  }

  #handler(row: OpcodeRow): Handler {
    let handler = this.#handlerOfRow.get(row);
    if (handler === undefined) {
      handler = handlerOf(row);
      for (const watch of Object.values(this.#watches)) {
        if (watch?.has(row) === true) handler = watched(handler, watch);
      }
      this.#handlerOfRow.set(row, handler);
    }
    return handler;
  }
}

function watched(handler: Handler, watch: RowWatch): Handler {
  return (cpu, i) => {
    const isHeard = watch.begins(i);
    handler(cpu, i);
    if (isHeard) watch.retires(i);
  };
}

function crossingSlot(host: number): number {
  return (host >>> 12) & (CROSSING_SIZE - 1);
}

function unlink(block: Block): void {
  block.link = null;
  block.other = null;
}
