import { CS } from '../../ia32/registers.ts';
import type { Block } from '../cpu/blocks.ts';
import * as L from '../cpu/layout.ts';
import type { Processor } from '../cpu/processor.ts';
import { CallOuts, isQuiet } from './call-outs.ts';
import { type FunctionBody, I32, makeModule } from './code.ts';
import { type Driver, makeDriver } from './driver.ts';
import { type Explanation, explain, type Heat, type Overview, overview, type TextPart, textOf } from './explain.ts';
import type { Extent } from './graph.ts';
import { EXECUTE_INDEX, REGION_IMPORTS } from './imports.ts';
import { MOST_HANDLERS } from './interpret/handlers.ts';
import { Interpreter } from './interpret/interpreter.ts';
import { BLOCK_OFTEN, ENTERED_OFTEN, FAULTED, SITES } from './locals.ts';
import {
  type Decoded,
  hostOf,
  type Region,
  type Repeated,
  repeatRegion,
  type Translated,
  translateRegion,
} from './region.ts';
import { PLACES, placeOf, Regions, type Room } from './regions.ts';
import { makeRuntime } from './runtime.ts';
import { siteAt } from './sites.ts';
import { makeSystemKernel } from './system/kernel.ts';
import { makeKernel } from './x87/kernel.ts';

/** How often a block is executed before its procedure is translated, unless said. */
const HOT = 250;
/** How often a block is executed before it is prepared for the interpreter. */
const LEAST = 3;
/** How often it is interpreted then before it is asked again whether there is a region for it. */
const WAITING = 64;
/** How often what is translated is entered before it is translated with all that it leads to and calls, unless said: that takes many milliseconds. */
const OFTEN = 100_000;
/** How much oftener one that is in the middle of a region already: it comes there only where that was left. */
const INSIDE = 8;
/** How much oftener code that is translated already, but for another linear address or other premises: each process may have a library elsewhere. */
const ELSEWHERE = 8;
/** Blocks executed after which what was executed counts half as much. */
const HALF_LIFE = 1 << 21;
/** Part of that which the other blocks of its region must have been. */
const LUKEWARM = 1 / 16;
/** Blocks of one region: larger ones are compiled too slowly, but for those that are entered very often. */
const MOST_BLOCKS: Readonly<Record<Extent, number>> = { procedure: 64, rest: 64, calls: 192 };
/** What is kept: when there is more, a quarter goes. */
const ROOM: Room = { regions: 8192, modules: 640 };
/** How often a region is left where an access asks for others with it before it is made without. */
const MOST_WIDE = 4096;
/** Places of those that are remembered. */
const MOST_NARROW = 8192;
/** Regions of one module, and how often it is asked for them at most while they wait for others. */
const BATCH = 64;
const PATIENCE = 1000;

/** Counter of a region that is not to be translated anew. */
const NEVER = -1;

/** How instructions are run: each by the executor, or what is hot translated, by single blocks, or with the loops and jumps between them. */
export type Engine = 'execute' | 'interpret' | 'blocks' | 'regions';

/** How a machine gets its translator for an engine (PcOptions). */
export function translatorOf(engine: Engine): ((cpu: Processor) => Translator) | undefined {
  return engine === 'execute' ? undefined : cpu => new Translator(cpu, engine);
}

/** Where control came in translated code: no further, or on to an instruction that is the executor's, or that has raised the processor's fault. */
export type Entered = 'nowhere' | 'further' | 'fault';

/** What a translator does otherwise than usual. */
export interface Tuning {
  /** How often a block is executed before it is translated. */
  readonly hot?: number;
  /** Regions of one module. */
  readonly batch?: number;
  /** How often what is translated is entered before it is translated with all that it calls. */
  readonly often?: number;
  /** How often it is left where an access asks for others with it before it is made without. */
  readonly mostWide?: number;
  /** How much is kept. */
  readonly room?: Room;
}

/** Translates what is executed often, and runs it. */
export class Translator {
  readonly engine: Exclude<Engine, 'execute'>;
  readonly #cpu: Processor;
  readonly #env: Readonly<Record<string, WebAssembly.Imported>>;
  readonly #driver: Driver;
  readonly #regions: Regions;
  readonly #interpreter: Interpreter;
  readonly #callOuts: CallOuts;
  readonly #decoded: Decoded;
  /** Where code begins whose accesses ask the TLB each for itself, byte offsets in the machine's memory. */
  readonly #narrowHosts = new Set<number>();
  readonly #heat = new Uint16Array(PLACES);
  /** How often it was asked for a region at a linear address, of code that has one elsewhere. */
  readonly #wanted = new Uint16Array(PLACES);
  #untilHalf = HALF_LIFE;
  #waiting: Translated[] = [];
  #patience = PATIENCE;
  readonly #hot: number;
  /** How often a block is executed before it is interpreted. */
  readonly #least: number;
  readonly #often: number;
  readonly #batch: number;
  readonly #mostWide: number;
  /** Regions made since the machine was, and their modules. */
  translated = 0;
  modules = 0;
  /** Of the regions, how many were made anew with each access for itself. */
  narrowed = 0;

  constructor(cpu: Processor, engine: Exclude<Engine, 'execute'>, tuning: Tuning = {}) {
    const { hot = HOT, batch = BATCH, often = OFTEN, mostWide = MOST_WIDE, room = ROOM } = tuning;
    const { memory, regions } = cpu.physical;
    this.engine = engine;
    this.#cpu = cpu;
    this.#hot = hot;
    this.#least = Math.min(hot, LEAST);
    this.#often = engine === 'blocks' ? NEVER : often;
    this.#batch = batch;
    this.#mostWide = mostWide;
    const callOuts = new CallOuts(cpu);
    this.#callOuts = callOuts;
    this.#decoded = (host, codeSize) => cpu.blocks.decodedAt(host, codeSize);
    const runtime = makeRuntime(memory);
    this.#env = {
      memory,
      ...runtime,
      ...makeKernel(memory),
      ...makeSystemKernel(cpu, runtime.statusFlags),
      execute: (number: number, rest: number) => callOuts.execute(number, rest),
    };
    this.#regions = new Regions(cpu, room, batch, MOST_HANDLERS, region => callOuts.forget(region.callOuts));
    const { table, most } = this.#regions;
    this.#interpreter = new Interpreter(cpu, table, most, this.#env, batch, callOuts);
    this.#driver = makeDriver(memory, table, regions, this.#interpreter.run);
    cpu.codePages.onDrop = page => {
      this.#regions.dropPage(page);
      this.#interpreter.dropPage(page);
    };
    cpu.codePages.onClear = () => {
      this.#regions.sleep();
      this.#interpreter.clear();
    };
    cpu.blocks.onWatch = () => this.clear();
  }

  /** Where the instruction begins that is executed for translated code, an offset in CS. */
  get start(): number {
    return this.#callOuts.start;
  }

  /** Runs what is translated, or can be interpreted, from the block at CS:EIP on. Throws what an instruction throws. */
  enter(block: Block): Entered {
    const { i32 } = this.#cpu;
    const place = placeOf(block.host);
    if (this.#regions.beginsAt(place) || this.#heat[place] >= this.#least) {
      const budget = i32[L.W_BUDGET];
      let isFault = this.#drive();
      if (!isFault && i32[L.W_BUDGET] === budget && this.#provide(block)) isFault = this.#drive();
      if (isFault) return 'fault';
      if (i32[L.W_BUDGET] !== budget) return 'further';
    }
    this.#warm(place);
    return 'nowhere';
  }

  #mostBlocks(extent: Extent): number {
    return this.engine === 'blocks' ? 1 : MOST_BLOCKS[extent];
  }

  /** How often the block at a place is executed before it is translated. */
  #needed(place: number): number {
    if (this.engine === 'interpret') return Number.POSITIVE_INFINITY;
    return this.#regions.isInsideAt(place) ? this.#hot * INSIDE : this.#hot;
  }

  /** How often the block at a byte offset in the machine's memory was executed lately. */
  #executed(host: number): number {
    return this.#heat[placeOf(host)] + this.#interpreter.entriesAt(host);
  }

  /** How often a block has still to be executed before it is translated. */
  #missing({ host, isUntranslatable }: Block): number {
    return isUntranslatable ? Number.POSITIVE_INFINITY : this.#needed(placeOf(host)) - this.#executed(host);
  }

  /** Sees to it that soon there is something to run. Returns whether there is now, where there was nothing before. */
  #provide(block: Block): boolean {
    if (block.host < 0) return false;
    const missing = this.#missing(block);
    if (missing <= 0 && this.#provideRegion(block)) return true;
    // Its region has just refused, as there are too few steps, or other pages behind its own: the interpreter can do a part.
    const wasFound = this.#regions.hide();
    return this.#interpreter.provide(block, missing > 0 ? missing : WAITING) || wasFound;
  }

  /** A block of the interpreter's was entered as often as was asked. */
  #heated(): void {
    const block = this.#interpreter.lastRun;
    const missing = this.#missing(block);
    if (missing <= 0) this.#provideRegion(block);
    this.#interpreter.count(missing <= 0 ? WAITING : missing);
  }

  /** Returns whether the instruction that is next then has raised a page fault. */
  #drive(): boolean {
    let status = this.#driver();
    for (; status === ENTERED_OFTEN || status === BLOCK_OFTEN; status = this.#driver()) {
      if (status === ENTERED_OFTEN) this.#extend();
      else this.#heated();
    }
    if (status < SITES) return status === FAULTED;
    const cpu = this.#cpu;
    const { i32 } = cpu;
    const region = this.#regions.lastRun;
    if (region === null) throw new Error('A region was dropped that still runs.');
    const { offset, left, lazy, missed } = siteAt(region.sites, status - SITES);
    i32[L.W_EIP] = offset;
    i32[L.W_BUDGET] += left;
    if (lazy !== null) {
      i32[L.W_FLAGS_KIND] = lazy.kind;
      i32[L.W_FLAGS_SIZE] = lazy.size;
    }
    if (missed === null) return false;
    if (missed.isWide && ++region.wide === this.#mostWide) this.#narrow(region);
    const linear = (i32[L.W_MISSED] + missed.before) | 0;
    return cpu.pageFaults(linear, missed.write ? 'write' : 'read', cpu.cpl === 3);
  }

  /** Makes it anew, with each access for itself: some may lie in two pages together where they do not alone. */
  #narrow(region: Region): void {
    if (this.#narrowHosts.size > MOST_NARROW) this.#narrowHosts.clear();
    for (const host of region.entrances.map(hostOf)) this.#narrowHosts.add(host);
    this.#regions.drop(region);
    this.narrowed++;
  }

  /** Has the driver find a region at all its entrances, or at one. Returns whether it did not before. */
  #place(region: Region, only: number | null): boolean {
    for (const entrance of region.entrances) this.#interpreter.yields(hostOf(entrance));
    return this.#regions.place(region, only);
  }

  /** The region at CS:EIP is entered often: from here on it shall have with it what it calls. */
  #extend(): void {
    const cpu = this.#cpu;
    const region = this.#regions.lastRun;
    if (region === null) return;
    this.#countRuns(region);
    const host = (cpu.linearEip + cpu.i32[cpu.i32[L.W_EXECUTE_TABLE] + (cpu.linearEip >>> 12)]) >>> 0;
    const known = this.#regions.at(host);
    if (known !== undefined && known.extent !== 'calls') this.#translate('calls');
    else if (known !== undefined && known.index >= 0) this.#place(known, cpu.linearEip);
  }

  /** Counts from now on how often it is entered, where that can matter: a procedure that calls nothing may be complete. */
  #countRuns(region: Region): void {
    const isComplete = region.extent === 'calls' || (region.entrances.length === 1 && !region.isOpen);
    this.#regions.countRuns(region, isComplete ? NEVER : this.#often);
  }

  // For who looks (explain.ts): nothing changes by it.

  /** All that are alive; those without an index wait for their module. */
  get regions(): ReadonlySet<Region> {
    return new Set(this.#regions.alive);
  }

  /** How often a region was entered. What goes on inside it, also from its end to its beginning, is one entry. */
  entriesOf(region: Region): number {
    return this.#regions.entriesOf(region);
  }

  /** How often the block at a byte offset in the machine's memory was executed lately, and how often it has to be before it is translated. */
  heatOf(host: number): Heat {
    return { executed: this.#executed(host), needed: this.#needed(placeOf(host)) };
  }

  isInterpreted(host: number): boolean {
    return this.#interpreter.has(host);
  }

  /** What runs the code at a linear address, which lies at a physical one now. */
  explain(linear: number, physical: number): Explanation {
    return explain(this.#cpu, this, linear, physical);
  }

  overview(most: number): Overview {
    return overview(this, most);
  }

  /** A region's guest instructions with the text of their WebAssembly; null if it cannot be had. */
  textOf(region: Region): readonly TextPart[] | null {
    return textOf(this, region, REGION_IMPORTS);
  }

  /** The code of a region once more. */
  repeat(region: Region): Repeated | null {
    let calls = 0;
    return repeatRegion(this.#cpu, region, {
      mostBlocks: this.#mostBlocks(region.extent),
      isLeft: row => this.#cpu.blocks.isWatched(row),
      callOut: i => ({ index: EXECUTE_INDEX, number: region.callOuts[calls++], isQuiet: isQuiet(i) }),
      decoded: this.#decoded,
    });
  }

  #warm(place: number): void {
    const heat = this.#heat;
    heat[place]++;
    if (--this.#untilHalf > 0) return;
    this.#untilHalf = HALF_LIFE;
    for (let n = 0; n < PLACES; n++) heat[n] >>= 1;
  }

  /** Sees to it that soon there is a region to run. Returns whether there is now, where the driver had none before. */
  #provideRegion(block: Block): boolean {
    if (this.#waiting.length > 0 && --this.#patience === 0) this.#instantiate();
    const known = this.#regions.at(block.host);
    if (known !== undefined) return known.index >= 0 && this.#place(known, this.#cpu.linearEip);
    const around = this.#regions.around(block.host);
    // One comes that has it.
    if (around.some(({ index }) => index < 0)) return false;
    if (this.#regions.has(block.host) && !this.#isWantedHere()) return false;
    const isMade = this.#translate(around.length > 0 ? 'rest' : 'procedure');
    if (!isMade) block.isUntranslatable = true;
    return isMade && this.#waiting.length === 0;
  }

  /** Whether it was asked often for a region at CS:EIP, of code that has one for another address or other premises. */
  #isWantedHere(): boolean {
    const place = placeOf(this.#cpu.linearEip);
    if (++this.#wanted[place] * WAITING <= this.#hot * ELSEWHERE) return false;
    this.#wanted[place] = 0;
    return true;
  }

  /** Translates what is at CS:EIP; it runs when others have come that its module is made with. Returns whether that could be done. */
  #translate(extent: Extent): boolean {
    const cpu = this.#cpu;
    const least = this.#hot * LUKEWARM;
    const made = translateRegion(cpu, {
      extent,
      procedure: extent === 'procedure' && this.engine === 'regions' ? this.#procedure(least) : null,
      mostBlocks: this.#mostBlocks(extent),
      isHot: host => {
        return this.#executed(host) >= least && (extent !== 'rest' || !this.#regions.beginsAt(placeOf(host)));
      },
      isLeft: row => cpu.blocks.isWatched(row),
      isStopPage: page => cpu.stopsIn(page),
      callOut: i => this.#callOuts.callOut(i),
      decoded: this.#decoded,
      foresees: host => !this.#narrowHosts.has(host),
    });
    if (made === null) return false;
    this.#regions.keep(made.region);
    this.#waiting.push(made);
    if (this.#waiting.length === 1) this.#patience = PATIENCE;
    if (this.#waiting.length >= this.#batch) this.#instantiate();
    return true;
  }

  /**
   * Where the procedure seems to begin that CS:EIP is in the midst of, an offset in CS; null if it is not executed or not known. What is hot first
   * there is a loop of it mostly: it is translated with the rest, which becomes hot soon.
   */
  #procedure(least: number): number | null {
    const cpu = this.#cpu;
    const { i32, linearEip, blocks } = cpu;
    const linear = blocks.callTargets.before(linearEip);
    if (linear === null) return null;
    const entry = i32[i32[L.W_EXECUTE_TABLE] + (linear >>> 12)];
    const host = (linear + entry) >>> 0;
    if (entry === L.INVALID || this.#executed(host) < least || this.#regions.has(host)) return null;
    return (linear - cpu.base(CS)) | 0;
  }

  /** Forgets everything: somebody watches what was not watched before. */
  clear(): void {
    this.#regions.clear();
    this.#interpreter.clear();
    this.#heat.fill(0);
  }

  /** Forgets the code of a linear page. */
  dropLinear(page: number): void {
    this.#regions.dropLinear(page);
    this.#interpreter.clear();
  }

  /** Makes a module of what waits. */
  #instantiate(): void {
    const waiting = this.#waiting.filter(({ region }) => !region.isDead);
    this.#waiting = [];
    if (waiting.length === 0) return;
    const functions = waiting.map(
      ({ locals, code }): FunctionBody => ({ parameters: [], results: [I32], locals, code }),
    );
    const bytes = makeModule(functions, REGION_IMPORTS);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: this.#env });
    this.modules++;
    const regions = waiting.map(({ region }) => region);
    this.#regions.install(regions, this.modules, exports);
    this.translated += regions.length;
    for (const region of regions) {
      if (region.isDead) continue;
      this.#countRuns(region);
      this.#place(region, null);
    }
    // Blocks of the interpreter's lead to them from now on.
    this.#cpu.newEpoch();
  }
}
