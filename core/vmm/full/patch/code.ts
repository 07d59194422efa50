import { decode } from '../../../ia32/decoder.ts';
import type { Instruction } from '../../../ia32/instruction.ts';
import { NO_FRAME, type WriteTrace } from '../../memory/guest-memory.ts';
import type { ShadowPaging } from '../../memory/shadow.ts';
import type { VirtualProcessor } from '../../vcpu.ts';
import { roleOf, successors, switchesStack } from './sensitive.ts';

const PAGE_SIZE = 4096;
/** Bytes of an instruction (SDM volume 2, 2.3.11). */
export const LONGEST = 15;
const INT3 = 0xcc;
/**
 * Instructions that one scan takes in at most; where it stops, the last ones get patches, and the next scan goes on when they are executed. The
 * further it goes ahead, the likelier it takes data for code.
 */
const SCAN_BUDGET = 256;

/** Why an instruction is patched. */
export type PatchKind =
  /** It means something else in ring 1. */
  | 'sensitive'
  /** It does so only with selectors that no kernel should load. */
  | 'selector'
  /** Where it leads to is seen only when it is executed. */
  | 'return'
  | 'indirect'
  /** One of the places that it leads to could not be scanned. */
  | 'edge'
  /** The patch of another instruction lies within it: code that overlaps. */
  | 'overlap';

export interface Patch {
  /** Guest-physical address of the instruction. */
  readonly address: number;
  readonly kind: PatchKind;
  readonly mnemonic: string;
  /** For an edge: linear addresses that are to be scanned yet. */
  readonly targets: number[];
  /** Whether it may be trusted some day. */
  readonly isTrustable: boolean;
  /** Times that it was executed and did what it should. */
  good: number;
}

export interface PatchCounts {
  /** Guest pages with scanned code at present. */
  pages: number;
  /** Instructions that were scanned. */
  instructions: number;
  /** Patches put in, by mnemonic; for other reasons than the instruction itself: edge and overlap. */
  readonly patches: Record<string, number>;
  /** Patches executed, by mnemonic. */
  readonly callouts: Record<string, number>;
  /** Pages that were written to and have to be scanned again. */
  invalidations: number;
}

/** A guest-physical page with scanned code. */
interface CodePage {
  readonly page: number;
  /** For each offset the length of the known instruction that begins there, or 0. */
  readonly lengths: Uint8Array;
  /** By guest-physical address. */
  readonly patches: Map<number, Patch>;
  /** Addresses of known instructions of other pages that end in this one. */
  readonly crossers: Set<number>;
  /** Linear addresses at which scans or branches entered this page. */
  readonly entries: Set<number>;
}

/** A place to scan: what led there, and whether the stack is still the caller's. */
interface Lead {
  readonly linear: number;
  readonly from: Origin | null;
  readonly switched: boolean;
}

interface Origin {
  readonly address: number;
  readonly mnemonic: string;
}

/** The bytes of an instruction that are no RAM, or not mapped. */
const UNREADABLE = Symbol('unreadable');

/**
 * The kernel code that is known: found by recursive descent (as CSAM of VirtualBox does), page by guest-physical page, with patches where ring 1
 * would get it wrong. Pages are write-traced; a write to a known instruction makes the whole page unknown. Ring 1 may execute only pages
 * with known code.
 */
export class PatchedCode implements WriteTrace {
  readonly counts: PatchCounts = { pages: 0, instructions: 0, patches: {}, callouts: {}, invalidations: 0 };
  readonly #vcpu: VirtualProcessor;
  readonly #shadow: ShadowPaging;
  readonly #pages = new Map<number, CodePage>();
  /** Entries of pages that became unknown: branches elsewhere still lead there. */
  readonly #formerEntries = new Map<number, ReadonlySet<number>>();

  constructor(vcpu: VirtualProcessor, shadow: ShadowPaging) {
    this.#vcpu = vcpu;
    this.#shadow = shadow;
  }

  has(page: number): boolean {
    return this.#pages.has(page);
  }

  /** Guest-physical address of a linear one, or -1 if no RAM is there. */
  physical(linear: number): number {
    const { memory } = this.#vcpu;
    const found = this.#vcpu.lookUp(linear);
    if (found < 0) return -1;
    const address = (found & memory.addressMask) >>> 0;
    return memory.frameAt(address) === NO_FRAME ? -1 : address;
  }

  /** Whether an instruction is known to begin at a linear address. */
  isKnown(linear: number): boolean {
    const address = this.physical(linear);
    return address >= 0 && this.#lengthAt(address) !== 0;
  }

  patchAt(address: number): Patch | null {
    return this.#pages.get(address >>> 12)?.patches.get(address) ?? null;
  }

  /** Knownness, patches and traces all end; the guest's memory is its own again. */
  clear(): void {
    for (const page of [...this.#pages.keys()]) this.#drop(page);
    this.#formerEntries.clear();
  }

  /** Makes the code at a linear address known, and all that it is known to lead to, as far as the budget goes. */
  scan(linear: number): void {
    this.#explore([{ linear, from: null, switched: false }]);
  }

  /** Scans what was out of reach when the instruction was patched; true if nothing is left. */
  finish(patch: Patch): boolean {
    for (const target of patch.targets) this.scan(target);
    return patch.targets.every(target => this.isKnown(target));
  }

  #lengthAt(address: number): number {
    return this.#pages.get(address >>> 12)?.lengths[address & 0xfff] ?? 0;
  }

  // Scanning

  #explore(leads: Lead[]): void {
    let budget = SCAN_BUDGET;
    // In the order of distance.
    for (let n = 0; n < leads.length; n++) {
      const lead = leads[n];
      const address = this.physical(lead.linear);
      if (address >= 0 && this.#lengthAt(address) !== 0) {
        this.#pages.get(address >>> 12)?.entries.add(lead.linear);
        continue;
      }
      const instruction = address < 0 || budget === 0 ? null : this.#decode(lead.linear, address);
      if (instruction === null) {
        if (lead.from !== null) this.#patchEdge(lead.from, lead.linear);
        continue;
      }
      budget--;
      this.#learn(lead, address, instruction, leads);
    }
  }

  #decode(linear: number, address: number): Instruction | null {
    const room = PAGE_SIZE - (address & 0xfff);
    const { memory } = this.#vcpu;
    const byte = (index: number): number => {
      const at = index < room ? address + index : this.physical((linear + index) | 0);
      if (at < 0) throw UNREADABLE;
      return memory.read(at, 1);
    };
    try {
      return decode({ byte }, 0, 4);
    } catch (thrown) {
      if (thrown === UNREADABLE) return null;
      throw thrown;
    }
  }

  #learn(lead: Lead, address: number, instruction: Instruction, leads: Lead[]): void {
    const { linear, from } = lead;
    const { mnemonic } = instruction.row;
    const origin = { address, mnemonic };
    const page = this.#enter(address >>> 12, leads);
    page.lengths[address & 0xfff] = instruction.length;
    if (from === null || from.address >>> 12 !== address >>> 12) page.entries.add(linear);
    this.counts.instructions++;
    const last = (linear + instruction.length - 1) | 0;
    if ((last ^ linear) & -PAGE_SIZE) this.#enter(this.physical(last) >>> 12, leads).crossers.add(address);
    const role = roleOf(instruction);
    if (role !== 'plain') this.#patch(origin, role, role === 'selector' || (role === 'return' && !lead.switched));
    else if (this.#holdsPatch(linear, address, instruction.length)) this.#patch(origin, 'overlap', false);
    const switched = lead.switched || switchesStack(instruction);
    const next = (linear + instruction.length) | 0;
    const isCall = instruction.row.operation === 'call';
    for (const target of successors(instruction, linear)) {
      // A function that is called returns to its caller, whatever stack that is.
      leads.push({ linear: target, from: origin, switched: switched && !(isCall && target !== next) });
    }
  }

  /** The page's record; a new page is traced from now on, and scanned where it was entered in former times. */
  #enter(page: number, leads: Lead[]): CodePage {
    const known = this.#pages.get(page);
    if (known !== undefined) return known;
    const created: CodePage = {
      page,
      lengths: new Uint8Array(PAGE_SIZE),
      patches: new Map(),
      crossers: new Set(),
      entries: new Set(),
    };
    this.#pages.set(page, created);
    this.counts.pages++;
    this.#vcpu.memory.trace(page);
    this.#shadow.protect(page);
    for (const linear of this.#formerEntries.get(page) ?? []) leads.push({ linear, from: null, switched: false });
    this.#formerEntries.delete(page);
    return created;
  }

  #holdsPatch(linear: number, address: number, length: number): boolean {
    const { memory } = this.#vcpu;
    const room = PAGE_SIZE - (address & 0xfff);
    for (let n = 1; n < length; n++) {
      if (memory.isReplaced(n < room ? address + n : this.physical((linear + n) | 0))) return true;
    }
    return false;
  }

  // Patches

  #patch({ address, mnemonic }: Origin, kind: PatchKind, isTrustable: boolean): Patch | null {
    const page = this.#pages.get(address >>> 12);
    if (page === undefined) return null;
    const before = page.patches.get(address);
    if (before !== undefined) return before;
    const patch: Patch = { address, kind, mnemonic, isTrustable, targets: [], good: 0 };
    this.#put(page, patch);
    // What overlaps this byte would run into the middle of a patch: it is patched itself.
    const overlapped = [...this.#overlapping(page, address)];
    for (let other = overlapped.pop(); other !== undefined; other = overlapped.pop()) {
      const holder = this.#pages.get(other >>> 12);
      if (holder === undefined || holder.patches.has(other)) continue;
      this.#put(holder, {
        address: other,
        kind: 'overlap',
        mnemonic: 'overlap',
        isTrustable: false,
        targets: [],
        good: 0,
      });
      overlapped.push(...this.#overlapping(holder, other));
    }
    return patch;
  }

  #put(page: CodePage, patch: Patch): void {
    const { address, mnemonic } = patch;
    page.patches.set(address, patch);
    this.counts.patches[mnemonic] = (this.counts.patches[mnemonic] ?? 0) + 1;
    this.#vcpu.memory.replace(address, INT3);
  }

  /** Addresses of known instructions with this byte behind their first one. */
  *#overlapping(page: CodePage, address: number): Generator<number> {
    const offset = address & 0xfff;
    for (let at = Math.max(offset - LONGEST + 1, 0); at < offset; at++) {
      if (at + page.lengths[at] > offset) yield address - offset + at;
    }
    for (const crosser of page.crossers) {
      if (this.#lengthAt(crosser) - (PAGE_SIZE - (crosser & 0xfff)) > offset) yield crosser;
    }
  }

  /** The instruction leads to a place that is out of reach now. */
  #patchEdge(from: Origin, target: number): void {
    const patch = this.#patch({ address: from.address, mnemonic: 'edge' }, 'edge', false);
    if (patch?.kind === 'edge') patch.targets.push(target);
  }

  /** Takes a patch out, unless it has another reason by now. The instruction stays known. */
  lift(patch: Patch): void {
    const { address } = patch;
    const page = this.#pages.get(address >>> 12);
    if (page?.patches.get(address) !== patch) return;
    const { memory } = this.#vcpu;
    const offset = address & 0xfff;
    const length = page.lengths[offset];
    if (offset + length > PAGE_SIZE) return;
    for (let n = 1; n < length; n++) if (memory.isReplaced(address + n)) return;
    page.patches.delete(address);
    memory.restore(address);
  }

  // Changes

  onWrite(page: number, offset: number, size: number): void {
    const known = this.#pages.get(page);
    if (known === undefined) return;
    const start = page * PAGE_SIZE;
    for (let at = offset; at < offset + size; at++) {
      if (known.lengths[at] === 0 && this.#overlapping(known, start + at).next().done === true) continue;
      this.#invalidate(known, size);
      return;
    }
  }

  #invalidate({ page, entries }: CodePage, size: number): void {
    this.counts.invalidations++;
    this.#drop(page);
    // A page that is filled anew has nothing to do with its former code.
    if (size < PAGE_SIZE) this.#formerEntries.set(page, entries);
  }

  #drop(page: number): void {
    const known = this.#pages.get(page);
    if (known === undefined) return;
    this.#pages.delete(page);
    this.counts.pages--;
    const { memory } = this.#vcpu;
    for (const address of known.patches.keys()) memory.restore(address);
    memory.untrace(page);
    this.#shadow.forbid(page);
    for (const crosser of known.crossers) {
      const other = this.#pages.get(crosser >>> 12);
      if (other !== undefined) this.#invalidate(other, 0);
    }
  }
}
