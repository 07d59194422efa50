import { type Instruction, KIND } from '../../ia32/instruction.ts';
import type { OpcodeRow } from '../../ia32/opcode.ts';
import { CS } from '../../ia32/registers.ts';
import type { Block } from '../cpu/blocks.ts';
import { type Handler, handlerOf } from '../cpu/handlers.ts';
import * as L from '../cpu/layout.ts';
import type { Processor } from '../cpu/processor.ts';
import { type FunctionBody, I32, makeModule } from './code.ts';
import { type Driver, makeDriver, otherSlot, slotOf } from './driver.ts';
import { type Explanation, explain, type Overview, overview, type TextPart, textOf } from './explain.ts';
import type { CallOut } from './frame.ts';
import { type Extent, isLast } from './graph.ts';
import { EXECUTE_INDEX, REGION_IMPORTS } from './imports.ts';
import { ENTERED_OFTEN, EXECUTE, GO_ON, SITES } from './locals.ts';
import {
  type Entrance,
  hasCodeAt,
  hostOf,
  physicalPage,
  type Region,
  type Repeated,
  repeatRegion,
  type Translated,
  translateRegion,
} from './region.ts';
import { makeRuntime } from './runtime.ts';
import { siteAt } from './sites.ts';
import { makeSystemKernel } from './system/kernel.ts';
import { makeKernel } from './x87/kernel.ts';

/** How often a block is executed before its procedure is translated, unless said. */
const HOT = 40;
/** How often what is translated is entered before it is translated with all that it calls, unless said: that takes many milliseconds. */
const OFTEN = 100_000;
/** How much oftener one that is in the middle of a region already: it comes there only where that was left. */
const INSIDE = 32;
/** Blocks executed after which what was executed counts half as much. */
const HALF_LIFE = 1 << 21;
/** Part of that which the other blocks of its region must have been. */
const LUKEWARM = 1 / 16;
/** Blocks of one region: larger ones are compiled too slowly. */
const MOST_BLOCKS = 64;
/** Regions that are kept: when there are more, the oldest quarter goes. */
const MOST_REGIONS = 8192;
/** How often a region is left where an access asks for others with it before it is made without. */
const MOST_WIDE = 4096;
/** Regions of one module, and how often their blocks are executed at most while they wait for others. */
const BATCH = 64;
const PATIENCE = 3000;

/** Counter of a region that is not to be translated anew. */
const NEVER = -1;

/** Counters of heat, which the places of blocks share by a hash. */
const HEATS = 1 << 16;

/** How instructions are run: each by the executor, or what is hot translated, by single blocks, or with the loops and jumps between them. */
export type Engine = 'execute' | 'blocks' | 'regions';

/** How a machine gets its translator for an engine (PcOptions). */
export function translatorOf(engine: Engine): ((cpu: Processor) => Translator) | undefined {
  return engine === 'execute' ? undefined : cpu => new Translator(cpu, engine);
}

/** An instruction that the executor does in the middle of translated code. */
interface Executed {
  readonly instruction: Instruction;
  readonly handler: Handler;
  /** The code is left behind it. */
  readonly isLast: boolean;
}

/** Translates what is executed often, and runs it. */
export class Translator {
  readonly engine: Exclude<Engine, 'execute'>;
  readonly #cpu: Processor;
  readonly #env: Readonly<Record<string, WebAssembly.Imported>>;
  readonly #table = new WebAssembly.Table({ element: 'anyfunc', initial: MOST_REGIONS + BATCH });
  readonly #driver: Driver;
  /** By the place of their first byte in the memory; the oldest first. */
  readonly #regions = new Map<number, Region[]>();
  readonly #byPage = new Map<number, Set<Region>>();
  /** By index in the table of functions. */
  readonly #byIndex: (Region | null)[] = [];
  readonly #freeIndexes: number[] = [];
  #kept = 0;
  readonly #handlers = new Map<OpcodeRow, Handler>();
  readonly #executed: (Executed | null)[] = [];
  readonly #freeNumbers: number[] = [];
  /** Where code begins whose accesses ask the TLB each for itself, byte offsets in the machine's memory. */
  readonly #narrowHosts = new Set<number>();
  readonly #heat = new Uint16Array(HEATS);
  /** Regions that begin there, and those that have a block there in their midst. */
  readonly #beginning = new Uint8Array(HEATS);
  readonly #inside = new Uint8Array(HEATS);
  #untilHalf = HALF_LIFE;
  #waiting: Translated[] = [];
  #patience = PATIENCE;
  readonly #mostBlocks: number;
  readonly #hot: number;
  readonly #often: number;
  readonly #batch: number;
  readonly #mostWide: number;
  /** Where the instruction that is executed for a region begins, an offset in CS. */
  start = 0;
  /** Regions made since the machine was, and their modules. */
  translated = 0;
  modules = 0;
  /** Of the regions, how many were made anew with each access for itself. */
  narrowed = 0;

  /**
   * `hot`: how often a block is executed before it is translated; `batch`: regions of one module; `often`: how often what is translated is entered
   * before it is translated with all that it calls; `mostWide`: how often it is left where an access asks for others with it before it is made without.
   */
  constructor(
    cpu: Processor,
    engine: Exclude<Engine, 'execute'>,
    hot = HOT,
    batch = BATCH,
    often = OFTEN,
    mostWide = MOST_WIDE,
  ) {
    const { memory, regions } = cpu.physical;
    this.engine = engine;
    this.#cpu = cpu;
    this.#hot = hot;
    this.#often = engine === 'blocks' ? NEVER : often;
    this.#batch = batch;
    this.#mostWide = mostWide;
    this.#mostBlocks = engine === 'blocks' ? 1 : MOST_BLOCKS;
    const execute = (number: number, rest: number) => this.#execute(number, rest);
    const runtime = makeRuntime(memory);
    this.#env = {
      memory,
      ...runtime,
      ...makeKernel(memory),
      ...makeSystemKernel(cpu, runtime.statusFlags),
      execute,
    };
    this.#driver = makeDriver(memory, this.#table, regions);
    for (let index = this.#table.length - 1; index >= 0; index--) this.#freeIndexes.push(index);
    cpu.i32.fill(-1, regions >> 2, (regions + L.REGION_BYTES) >> 2);
    cpu.codePages.onDrop = page => this.#dropPage(page);
    cpu.codePages.onClear = () => this.clear();
    cpu.blocks.onWatch = () => this.clear();
  }

  /** Runs what is translated, from the block at CS:EIP on. Returns whether it came any further. Throws what an instruction throws. */
  enter(block: Block): boolean {
    if (block.isUntranslatable) return false;
    const place = placeOf(block.host);
    if (this.#beginning[place] === 0 && this.#heat[place] < this.#hot * (this.#inside[place] === 0 ? 1 : INSIDE)) {
      this.#warm(place);
      return false;
    }
    const { i32 } = this.#cpu;
    const budget = i32[L.W_BUDGET];
    this.#drive();
    if (i32[L.W_BUDGET] === budget && this.#provide(block)) this.#drive();
    return i32[L.W_BUDGET] !== budget;
  }

  #drive(): void {
    let status = this.#driver();
    for (; status === ENTERED_OFTEN; status = this.#driver()) this.#extend();
    if (status < SITES) return;
    const { i32 } = this.#cpu;
    const region = this.#lastRun();
    if (region === null) throw new Error('A region was dropped that still runs.');
    const { offset, left, lazy, isWide } = siteAt(region.sites, status - SITES);
    if (isWide && ++region.wide === this.#mostWide) this.#narrow(region);
    i32[L.W_EIP] = offset;
    i32[L.W_BUDGET] += left;
    if (lazy === null) return;
    i32[L.W_FLAGS_KIND] = lazy.kind;
    i32[L.W_FLAGS_SIZE] = lazy.size;
  }

  /** Makes it anew, with each access for itself: some may lie in two pages together where they do not alone. */
  #narrow(region: Region): void {
    if (this.#narrowHosts.size > MOST_REGIONS) this.#narrowHosts.clear();
    for (const host of region.entrances.map(hostOf)) this.#narrowHosts.add(host);
    this.#drop(region);
    this.narrowed++;
  }

  /** The region that the driver came to last. */
  #lastRun(): Region | null {
    const { i32, physical } = this.#cpu;
    return this.#byIndex[i32[(physical.regions + L.REGION_RAN) >> 2]];
  }

  /** The region at CS:EIP is entered often: from here on it shall have with it what it calls. */
  #extend(): void {
    const cpu = this.#cpu;
    const region = this.#lastRun();
    if (region === null) return;
    this.#countRuns(region);
    const host = (cpu.linearEip + cpu.i32[cpu.i32[L.W_EXECUTE_TABLE] + (cpu.linearEip >>> 12)]) >>> 0;
    const known = this.#known(host);
    if (known !== undefined && known.extent !== 'calls') this.#translate('calls');
    else if (known !== undefined && known.index >= 0) this.#place(known, cpu.linearEip);
  }

  /** Counts from now on how often it is entered, where that can matter: a procedure that calls nothing is complete. */
  #countRuns(region: Region): void {
    const { i32, physical } = this.#cpu;
    const isComplete = region.extent === 'calls' || region.entrances.length === 1;
    region.entered += region.countsFrom >>> 0;
    region.countsFrom = isComplete ? NEVER : this.#often;
    i32[((physical.regions + L.REGION_RUNS) >> 2) + region.index] = region.countsFrom;
  }

  // For who looks (explain.ts): nothing changes by it.

  /** All that are alive; those without an index wait for their module. */
  get regions(): ReadonlySet<Region> {
    return new Set([...this.#regions.values()].flat());
  }

  /** How often a region was entered. What goes on inside it, also from its end to its beginning, is one entry. */
  entriesOf({ index, entered, countsFrom }: Region): number {
    if (index < 0) return 0;
    const { i32, physical } = this.#cpu;
    return entered + ((countsFrom - i32[((physical.regions + L.REGION_RUNS) >> 2) + index]) >>> 0);
  }

  /** How often the block at a byte offset in the machine's memory was executed lately, and how often it has to be before it is translated. */
  heatOf(host: number): { readonly executed: number; readonly needed: number } {
    const place = placeOf(host);
    return { executed: this.#heat[place], needed: this.#hot * (this.#inside[place] === 0 ? 1 : INSIDE) };
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
      mostBlocks: this.#mostBlocks,
      isLeft: row => this.#cpu.blocks.isWatched(row),
      callOut: i => ({ index: EXECUTE_INDEX, number: region.callOuts[calls++], isQuiet: isQuiet(i) }),
    });
  }

  #warm(place: number): void {
    const heat = this.#heat;
    heat[place]++;
    if (--this.#untilHalf > 0) return;
    this.#untilHalf = HALF_LIFE;
    for (let n = 0; n < HEATS; n++) heat[n] >>= 1;
  }

  /** Sees to it that soon there is something to run. Returns whether there is now, where there was nothing before. */
  #provide(block: Block): boolean {
    if (this.#waiting.length > 0 && --this.#patience === 0) this.#instantiate();
    if (block.host < 0) return false;
    const known = this.#known(block.host);
    if (known !== undefined) return known.index >= 0 && this.#place(known, this.#cpu.linearEip);
    const isMade = this.#translate(this.#isInMidst(block) ? 'rest' : 'procedure');
    if (!isMade) block.isUntranslatable = true;
    return isMade && this.#waiting.length === 0;
  }

  /** Whether there is a region with the code at CS:EIP in it: that was left, and cannot be entered there. */
  #isInMidst({ host }: Block): boolean {
    const { linearEip } = this.#cpu;
    const regions = this.#byPage.get((host - L.RAM) >>> 12);
    return [...(regions ?? [])].some(region => hasCodeAt(region, linearEip));
  }

  #known(host: number): Region | undefined {
    return this.#regions.get(host)?.find(region => this.#fits(region));
  }

  /** Translates what is at CS:EIP; it runs when others have come that its module is made with. Returns whether that could be done. */
  #translate(extent: Extent): boolean {
    const cpu = this.#cpu;
    const least = this.#hot * LUKEWARM;
    const made = translateRegion(cpu, {
      extent,
      procedure: extent === 'procedure' && this.engine === 'regions' ? this.#procedure(least) : null,
      mostBlocks: this.#mostBlocks,
      isHot: host => {
        const place = placeOf(host);
        return this.#heat[place] >= least && (extent !== 'rest' || this.#beginning[place] === 0);
      },
      isLeft: row => cpu.blocks.isWatched(row),
      isStopPage: page => cpu.stopsIn(page),
      callOut: i => this.#callOut(i),
      foresees: host => !this.#narrowHosts.has(host),
    });
    if (made === null) return false;
    this.#keep(made.region);
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
    if (entry === L.INVALID || this.#heat[placeOf(host)] < least || this.#regions.has(host)) return null;
    return (linear - cpu.base(CS)) | 0;
  }

  /** Whether a region is what CS:EIP asks for. */
  #fits({ entrances, premises }: Region): boolean {
    const cpu = this.#cpu;
    const { i32 } = cpu;
    return (
      entrances.some(({ linear }) => linear === cpu.linearEip) &&
      premises.word === i32[L.W_PREMISES] &&
      premises.codeLimit === i32[L.W_CODE_LIMIT] &&
      ((premises.word & L.PREMISE.flatCode) !== 0 || premises.codeBase === cpu.base(CS))
    );
  }

  #keep(region: Region): void {
    for (const host of region.entrances.map(hostOf)) {
      const others = this.#regions.get(host) ?? [];
      // The one with more comes first.
      this.#regions.set(host, region.extent === 'calls' ? [region, ...others] : [...others, region]);
    }
    for (const page of region.pages) {
      const number = physicalPage(page);
      const regions = this.#byPage.get(number);
      if (regions === undefined) this.#byPage.set(number, new Set([region]));
      else regions.add(region);
    }
    this.#count(region, 1);
    this.#kept++;
    if (this.#kept > MOST_REGIONS) this.#evict();
  }

  #count(region: Region, by: 1 | -1): void {
    const add = (counts: Uint8Array, host: number) => {
      const place = placeOf(host);
      // One that was full once stays so.
      if (counts[place] < 255) counts[place] += by;
    };
    for (const host of region.entrances.map(hostOf)) add(this.#beginning, host);
    for (const host of [...region.hosts, ...region.cuts]) add(this.#inside, host);
  }

  #evict(): void {
    for (const list of this.#regions.values()) {
      for (const region of [...list]) this.#drop(region);
      if (this.#kept <= (MOST_REGIONS * 3) / 4) return;
    }
  }

  /** Forgets everything: memory is another, or somebody watches or stops what was not watched before. */
  clear(): void {
    for (const list of [...this.#regions.values()]) for (const region of list) this.#drop(region);
    this.#heat.fill(0);
  }

  /** Forgets the code of a linear page. */
  dropLinear(page: number): void {
    for (const list of [...this.#regions.values()]) {
      for (const region of list) if (region.pages.some(part => part.page === page)) this.#drop(region);
    }
  }

  #dropPage(page: number): void {
    for (const region of this.#byPage.get(page) ?? []) this.#drop(region);
  }

  #drop(region: Region): void {
    if (region.isDead) return;
    region.isDead = true;
    this.#count(region, -1);
    this.#kept--;
    for (const host of region.entrances.map(hostOf)) {
      const list = (this.#regions.get(host) ?? []).filter(other => other !== region);
      if (list.length === 0) this.#regions.delete(host);
      else this.#regions.set(host, list);
    }
    for (const page of region.pages) {
      const number = physicalPage(page);
      const regions = this.#byPage.get(number);
      regions?.delete(region);
      if (regions?.size === 0) this.#byPage.delete(number);
    }
    for (const number of region.callOuts) {
      this.#executed[number] = null;
      this.#freeNumbers.push(number);
    }
    if (region.index < 0) return;
    const { i32 } = this.#cpu;
    for (const entrance of region.entrances) {
      const slot = this.#slot(entrance);
      for (const at of [slot, otherSlot(slot)]) {
        if (i32[at + L.R_INDEX] === region.index) i32[at + L.R_PREMISES] = -1;
      }
    }
    this.#table.set(region.index, null);
    this.#byIndex[region.index] = null;
    this.#freeIndexes.push(region.index);
    region.index = -1;
  }

  #slot({ linear, entry }: Entrance): number {
    return slotOf(this.#cpu.physical.regions, linear, entry);
  }

  /** Has the driver find a region at all its entrances, or at one. Returns whether it did not before. */
  #place(region: Region, only: number | null = null): boolean {
    const { i32 } = this.#cpu;
    let isNew = false;
    for (const entrance of region.entrances) {
      if (only !== null && entrance.linear !== only) continue;
      const words = [entrance.linear, entrance.entry, region.premises.word, region.index];
      const slot = this.#slot(entrance);
      const other = otherSlot(slot);
      const isIn = (at: number, many: number) => words.slice(0, many).every((word, n) => i32[at + n] === word);
      // What is there may have more with it.
      const many = only === null && region.extent !== 'calls' ? L.R_INDEX : words.length;
      if (isIn(slot, many) || isIn(other, many)) continue;
      // Who was there first moves on, unless it is what this one takes the place of.
      if (i32[slot + L.R_PREMISES] !== -1 && !isIn(slot, L.R_INDEX)) i32.copyWithin(other, slot, slot + words.length);
      i32.set(words, slot);
      isNew = true;
    }
    return isNew;
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
    waiting.forEach(({ region }, n) => {
      region.index = this.#freeIndexes.pop() ?? 0;
      region.module = this.modules;
      this.#table.set(region.index, exports[String(n)]);
      this.#byIndex[region.index] = region;
      this.#countRuns(region);
      this.#place(region);
      this.translated++;
    });
  }

  #callOut(instruction: Instruction): CallOut {
    const { row } = instruction;
    const handler = this.#handlers.get(row) ?? handlerOf(row);
    this.#handlers.set(row, handler);
    const number = this.#freeNumbers.pop() ?? this.#executed.length;
    this.#executed[number] = { instruction, handler, isLast: isLast(row) };
    return { index: EXECUTE_INDEX, number, isQuiet: isQuiet(instruction) };
  }

  /**
   * Carries out an instruction in the middle of a region, at EIP. Returns GO_ON if the region can go on behind it and pay for `rest` further
   * instructions, or for one that is the region's last if nothing has to be looked at before what follows; else EXECUTE.
   */
  #execute(number: number, rest: number): number {
    const executed = this.#executed[number];
    if (executed === null) throw new Error('A region was dropped that still runs.');
    const { instruction, handler, isLast } = executed;
    const cpu = this.#cpu;
    const { i32 } = cpu;
    const { linkKey } = cpu;
    const premises = i32[L.W_PREMISES];
    this.start = i32[L.W_EIP];
    const next = (this.start + instruction.length) | 0;
    i32[L.W_EIP] = next;
    i32[L.W_BUDGET]--;
    handler(cpu, instruction);
    if (isLast) return i32[L.W_ATTEND] === 0 && !cpu.looksUp ? GO_ON : EXECUTE;
    const goesOn =
      i32[L.W_ATTEND] === 0 && i32[L.W_EIP] === next && i32[L.W_BUDGET] >= rest && i32[L.W_PREMISES] === premises;
    if (!goesOn) return EXECUTE;
    if (!instruction.row.endsBlock) return GO_ON;
    return cpu.linkKey !== linkKey || cpu.looksUp ? EXECUTE : GO_ON;
  }
}

const GENERAL: ReadonlySet<number> = new Set([KIND.r32, KIND.r16, KIND.r8]);

/** Whether an instruction is one of the x87, MMX or SSE that does not write general registers and flags. */
function isQuiet({ row, dst }: Instruction): boolean {
  const isFloat = row.checks.some(
    check => check === 'fpu' || check === 'fpuNoWait' || check === 'sse' || check === 'mmx',
  );
  return isFloat && !GENERAL.has(dst.kind) && !row.operation.includes('comi');
}

function placeOf(host: number): number {
  return (host ^ (host >>> 16)) & (HEATS - 1);
}
