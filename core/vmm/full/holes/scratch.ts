import { PhysicalMemory } from '../../../machine/physical.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';

/** Guest-physical memory to try an instruction on: what is written stays here, and the guest does not hear of it. */
export class ScratchMemory extends PhysicalMemory {
  readonly #guest: GuestMemory;
  readonly #written = new Map<number, number>();

  /** `used`: another one, which is of no use any more. */
  constructor(guest: GuestMemory, used: ScratchMemory | null = null) {
    super(guest.size, 0, used?.memory);
    this.#guest = guest;
  }

  /** Forgets what was written. */
  forget(): void {
    this.#written.clear();
  }

  /** So that a processor's TLB stays empty. */
  override isRam(_address: number): boolean {
    return false;
  }

  #at(address: number): number {
    return (address & this.#guest.addressMask) >>> 0;
  }

  /** Devices are not asked: where there is no RAM all bits are 1. */
  override read(address: number, size: number): number {
    let value = 0;
    for (let n = 0; n < size; n++) value |= (this.peekByte(address + n) & 0xff) << (8 * n);
    return value;
  }

  override peekByte(address: number): number {
    return this.#written.get(this.#at(address)) ?? this.#guest.peekByte(address);
  }

  override write(address: number, size: number, value: number): void {
    for (let n = 0; n < size; n++) this.#written.set(this.#at(address + n), (value >>> (8 * n)) & 0xff);
  }
}
