import { FLAG } from '../../ia32/flags.ts';
import { CR0, CR4, CS, DS, EAX, ES, ESP, FS, GS, LDTR, SS, TR } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import { EFER, EFER_NXE } from '../../machine/cpu/msr-numbers.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import { PAGE } from '../../machine/mmu/walk.ts';
import { type FrameAllocator, FRAME_SIZE as PAGE_SIZE } from '../memory/frames.ts';
import * as H from './layout.ts';
import type { MachineMemory } from './machine-memory.ts';
import { assembleStubs, FRAME, FRAME_SIZE, RETURN, type Snippet, snippetAddress, stubAddress } from './stubs.ts';

const { SELECTOR } = H;

/** Steps that a snippet may take at most; all but the loops are an instruction and HLT. */
const SNIPPET_STEPS = 10_000;

/** Entries of the topmost page directory that are the monitor's: 2 MB each, FFC00000 to FFFFFFFF. */
const FIRST_TOP_ENTRY = H.MONITOR_ENTRY.stubs;
const TOP_ENTRIES = H.MONITOR_ENTRY.nothing - FIRST_TOP_ENTRY;

const TSS_LIMIT = 0x67;

/** Interrupt vectors of the physical PIC pair, which the monitor owns. */
export const PIC_BASE = 0x20;
export const TIMER_VECTOR = PIC_BASE + 0;
export const CONSOLE_VECTOR = PIC_BASE + 4;
/** IRQs that the monitor hears: timer, console, and the button on the front. */
const HEARD = (1 << 0) | (1 << 4) | (1 << 5);

/** What the processor pushes on its way to a stub, and the vector. */
const SAVED = [FRAME.ss, FRAME.esp, FRAME.eflags, FRAME.cs, FRAME.eip, FRAME.error, FRAME.vector];
export const TRAP_FRAME_NAMES = ['SS', 'ESP', 'EFLAGS', 'CS', 'EIP', 'error code', 'vector'] as const;

/** A linear address inside of what the monitor mapped for itself has no frame. */
function unmapped(linear: number): never {
  throw new RangeError(`The monitor has no page at ${(linear >>> 0).toString(16)}.`);
}

/**
 * What the monitor has on the machine: its descriptor tables, task state, stubs and stack as bytes in machine memory, mapped at the top
 * of every address space that it builds. Through this the TypeScript half reads trap frames and lets the processor go on.
 */
export class Host {
  readonly cpu: Processor;
  readonly memory: MachineMemory;
  readonly #frames: FrameAllocator;
  /** Page number of the region from MONITOR_BASE -> machine frame, or 0. */
  readonly #pages = new Int32Array(TOP_ENTRIES * 512);
  /** Frames of the page tables of the region, for the topmost directories. */
  readonly #tables: readonly number[];
  /** Physical address of the page directory pointers of an address space with nothing but the monitor. */
  readonly ownRoot: number;
  /** CR3 as it was last loaded. */
  #root = 0;

  constructor(cpu: Processor, memory: MachineMemory, frames: FrameAllocator) {
    this.cpu = cpu;
    this.memory = memory;
    this.#frames = frames;
    this.#tables = Array.from({ length: TOP_ENTRIES }, () => this.#clearFrame());
    this.map(H.GDT, H.GDT_SIZE, true);
    this.map(H.LDT, H.LDT_SIZE, true);
    this.map(H.IDT, PAGE_SIZE, true);
    this.map(H.TSS, PAGE_SIZE, true);
    this.map(H.CODE, H.CODE_SIZE, true);
    this.map(H.STACK, H.STACK_SIZE, true);
    this.map(H.VCPU, H.VCPU_SIZE, true);
    const directories = Array.from({ length: 4 }, () => this.#clearFrame());
    this.ownRoot = this.createRoot(directories, H.MONITOR_ENTRY.stubs);
  }

  #clearFrame(): number {
    const frame = this.#frames.allocate();
    this.memory.clear(frame);
    return frame;
  }

  /** A frame for the monitor's own use, filled with zeros. Throws OutOfFrames. */
  allocate(): number {
    return this.#clearFrame();
  }

  free(frame: number): void {
    this.#frames.free(frame);
  }

  /**
   * Maps fresh frames into the monitor's region, global to all address spaces; pages that are mapped stay. `writable` false: a kernel in ring 1
   * may execute and read them.
   */
  map(linear: number, size: number, writable: boolean): void {
    for (let at = 0; at < size; at += PAGE_SIZE) {
      const page = this.#pageIndex(linear + at);
      if (this.#pages[page] !== 0) continue;
      const frame = this.#clearFrame();
      this.#pages[page] = frame;
      this.#setEntry(page, frame * PAGE_SIZE, PAGE.present | (writable ? PAGE.writable : 0));
    }
  }

  /** Puts a frame of somebody else's at a page of the region, or takes it away (-1). Flush the TLB afterwards. */
  mapFrame(linear: number, frame: number, writable: boolean): void {
    const page = this.#pageIndex(linear);
    this.#pages[page] = Math.max(frame, 0);
    this.#setEntry(page, Math.max(frame, 0) * PAGE_SIZE, frame < 0 ? 0 : PAGE.present | (writable ? PAGE.writable : 0));
  }

  #setEntry(page: number, address: number, bits: number): void {
    const entry = this.#tables[page >>> 9] * PAGE_SIZE + (page & 511) * 8;
    const flags = bits === 0 ? 0 : bits | PAGE.accessed | PAGE.dirty;
    this.memory.write(entry, 4, address | flags);
    this.memory.write(entry + 4, 4, 0);
  }

  #pageIndex(linear: number): number {
    const page = ((linear >>> 0) - H.MONITOR_BASE) >>> 12;
    if (linear >>> 0 < H.MONITOR_BASE || page >= this.#pages.length) unmapped(linear);
    return page;
  }

  /** Machine-physical address of a linear one in the monitor's region. Throws RangeError where nothing is mapped. */
  physical(linear: number): number {
    const frame = this.#pages[this.#pageIndex(linear)];
    if (frame === 0) unmapped(linear);
    return frame * PAGE_SIZE + (linear & 0xfff);
  }

  read(linear: number, size: number): number {
    return this.memory.read(this.physical(linear), size);
  }

  write(linear: number, size: number, value: number): void {
    this.memory.write(this.physical(linear), size, value);
  }

  /** Puts bytes at a linear address of the region. */
  load(linear: number, bytes: Uint8Array): void {
    for (let n = 0; n < bytes.length; ) {
      const count = Math.min(bytes.length - n, PAGE_SIZE - ((linear + n) & 0xfff));
      this.memory.load(this.physical(linear + n), bytes.subarray(n, n + count));
      n += count;
    }
  }

  /** Puts the monitor's tables into a page directory for the topmost gigabyte. */
  addMonitor(directory: number, first: H.MonitorEntry): void {
    for (let index: number = first; index < H.MONITOR_ENTRY.nothing; index++) {
      const entry = directory * PAGE_SIZE + index * 8;
      const bits = PAGE.present | PAGE.writable | PAGE.accessed;
      this.memory.write(entry, 4, (this.#tables[index - FIRST_TOP_ENTRY] * PAGE_SIZE) | bits);
      this.memory.write(entry + 4, 4, 0);
    }
  }

  /** An address space of four page directories, by frame: writes the pointers and the monitor's part; returns the value for CR3. */
  createRoot(directories: readonly number[], first: H.MonitorEntry): number {
    const root = this.#clearFrame() * PAGE_SIZE;
    directories.forEach((frame, n) => {
      this.memory.write(root + 8 * n, 4, (frame * PAGE_SIZE) | PAGE.present);
      this.memory.write(root + 8 * n + 4, 4, 0);
    });
    this.addMonitor(directories[3], first);
    return root;
  }

  /** A descriptor of the machine's GDT. */
  setDescriptor(selector: number, low: number, high: number): void {
    const at = H.GDT + (selector & 0xfff8);
    this.write(at, 4, low);
    this.write(at + 4, 4, high);
  }

  /** An interrupt gate to the vector's stub; `dpl` says who may call it by INT n. */
  setGate(vector: number, dpl: number): void {
    const stub = stubAddress(vector);
    this.write(H.IDT + vector * 8, 4, (SELECTOR.monitorCode << 16) | (stub & 0xffff));
    this.write(H.IDT + vector * 8 + 4, 4, (stub & 0xffff0000) | 0x8e00 | (dpl << 13));
  }

  /** Fills the tables, and leaves the processor as the monitor's own start-up code would: in ring 0, halted in its stub. */
  install(): void {
    const { cpu } = this;
    const flat = (selector: number, access: number, limitPages: number) =>
      this.setDescriptor(selector, limitPages & 0xffff, (access << 8) | (limitPages & 0xf0000) | 0xc00000);
    const all = 0xfffff;
    flat(SELECTOR.monitorCode, 0x9b, all);
    flat(SELECTOR.monitorData, 0x93, all);
    this.setDescriptor(SELECTOR.task, ((H.TSS & 0xffff) << 16) | TSS_LIMIT, systemHigh(H.TSS, 0x8b, 0));
    this.showFlatSegments(true);
    this.setLdtLimit(-1);
    this.load(H.CODE, assembleStubs());
    for (let vector = 0; vector < 256; vector++) this.setGate(vector, 0);
    this.write(H.TSS + 4, 4, H.STACK_TOP);
    this.write(H.TSS + 8, 4, SELECTOR.monitorData);
    // The I/O map begins beyond the limit, so every port is denied (SDM volume 1, 19.5.2).
    this.write(H.TSS + 0x64, 4, (TSS_LIMIT + 1) << 16);

    const { i32 } = cpu;
    i32[L.W_CR0] = CR0.PE | CR0.ET | CR0.NE | CR0.WP | CR0.PG;
    i32[L.W_CR4] = CR4.PAE;
    i32[L.W_MSR + EFER] = EFER_NXE;
    i32[L.W_CR3] = this.ownRoot;
    this.#root = this.ownRoot;
    cpu.loadPdptes(this.ownRoot);
    i32[L.W_GDTR_BASE] = H.GDT | 0;
    i32[L.W_GDTR_LIMIT] = H.GDT_SIZE - 1;
    i32[L.W_IDTR_BASE] = H.IDT | 0;
    i32[L.W_IDTR_LIMIT] = 0x7ff;
    cpu.setSegment(CS, SELECTOR.monitorCode, 0, -1, 0xc09b);
    for (const index of [ES, SS, DS, FS, GS]) cpu.setSegment(index, SELECTOR.monitorData, 0, -1, 0xc093);
    cpu.setSegment(TR, SELECTOR.task, H.TSS | 0, TSS_LIMIT, 0x8b);
    cpu.setSegment(LDTR, 0, 0, 0, 0);
    cpu.setCpl(0);
    i32[ESP] = (H.STACK_TOP - FRAME_SIZE) | 0;
    i32[L.W_EIP] = RETURN | 0;
    i32[L.W_HALTED] = 1;
    cpu.flushAll();
    this.#startInterrupts();
  }

  /**
   * Shows or hides the flat segments that a paravirtualized kernel finds ready (selectors E019 to E033): truncated, rings 1 and 3. Other
   * guests must not find what no processor has.
   */
  showFlatSegments(shown: boolean): void {
    const units = (H.MONITOR_BASE >>> 12) - 1;
    const access: readonly (readonly [number, number])[] = [
      [SELECTOR.ring1Code, 0xbb],
      [SELECTOR.ring1Data, 0xb3],
      [SELECTOR.ring3Code, 0xfb],
      [SELECTOR.ring3Data, 0xf3],
    ];
    for (const [selector, byte] of access) {
      if (shown) this.setDescriptor(selector, units & 0xffff, (byte << 8) | (units & 0xf0000) | 0xc00000);
      else this.setDescriptor(selector, 0, 0);
    }
  }

  /**
   * Shows or hides the segments of translated code, ring 1: code that covers the translation cache, and the VCPU page. A kernel that runs in
   * place must not find them: the code segment reaches all of the monitor.
   */
  showCache(shown: boolean): void {
    this.setDescriptor(SELECTOR.cacheCode, shown ? 0xffff : 0, shown ? 0xcfbb00 : 0);
    const high = systemHigh(H.VCPU, 0xb3, 0x40);
    this.setDescriptor(SELECTOR.vcpuData, shown ? ((H.VCPU & 0xffff) << 16) | (H.VCPU_SIZE - 1) : 0, shown ? high : 0);
  }

  /** The PIC pair at the monitor's vectors, all lines masked but those that the monitor hears; the UART's receiver interrupts. */
  #startInterrupts(): void {
    const out = (port: number, value: number) => this.out(port, value);
    out(0x20, 0x11);
    out(0x21, PIC_BASE);
    out(0x21, 4);
    out(0x21, 1);
    out(0xa0, 0x11);
    out(0xa1, PIC_BASE + 8);
    out(0xa1, 2);
    out(0xa1, 1);
    out(0x21, ~HEARD & 0xff);
    out(0xa1, 0xff);
    // 8 data bits, FIFO on, interrupt on received data, OUT2 lets it through.
    out(0x3fb, 3);
    out(0x3fa, 7);
    out(0x3f9, 1);
    out(0x3fc, 0xb);
  }

  /** OUT of a byte to a port of the machine. */
  out(port: number, value: number): void {
    this.memory.references++;
    this.cpu.ports.write(port, value, 1);
  }

  /** IN of a byte from a port of the machine. */
  in(port: number): number {
    this.memory.references++;
    return this.cpu.ports.read(port, 1);
  }

  /** The guest's LDT at LDT, of this limit in bytes; -1 for none. Takes effect with the next lldt snippet. */
  setLdtLimit(limit: number): void {
    const low = ((H.LDT & 0xffff) << 16) | (limit & 0xffff);
    this.setDescriptor(SELECTOR.ldt, limit < 0 ? 0 : low, limit < 0 ? 0 : systemHigh(H.LDT, 0x82, 0));
  }

  /** Has the processor execute a snippet of ring-0 code, with this value in EAX. The processor must be halted in the monitor. */
  execute(snippet: Snippet, value: number): void {
    const { cpu } = this;
    cpu.i32[EAX] = value;
    cpu.i32[L.W_EIP] = snippetAddress(snippet) | 0;
    cpu.i32[L.W_HALTED] = 0;
    cpu.run(SNIPPET_STEPS, true);
  }

  /** Loads CR3, unless it is loaded; `flush` also then. */
  loadRoot(root: number, flush: boolean): void {
    if (this.#root === root && !flush) return;
    this.#root = root;
    this.execute('loadCr3', root);
  }

  /** The vector of the trap that woke the monitor from idle(): its frame lies where ESP is. */
  vector(): number {
    return this.read(this.cpu.i32[ESP] + FRAME.vector, 4);
  }

  /** A word of the trap frame. */
  frame(offset: number): number {
    return this.read(H.STACK_TOP - FRAME_SIZE + offset, 4);
  }

  /** The values of TRAP_FRAME_NAMES for the trap that is being handled (SDM volume 3, figure 6-4). For those who look. */
  saved(into: Int32Array): void {
    const frame = this.physical(H.STACK_TOP - FRAME_SIZE);
    for (let n = 0; n < SAVED.length; n++) into[n] = this.memory.peek(frame + SAVED[n]);
  }

  setFrame(offset: number, value: number): void {
    this.write(H.STACK_TOP - FRAME_SIZE + offset, 4, value);
  }

  /** Lets the processor go on behind the stub's HLT, into the guest that the frame describes. */
  resume(): void {
    const { i32 } = this.cpu;
    i32[ESP] = (H.STACK_TOP - FRAME_SIZE) | 0;
    i32[L.W_EIP] = RETURN | 0;
    i32[L.W_HALTED] = 0;
  }

  /** Ends idle(): the processor is halted in the monitor with interrupts off again. */
  park(): void {
    const { cpu } = this;
    cpu.setEflags(cpu.eflags() & ~FLAG.IF);
    cpu.i32[L.W_EIP] = RETURN | 0;
    cpu.i32[L.W_HALTED] = 1;
  }

  /** Lets the processor wait with interrupts on. */
  idle(): void {
    const { i32 } = this.cpu;
    i32[ESP] = (H.STACK_TOP - 2 * FRAME_SIZE) | 0;
    i32[L.W_EIP] = snippetAddress('idle') | 0;
    i32[L.W_HALTED] = 0;
  }
}

/** High word of a descriptor: base bits, access byte, flags in bits 20 to 23 of `flags << 16`. */
function systemHigh(base: number, access: number, flags: number): number {
  return (base & 0xff000000) | ((base >>> 16) & 0xff) | (access << 8) | (flags << 16);
}
