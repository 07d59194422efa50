import { FLAG } from '../ia32/flags.ts';
import { CR0, CS, DS, EAX, EBP, EBX, ECX, EDI, EDX, ES, ESI, ESP, FS, GS, SS } from '../ia32/registers.ts';
import { type ClockState, VirtualClock } from './clock.ts';
import type { TlbState } from './cpu/access.ts';
import * as L from './cpu/layout.ts';
import { Processor } from './cpu/processor.ts';
import { PortBus } from './devices/bus.ts';
import { DebugExit } from './devices/debug-exit.ts';
import { DebugPort } from './devices/debugport.ts';
import type { Device, DeviceState } from './devices/device.ts';
import { Dma } from './devices/dma.ts';
import { FastA20 } from './devices/fast-a20.ts';
import { I8042 } from './devices/i8042.ts';
import { Pci } from './devices/pci.ts';
import { Pic } from './devices/pic.ts';
import { Pit } from './devices/pit.ts';
import { Power } from './devices/power.ts';
import { Rtc } from './devices/rtc.ts';
import { Uart } from './devices/uart.ts';
import { PhysicalMemory } from './physical.ts';

/** What is to run: bytes for memory, and flat protected mode to start in. A loader's boot plan has this shape. */
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
  };
}

export interface PcOptions {
  /** RAM in bytes, a multiple of 64 KiB. */
  readonly memoryBytes: number;
  /** Date of the real-time clock at power-on, in Unix seconds. */
  readonly startTime: number;
  /** Steps a virtual second. */
  readonly rate: number;
  /** A byte left the first serial port. */
  readonly onConsole: (byte: number) => void;
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

/**
 * Clock of the serial port in hertz: 64 times a PC's. A kernel that prints with interrupts off would else lose timer ticks, as it
 * does on real hardware with nothing but a PIT, and spend its instructions on waiting for the line.
 */
const SERIAL_CRYSTAL = 64 * 1_843_200;

const PAGE = 4096;
/** The A20 bit of port 92. */
const FAST_A20 = 2;
const A20_LINE = 1 << 20;
/** One run of the processor at most, in steps. */
const LONGEST_RUN = 1 << 30;

/**
 * The board of a PC: who is wired to what, at which port and interrupt line. It turns steps into time, gives devices their
 * turn at exact counts, and saves and restores all of it.
 */
export class Pc {
  readonly physical: PhysicalMemory;
  readonly cpu: Processor;
  readonly clock: VirtualClock;
  readonly uart: Uart;
  readonly #bus = new PortBus();
  readonly #devices: readonly Device[];
  readonly #pic: Pic;
  readonly #keyboard: I8042;
  readonly #fastA20: FastA20;
  #timeStampOffset = 0;
  /** Set by a device while the processor runs. */
  #requested: 'powerOff' | 'reset' | null = null;

  constructor(options: PcOptions) {
    this.physical = new PhysicalMemory(options.memoryBytes);
    const cpu = new Processor(this.physical);
    this.cpu = cpu;
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
    const gateA20 = () => this.#updateA20();

    const pic = new Pic({
      onInterrupt: () => {
        cpu.interruptPending = pic.pending();
      },
    });
    this.#pic = pic;
    this.#keyboard = new I8042({
      clock,
      keyboardLine: pic.line(1),
      auxLine: pic.line(12),
      onA20: gateA20,
      onReset: () => request('reset'),
    });
    this.#fastA20 = new FastA20({ onA20: gateA20, onReset: () => request('reset') });
    this.uart = new Uart({
      name: 'uart0',
      base: 0x3f8,
      clock,
      line: pic.line(4),
      onTransmit: options.onConsole,
      crystal: SERIAL_CRYSTAL,
    });
    const rtc = new Rtc({
      clock,
      line: pic.line(8),
      startTime: options.startTime,
      memoryBytes: options.memoryBytes,
    });
    const devices = [
      pic,
      new Pit({ clock, line: pic.line(0) }),
      rtc,
      this.uart,
      this.#keyboard,
      this.#fastA20,
      new DebugPort(),
      new Dma(),
      new Pci(),
      new Power({ onPowerOff: () => request('powerOff') }),
    ];
    for (const device of devices) this.#bus.attach(device);
    this.#bus.attach(new DebugExit({ onExit: () => request('powerOff') }));
    this.#devices = devices;

    cpu.interrupts = pic;
    cpu.ports = {
      read: (port, size) => this.#bus.read(port, size),
      write: (port, value, size) => this.#bus.write(port, value, size),
    };
    cpu.timeStamp = () => Math.floor(clock.now()) + this.#timeStampOffset;
    cpu.setTimeStamp = ticks => {
      this.#timeStampOffset = ticks - Math.floor(clock.now());
    };
  }

  /** Power-on: everything is reset, RAM is cleared, then the image is placed and the processor set up to start it. */
  start(start: MachineStart): void {
    const { cpu, physical } = this;
    physical.bytes.fill(0, L.RAM, L.RAM + physical.size);
    cpu.reset();
    this.clock.reset();
    this.#timeStampOffset = 0;
    this.#requested = null;
    for (const device of this.#devices) device.reset();
    this.#updateA20();
    for (const { address, bytes } of start.segments) physical.bytes.set(bytes, L.RAM + address);

    const r = start.registers;
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

  /** Bytes for the first serial port; returns how many it took. */
  input(bytes: Uint8Array): number {
    return this.uart.receive(bytes);
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
      const deadline = this.#advance(now);
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
        if ((cpu.i32[L.W_EFLAGS] & FLAG.IF) === 0) return 'deadHalt';
        if (cpu.interruptPending) continue;
        const next = this.#advance(clock.now());
        if (cpu.interruptPending) continue;
        if (next === Infinity) return 'idle';
        clock.skipTo(Math.min(next, until));
      }
    }
  }

  /** Gives every device that is due its turn; returns the next deadline. */
  #advance(now: number): number {
    let next = Infinity;
    for (const device of this.#devices) {
      if (device.deadline() <= now) device.advance(now);
      const deadline = device.deadline();
      if (deadline < next) next = deadline;
    }
    return next;
  }

  /** A20 is open if the keyboard controller or port 92 opens it. */
  #updateA20(): void {
    this.#setA20(this.#keyboard.a20 || (this.#fastA20.readPort() & FAST_A20) !== 0);
  }

  #setA20(open: boolean): void {
    const mask = open ? -1 : ~A20_LINE;
    if (this.physical.addressMask === mask) return;
    this.physical.addressMask = mask;
    this.cpu.flushAll();
    this.cpu.codePages.clear();
  }

  save(): MachineState {
    const { cpu, physical } = this;
    const words = new Int32Array(physical.memory.buffer, L.RAM, physical.size >> 2);
    const pages: number[] = [];
    for (let page = 0; page < physical.size / PAGE; page++) {
      const at = page * (PAGE >> 2);
      for (let n = 0; n < PAGE >> 2; n++) {
        if (words[at + n] !== 0) {
          pages.push(page);
          break;
        }
      }
    }
    const bytes = new Uint8Array(pages.length * PAGE);
    pages.forEach((page, n) => {
      bytes.set(physical.bytes.subarray(L.RAM + page * PAGE, L.RAM + (page + 1) * PAGE), n * PAGE);
    });
    const devices: Record<string, DeviceState> = {};
    for (const device of this.#devices) devices[device.name] = device.save();
    return {
      memoryBytes: physical.size,
      count: cpu.count,
      walks: cpu.walks,
      clock: this.clock.save(),
      processor: physical.bytes.slice(0, L.STATE_BYTES),
      tlb: cpu.saveTlb(),
      a20: physical.addressMask === -1,
      devices: { ...devices, timeStamp: { offset: this.#timeStampOffset } },
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
    const before = Object.fromEntries(this.#devices.map(device => [device.name, device.save()]));
    try {
      for (const device of this.#devices) device.restore(record(state.devices, device.name));
    } catch (error) {
      for (const device of this.#devices) device.restore(before[device.name]);
      throw error;
    }
    const offset = record(state.devices, 'timeStamp').offset;
    if (typeof offset !== 'number') throw new TypeError('The snapshot has no time-stamp counter.');
    this.#timeStampOffset = offset;
    physical.bytes.fill(0, L.RAM, L.RAM + physical.size);
    state.pages.forEach((page, n) => {
      physical.bytes.set(state.bytes.subarray(n * PAGE, (n + 1) * PAGE), L.RAM + page * PAGE);
    });
    physical.addressMask = state.a20 ? -1 : ~A20_LINE;
    physical.bytes.set(state.processor, 0);
    cpu.rederive();
    cpu.codePages.clear();
    cpu.restoreTlb(state.tlb);
    cpu.restoreCount(state.count);
    cpu.walks = state.walks;
    this.clock.restore(state.clock);
    cpu.interruptPending = this.#pic.pending();
    this.#requested = null;
  }
}

function record(state: DeviceState, key: string): DeviceState {
  const value = state[key];
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError(`The snapshot has no ${key}.`);
  return value as DeviceState;
}
