import { CR0 } from '../ia32/registers.ts';
import { Board, type BoardOptions } from '../machine/board.ts';
import type { VirtualClock } from '../machine/clock.ts';
import * as L from '../machine/cpu/layout.ts';
import { firmwareSegments } from '../machine/firmware/firmware.ts';
import { type MachineStart, setStart } from '../machine/pc.ts';
import type { MachineMemory } from './host/machine-memory.ts';
import type { FrameAllocator } from './memory/frames.ts';
import { GuestMemory } from './memory/guest-memory.ts';
import { VirtualProcessor } from './vcpu.ts';

export interface VmOptions {
  /** Bytes of guest-physical memory, a multiple of 64 KiB. */
  readonly memoryBytes: number;
  /** Date of the guest's real-time clock at power-on, in Unix seconds. */
  readonly startTime: number;
  readonly onConsole: (byte: number) => void;
  /** See BoardOptions. */
  readonly onTestExit?: BoardOptions['onTestExit'];
}

/** What the guest asked of its virtual board. */
export type VmRequest = 'powerOff' | 'reset';

/** A virtual machine: a virtual processor, guest-physical memory and virtual devices. How it is run is not its business. */
export class VirtualMachine {
  readonly memory: GuestMemory;
  readonly vcpu: VirtualProcessor;
  readonly board: Board;
  readonly #clock: VirtualClock;
  #timeStampOffset = 0;
  /** Set by a device; the monitor takes it. */
  requested: VmRequest | null = null;
  /** The A20 gate moved, or the local APIC among RAM: guest-physical addresses mean something else. */
  onMap: () => void = () => {};

  /** `used`: another one that goes, whose memory may be taken. */
  constructor(
    options: VmOptions,
    machine: MachineMemory,
    frames: FrameAllocator,
    clock: VirtualClock,
    used: VirtualMachine | null = null,
  ) {
    this.memory = new GuestMemory(options.memoryBytes, machine, frames, used?.memory);
    const vcpu = new VirtualProcessor(this.memory);
    this.vcpu = vcpu;
    this.#clock = clock;
    const request = (what: VmRequest) => {
      this.requested = what;
      vcpu.stop();
    };
    const board = new Board({
      clock: { now: () => clock.now(), reschedule: () => {} },
      memoryBytes: options.memoryBytes,
      startTime: options.startTime,
      onConsole: options.onConsole,
      onInterrupt: () => vcpu.noticeInterrupt(),
      onNmi: () => vcpu.raiseNmi(),
      onRelocate: () => this.#placeApic(),
      onA20: () => this.#setA20(),
      onPowerOff: () => request('powerOff'),
      onReset: () => request('reset'),
      onTestExit: options.onTestExit,
    });
    this.board = board;
    board.attach(this.memory);
    vcpu.interrupts = board.localApic;
    vcpu.apic = board.localApic;
    vcpu.ports = board.bus;
    vcpu.timeStamp = () => Math.floor(clock.now()) + this.#timeStampOffset;
    vcpu.setTimeStamp = ticks => {
      this.#timeStampOffset = ticks - Math.floor(clock.now());
    };
  }

  /** What the guest's time-stamp counter is ahead of the machine's, in ticks. */
  get timeStampOffset(): number {
    return this.#timeStampOffset;
  }

  #setA20(): void {
    const mask = this.board.a20 ? -1 : ~(1 << 20);
    if (this.memory.addressMask === mask) return;
    this.memory.addressMask = mask;
    this.onMap();
  }

  #placeApic(): void {
    const hole = this.board.localApic.holeIn(this.memory.size);
    if (this.memory.hole === hole) return;
    this.memory.hole = hole;
    this.onMap();
  }

  /** Power-on: memory cleared, devices and processor reset, what firmware leaves and the image placed. */
  start(start: MachineStart, hasFirmware: boolean): void {
    this.memory.clear();
    this.board.reset();
    if (hasFirmware) this.board.handOver();
    this.#setA20();
    this.#timeStampOffset = 0;
    this.vcpu.reset();
    this.memory.rom = start.rom ?? null;
    const firmware = hasFirmware ? firmwareSegments(this.memory.size) : [];
    for (const { address, bytes } of [...firmware, ...start.segments]) this.memory.load(address, bytes);
    setStart(this.vcpu, start.registers);
    this.requested = null;
  }

  /** After the board and memory were restored: the A20 gate, the local APIC and the time-stamp counter follow. */
  restoreState(timeStampOffset: number): void {
    this.#setA20();
    this.#placeApic();
    this.#timeStampOffset = timeStampOffset;
    this.requested = null;
  }

  /** Whether the guest has paging on. */
  get paged(): boolean {
    return (this.vcpu.i32[L.W_CR0] & CR0.PG) !== 0;
  }

  /** Gives virtual devices that are due their turn; returns the next deadline. */
  advance(): number {
    return this.board.advance(this.#clock.now());
  }
}
