import { decode } from '../../ia32/decoder.ts';
import { FLAG } from '../../ia32/flags.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import type { OperationName } from '../../ia32/operations.ts';
import { ECX } from '../../ia32/registers.ts';
import { MachineStop } from '../../machine/cpu/fault.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import { type MachineStart, Pc } from '../../machine/pc.ts';
import { MONITOR_MEMORY, Monitor } from '../monitor.ts';
import type { MonitorMode, Paging } from '../technique.ts';
import {
  CODE,
  createWorld,
  DATA,
  PAE_TABLE,
  type Piece,
  POINTERS,
  prepare,
  TABLE,
  TASK_CR3,
  WORLD_BYTES,
  WORLD_PAGES,
} from './world.ts';

/** What a piece of code left behind. */
export interface Outcome {
  /** How it ended: a RunEnd, or tripleFault. */
  readonly end: string;
  /** Names and values of registers. */
  readonly registers: Readonly<Record<string, number>>;
  readonly memory: Uint8Array;
}

/** Something that runs pieces of code. */
export interface Subject {
  readonly name: string;
  /** Runs at most `steps` of the machine's steps. */
  run(piece: Piece, steps: number): Outcome;
}

const START: MachineStart = { segments: [], registers: { eip: 0, codeSelector: 8, dataSelector: 16 } };
const RATE = 1e8;
/** A piece of code takes no longer, in virtual nanoseconds. */
const MOST_NS = 1e9;

const GENERAL = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const;
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldtr', 'tr'] as const;

/** A processor that has shut down says nothing by RF: it was to be pushed. */
function registersOf(cpu: Processor, end: string): Record<string, number> {
  const { i32 } = cpu;
  const all: Record<string, number> = {};
  GENERAL.forEach((name, n) => {
    all[name] = i32[n] >>> 0;
  });
  all['eip'] = i32[L.W_EIP] >>> 0;
  all['eflags'] = (cpu.eflags() & ~(end === 'tripleFault' ? FLAG.RF : 0)) >>> 0;
  all['cpl'] = cpu.cpl;
  SEGMENTS.forEach((name, n) => {
    all[name] = cpu.selector(n);
    all[`${name}.base`] = cpu.base(n) >>> 0;
    all[`${name}.limit`] = cpu.segment(n, L.S_LIMIT) >>> 0;
    all[`${name}.attributes`] = cpu.segment(n, L.S_ATTRIBUTES) >>> 0;
  });
  const words: Readonly<Record<string, number>> = {
    cr0: L.W_CR0,
    cr2: L.W_CR2,
    cr3: L.W_CR3,
    cr4: L.W_CR4,
    'gdtr.base': L.W_GDTR_BASE,
    'gdtr.limit': L.W_GDTR_LIMIT,
    'idtr.base': L.W_IDTR_BASE,
    'idtr.limit': L.W_IDTR_LIMIT,
    dr0: L.W_DR,
    dr6: L.W_DR + 6,
    dr7: L.W_DR + 7,
  };
  for (const [name, word] of Object.entries(words)) all[name] = i32[word] >>> 0;
  for (let n = 0; n < 48; n++) all[`x87.${n}`] = i32[L.W_X87 + n] >>> 0;
  for (let n = 0; n < 32; n++) all[`xmm.${n}`] = i32[L.W_XMM + n] >>> 0;
  return all;
}

/** The last end of a run, with a triple fault as an end of its own. */
function endOf(run: () => string): string {
  try {
    return run();
  } catch (error) {
    if (error instanceof MachineStop) return error.kind === 'tripleFault' ? 'tripleFault' : error.message;
    throw error;
  }
}

/** The guest's memory with a piece of code in it. */
function furnish(world: Uint8Array, piece: Piece): Uint8Array {
  const bytes = world.slice();
  bytes.set(piece.bytes, CODE);
  bytes.set(piece.data, DATA);
  if (piece.paging === 'pae') new DataView(bytes.buffer).setInt32(TASK_CR3, POINTERS, true);
  return bytes;
}

/** String instructions that write memory, and so could write over themselves. */
const WRITING: readonly OperationName[] = ['repMovs', 'repStos', 'ins'];

/** Looks at a piece of code while it runs, one instruction at a time; null for an instruction that cannot be fetched. */
export interface Watcher {
  before(cpu: Processor, instruction: Instruction | null): void;
  after(cpu: Processor): void;
}

/** The machine itself, without a monitor; and without VMX, as a virtual machine is. */
export class BareSubject implements Subject {
  readonly name = 'bare';
  readonly #pc = new Pc({ memoryBytes: WORLD_BYTES, startTime: 0, rate: RATE, onConsole: () => {} });
  readonly #world = createWorld();
  readonly #reset: Int32Array;

  constructor() {
    this.#pc.start(START);
    this.#pc.cpu.hasVmx = false;
    this.#reset = this.#pc.cpu.i32.slice(0, L.STATE_BYTES >> 2);
  }

  run(piece: Piece, steps: number, watcher: Watcher | null = null): Outcome {
    return this.#run(piece, until => {
      if (watcher === null) return this.#pc.run(steps, until, false);
      const { cpu } = this.#pc;
      for (let n = 0; n < steps; n++) {
        watcher.before(cpu, instructionAt(cpu));
        const last = this.#pc.run(1, until, false);
        watcher.after(cpu);
        if (last !== 'steps') return last;
      }
      return 'steps';
    });
  }

  /**
   * The same on a processor that keeps as little as one may: before every instruction the TLB is empty (SDM volume 3, 4.10.4.3: it may
   * always be), and a repeated string instruction is fetched anew for each iteration, as after an interrupt (volume 2, REP).
   */
  runForgetful(piece: Piece, steps: number): Outcome {
    return this.#run(piece, until => {
      for (let n = 0; n < steps; n++) {
        const last = this.#stepForgetful(until);
        if (last !== 'steps') return last;
      }
      return 'steps';
    });
  }

  #run(piece: Piece, run: (until: number) => string): Outcome {
    const { cpu, physical, clock } = this.#pc;
    physical.bytes.set(furnish(this.#world, piece), L.RAM);
    cpu.codePages.clear();
    prepare(cpu, piece, this.#reset);
    // A piece that waits for an interrupt waits for nothing.
    const until = clock.now() + MOST_NS;
    const end = endOf(() => run(until));
    const memory = physical.bytes.slice(L.RAM, L.RAM + WORLD_PAGES * 4096);
    return { end, registers: registersOf(cpu, end), memory };
  }

  #stepForgetful(until: number): string {
    const { cpu } = this.#pc;
    const { i32 } = cpu;
    cpu.flushGlobal();
    const instruction = (i32[L.W_EFLAGS] & FLAG.TF) === 0 ? instructionAt(cpu) : null;
    if (instruction === null || instruction.repeat === 0 || !WRITING.includes(instruction.row.operation)) {
      return this.#pc.run(1, until, false);
    }
    const { addressSize } = instruction;
    const left = cpu.registerPart(ECX, addressSize) >>> 0;
    if (left <= 1) return this.#pc.run(1, until, false);
    const start = i32[L.W_EIP];
    cpu.setRegisterPart(ECX, addressSize, 1);
    const end = this.#pc.run(1, until, false);
    const isDone = cpu.registerPart(ECX, addressSize) === 0;
    cpu.setRegisterPart(ECX, addressSize, isDone ? left - 1 : left);
    if (isDone) i32[L.W_EIP] = start;
    return end;
  }
}

/** The instruction at CS:EIP, if it can be fetched. Leaves no trace in the processor. */
function instructionAt(cpu: Processor): Instruction | null {
  const byte = (index: number): number => {
    const value = cpu.peekByte((cpu.linearEip + index) | 0);
    if (value < 0) throw new RangeError('not mapped');
    return value;
  };
  try {
    return decode({ byte }, 0, cpu.codeSize);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** A virtual machine under a technique of the monitor. */
export class MonitorSubject implements Subject {
  readonly name: string;
  readonly monitor: Monitor;
  readonly #world = createWorld();
  readonly #reset: Int32Array;
  readonly #paging: Paging;

  constructor(mode: MonitorMode, paging: Paging = 'shadow') {
    this.#paging = paging;
    this.name = mode === 'hardware' ? `hardware ${paging}` : mode;
    const onConsole = (): void => {};
    const pc = new Pc({ memoryBytes: WORLD_BYTES + MONITOR_MEMORY, startTime: 0, rate: RATE, onConsole });
    this.monitor = new Monitor(pc, { mode, paging, memoryBytes: WORLD_BYTES, startTime: 0, onConsole }, START);
    this.#reset = this.monitor.vcpu.i32.slice(0, L.STATE_BYTES >> 2);
  }

  run(piece: Piece, steps: number): Outcome {
    const { vcpu, vm } = this.monitor;
    this.monitor.interrupt();
    // What comes now is another guest, behind the monitor's back: with a VPID the TLB would have the last one's pages.
    if (this.monitor.mode === 'hardware') this.monitor.change('hardware', this.#paging);
    const furnished = furnish(this.#world, piece);
    const now = this.#read();
    for (let page = 0; page < WORLD_PAGES; page++) {
      const bytes = furnished.subarray(page * 4096, (page + 1) * 4096);
      // Loading also takes out the breakpoints of an earlier piece's code, which this one could read.
      if (vm.memory.hasReplaced(page) || !equal(bytes, now.subarray(page * 4096, (page + 1) * 4096)))
        vm.memory.load(page * 4096, bytes);
    }
    prepare(vcpu, piece, this.#reset);
    const end = endOf(() => this.monitor.run(steps, Number.POSITIVE_INFINITY, false));
    return { end, registers: registersOf(vcpu, end), memory: this.#read() };
  }

  #read(): Uint8Array {
    const bytes = new Uint8Array(WORLD_PAGES * 4096);
    const { memory } = this.monitor.vm;
    const machine = this.monitor.pc.physical.bytes;
    for (let page = 0; page < WORLD_PAGES; page++) {
      const at = L.RAM + memory.map[page] * 4096;
      bytes.set(machine.subarray(at, at + 4096), page * 4096);
      if (!memory.hasReplaced(page)) continue;
      for (let n = page * 4096; n < (page + 1) * 4096; n++) bytes[n] = memory.peekByte(n);
    }
    return bytes;
  }
}

/** Of bytes at multiples of four. */
function words(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  const [x, y] = [words(a), words(b)];
  for (let n = 0; n < x.length; n++) if (x[n] !== y[n]) return false;
  return true;
}

/** The accessed bit of a page-table entry, in its lowest byte. */
const ACCESSED = 0x20;

/**
 * Whether this is the lowest byte of an entry for one of the pages with descriptor tables and task state. The processor marks those as
 * accessed when it uses them itself, which under a monitor it does with the monitor's own.
 */
function isTableEntry(at: number): boolean {
  const page = at >= PAE_TABLE && at < PAE_TABLE + 4096 ? (at - PAE_TABLE) / 8 : (at - TABLE) / 4;
  return page >= 1 && page <= 3 && Number.isInteger(page);
}

const MOST_DIFFERENCES = 40;

/** What differs between two outcomes, in words; empty if nothing does. */
export function difference(expected: Outcome, actual: Outcome): string[] {
  const found: string[] = [];
  if (expected.end !== actual.end) found.push(`end: ${actual.end}, not ${expected.end}`);
  for (const [name, value] of Object.entries(expected.registers)) {
    const other = actual.registers[name];
    if (other !== value) found.push(`${name}: ${other.toString(16)}, not ${value.toString(16)}`);
  }
  const [x, y] = [words(expected.memory), words(actual.memory)];
  for (let n = 0; n < expected.memory.length && found.length < MOST_DIFFERENCES; n++) {
    if ((n & 3) === 0 && x[n >> 2] === y[n >> 2]) {
      n += 3;
      continue;
    }
    const ignored = isTableEntry(n) ? ACCESSED : 0;
    if (((expected.memory[n] ^ actual.memory[n]) & ~ignored) !== 0) {
      found.push(`[${n.toString(16)}]: ${actual.memory[n].toString(16)}, not ${expected.memory[n].toString(16)}`);
    }
  }
  return found;
}
