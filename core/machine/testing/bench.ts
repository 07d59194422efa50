/** A small machine for the specs: flat protected mode with four rings, and a handler for every vector that halts. */
import { FLAG } from '../../ia32/flags.ts';
import { CR0, CR4, CS, DS, ES, ESP, FS, GS, SS, TR } from '../../ia32/registers.ts';
import { setCr0, setCr3, setCr4 } from '../cpu/control.ts';
import * as L from '../cpu/layout.ts';
import type { InterruptSource, Processor } from '../cpu/processor.ts';
import { readDescriptor, setFromDescriptor } from '../cpu/segmentation.ts';
import { PhysicalMemory } from '../physical.ts';
import type { Code } from './code.ts';
import type { MachineUnderTest } from './machines.ts';
import { ACCESS, descriptor, dpl, type Entry, flat, GATE, gate } from './tables.ts';

const RAM_BYTES = 0x200000;

// Where things lie, at the same linear and physical address.
export const GDT = 0x1000;
export const LDT = 0x1400;
export const IDT = 0x1800;
const HANDLERS = 0x2000;
const HANDLER_BYTES = 16;
export const TSS = 0x3000;
/** Tops of the stacks that the TSS names for rings 0 to 2. */
export const TSS_STACKS = [0x5000, 0x9000, 0xa000] as const;
/** Tops of the stacks on which programs start in rings 0 to 3. */
export const STACKS = [0x6000, 0xb000, 0xc000, 0x8000] as const;
/** Programs and their data, in pages of their own. */
export const CODE = 0x10000;
export const DATA = 0x20000;
export const DIRECTORY = 0x40000;
const TABLES = 0x41000;

/** Selectors of flat code and data by ring, with the ring as RPL. */
export const CODE_SELECTOR = [0x08, 0x31, 0x42, 0x1b] as const;
export const DATA_SELECTOR = [0x10, 0x39, 0x4a, 0x23] as const;
export const TSS_SELECTOR = 0x28;
export const CONFORMING_SELECTOR = 0x50;
/** From here on the GDT is empty, for the specs' own descriptors. */
export const FREE = 0x58;
const GDT_BYTES = 0x200;

/** Exceptions that push an error code (SDM volume 3, table 6-1). */
const WITH_ERROR_CODE: readonly number[] = [8, 10, 11, 12, 13, 14, 17];

export type Ring = 0 | 1 | 2 | 3;

/** Where the processor halted: in the handler of a vector, with what the delivery pushed, or in the program itself. */
export interface Stop {
  /** null when the program executed HLT. */
  readonly vector: number | null;
  readonly code: number | null;
  readonly cs: number;
  readonly eip: number;
  readonly eflags: number;
  /** The pushed ones after a change of ring, otherwise what they were before the delivery. */
  readonly ss: number;
  readonly esp: number;
}

/** One memory for each engine: it is large, and cleared for every bench. Only the latest bench has it. */
const opened = new Map<MachineUnderTest, Processor>();
const latest = new Map<Processor, Bench>();

function open(machine: MachineUnderTest): Processor {
  let cpu = opened.get(machine);
  if (cpu === undefined) {
    cpu = machine.open(new PhysicalMemory(RAM_BYTES));
    opened.set(machine, cpu);
  }
  return cpu;
}

export class Bench {
  readonly #cpu: Processor;
  /** Port accesses in their order, as `in 60/1` and `out 60/1 = ff`. */
  readonly portLog: string[] = [];
  #nextTable = TABLES;

  constructor(machine: MachineUnderTest) {
    const cpu = open(machine);
    this.#cpu = cpu;
    latest.set(cpu, this);
    cpu.reset();
    cpu.i32.fill(0, L.W_GENERAL, L.W_GENERAL + 8);
    cpu.u8.fill(0, L.RAM, L.RAM + RAM_BYTES);
    cpu.interrupts = null;
    cpu.interruptPending = false;
    cpu.setBreakpoints([]);
    cpu.setWatches([], () => {});
    cpu.timeStamp = () => cpu.count;
    cpu.setTimeStamp = () => {};
    cpu.ports = {
      read: (port, size) => {
        this.portLog.push(`in ${port.toString(16)}/${size}`);
        return 0x12345678 % 2 ** (8 * size);
      },
      write: (port, value, size) => {
        this.portLog.push(`out ${port.toString(16)}/${size} = ${value.toString(16)}`);
      },
    };
    this.#makeTables();
    cpu.i32[L.W_CR0] = CR0.PE | CR0.ET | CR0.NE;
    cpu.i32[L.W_GDTR_BASE] = GDT;
    cpu.i32[L.W_GDTR_LIMIT] = GDT_BYTES - 1;
    cpu.i32[L.W_IDTR_BASE] = IDT;
    cpu.i32[L.W_IDTR_LIMIT] = 0x7ff;
    this.segment(TR, TSS_SELECTOR);
    this.ring(0);
  }

  /** Throws when a later bench has cleared the machine. */
  get cpu(): Processor {
    if (latest.get(this.#cpu) !== this) throw new Error('another bench has taken over the machine');
    return this.#cpu;
  }

  #makeTables(): void {
    for (const ring of [0, 1, 2, 3] as const) {
      this.descriptor(CODE_SELECTOR[ring], flat(ACCESS.code | dpl(ring)));
      this.descriptor(DATA_SELECTOR[ring], flat(ACCESS.data | dpl(ring)));
    }
    this.descriptor(TSS_SELECTOR, descriptor(TSS, 0x67, ACCESS.busyTss, 0));
    this.descriptor(CONFORMING_SELECTOR, flat(ACCESS.conforming));
    for (const ring of [0, 1, 2] as const) {
      this.write(TSS + 4 + 8 * ring, 4, TSS_STACKS[ring]);
      this.write(TSS + 8 + 8 * ring, 4, DATA_SELECTOR[ring]);
    }
    // The I/O permission map begins behind the limit: there is none.
    this.write(TSS + 0x66, 2, 0x68);
    for (let vector = 0; vector < 256; vector++) {
      this.gate(vector, gate(GATE.interrupt, CODE_SELECTOR[0], this.handler(vector)));
      // HLT, then away with the error code, and back.
      const drop = WITH_ERROR_CODE.includes(vector) ? [0x83, 0xc4, 4] : [];
      this.bytes(this.handler(vector), [0xf4, ...drop, 0xcf]);
    }
  }

  // Memory, by physical address

  read(address: number, size: 1 | 2 | 4 = 4): number {
    return this.cpu.physical.read(address, size) >>> 0;
  }

  write(address: number, size: 1 | 2 | 4, value: number): void {
    this.cpu.writePhysical(address, size, value);
  }

  bytes(address: number, bytes: Code): void {
    bytes.forEach((byte, n) => {
      this.write(address + n, 1, byte);
    });
  }

  /** All of RAM, copied. */
  ram(): Uint8Array {
    return this.cpu.u8.slice(L.RAM, L.RAM + RAM_BYTES);
  }

  #entry(address: number, [low, high]: Entry): void {
    this.write(address, 4, low);
    this.write(address + 4, 4, high);
  }

  // Tables

  /** Puts a descriptor into the GDT, or into the LDT if the selector says so. */
  descriptor(selector: number, entry: Entry): void {
    this.#entry((selector & 4 ? LDT : GDT) + (selector & 0xfff8), entry);
  }

  /** The access byte of a descriptor. */
  access(selector: number): number {
    return this.read((selector & 4 ? LDT : GDT) + (selector & 0xfff8) + 5, 1);
  }

  gate(vector: number, entry: Entry): void {
    this.#entry(IDT + 8 * vector, entry);
  }

  handler(vector: number): number {
    return HANDLERS + HANDLER_BYTES * vector;
  }

  // Registers

  get(register: number): number {
    return this.cpu.i32[register] >>> 0;
  }

  set(register: number, value: number): void {
    this.cpu.i32[register] = value;
  }

  /** Sets EFLAGS bits; the others stay. */
  flags(set: number, clear = 0): void {
    this.cpu.setEflags((this.cpu.eflags() & ~clear) | set);
  }

  /** Loads a segment register from its descriptor, without any check. */
  segment(index: number, selector: number): void {
    const d = readDescriptor(this.cpu, selector);
    if (d === null) this.cpu.setSegment(index, selector, 0, 0, 0);
    else setFromDescriptor(this.cpu, index, selector, d);
  }

  /** All segments flat in a ring, on its stack. */
  ring(ring: Ring): this {
    this.segment(CS, CODE_SELECTOR[ring]);
    for (const index of [ES, SS, DS, FS, GS]) this.segment(index, DATA_SELECTOR[ring]);
    this.cpu.setCpl(ring);
    this.cpu.updateAlignment();
    this.set(ESP, STACKS[ring]);
    return this;
  }

  // Paging

  /** Turns on 32-bit paging with the first 4 MB at their own addresses, open to all rings, in 4 KB pages. */
  paging(cr4 = 0, cr0: number = CR0.WP): this {
    this.write(DIRECTORY, 4, this.#newTable() | 7);
    for (let page = 0; page < 0x400000; page += 0x1000) this.page(page, page | 7);
    setCr4(this.cpu, cr4);
    setCr3(this.cpu, DIRECTORY);
    setCr0(this.cpu, this.cpu.i32[L.W_CR0] | cr0 | CR0.PG);
    return this;
  }

  #newTable(): number {
    this.#nextTable += 0x1000;
    return this.#nextTable - 0x1000;
  }

  /** Physical address of the page-table entry of a linear address; makes its table if there is none. */
  pte(linear: number): number {
    const pde = DIRECTORY + (linear >>> 22) * 4;
    if ((this.read(pde) & 1) === 0) this.write(pde, 4, this.#newTable() | 7);
    return ((this.read(pde) & 0xfffff000) >>> 0) + ((linear >>> 12) & 0x3ff) * 4;
  }

  /** Sets a page-table entry. The TLB keeps what it has. */
  page(linear: number, entry: number): void {
    this.write(this.pte(linear), 4, entry);
  }

  /** Sets a page-directory entry. */
  directory(linear: number, entry: number): void {
    this.write(DIRECTORY + (linear >>> 22) * 4, 4, entry);
  }

  /**
   * Turns on PAE paging with the first 2 MB at their own addresses, in 4 KB pages: pointers at DIRECTORY, then a directory for
   * each, then tables. `high` entries are 0 unless set with pae().
   */
  paePaging(cr4 = 0): this {
    for (let n = 0; n < 4; n++) {
      this.write(DIRECTORY + 8 * n, 4, this.#newTable() | 1);
    }
    for (let page = 0; page < 0x200000; page += 0x1000) this.pae(page, page | 7);
    setCr4(this.cpu, CR4.PAE | cr4);
    setCr3(this.cpu, DIRECTORY);
    setCr0(this.cpu, this.cpu.i32[L.W_CR0] | CR0.WP | CR0.PG);
    return this;
  }

  /** Physical address of the PAE page-directory entry of a linear address. */
  paeDirectory(linear: number): number {
    return ((this.read(DIRECTORY + (linear >>> 30) * 8) & 0xfffff000) >>> 0) + ((linear >>> 21) & 0x1ff) * 8;
  }

  /** Physical address of the PAE page-table entry of a linear address. */
  paeTable(linear: number): number {
    const pde = this.paeDirectory(linear);
    if ((this.read(pde) & 1) === 0) this.write(pde, 4, this.#newTable() | 7);
    return ((this.read(pde) & 0xfffff000) >>> 0) + ((linear >>> 12) & 0x1ff) * 8;
  }

  pae(linear: number, low: number, high = 0): void {
    const at = this.paeTable(linear);
    this.write(at, 4, low);
    this.write(at + 4, 4, high);
  }

  // Running

  /** Puts code at CODE, to be run next, and tells where each part begins. A HLT follows. */
  program(...parts: readonly Code[]): number[] {
    const starts: number[] = [];
    let at = CODE;
    for (const part of [...parts, [0xf4]]) {
      starts.push(at);
      this.bytes(at, part);
      at += part.length;
    }
    this.cpu.i32[L.W_EIP] = CODE;
    return starts;
  }

  /** Runs to a HLT. */
  run(limit = 10_000): Stop {
    const { cpu } = this;
    cpu.i32[L.W_HALTED] = 0;
    const before = { ss: cpu.selector(SS), esp: this.get(ESP) };
    cpu.run(limit, true);
    if (!cpu.halted) throw new Error(`still running at ${(cpu.i32[L.W_EIP] >>> 0).toString(16)}`);
    return this.stop(before);
  }

  /** Runs so many steps. */
  step(steps = 1): void {
    this.cpu.run(steps, true);
  }

  /** Where the processor is now. `before` is the stack of the interrupted program, for a delivery without a change of ring. */
  stop(before: { readonly ss: number; readonly esp: number }): Stop {
    const { cpu } = this;
    const eip = cpu.i32[L.W_EIP] >>> 0;
    const vector = (eip - HANDLERS - 1) / HANDLER_BYTES;
    const isHandler = Number.isInteger(vector) && vector >= 0 && vector < 256 && cpu.base(CS) === 0;
    if (!isHandler) {
      const now = { cs: cpu.selector(CS), eip, eflags: cpu.eflags(), ss: cpu.selector(SS), esp: this.get(ESP) };
      return { vector: null, code: null, ...now };
    }
    const hasCode = WITH_ERROR_CODE.includes(vector);
    const top = cpu.base(SS) + cpu.stackPointer();
    const at = (n: number) => this.linear(top + 4 * n + (hasCode ? 4 : 0));
    const isOuter = (at(1) & 3) !== cpu.cpl;
    return {
      vector,
      code: hasCode ? this.linear(top) : null,
      eip: at(0),
      cs: at(1) & 0xffff,
      eflags: at(2),
      esp: isOuter ? at(3) : before.esp,
      ss: isOuter ? at(4) & 0xffff : before.ss,
    };
  }

  /** The doubleword at a linear address. */
  linear(address: number): number {
    return this.read(this.cpu.lookUp(address));
  }

  /** Connects an interrupt controller that raises these vectors, the next one when the one before was taken. */
  raise(...vectors: readonly number[]): void {
    const waiting = [...vectors];
    const source: InterruptSource = {
      pending: () => waiting.length > 0,
      acknowledge: () => waiting.shift() ?? 0xff,
    };
    this.cpu.interrupts = source;
    this.cpu.interruptPending = waiting.length > 0;
  }
}

/** EFLAGS of a program that has set none. */
export const NO_FLAGS = FLAG.ONE;
