import { CS } from '../../ia32/registers.ts';
import * as L from '../cpu/layout.ts';
import type { Processor } from '../cpu/processor.ts';
import { CodeTable } from './code-table.ts';
import { packed } from './packed.ts';
import { hasCodeAt, hostOf, isUnchanged, physicalPage, protect, type Region } from './region.ts';

/** Counters for places of code, which these share by a hash. */
export const PLACES = 1 << 16;

export function placeOf(host: number): number {
  return (host ^ (host >>> 16)) & (PLACES - 1);
}

/** Part that is left when there is too much. */
const LEFT = 3 / 4;
/** The newest part, which was not there long enough to be judged. */
const NEW = 1 / 4;

/** How many are kept. */
export interface Room {
  readonly regions: number;
  /** The browser keeps the code of a module until nothing of it is left. */
  readonly modules: number;
}

/** The regions that are alive, and where the driver finds them. */
export class Regions {
  /** Their functions. */
  readonly table: WebAssembly.Table;
  /** As many at most; behind them the table has room for others. */
  readonly most: number;
  readonly #cpu: Processor;
  readonly #room: Room;
  readonly #onDrop: (region: Region) => void;
  /** By the place of their first byte in the memory. */
  readonly #byHost = new Map<number, Region[]>();
  readonly #byPage = new Map<number, Set<Region>>();
  /** By index in the table of functions. */
  readonly #byIndex: (Region | null)[] = [];
  readonly #freeIndexes: number[] = [];
  /** By number of their module; the oldest first. */
  readonly #byModule = new Map<number, Set<Region>>();
  readonly #found: CodeTable;
  #kept = 0;
  /** How many begin at a place, and how many have a block there in their midst. */
  readonly #beginning = new Uint8Array(PLACES);
  readonly #inside = new Uint8Array(PLACES);

  /** `batch`: regions that a module has at most; `handlers`: functions that the table has beside theirs; `onDrop`: one is no more. */
  constructor(cpu: Processor, room: Room, batch: number, handlers: number, onDrop: (region: Region) => void) {
    this.#cpu = cpu;
    this.#room = room;
    this.#onDrop = onDrop;
    const most = room.regions + batch;
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: most + handlers });
    this.most = most;
    for (let index = most - 1; index >= 0; index--) this.#freeIndexes.push(index);
    this.#found = new CodeTable(cpu.i32, cpu.physical.regions);
  }

  // Looking

  get alive(): readonly Region[] {
    return this.#all.filter(({ isAsleep }) => !isAsleep);
  }

  get #all(): readonly Region[] {
    return [...new Set([...this.#byHost.values()].flat())];
  }

  /** Whether one may begin at a place, or has a block there in its midst. */
  beginsAt(place: number): boolean {
    return this.#beginning[place] !== 0;
  }

  isInsideAt(place: number): boolean {
    return this.#inside[place] !== 0;
  }

  /** Whether one begins at a byte offset in the memory, for whatever premises. */
  has(host: number): boolean {
    return this.#byHost.has(host);
  }

  /** The one that is what CS:EIP asks for, which lies at a byte offset in the memory. */
  at(host: number): Region | undefined {
    return this.#byHost.get(host)?.find(region => this.#fits(region) && (!region.isAsleep || this.#wake(region)));
  }

  /** Those that have the code at CS:EIP in them, which lies at a byte offset in the memory. */
  around(host: number): readonly Region[] {
    const { linearEip } = this.#cpu;
    const regions = this.#byPage.get((host - L.RAM) >>> 12);
    return [...(regions ?? [])].filter(region => hasCodeAt(region, linearEip));
  }

  /** The one that the driver came to last; null if it is no more. */
  get lastRun(): Region | null {
    return this.#byIndex[this.#cpu.i32[this.#word(L.REGION_RAN)]];
  }

  #word(offset: number): number {
    return (this.#cpu.physical.regions + offset) >>> 2;
  }

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

  // Entries

  /** How often one was entered. What goes on inside it, also from its end to its beginning, is one entry. */
  entriesOf({ index, entered, countsFrom }: Region): number {
    if (index < 0) return 0;
    return entered + ((countsFrom - this.#cpu.i32[this.#word(L.REGION_RUNS) + index]) >>> 0);
  }

  /** Has the driver say when it was entered so many times more, a word. */
  countRuns(region: Region, times: number): void {
    region.entered += region.countsFrom >>> 0;
    region.countsFrom = times;
    this.#cpu.i32[this.#word(L.REGION_RUNS) + region.index] = times;
  }

  // Coming and going

  /** Keeps one, which cannot run yet. */
  keep(region: Region): void {
    for (const host of packed(region.entrances, hostOf)) {
      const others = this.#byHost.get(host) ?? [];
      // The one with more comes first.
      this.#byHost.set(host, region.extent === 'calls' ? [region, ...others] : [...others, region]);
    }
    this.#enterPages(region);
    this.#count(region, 1);
    this.#kept++;
    if (this.#kept > this.#room.regions) this.#evict();
  }

  #enterPages(region: Region): void {
    for (const page of region.pages) {
      const number = physicalPage(page);
      const regions = this.#byPage.get(number);
      if (regions === undefined) this.#byPage.set(number, new Set([region]));
      else regions.add(region);
    }
  }

  #leavePages(region: Region): void {
    for (const page of region.pages) {
      const number = physicalPage(page);
      const regions = this.#byPage.get(number);
      regions?.delete(region);
      if (regions?.size === 0) this.#byPage.delete(number);
    }
  }

  /** Memory is another as a whole: what is of bytes that are there again may run again. */
  sleep(): void {
    for (const region of this.#all) {
      if (region.index < 0) this.drop(region);
      if (region.isDead || region.isAsleep) continue;
      region.isAsleep = true;
      this.#leavePages(region);
      this.#displace(region);
    }
  }

  /** Returns whether it is still of what is there; otherwise it is no more. */
  #wake(region: Region): boolean {
    if (!isUnchanged(this.#cpu, region)) {
      this.drop(region);
      return false;
    }
    region.isAsleep = false;
    protect(this.#cpu, region);
    this.#enterPages(region);
    return true;
  }

  /** Those of a module can run. */
  install(regions: readonly Region[], module: number, functions: WebAssembly.Instance['exports']): void {
    regions.forEach((region, n) => {
      region.index = this.#freeIndexes.pop() ?? 0;
      region.module = module;
      this.table.set(region.index, functions[String(n)]);
      this.#byIndex[region.index] = region;
    });
    this.#byModule.set(module, new Set(regions));
    if (this.#byModule.size > this.#room.modules) this.#evict();
  }

  #count(region: Region, by: 1 | -1): void {
    const add = (counts: Uint8Array, host: number) => {
      const place = placeOf(host);
      // One that was full once stays so.
      if (counts[place] < 255) counts[place] += by;
    };
    for (const host of packed(region.entrances, hostOf)) add(this.#beginning, host);
    for (const host of [...region.hosts, ...region.cuts]) add(this.#inside, host);
  }

  /** Whole modules go, those first of which least was entered since this was done last. */
  #evict(): void {
    const { regions, modules } = this.#room;
    const uses = [...this.#byModule.values()].map(module => ({ module, uses: this.#usesOf(module) }));
    const judged = uses.slice(0, Math.ceil(uses.length * (1 - NEW))).sort((a, b) => a.uses - b.uses);
    for (const { module } of judged) {
      if (this.#kept <= regions * LEFT && this.#byModule.size <= modules * LEFT) return;
      for (const region of module) this.drop(region);
    }
  }

  /** How often any of a module was entered since this was asked last. */
  #usesOf(module: ReadonlySet<Region>): number {
    let uses = 0;
    for (const region of module) {
      const entries = this.entriesOf(region);
      uses += entries - region.entriesBefore;
      region.entriesBefore = entries;
    }
    return uses;
  }

  clear(): void {
    for (const region of this.#all) this.drop(region);
  }

  /** Forgets the code of a linear page. */
  dropLinear(page: number): void {
    for (const region of this.#all) if (region.pages.some(part => part.page === page)) this.drop(region);
  }

  /** Forgets the code of a physical page. */
  dropPage(page: number): void {
    for (const region of this.#byPage.get(page) ?? []) this.drop(region);
  }

  drop(region: Region): void {
    if (region.isDead) return;
    region.isDead = true;
    this.#count(region, -1);
    this.#kept--;
    for (const host of packed(region.entrances, hostOf)) {
      const list = (this.#byHost.get(host) ?? []).filter(other => other !== region);
      if (list.length === 0) this.#byHost.delete(host);
      else this.#byHost.set(host, list);
    }
    if (!region.isAsleep) this.#leavePages(region);
    if (region.index >= 0) this.#uninstall(region);
    this.#onDrop(region);
  }

  #uninstall(region: Region): void {
    const module = this.#byModule.get(region.module);
    module?.delete(region);
    if (module?.size === 0) this.#byModule.delete(region.module);
    this.#displace(region);
    this.table.set(region.index, null);
    this.#byIndex[region.index] = null;
    this.#freeIndexes.push(region.index);
    region.index = -1;
  }

  // The driver's table

  /** The driver does not find it any more. */
  #displace({ entrances, index }: Region): void {
    for (const { linear } of entrances) this.#found.take(linear, index);
  }

  /** The driver does not find the one at CS:EIP, until it is placed again. Returns whether it did. */
  hide(): boolean {
    const { i32, linearEip } = this.#cpu;
    return this.#found.takeAny(linearEip, i32[i32[L.W_EXECUTE_TABLE] + (linearEip >>> 12)], i32[L.W_PREMISES]);
  }

  /** Has the driver find a region at all its entrances, or at one. Returns whether it did not before. */
  place({ entrances, premises, index, extent }: Region, only: number | null): boolean {
    // What is there may have more with it.
    const stays = only === null && extent !== 'calls';
    let isNew = false;
    for (const { linear, entry } of entrances) {
      if (only !== null && linear !== only) continue;
      if (this.#found.put([linear, entry, premises.word, index], stays)) isNew = true;
    }
    return isNew;
  }
}
