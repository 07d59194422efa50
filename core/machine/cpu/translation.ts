import { FLAG } from '../../ia32/flags.ts';
import { CR0, CR4, CS } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { EPT_POINTER } from '../../ia32/vmx/controls.ts';
import { EPT_VIOLATION, EXIT } from '../../ia32/vmx/exits.ts';
import { createEptWalk, EPT, type EptWalk, walkEpt } from '../mmu/ept.ts';
import { createNestedWalk, createNestedWalker, references } from '../mmu/nested.ts';
import { createWalk, type Access as Kind, PAGE, type PagingRegisters, walkTables } from '../mmu/walk.ts';
import type { PhysicalMemory } from '../physical.ts';
import { CodePages } from './code-pages.ts';
import { BREAKPOINT_ENABLED, Breakpoints } from './debug-registers.ts';
import { Fault } from './fault.ts';
import { LARGE_ZERO } from './large.ts';
import * as L from './layout.ts';
import { EFER, EFER_NXE } from './msr-numbers.ts';
import type { Probe } from './probe.ts';
import { ATTRIBUTE, State } from './state.ts';
import { Tlb, type TlbState, unprotected } from './tlb.ts';
import { TransferLog } from './transfer-log.ts';
import { VmExit } from './vmx/exit.ts';
import { type Watcher, Watches, type WatchListener, type WatchRange } from './watch.ts';

/** Permission and qualification bit by access: an EPT entry and an exit qualification have them in the same order. */
const EPT_ACCESS: Readonly<Record<Kind, number>> = { read: EPT.read, write: EPT.write, execute: EPT.execute };

/** Whether a PDPTE can be loaded: present only with its reserved bits 0 (SDM volume 3, table 4-8). */
export function isPdpte(low: number, high: number): boolean {
  return (low & PAGE.present) === 0 || ((low & 0x1e6) === 0 && high === 0);
}

/** Word of the TLB's table for such accesses. */
function tableOf(access: Kind, user: boolean): number {
  const table = access === 'read' ? L.W_TLB : access === 'write' ? L.W_TLB_WRITE : L.W_TLB_EXECUTE;
  return table + (user ? L.USER_TABLES : 0);
}

/**
 * How a linear address becomes a physical one: TLB, page walk, EPT; and who hears of it when what an address means changes, or when one is
 * accessed.
 */
export class Translation extends State implements PagingRegisters {
  readonly fault = new Fault();
  readonly vmExit = new VmExit();
  readonly codePages: CodePages;
  readonly watches = new Watches();
  readonly tlb: Tlb;
  readonly debug = new Breakpoints();
  #probe: Probe | null = null;
  readonly #log = new TransferLog(this.i32);
  /** Page walks since reset: TLB misses with paging on. */
  walks = LARGE_ZERO;
  /** Table entries that they read from memory; PDPTE registers are none. */
  walkReferences = LARGE_ZERO;
  /** Those of them that were two-dimensional: a guest's, under EPT. */
  nestedWalks = LARGE_ZERO;
  nestedReferences = LARGE_ZERO;
  #epoch = 0;
  readonly #walk = createWalk();
  readonly #lookWalk = createWalk();
  readonly #nested = createNestedWalk();
  readonly #walkNested;
  readonly #lookNested = createNestedWalk();
  readonly #lookWalkNested;
  readonly #eptWalk = createEptWalk();

  constructor(physical: PhysicalMemory) {
    super(physical);
    this.codePages = new CodePages(physical.size);
    this.tlb = new Tlb(this.i32, this.codePages, this.watches);
    this.#walkNested = createNestedWalker(physical, this.#nested);
    this.#lookWalkNested = createNestedWalker(physical, this.#lookNested);
    // Memory that another processor has had is only taken if its tables were always empty.
    if (this.i32[L.W_TLB] !== L.INVALID) this.flushAll();
    else this.newEpoch();
  }

  /** Who looks at changes of the ring; null when nobody does. */
  get probe(): Probe | null {
    if (this.i32[L.W_LOGGED] !== 0) this.tellLogged();
    return this.#probe;
  }

  set probe(probe: Probe | null) {
    if (this.i32[L.W_LOGGED] !== 0) this.tellLogged();
    this.#probe = probe;
    this.i32[L.W_PROBED] = probe === null ? 0 : probe.transferredBefore === undefined ? L.TOLD_AT_ONCE : L.TOLD_LATER;
  }

  /** Tells the probe what it has to hear first. */
  protected tellLogged(): void {
    this.#log.tell(this.#probe, this.lastStep);
  }

  /** What the count of steps will be at the end of the run, if that takes all it was granted. */
  protected get lastStep(): number {
    return 0;
  }

  /** Changes whenever a linear address may mean other code than before: translations, CS, privilege, code itself. The lowest two bits are CPL. */
  get linkKey(): number {
    return this.i32[L.W_LINK_KEY];
  }

  // Exceptions

  /** Raises an exception: always throws. `code` null for vectors that push no error code. */
  raiseFault(vector: number, code: number | null): never {
    this.fault.set(vector, code);
    throw this.fault;
  }

  /** #GP with an error code, usually 0 or a selector. */
  generalProtection(code: number): never {
    this.raiseFault(VECTOR.GP, code);
  }

  // Paging registers, for the walker

  get cr0(): number {
    return this.i32[L.W_CR0];
  }

  get cr3(): number {
    return this.i32[L.W_CR3];
  }

  get cr4(): number {
    return this.i32[L.W_CR4];
  }

  get nxe(): boolean {
    return (this.i32[L.W_MSR + EFER] & EFER_NXE) !== 0;
  }

  pdpte(index: number): number {
    return this.i32[L.W_PDPTE + 2 * index];
  }

  pdpteHigh(index: number): number {
    return this.i32[L.W_PDPTE + 2 * index + 1];
  }

  // TLB

  /** Links between blocks no longer hold. */
  newEpoch(): void {
    this.#epoch = (this.#epoch + 1) & 0xfffffff;
    this.i32[L.W_LINK_KEY] = this.#epoch * 4 + this.i32[L.W_CPL];
  }

  override setCpl(cpl: number): void {
    super.setCpl(cpl);
    this.i32[L.W_LINK_KEY] = this.#epoch * 4 + cpl;
  }

  override setSegment(index: number, selector: number, base: number, limit: number, attributes: number): void {
    if (index === CS) {
      const changed = base !== this.base(CS) || limit !== this.segment(CS, L.S_LIMIT);
      if (changed || ((attributes ^ this.segment(CS, L.S_ATTRIBUTES)) & ATTRIBUTE.big) !== 0) this.newEpoch();
    }
    super.setSegment(index, selector, base, limit, attributes);
  }

  /** Drops every translation, global ones too. */
  flushAll(): void {
    this.newEpoch();
    this.tlb.flushAll();
  }

  /** Drops what is not global: a load of CR3. */
  flushLocal(): void {
    this.newEpoch();
    this.tlb.flushLocal();
  }

  /** Everything, as fast as what is filled allows. */
  flushGlobal(): void {
    this.newEpoch();
    this.tlb.flushGlobal();
  }

  /** VM entry or exit: to the translations of a tag (tlb-spaces.ts). What has none is dropped whenever it is left or entered. */
  enterSpace(tag: number): void {
    if (tag === 0 && this.tlb.tag === 0) {
      this.flushGlobal();
      return;
    }
    this.newEpoch();
    this.tlb.enterSpace(tag);
    // Such entries are from before alignment was checked: see #fill().
    if (this.i32[L.W_ALIGNMENT] !== 0) this.tlb.flushGlobal();
  }

  /** Drops every translation of every address space. */
  flushSpaces(): void {
    this.tlb.forgetSpaces();
    this.flushGlobal();
  }

  /** INVLPG: the page of this linear address, whatever its size. */
  flushPage(linear: number): void {
    this.newEpoch();
    this.tlb.flushPage(linear);
  }

  saveTlb(): TlbState {
    return this.tlb.save();
  }

  /** Throws TypeError on what saveTlb() cannot have given. */
  restoreTlb(state: TlbState): void {
    this.newEpoch();
    this.tlb.restore(state, address => this.physical.isRam(address));
  }

  /** Makes every write to this RAM page take the slow path from now on, without a walk: code was decoded from it. */
  protectCode(page: number): void {
    this.tlb.protectCode(page);
  }

  // Watches

  /**
   * Watches ranges of linear addresses for a debugger outside of the machine, instead of those before; none costs nothing. Time, effect and
   * snapshots are the same with it and without. Call between runs.
   */
  setWatches(ranges: readonly WatchRange[], onHit: WatchListener): void {
    this.watch('debugger', ranges, onHit);
  }

  protected watch(watcher: Watcher, ranges: readonly WatchRange[], onHit: WatchListener): void {
    this.watches.set(watcher, ranges, onHit);
    this.tlb.watchesChanged();
  }

  /**
   * Physical address of a linear one for an access with user or supervisor rights; enters the TLB. Throws the page fault.
   */
  translate(linear: number, access: Kind, user: boolean): number {
    const { i32 } = this;
    if (i32[L.W_EPT_POINTER] !== 0) return this.#translateNested(linear, access, user);
    if (i32[L.W_CR0] >= 0) {
      // CR0.PG is bit 31, the sign.
      const physical = linear >>> 0;
      this.#fill(linear >>> 12, physical, access, user, true, false);
      return physical;
    }
    walkTables(this.physical, this, linear, access, user, this.#walk);
    if (this.#walk.physical === -1) {
      this.#setPageFault(linear);
      throw this.fault;
    }
    this.#enterWalk(linear, access, user);
    return this.#walk.physical;
  }

  /**
   * Whether an access raises a page fault, which is then in `fault`, and its walk counted: to throw it would cost more than all else that is done for
   * it. If not, all is as if nobody had asked, but that the TLB may have the page already. Two-dimensional walks are left to translate().
   */
  pageFaults(linear: number, access: Kind, user: boolean): boolean {
    const { i32 } = this;
    if (i32[L.W_EPT_POINTER] !== 0 || i32[L.W_CR0] >= 0 || i32[L.W_ALIGNMENT] !== 0) return false;
    if (this.tlb.entry(tableOf(access, user) + (linear >>> 12)) !== L.INVALID) return false;
    const walk = this.#walk;
    walkTables(this.physical, this, linear, access, user, walk);
    if (walk.physical === -1) {
      this.#setPageFault(linear);
      return true;
    }
    // What the TLB does not take is walked for, and counted, by who comes there.
    if (this.physical.isRam((walk.physical & this.physical.addressMask) >>> 0)) this.#enterWalk(linear, access, user);
    return false;
  }

  #countWalk(): void {
    this.walks++;
    this.walkReferences += this.#references;
  }

  /** Of the last walk: page directory pointers are in registers. */
  get #references(): number {
    const { count } = this.#walk;
    return (this.i32[L.W_CR4] & CR4.PAE) !== 0 ? count - 1 : count;
  }

  /** Takes the last walk from the counts: its instruction starts anew, and walks once more for the same access. */
  protected forgetWalk(): void {
    const isNested = this.i32[L.W_EPT_POINTER] !== 0;
    if (!isNested && this.i32[L.W_CR0] >= 0) return;
    const read = isNested ? references(this.#nested) : this.#references;
    this.walks--;
    this.walkReferences -= read;
    if (!isNested) return;
    this.nestedWalks--;
    this.nestedReferences -= read;
  }

  /** The last walk has failed. */
  #setPageFault(linear: number): void {
    this.#countWalk();
    this.fault.set(VECTOR.PF, this.#walk.error);
    this.fault.address = linear;
  }

  /** What the last walk has found goes to the TLB; the accessed flags of the entries that it used are set, and the dirty flag of the page. */
  #enterWalk(linear: number, access: Kind, user: boolean): void {
    const { i32 } = this;
    const walk = this.#walk;
    this.#countWalk();
    const write = access === 'write';
    for (let n = 0; n < walk.count; n++) {
      const step = walk.steps[n];
      if (step.level === 'page directory pointer') continue;
      const isLeaf = n === walk.count - 1;
      const bits = step.low | PAGE.accessed | (isLeaf && write ? PAGE.dirty : 0);
      if (bits !== step.low) this.writePhysical(step.address, 4, bits);
    }
    if (walk.pageSize > 4096) this.tlb.largeRegions[linear >>> 22] = 1;
    const mayWrite = walk.writable || (!user && (i32[L.W_CR0] & CR0.WP) === 0);
    this.#fill(linear >>> 12, walk.physical, access, user, mayWrite && (write || walk.dirty), walk.global);
  }

  /** The same for a guest under EPT: the TLB gets what both kinds of tables say together (SDM volume 3, 28.2 and 28.3). */
  #translateNested(linear: number, access: Kind, user: boolean): number {
    const i32 = this.i32;
    const pointer = i32[L.W_EPT_POINTER];
    const nested = this.#nested;
    const { guest, translations } = nested;
    const write = access === 'write';
    this.walks++;
    this.nestedWalks++;
    this.#walkNested(this, pointer, linear, access, user);
    const read = references(nested);
    this.walkReferences += read;
    this.nestedReferences += read;
    const final = nested.fault === 'page fault' || guest.physical === -1 ? -1 : nested.count - 1;
    if ((pointer & EPT_POINTER.accessedDirty) !== 0) {
      for (let n = 0; n < nested.count; n++) this.#markEpt(translations[n], n !== final || write);
    }
    if (nested.fault === 'page fault') {
      this.fault.address = linear;
      this.raiseFault(VECTOR.PF, guest.error);
    }
    if (guest.physical === -1) this.#eptEntryFault(translations[nested.count - 1], linear, 'read');
    let entry = 0;
    for (let n = 0; n < guest.count; n++) {
      const step = guest.steps[n];
      if (step.level === 'page directory pointer') continue;
      const translation = translations[entry++];
      const bits = step.low | PAGE.accessed | (n === guest.count - 1 && write ? PAGE.dirty : 0);
      if (bits === step.low) continue;
      if ((translation.permissions & EPT.write) === 0) this.#eptEntryFault(translation, linear, 'write');
      this.writePhysical(translation.physical, 4, bits);
    }
    const own = translations[final];
    if (own.fault !== null) {
      const valid = EPT_VIOLATION.linearValid | EPT_VIOLATION.finalAddress;
      this.#raiseEptFault(own, EPT_ACCESS[access] | valid, linear);
    }
    if (guest.pageSize > 4096) this.tlb.largeRegions[linear >>> 22] = 1;
    const mayWrite = guest.writable || (!user && (i32[L.W_CR0] & CR0.WP) === 0);
    const isDirty = guest.dirty && (own.dirty || (pointer & EPT_POINTER.accessedDirty) === 0);
    const isWritable = mayWrite && (own.permissions & EPT.write) !== 0 && (write || isDirty);
    this.#fill(linear >>> 12, own.physical, access, user, isWritable, guest.global);
    return own.physical;
  }

  /** An EPT fault where a guest paging-structure entry lies; with accessed and dirty flags such an access counts as a write too. */
  #eptEntryFault(walk: EptWalk, linear: number, access: Kind): never {
    const both = (this.i32[L.W_EPT_POINTER] & EPT_POINTER.accessedDirty) !== 0;
    const kind = both ? EPT.read | EPT.write : EPT_ACCESS[access];
    this.#raiseEptFault(walk, kind | EPT_VIOLATION.linearValid, linear);
  }

  /** The exit for an EPT walk that failed. `access` is the qualification but for what the entries allow (SDM volume 3, table 27-7). */
  #raiseEptFault(walk: EptWalk, access: number, linear: number): never {
    const exit = this.vmExit;
    if (walk.fault === 'misconfiguration') exit.set(EXIT.eptMisconfiguration);
    else exit.set(EXIT.eptViolation, access | ((walk.permissions & EPT.permissions) << 3));
    exit.guestPhysical = walk.guestPhysical;
    exit.guestLinear = linear;
    exit.resumes = true;
    throw exit;
  }

  /** Sets the accessed flags of the entries that a walk used, and the dirty flag of the page. */
  #markEpt(walk: EptWalk, write: boolean): void {
    if (walk.fault === 'misconfiguration') return;
    for (let n = 0; n < walk.count; n++) {
      const step = walk.steps[n];
      if ((step.low & EPT.permissions) === 0) return;
      const isLeaf = walk.physical !== -1 && n === walk.count - 1;
      const bits = step.low | EPT.accessed | (isLeaf && write ? EPT.dirty : 0);
      if (bits !== step.low) this.writePhysical(step.address, 4, bits);
      if (isLeaf && write) walk.dirty = true;
    }
  }

  /**
   * Machine-physical address of what the processor reads at a guest-physical address by itself, with no linear address: the same one outside
   * of EPT. Throws the exit.
   */
  machineAddress(guestPhysical: number): number {
    const pointer = this.i32[L.W_EPT_POINTER];
    if (pointer === 0) return guestPhysical;
    const walk = this.#eptWalk;
    const marks = (pointer & EPT_POINTER.accessedDirty) !== 0;
    walkEpt(this.physical, pointer, guestPhysical, EPT.read, walk);
    if (marks) this.#markEpt(walk, false);
    if (walk.fault !== null) this.#raiseEptFault(walk, EPT.read, 0);
    return walk.physical;
  }

  #fill(page: number, physical: number, access: Kind, user: boolean, writable: boolean, global: boolean): void {
    const address = (physical & this.physical.addressMask) >>> 0;
    if (!this.physical.isRam(address)) return;
    // While alignment is checked nothing enters the user tables, so that every access takes the slow path.
    if (user && this.i32[L.W_ALIGNMENT] !== 0 && access !== 'execute') return;
    const entry = (L.RAM + (address & ~0xfff) - (page << 12)) | 0;
    const base = (user ? L.USER_TABLES : 0) + page;
    if (access === 'execute') {
      this.tlb.enter(L.W_TLB_EXECUTE + base, entry, global);
      return;
    }
    this.tlb.enter(L.W_TLB + base, entry, global);
    const isCode = this.codePages.hasCode(address >>> 12);
    if (writable) this.tlb.enter(L.W_TLB_WRITE + base, isCode ? entry | L.PROTECTED : entry, global);
  }

  /** Physical address as translate() gives it, from the TLB if it is there. */
  reach(linear: number, access: Kind, user: boolean): number {
    const entry = this.tlb.entry(tableOf(access, user) + (linear >>> 12));
    if (entry === L.INVALID) return this.translate(linear, access, user);
    return ((linear + unprotected(entry)) >>> 0) - L.RAM;
  }

  /** Recomputes whether alignment is checked (SDM volume 3, 6.15, #AC). Call after CPL, CR0.AM or EFLAGS.AC changed. */
  updateAlignment(): void {
    const { i32 } = this;
    const on = i32[L.W_CPL] === 3 && (i32[L.W_EFLAGS] & FLAG.AC) !== 0 && (i32[L.W_CR0] & CR0.AM) !== 0 ? 1 : 0;
    if (on === i32[L.W_ALIGNMENT]) return;
    i32[L.W_ALIGNMENT] = on;
    this.flushGlobal();
  }

  // Physical memory

  /** A physical write of the processor itself or of a device: notices code. */
  writePhysical(address: number, size: number, value: number): void {
    this.physical.write(address, size, value);
    this.noticeWrite((address & this.physical.addressMask) >>> 0, size);
  }

  /** Tells the block cache that bytes of RAM changed. */
  noticeWrite(address: number, size: number): void {
    if (address < this.physical.size && this.codePages.written(address, size)) {
      this.newEpoch();
      this.attend();
    }
  }

  /** DR7, with its fixed bits as they are. */
  setDebugControl(value: number): void {
    this.i32[L.W_DR + 7] = value;
    this.updateBreakpoints();
  }

  /** Call after DR0 to DR3, DR7 or CR4.DE changed. */
  updateBreakpoints(): void {
    const ranges = this.debug.ranges(this.i32);
    if (ranges === null) return;
    this.watch('debugRegisters', ranges, hit => {
      this.debug.met(hit);
      this.attend();
    });
    this.attend();
  }

  /** A trap follows if a breakpoint was met (SDM volume 3, 17.3.1.2). */
  pendBreakpoints(): void {
    if (this.debug.hits !== 0) this.pendDebug(this.debug.take() | BREAKPOINT_ENABLED);
  }

  /** Has a debug trap delivered before the next instruction, unless that is held off; `conditions`: bits of the pending debug exceptions. */
  pendDebug(conditions: number): void {
    this.i32[L.W_PENDING_DEBUG] |= conditions;
    this.i32[L.W_VMX_WATCH] |= L.WATCH_DEBUG;
    this.attend();
  }

  /** Leaves the block after this instruction. The run loop overrides it. */
  attend(): void {}

  // Looking without touching: no accessed bits, no TLB, no faults, no devices

  /** Physical address of a linear one whatever its permissions, or -1 if it is not mapped. */
  lookUp(linear: number): number {
    const pointer = this.i32[L.W_EPT_POINTER];
    if (pointer !== 0) {
      this.#lookWalkNested(this, pointer, linear, 'read', false);
      return this.#lookNested.physical;
    }
    if (this.i32[L.W_CR0] >= 0) return linear >>> 0;
    const walk = this.#lookWalk;
    walkTables(this.physical, this, linear, 'read', false, walk);
    return walk.physical;
  }

  /** The byte at a linear address, or -1 if it is not mapped or not RAM. */
  peekByte(linear: number): number {
    const physical = this.lookUp(linear);
    return physical < 0 ? -1 : this.physical.peekByte(physical);
  }

  /** Reads `count` words of 32 bits from a linear address on, whatever their permissions; 0 for those that are not mapped. */
  peekWords(linear: number, count: number, into: Int32Array): void {
    const entry = this.i32[L.W_TLB + (linear >>> 12)];
    const isKnown = entry !== L.INVALID && (linear & 0xfff) + 4 * count <= 0x1000;
    for (let n = 0; n < count; n++) {
      const at = (linear + 4 * n) | 0;
      if (isKnown) into[n] = this.view.getInt32((at + entry) >>> 0, true);
      else into[n] = this.#peekWord(at);
    }
  }

  #peekWord(linear: number): number {
    const physical = this.lookUp(linear);
    return physical < 0 ? 0 : this.physical.read(physical, 4);
  }

  /** Loads the PDPTE registers from CR3 (SDM volume 3, 4.4.1). #GP(0) if a present one has reserved bits set. */
  loadPdptes(cr3: number): void {
    if (!this.readPdptes(cr3)) this.generalProtection(0);
  }

  /** The same; false, with nothing loaded, if a present one has reserved bits set. */
  readPdptes(cr3: number): boolean {
    const values: number[] = [];
    // They lie in one page.
    const table = this.machineAddress((cr3 & 0xffffffe0) >>> 0);
    for (let n = 0; n < 4; n++) {
      const low = this.physical.read(table + n * 8, 4);
      const high = this.physical.read(table + n * 8 + 4, 4);
      if (!isPdpte(low, high)) return false;
      values.push(low, high);
    }
    this.i32.set(values, L.W_PDPTE);
    return true;
  }

  /** Whether paging uses PAE now. */
  get paePaging(): boolean {
    return this.i32[L.W_CR0] < 0 && (this.i32[L.W_CR4] & CR4.PAE) !== 0;
  }
}
