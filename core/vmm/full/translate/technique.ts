import { FLAG } from '../../../ia32/flags.ts';
import { CR4, CS, ECX, EDX, ESP, GS, SS } from '../../../ia32/registers.ts';
import * as L from '../../../machine/cpu/layout.ts';
import type { Processor } from '../../../machine/cpu/processor.ts';
import { W_DATA_SELECTOR, W_INSTRUCTION, W_INSTRUCTION_SELECTOR } from '../../../machine/cpu/x87/state.ts';
import type { Exit, Handling, OwnExit } from '../../exit.ts';
import { type Host, TRAP_FRAME_NAMES } from '../../host/host.ts';
import { SELECTOR, VCPU } from '../../host/layout.ts';
import { FRAME } from '../../host/stubs.ts';
import type { ShadowPaging } from '../../memory/shadow.ts';
import type { Technique } from '../../technique.ts';
import type { VirtualProcessor } from '../../vcpu.ts';
import { type CodePlace, DATA_SEGMENTS, Deprivileged } from '../deprivileged.ts';
import { ShadowDescriptors } from '../descriptors.ts';
import { type CacheCounts, type Link, TranslationCache, type Unit } from './cache.ts';
import { CALLOUT, ENTRY_BYTES } from './code.ts';
import { CodeReader } from './fetch.ts';
import { CALLOUT_VECTOR, PAGE, type PageWord } from './page.ts';
import { translate } from './translator.ts';
import type { PairKind } from './unit.ts';
import { CodeWatch } from './watch.ts';

/** Flags that PUSHF shows from the virtual processor; IF is a word of its own. */
const SHOWN_FLAGS = FLAG.IOPL | FLAG.VIF | FLAG.VIP;

/** No 16-bit selector makes this 0. */
const NO_SELECTOR = 1;

export interface TranslationCounts extends CacheCounts {
  /** Indirect transfers whose target was not in the lookup table. */
  misses: number;
  /** Calls of the monitor by mnemonic of the instruction that was to be emulated. */
  readonly callouts: Record<string, number>;
}

/** A translation as one can look at it. Addresses are linear and unsigned, ends exclusive. */
export interface UnitView {
  readonly guest: { readonly start: number; readonly end: number };
  readonly cache: { readonly start: number; readonly end: number };
  readonly pairs: readonly {
    readonly guest: number;
    readonly cache: number;
    readonly kind: PairKind;
    readonly mnemonic: string;
  }[];
}

/** Why translated code called the monitor. */
type Callout =
  | { readonly kind: 'instruction'; readonly mnemonic: string }
  | { readonly kind: 'link'; readonly link: Link }
  | { readonly kind: 'miss' };

/**
 * Binary translation (Adams and Agesen 2006): the guest's ring 3 runs as it is, its ring 0 never does. A translation of kernel code, made
 * when it is first reached, runs in ring 1 from the cache. Most of it is a copy; what shows or uses privilege works on the state of the
 * virtual processor, by itself or by calling the monitor.
 */
export class BinaryTranslation implements Technique {
  readonly mode = 'translate';
  readonly savedNames = TRAP_FRAME_NAMES;
  readonly counts: TranslationCounts;
  readonly #host: Host;
  readonly #vcpu: VirtualProcessor;
  readonly #descriptors: ShadowDescriptors;
  readonly #ring: Deprivileged;
  readonly #cache: TranslationCache;
  readonly #watch: CodeWatch;
  readonly #reader: CodeReader;
  readonly #emulate: () => void;
  readonly #place: CodePlace;
  /** Words of the VCPU page as they were last written, by offset. */
  readonly #written = new Map<PageWord, number>();
  /** Base and limit of CS that the units were made for, and the address mask. */
  #codeBase = 0;
  #codeLimit = -1;
  #addressMask = -1;
  /** The unit at the guest's EIP: what ready() found. */
  #unit: Unit | null = null;
  #inCache = false;
  /** Address in the cache where the guest left it. */
  #leftAt = 0;
  #callout: Callout | null = null;
  /** What called the monitor for want of a translation. */
  #link: Link | null = null;
  #wanted: number | null = null;

  /** `emulate`: has the monitor emulate the instruction at the guest's EIP. */
  constructor(host: Host, vcpu: VirtualProcessor, shadow: ShadowPaging, emulate: () => void) {
    this.#host = host;
    this.#vcpu = vcpu;
    this.#descriptors = new ShadowDescriptors(host, vcpu, shadow);
    this.#ring = new Deprivileged(host, vcpu, shadow, this.#descriptors);
    this.#cache = new TranslationCache(host);
    this.#watch = new CodeWatch(vcpu, shadow, unit => this.#drop(unit));
    this.#reader = new CodeReader(vcpu);
    this.#emulate = emulate;
    this.counts = Object.assign(this.#cache.counts, { misses: 0, callouts: {} });
    this.#place = {
      enter: () => ({
        cs: SELECTOR.cacheCode,
        eip: this.#unit?.address ?? 0,
        gs: SELECTOR.vcpuData,
      }),
      leave: (_cs, eip) => {
        this.#leftAt = (host.frame(FRAME.vector) === CALLOUT_VECTOR ? eip - CALLOUT.length : eip) >>> 0;
        return 0;
      },
    };
  }

  start(): void {
    this.#host.showCache(true);
    this.#ring.start();
    this.#cache.start();
    this.#written.clear();
    this.#host.setGate(CALLOUT_VECTOR, 1);
    const { memory } = this.#vcpu;
    memory.listen(this.#watch);
    const flushShadow = this.#vcpu.onFlush;
    this.#vcpu.onFlush = linear => {
      flushShadow(linear);
      this.#watch.onFlush(linear);
    };
  }

  stop(): void {
    this.#host.showCache(false);
    this.#flush();
    this.#vcpu.memory.unlisten(this.#watch);
    this.#host.setGate(CALLOUT_VECTOR, 0);
    this.#ring.stop();
  }

  /** Also finds the translation at the guest's EIP, or makes it. */
  ready(): boolean {
    const vcpu = this.#vcpu;
    if (vcpu.cpl !== 0) return this.#ring.ready();
    // Translations are of 32-bit code with a 32-bit stack; the single-step trap would show their instructions.
    if (vcpu.codeSize !== 4 || vcpu.i32[L.W_STACK_MASK] !== -1 || (vcpu.i32[L.W_EFLAGS] & FLAG.TF) !== 0) return false;
    // A breakpoint is at an address of the guest's code, and its trap must come between two of the guest's instructions.
    if (vcpu.hasBreakpoints) return false;
    if (!this.#ring.ready(DATA_SEGMENTS)) return false;
    this.#checkContext();
    this.#watch.check();
    const eip = vcpu.i32[L.W_EIP];
    this.#unit = this.#cache.find(eip) ?? this.#translate(eip);
    return this.#unit !== null;
  }

  /** What units were made for must still hold. */
  #checkContext(): void {
    const vcpu = this.#vcpu;
    const base = vcpu.base(CS);
    const limit = vcpu.segment(CS, L.S_LIMIT);
    const { addressMask } = vcpu.memory;
    if (base === this.#codeBase && limit === this.#codeLimit && addressMask === this.#addressMask) return;
    this.#codeBase = base;
    this.#codeLimit = limit;
    this.#addressMask = addressMask;
    this.#flush();
  }

  #translate(eip: number): Unit | null {
    const reader = this.#reader;
    reader.begin();
    const translation = translate((at, isFirst) => reader.instructionAt(at, isFirst), eip);
    if (translation === null) return null;
    this.#makeRoom(translation.bytes.length, translation.jumps.length);
    const link = this.#link?.target === eip ? this.#link : null;
    const linear = (this.#codeBase + eip) | 0;
    const unit = this.#cache.add(translation, linear, reader.pages, link);
    this.#watch.add(unit);
    return unit;
  }

  #makeRoom(bytes: number, jumps: number): void {
    if (!this.#cache.hasRoom(bytes, jumps)) this.#flush();
  }

  #flush(): void {
    this.#cache.flush();
    this.#watch.clear();
    this.#unit = null;
    this.#link = null;
    this.#wanted = null;
  }

  #drop(unit: Unit): void {
    this.#cache.drop(unit);
    this.#watch.remove(unit);
    if (this.#link?.unit === unit) this.#link = null;
  }

  enter(): void {
    const vcpu = this.#vcpu;
    this.#inCache = vcpu.cpl === 0;
    if (!this.#inCache) {
      this.#link = null;
      this.#wanted = null;
      this.#ring.enter(null);
      return;
    }
    this.#connect();
    this.#writePage();
    this.#ring.enter(this.#place);
  }

  /** The unit that was asked for is there now: the next time its caller finds it by itself. */
  #connect(): void {
    const link = this.#link;
    const wanted = this.#wanted;
    this.#link = null;
    this.#wanted = null;
    const unit = this.#unit;
    if (unit === null) return;
    const { eip } = unit.translation;
    if (link !== null && link.target === eip && link.to === null) this.#cache.connect(link, unit);
    if (wanted === eip && this.#cache.hasRoom(ENTRY_BYTES, 0)) this.#cache.addEntry(unit);
  }

  /** Puts into the VCPU page what translated code sees of the virtual processor. */
  #writePage(): void {
    const vcpu = this.#vcpu;
    const { i32 } = vcpu;
    const flags = i32[L.W_EFLAGS];
    this.#host.write(VCPU + PAGE.interruptFlag, 4, flags & FLAG.IF);
    this.#writeWord(PAGE.pending, vcpu.interruptPending ? 1 : 0);
    this.#writeWord(PAGE.flags, ((flags & SHOWN_FLAGS) - FLAG.IF) | 0);
    const isMachineTime = vcpu.timeStamp() === this.#host.cpu.timeStamp() && (i32[L.W_CR4] & CR4.TSD) === 0;
    this.#writeWord(PAGE.hasOwnTime, isMachineTime ? 0 : 1);
    this.#writeWord(PAGE.cs, vcpu.selector(CS));
    this.#writeWord(PAGE.ss, vcpu.selector(SS));
    this.#writeWord(PAGE.gs, vcpu.selector(GS));
    this.#writeWord(PAGE.lessGs, this.#descriptors.isReversible(GS) ? -vcpu.selector(GS) : NO_SELECTOR);
    this.#writeWord(PAGE.cr0, i32[L.W_CR0]);
    this.#writeWord(PAGE.cr2, i32[L.W_CR2]);
    this.#writeWord(PAGE.cr3, i32[L.W_CR3]);
    this.#writeWord(PAGE.cr4, i32[L.W_CR4]);
  }

  #writeWord(word: PageWord, value: number): void {
    if (this.#written.get(word) === value) return;
    this.#written.set(word, value);
    this.#host.write(VCPU + word, 4, value);
  }

  #readWord(word: PageWord): number {
    return this.#host.read(VCPU + word, 4);
  }

  exit(): Exit {
    if (!this.#inCache) {
      const { vector, error } = this.#ring.leave(null);
      return this.#ring.explain(vector, error);
    }
    const { vector, error } = this.#ring.leave(this.#place);
    const { i32 } = this.#vcpu;
    i32[L.W_EFLAGS] = (i32[L.W_EFLAGS] & ~FLAG.IF) | this.#readWord(PAGE.interruptFlag);
    this.#callout = this.#recover(i32, this.#leftAt);
    this.#hidePlaces();
    return vector === CALLOUT_VECTOR
      ? { kind: 'callout', name: this.#calloutName() }
      : this.#ring.explain(vector, error);
  }

  #calloutName(): string {
    const callout = this.#callout;
    switch (callout?.kind) {
      case 'instruction':
        return callout.mnemonic;
      case 'link':
        return this.#cache.find(callout.link.target) === null
          ? 'translate: block not translated yet'
          : 'translate: block not linked yet';
      case 'miss':
        return 'translate: return or indirect target not cached';
      case undefined:
        return 'callout';
    }
  }

  saved(into: Int32Array): void {
    this.#host.saved(into);
  }

  observe(target: Processor): void {
    const { cpu } = this.#host;
    const inCache = cpu.selector(CS) === SELECTOR.cacheCode;
    this.#ring.observe(target, inCache);
    if (!inCache) return;
    const { i32 } = target;
    i32[L.W_EFLAGS] = (i32[L.W_EFLAGS] & ~FLAG.IF) | this.#readWord(PAGE.interruptFlag);
    this.#recover(i32, cpu.i32[L.W_EIP] >>> 0);
  }

  isBetween(): boolean {
    const { cpu } = this.#host;
    if (cpu.selector(CS) !== SELECTOR.cacheCode) return true;
    const at = cpu.i32[L.W_EIP] >>> 0;
    const unit = this.#cache.unitAt(at);
    return unit?.translation.pairs.some(({ offset }) => unit.address + offset === at) ?? false;
  }

  guestOf(place: number): number {
    const unit = this.#cache.unitAt(place);
    const pair = unit?.translation.pairs.findLast(({ offset }) => unit.address + offset <= place);
    if (unit === null || pair === undefined) return place;
    return (unit.linear + pair.guest - unit.translation.eip) >>> 0;
  }

  placesOf(address: number): readonly number[] {
    const places: number[] = [];
    for (const unit of this.#cache.units()) {
      const { eip, pairs } = unit.translation;
      const pair = pairs.find(({ guest }) => (unit.linear + guest - eip) >>> 0 === address >>> 0);
      if (pair !== undefined) places.push(unit.address + pair.offset);
    }
    return places;
  }

  /**
   * The guest's state before the instruction that it stands at, from the machine's at a place in the cache; returns what is called for
   * there.
   */
  #recover(i32: Int32Array, at: number): Callout | null {
    const place = this.#cache.placeAt(at);
    switch (place.kind) {
      case 'unit': {
        const { eip, saved, release, shadow } = place.point;
        if (saved >= 1) i32[ECX] = this.#readWord(PAGE.ecx);
        if (saved === 2) i32[EDX] = this.#readWord(PAGE.edx);
        i32[ESP] = (i32[ESP] + release) | 0;
        i32[L.W_EIP] = eip ?? this.#readWord(PAGE.target);
        if (shadow) i32[L.W_SHADOW] = L.SHADOW_STI;
        const pair = place.unit.translation.pairs.findLast(({ offset }) => offset <= place.point.offset);
        return { kind: 'instruction', mnemonic: pair?.mnemonic ?? '' };
      }
      case 'link':
        i32[L.W_EIP] = place.link.target;
        return place;
      case 'entry':
        // Before its end it may still turn out that the entry is for another address.
        if (!place.isDone) i32[ECX] = this.#readWord(PAGE.ecx);
        i32[L.W_EIP] = place.isDone ? place.unit.translation.eip : this.#readWord(PAGE.target);
        return null;
      case 'miss':
        i32[ECX] = this.#readWord(PAGE.ecx);
        i32[L.W_EIP] = this.#readWord(PAGE.target);
        return place;
    }
  }

  /** The x87 notes where its last instruction was, and through which selector its operand: in the guest's terms. */
  #hidePlaces(): void {
    const vcpu = this.#vcpu;
    const { i32 } = vcpu;
    if (i32[W_INSTRUCTION_SELECTOR] === SELECTOR.cacheCode) {
      const place = this.#cache.placeAt(i32[W_INSTRUCTION] >>> 0);
      if (place.kind === 'unit') i32[W_INSTRUCTION] = place.point.eip ?? 0;
      i32[W_INSTRUCTION_SELECTOR] = vcpu.selector(CS);
    }
    const ss = vcpu.selector(SS);
    if (i32[W_DATA_SELECTOR] === ((ss & ~3) | 1)) i32[W_DATA_SELECTOR] = ss;
  }

  serve(exit: OwnExit): Handling {
    const callout = this.#callout;
    if (exit.kind !== 'callout' || callout === null) throw new TypeError(`There is no ${exit.kind} under translation.`);
    switch (callout.kind) {
      case 'instruction':
        this.counts.callouts[callout.mnemonic] = (this.counts.callouts[callout.mnemonic] ?? 0) + 1;
        this.#emulate();
        break;
      case 'link':
        this.#link = callout.link;
        break;
      case 'miss':
        this.counts.misses++;
        this.#wanted = this.#vcpu.i32[L.W_EIP];
    }
    return 'resume';
  }

  /** The translation at a linear address of the cache, for those who look; null if there is none. */
  unitAt(address: number): UnitView | null {
    const unit = this.#cache.unitAt(address);
    if (unit === null) return null;
    const { translation } = unit;
    const linear = (eip: number) => (unit.linear + eip - translation.eip) >>> 0;
    return {
      guest: { start: linear(translation.eip), end: linear(translation.eip + translation.length) },
      cache: { start: unit.address, end: unit.address + unit.size },
      pairs: translation.pairs.map(({ guest, offset, kind, mnemonic }) => ({
        guest: linear(guest),
        cache: unit.address + offset,
        kind,
        mnemonic,
      })),
    };
  }
}
