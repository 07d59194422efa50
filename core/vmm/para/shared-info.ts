import type { MachineMemory } from '../host/machine-memory.ts';
import { SHARED_INFO, TIME_INFO, VCPU_INFO } from './abi.ts';

/** The page that guest and monitor share (struct shared_info), by its machine address; one virtual processor. */
export class SharedInfo {
  readonly #memory: MachineMemory;
  /** Machine address of the page. */
  readonly address: number;
  /** Machine address of struct vcpu_info, which the guest may place elsewhere. */
  #vcpuInfo: number;

  constructor(memory: MachineMemory, address: number) {
    this.#memory = memory;
    this.address = address;
    this.#vcpuInfo = address + SHARED_INFO.vcpuInfo;
  }

  /** Moves struct vcpu_info to another machine address, with what it holds. */
  moveVcpuInfo(address: number): void {
    for (let at = 0; at < VCPU_INFO.size; at += 4)
      this.#memory.write(address + at, 4, this.#memory.read(this.#vcpuInfo + at, 4));
    this.#vcpuInfo = address;
  }

  /** Whether moveVcpuInfo() was called. */
  get hasMoved(): boolean {
    return this.#vcpuInfo !== this.address + SHARED_INFO.vcpuInfo;
  }

  /** Frames of the guest's in which the monitor writes for good. */
  get heldFrames(): readonly number[] {
    return this.hasMoved ? [Math.floor(this.#vcpuInfo / 4096)] : [];
  }

  get upcallPending(): boolean {
    return this.#memory.read(this.#vcpuInfo + VCPU_INFO.upcallPending, 1) !== 0;
  }

  set upcallPending(pending: boolean) {
    this.#memory.write(this.#vcpuInfo + VCPU_INFO.upcallPending, 1, pending ? 1 : 0);
  }

  /** The byte that stands for a cleared interrupt flag. */
  get upcallMask(): number {
    return this.#memory.read(this.#vcpuInfo + VCPU_INFO.upcallMask, 1);
  }

  set upcallMask(mask: number) {
    this.#memory.write(this.#vcpuInfo + VCPU_INFO.upcallMask, 1, mask);
  }

  /** Whether an upcall is to be made now. */
  get upcallDue(): boolean {
    return this.upcallPending && this.upcallMask === 0;
  }

  get cr2(): number {
    return this.#memory.read(this.#vcpuInfo + VCPU_INFO.cr2, 4);
  }

  set cr2(address: number) {
    this.#memory.write(this.#vcpuInfo + VCPU_INFO.cr2, 4, address);
  }

  isPending(port: number): boolean {
    return this.#bit(SHARED_INFO.pending, port);
  }

  isMasked(port: number): boolean {
    return this.#bit(SHARED_INFO.mask, port);
  }

  #bit(table: number, port: number): boolean {
    return ((this.#memory.read(this.address + table + (port >>> 5) * 4, 4) >>> (port & 31)) & 1) !== 0;
  }

  clearPending(port: number): void {
    this.#clear(SHARED_INFO.pending, port);
  }

  clearMask(port: number): void {
    this.#clear(SHARED_INFO.mask, port);
  }

  #clear(table: number, port: number): void {
    const at = this.address + table + (port >>> 5) * 4;
    this.#memory.write(at, 4, this.#memory.read(at, 4) & ~(1 << (port & 31)));
  }

  /** Sets a port's pending bit. Returns whether it was clear. */
  setPending(port: number): boolean {
    const at = this.address + SHARED_INFO.pending + (port >>> 5) * 4;
    const before = this.#memory.read(at, 4);
    const bit = 1 << (port & 31);
    if ((before & bit) !== 0) return false;
    this.#memory.write(at, 4, before | bit);
    return true;
  }

  /** Marks the selector word and asks for an upcall. */
  raise(port: number): void {
    const at = this.#vcpuInfo + VCPU_INFO.pendingSelector;
    this.#memory.write(at, 4, this.#memory.read(at, 4) | (1 << (port >>> 5)));
    this.upcallPending = true;
  }

  /**
   * Tells the guest how to make system time of the time-stamp counter: `now` nanoseconds at `timeStamp` ticks. The version is odd while it is
   * written.
   */
  setTime(now: number, timeStamp: number, multiplier: number, shift: number): void {
    const at = this.#vcpuInfo + VCPU_INFO.time;
    const version = this.#memory.read(at + TIME_INFO.version, 4);
    this.#memory.write(at + TIME_INFO.version, 4, version | 1);
    this.#long(at + TIME_INFO.timeStamp, timeStamp);
    this.#long(at + TIME_INFO.systemTime, now);
    this.#memory.write(at + TIME_INFO.multiplier, 4, multiplier);
    this.#memory.write(at + TIME_INFO.shift, 1, shift & 0xff);
    this.#memory.write(at + TIME_INFO.flags, 1, 0);
    this.#memory.write(at + TIME_INFO.version, 4, (version | 1) + 1);
  }

  /** The date at which system time was 0, in Unix seconds. */
  setWallClock(seconds: number): void {
    const at = this.address;
    const version = this.#memory.read(at + SHARED_INFO.wallVersion, 4);
    this.#memory.write(at + SHARED_INFO.wallVersion, 4, version | 1);
    this.#memory.write(at + SHARED_INFO.wallSeconds, 4, Math.floor(seconds) | 0);
    this.#memory.write(at + SHARED_INFO.wallNanoseconds, 4, Math.round((seconds % 1) * 1e9));
    this.#memory.write(at + SHARED_INFO.wallVersion, 4, (version | 1) + 1);
  }

  #long(address: number, value: number): void {
    this.#memory.write(address, 4, value | 0);
    this.#memory.write(address + 4, 4, Math.floor(value / 0x100000000) | 0);
  }
}
