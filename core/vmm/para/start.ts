import { FLAG } from '../../ia32/flags.ts';
import { CR0, CR4, CS, DS, EAX, ES, ESI, ESP, FS, GS, SS } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import { PAGE } from '../../machine/mmu/walk.ts';
import type { DomainPlan } from '../../xen/domain-plan.ts';
import * as H from '../host/layout.ts';
import { FRAME_SIZE } from '../memory/frames.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { FLAT, MAGIC, START_INFO } from './abi.ts';
import type { Domain } from './domain.ts';
import { hypercallPage } from './emulate.ts';

const ENTRIES = 512;
const MAPPED = PAGE.present | PAGE.writable | PAGE.user | PAGE.accessed | PAGE.dirty;

/** Places that only the running monitor knows. */
export interface Places {
  /** Machine address. */
  readonly sharedInfo: number;
  readonly consolePort: number;
  readonly storePort: number;
}

/**
 * Writes what the builder could only plan, since it holds machine frames: the frame list, start_info, the hypercall page and the page tables. The
 * tables are a draft until they are pinned.
 */
export class DomainBuilder {
  readonly #memory: GuestMemory;
  readonly #plan: DomainPlan;
  #nextTable: number;

  constructor(memory: GuestMemory, plan: DomainPlan) {
    this.#memory = memory;
    this.#plan = plan;
    this.#nextTable = plan.tables;
  }

  /** Machine address of a byte of a pseudo-physical page. */
  #at(page: number, offset: number): number {
    return this.#memory.map[page] * FRAME_SIZE + offset;
  }

  #write(page: number, offset: number, value: number): void {
    this.#memory.machine.write(this.#at(page, offset), 4, value);
  }

  build(places: Places): void {
    this.#writeFrameList();
    this.#writeStartInfo(places);
    if (this.#plan.hypercallPage !== null) {
      const page = (this.#plan.hypercallPage - this.#plan.virtualBase) >>> 12;
      this.#memory.machine.load(this.#at(page, 0), hypercallPage());
    }
    this.#writeTables();
  }

  #writeFrameList(): void {
    const { map } = this.#memory;
    for (let page = 0; page < map.length; page++) {
      this.#write(this.#plan.frameList + Math.floor(page / 1024), (page % 1024) * 4, map[page]);
    }
  }

  #writeStartInfo(places: Places): void {
    const plan = this.#plan;
    const { map } = this.#memory;
    const linear = (page: number) => plan.virtualBase + page * FRAME_SIZE;
    const words: readonly (readonly [number, number])[] = [
      [START_INFO.pages, map.length],
      [START_INFO.sharedInfo, places.sharedInfo],
      [START_INFO.flags, 0],
      [START_INFO.storeFrame, map[plan.store]],
      [START_INFO.storePort, places.storePort],
      [START_INFO.consoleFrame, map[plan.console]],
      [START_INFO.consolePort, places.consolePort],
      [START_INFO.tables, linear(plan.tables)],
      [START_INFO.tableFrames, plan.tablePages],
      [START_INFO.frameList, linear(plan.frameList)],
      [START_INFO.moduleStart, plan.module?.address ?? 0],
      [START_INFO.moduleLength, plan.module?.length ?? 0],
      [START_INFO.firstListPage, plan.frameList],
      [START_INFO.listPages, plan.frameListPages],
    ];
    const bytes = new Uint8Array(START_INFO.size);
    const view = new DataView(bytes.buffer);
    const encoder = new TextEncoder();
    bytes.set(encoder.encode(MAGIC), START_INFO.magic);
    bytes.set(encoder.encode(plan.commandLine).subarray(0, START_INFO.commandLineBytes - 1), START_INFO.commandLine);
    for (const [offset, value] of words) view.setUint32(offset, value >>> 0, true);
    this.#memory.machine.load(this.#at(plan.startInfo, 0), bytes);
  }

  /** A fresh table from the pages that the plan has for them. */
  #takeTable(): number {
    const page = this.#nextTable++;
    if (page >= this.#plan.tables + this.#plan.tablePages) throw new RangeError('The plan has too few page tables.');
    return page;
  }

  /** Maps every page of the start-of-day region, tables read-only. The fourth L3 entry must be there even if nothing is mapped by it. */
  #writeTables(): void {
    const { virtualBase, mappedPages, tables, tablePages } = this.#plan;
    const { map } = this.#memory;
    const top = this.#takeTable();
    const directories = new Map<number, number>();
    const leaves = new Map<number, number>();
    const directoryOf = (index: number): number => {
      let directory = directories.get(index);
      if (directory === undefined) {
        directory = this.#takeTable();
        directories.set(index, directory);
        this.#write(top, index * 8, (map[directory] * FRAME_SIZE) | PAGE.present);
      }
      return directory;
    };
    for (let page = 0; page < mappedPages; page++) {
      const linear = virtualBase + page * FRAME_SIZE;
      const directory = directoryOf(linear >>> 30);
      let table = leaves.get(linear >>> 21);
      if (table === undefined) {
        table = this.#takeTable();
        leaves.set(linear >>> 21, table);
        this.#write(directory, ((linear >>> 21) % ENTRIES) * 8, (map[table] * FRAME_SIZE) | MAPPED);
      }
      const isTable = page >= tables && page < tables + tablePages;
      const entry = (map[page] * FRAME_SIZE) | MAPPED;
      this.#write(table, ((linear >>> 12) % ENTRIES) * 8, isTable ? entry & ~PAGE.writable : entry);
    }
    directoryOf(3);
  }
}

/** The state in which a domain's one processor starts: ring 1, flat segments, start_info's address in ESI, events masked. */
export function setStartState(domain: Domain, plan: DomainPlan): void {
  const { vcpu, shared, traps } = domain;
  const { i32 } = vcpu;
  i32.fill(0, EAX, 8);
  i32[L.W_CR0] = CR0.PE | CR0.MP | CR0.ET | CR0.NE | CR0.WP | CR0.PG;
  i32[L.W_CR4] = CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT;
  i32[L.W_GDTR_BASE] = H.GDT | 0;
  i32[L.W_GDTR_LIMIT] = H.GDT_SIZE - 1;
  i32[L.W_IDTR_BASE] = H.IDT | 0;
  i32[L.W_IDTR_LIMIT] = 0x7ff;
  i32[L.W_HALTED] = 0;
  i32[L.W_SHADOW] = 0;
  traps.loadSegment(CS, FLAT.ring1Code);
  for (const register of [SS, DS, ES, FS, GS]) traps.loadSegment(register, FLAT.ring1Data);
  vcpu.setCpl(1);
  vcpu.setEflags(FLAG.ONE | FLAG.IF);
  i32[L.W_EIP] = plan.entry | 0;
  i32[ESP] = plan.stackTop | 0;
  i32[ESI] = (plan.virtualBase + plan.startInfo * FRAME_SIZE) | 0;
  shared.upcallMask = 1;
}
