import type { PortHandler, PortSize } from './device.ts';

const PORTS = 0x10000;

/** A run of ports that a device answers: first port, how many, and the widest access it takes whole (1 unless said). */
export type PortRange = readonly [first: number, count: number, widest?: PortSize];

/**
 * The I/O address space: 65,536 byte ports (SDM vol. 1, 19.3). An access that its device does not take whole is split
 * into halves, little end first, as the ISA bus controller does; a port that nobody claims floats high.
 */
export class PortBus {
  /** Port -> index into the lists below; 0 is "nobody". */
  readonly #owner = new Uint8Array(PORTS);
  readonly #handlers: PortHandler[] = [{ readPort: floatHigh, writePort: ignore }];
  /** An absent device takes any width whole: all ones, or nothing. */
  readonly #widest: PortSize[] = [4];

  /**
   * Claims `count` ports from `first` on. `widest` is the widest access that the handler wants to see whole.
   * Throws RangeError when the range is not inside the address space or touches a claimed port.
   */
  register(first: number, count: number, handler: PortHandler, widest: PortSize = 1): void {
    if (!Number.isInteger(first) || !Number.isInteger(count) || first < 0 || count < 1 || first + count > PORTS) {
      throw new RangeError(`Ports ${first} to ${first + count - 1} are not inside the I/O address space.`);
    }
    for (let port = first; port < first + count; port++) {
      if (this.#owner[port] !== 0) throw new RangeError(`Port 0x${port.toString(16)} is claimed already.`);
    }
    if (this.#handlers.length > 0xff) throw new RangeError('The bus has no room for another range of ports.');
    this.#owner.fill(this.#handlers.length, first, first + count);
    this.#handlers.push(handler);
    this.#widest.push(widest);
  }

  /** Claims every range of a device. */
  attach(device: PortHandler & { readonly ports: readonly PortRange[] }): void {
    for (const [first, count, widest] of device.ports) this.register(first, count, device, widest);
  }

  /** IN: an unsigned value of `size` bytes. */
  read(port: number, size: PortSize): number {
    const owner = this.#owner[port];
    if (size === 1) return this.#handlers[owner].readPort(port, 1);
    if (this.#takesWhole(port, size, owner)) return this.#handlers[owner].readPort(port, size);
    if (size === 2) return this.read(port, 1) | (this.read((port + 1) & 0xffff, 1) << 8);
    return (this.read(port, 2) | (this.read((port + 2) & 0xffff, 2) << 16)) >>> 0;
  }

  /** OUT: `value` is unsigned and `size` bytes wide. */
  write(port: number, value: number, size: PortSize): void {
    const owner = this.#owner[port];
    if (size === 1) {
      this.#handlers[owner].writePort(port, value, 1);
    } else if (this.#takesWhole(port, size, owner)) {
      this.#handlers[owner].writePort(port, value, size);
    } else if (size === 2) {
      this.write(port, value & 0xff, 1);
      this.write((port + 1) & 0xffff, value >>> 8, 1);
    } else {
      this.write(port, value & 0xffff, 2);
      this.write((port + 2) & 0xffff, value >>> 16, 2);
    }
  }

  /** Whether all `size` ports belong to one claim that takes such a width. */
  #takesWhole(port: number, size: 2 | 4, owner: number): boolean {
    if (this.#widest[owner] < size || port + size > PORTS) return false;
    for (let i = 1; i < size; i++) if (this.#owner[port + i] !== owner) return false;
    return true;
  }
}

function floatHigh(_port: number, size: PortSize): number {
  return size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff;
}

function ignore(): void {}
