import { FLAG } from '../ia32/flags.ts';
import { CR0, CS, DS, EAX, EBP, EBX, ECX, EDI, EDX, ES, ESI, ESP, FS, GS, SS } from '../ia32/registers.ts';
import { Board, type BoardOptions, record } from './board.ts';
import { type ClockState, VirtualClock } from './clock.ts';
import * as L from './cpu/layout.ts';
import { Processor } from './cpu/processor.ts';
import type { TlbState } from './cpu/tlb.ts';
import type { DeviceState } from './devices/device.ts';
import { firmwareSegments } from './firmware/firmware.ts';
import { PhysicalMemory } from './physical.ts';
import type { Translator } from './translate/translator.ts';

/** What is to run: bytes for memory, and flat protected mode to start in, or firmware. A loader's boot plan has this shape. */
export interface MachineStart {
  readonly segments: readonly { readonly address: number; readonly bytes: Uint8Array }[];
  readonly registers: {
    readonly eip: number;
    readonly eax?: number;
    readonly ebx?: number;
    readonly ecx?: number;
    readonly edx?: number;
    readonly esi?: number;
    readonly edi?: number;
    readonly ebp?: number;
    readonly esp?: number;
    readonly codeSelector: number;
    readonly dataSelector: number;
    readonly gdt?: { readonly base: number; readonly limit: number };
  } | null;
  /** Answers at the top of the address space, read-only. */
  readonly rom?: Uint8Array;
}

export interface PcOptions {
  /** RAM in bytes, a multiple of 64 KiB. */
  readonly memoryBytes: number;
  /** Date of the real-time clock at power-on, in Unix seconds. */
  readonly startTime: number;
  /** Steps a virtual second. */
  readonly rate: number;
  /** Makes what translates hot code; without it everything is executed. */
  readonly translate?: ((cpu: Processor) => Translator | null) | undefined;
  /** A byte left the first serial port. */
  readonly onConsole: (byte: number) => void;
  /** See BoardOptions. */
  readonly onTestExit?: BoardOptions['onTestExit'];
}

/** Why run() returned. */
export type RunEnd =
  /** All steps taken, or the time limit reached. */
  | 'steps'
  | 'breakpoint'
  /** Halted with interrupts on and no device that will ever raise one by itself: only input goes on. */
  | 'idle'
  /** Halted with interrupts off. */
  | 'deadHalt'
  | 'powerOff'
  /** The guest pulled the reset line. */
  | 'reset';

/** Everything a machine is, at one step. RAM is kept as its pages that are not zero. */
export interface MachineState {
  readonly memoryBytes: number;
  readonly count: number;
  readonly walks: number;
  readonly walkReferences: number;
  readonly nestedWalks: number;
  readonly nestedReferences: number;
  readonly clock: ClockState;
  readonly processor: Uint8Array;
  readonly tlb: TlbState;
  readonly a20: boolean;
  readonly devices: DeviceState;
  /** Page numbers, ascending. */
  readonly pages: Uint32Array;
  /** 4096 bytes for each page number. */
  readonly bytes: Uint8Array;
}

const PAGE = 4096;
const A20_LINE = 1 << 20;
/** One run of the processor at most, in steps. */
const LONGEST_RUN = 1 << 30;

/**
 * A PC: processor, memory and board. It turns steps into time, gives devices their turn at exact counts, and saves and restores all of
 * it.
 */
export class Pc {
  readonly physical: PhysicalMemory;
  readonly cpu: Processor;
  readonly clock: VirtualClock;
  readonly #board: Board;
  readonly #built: DeviceState;
  #timeStampOffset = 0;
  /** RAM was never written to: it is zero, and the host has not had to find memory for it. */
  #isNew = true;
  /** Set by a device while the processor runs. */
  #requested: 'powerOff' | 'reset' | null = null;

  constructor(options: PcOptions) {
    this.physical = new PhysicalMemory(options.memoryBytes);
    const cpu = new Processor(this.physical);
    this.cpu = cpu;
    cpu.translator = options.translate?.(cpu) ?? null;
    const clock = new VirtualClock(
      options.rate,
      () => cpu.count,
      () => cpu.stop(),
    );
    this.clock = clock;
    const request = (what: 'powerOff' | 'reset') => {
      this.#requested = what;
      cpu.stop();
    };
    const board = new Board({
      clock,
      memoryBytes: options.memoryBytes,
      startTime: options.startTime,
      onConsole: options.onConsole,
      onInterrupt: () => cpu.noticeInterrupt(),
      onNmi: () => cpu.raiseNmi(),
      onRelocate: () => this.#placeApic(),
      onA20: () => this.#setA20(board.a20),
      onPowerOff: () => request('powerOff'),
      onReset: () => request('reset'),
      onTestExit: options.onTestExit,
    });
    this.#board = board;
    board.attach(this.physical);
    cpu.interrupts = board.localApic;
    cpu.apic = board.localApic;
    cpu.ports = board.bus;
    cpu.timeStamp = () => Math.floor(clock.now()) + this.#timeStampOffset;
    cpu.setTimeStamp = ticks => {
      this.#timeStampOffset = ticks - Math.floor(clock.now());
    };
    this.#built = board.save();
  }

  /** The board is as when it was built, with what power-on leaves alone: levels of wires. Power-on must follow. */
  rebuild(): void {
    this.#board.restore(this.#built);
  }

  /** Power-on: everything is reset, RAM is cleared, and firmware has set up the interrupt controllers. */
  powerOn(): void {
    this.#reset();
    this.#board.handOver();
  }

  #reset(): void {
    const { cpu, physical } = this;
    if (!this.#isNew) physical.clear();
    this.#isNew = false;
    cpu.reset();
    this.clock.reset();
    this.#timeStampOffset = 0;
    this.#requested = null;
    this.#board.reset();
    this.#setA20(this.#board.a20);
  }

  /** Power-on, then what firmware leaves (if it is not the image itself) and the image are placed, and the processor set up to start it. */
  start(start: MachineStart): void {
    this.#reset();
    this.physical.rom = start.rom ?? null;
    if (start.rom === undefined) this.#board.handOver();
    const firmware = start.rom === undefined ? firmwareSegments(this.physical.size) : [];
    for (const { address, bytes } of [...firmware, ...start.segments]) this.physical.bytes.set(bytes, L.RAM + address);
    setStart(this.cpu, start.registers);
  }

  /** Bytes for the first serial port; returns how many it took. */
  input(bytes: Uint8Array): number {
    return this.#board.uart.receive(bytes);
  }

  /** What came for that port and was not read yet. */
  get typed(): readonly number[] {
    return this.#board.uart.typed;
  }

  /** Presses the button on the front, or lets it go. */
  press(isDown: boolean): void {
    this.#board.button.set(isDown);
  }

  /**
   * Runs `steps`, or until virtual time reaches `until` (nanoseconds, may be Infinity), or until something ends the run.
   * `passBreakpoint`: go on from a breakpoint instead of stopping at it again. Throws MachineStop.
   */
  run(steps: number, until: number, passBreakpoint: boolean): RunEnd {
    const { cpu, clock } = this;
    const last = cpu.count + steps;
    let pass = passBreakpoint;
    for (;;) {
      const now = clock.now();
      if (cpu.count >= last || now >= until) return 'steps';
      const deadline = this.#board.advance(now);
      const event = Math.min(deadline, until);
      const grant = event === Infinity ? LONGEST_RUN : Math.min(clock.stepsUntil(event), LONGEST_RUN);
      cpu.run(Math.min(grant, last - cpu.count), pass);
      pass = false;
      if (cpu.atBreakpoint) return 'breakpoint';
      const requested = this.#requested;
      if (requested !== null) {
        this.#requested = null;
        return requested;
      }
      if (cpu.halted) {
        const isHeard = (cpu.i32[L.W_EFLAGS] & FLAG.IF) !== 0;
        if (!isHeard && !cpu.hasNmi && !this.#board.hasNmiWire) return 'deadHalt';
        if (cpu.wakes) continue;
        const next = this.#board.advance(clock.now());
        if (cpu.wakes) continue;
        if (next === Infinity) return isHeard ? 'idle' : 'deadHalt';
        clock.skipTo(Math.min(next, until));
      }
    }
  }

  #setA20(open: boolean): void {
    const mask = open ? -1 : ~A20_LINE;
    if (this.physical.addressMask === mask) return;
    this.physical.addressMask = mask;
    this.cpu.flushAll();
    this.cpu.codePages.clear();
  }

  /** The local APIC answers in place of RAM where software has moved it there. */
  #placeApic(): void {
    const hole = this.#board.localApic.holeIn(this.physical.size);
    if (this.physical.hole === hole) return;
    this.physical.hole = hole;
    this.cpu.flushAll();
    this.cpu.codePages.clear();
  }

  save(): MachineState {
    const { cpu, physical } = this;
    const pages: number[] = [];
    for (let page = 0; page < physical.size / PAGE; page++) if (!physical.isZero(page)) pages.push(page);
    const bytes = new Uint8Array(pages.length * PAGE);
    pages.forEach((page, n) => {
      bytes.set(physical.bytes.subarray(L.RAM + page * PAGE, L.RAM + (page + 1) * PAGE), n * PAGE);
    });
    return {
      memoryBytes: physical.size,
      count: cpu.count,
      walks: cpu.walks,
      walkReferences: cpu.walkReferences,
      nestedWalks: cpu.nestedWalks,
      nestedReferences: cpu.nestedReferences,
      clock: this.clock.save(),
      processor: physical.bytes.slice(0, L.STATE_BYTES),
      tlb: cpu.saveTlb(),
      a20: physical.addressMask === -1,
      devices: { ...this.#board.save(), timeStamp: { offset: this.#timeStampOffset } },
      pages: Uint32Array.from(pages),
      bytes,
    };
  }

  /** Takes what save() gave. Throws TypeError if it is not for a machine like this one; then nothing has changed. */
  restore(state: MachineState): void {
    const { cpu, physical } = this;
    if (state.memoryBytes !== physical.size)
      throw new TypeError('The snapshot is of a machine with another memory size.');
    if (state.processor.length !== L.STATE_BYTES || state.bytes.length !== state.pages.length * PAGE) {
      throw new TypeError('The snapshot is incomplete.');
    }
    if (state.pages.some(page => page >= physical.size / PAGE)) {
      throw new TypeError('The snapshot has pages beyond its memory.');
    }
    const offset = timeStampOffset(state);
    this.#board.restore(state.devices);
    this.#timeStampOffset = offset;
    this.#isNew = false;
    physical.clear(new Set(state.pages));
    state.pages.forEach((page, n) => {
      physical.bytes.set(state.bytes.subarray(n * PAGE, (n + 1) * PAGE), L.RAM + page * PAGE);
    });
    physical.addressMask = state.a20 ? -1 : ~A20_LINE;
    physical.bytes.set(state.processor, 0);
    this.#placeApic();
    cpu.rederive();
    cpu.codePages.clear();
    cpu.restoreTlb(state.tlb);
    cpu.restoreCount(state.count);
    cpu.walks = state.walks;
    cpu.walkReferences = state.walkReferences;
    cpu.nestedWalks = state.nestedWalks;
    cpu.nestedReferences = state.nestedReferences;
    this.clock.restore(state.clock);
    cpu.noticeInterrupt();
    this.#requested = null;
  }
}

/** What the time-stamp counter of a saved machine is ahead of its clock. Throws TypeError. */
export function timeStampOffset(state: MachineState): number {
  const { offset } = record(state.devices, 'timeStamp');
  if (typeof offset !== 'number') throw new TypeError('The snapshot has no time-stamp counter.');
  return offset;
}

/** Flat protected mode, as a boot loader hands over; null: as power-on has left it. */
export function setStart(cpu: Processor, r: MachineStart['registers']): void {
  if (r === null) return;
  const { i32 } = cpu;
  i32[L.W_CR0] = CR0.PE | CR0.ET;
  cpu.setSegment(CS, r.codeSelector, 0, -1, 0xc09b);
  for (const index of [ES, SS, DS, FS, GS]) cpu.setSegment(index, r.dataSelector, 0, -1, 0xc093);
  if (r.gdt !== undefined) {
    i32[L.W_GDTR_BASE] = r.gdt.base;
    i32[L.W_GDTR_LIMIT] = r.gdt.limit;
  }
  i32[L.W_EFLAGS] = FLAG.ONE;
  i32[L.W_EIP] = r.eip;
  i32[EAX] = r.eax ?? 0;
  i32[EBX] = r.ebx ?? 0;
  i32[ECX] = r.ecx ?? 0;
  i32[EDX] = r.edx ?? 0;
  i32[ESI] = r.esi ?? 0;
  i32[EDI] = r.edi ?? 0;
  i32[EBP] = r.ebp ?? 0;
  i32[ESP] = r.esp ?? 0;
}
