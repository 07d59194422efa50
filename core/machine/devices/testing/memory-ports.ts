import type { MemoryHandler } from '../../physical.ts';
import type { PortRange } from '../bus.ts';
import type { Device, PortHandler, PortSize } from '../device.ts';

/** A memory-mapped device for a bench, which has ports: port n is the doubleword at offset 16 n. */
export function asPorts(
  device: Device & MemoryHandler,
  base: number,
  count: number,
): Device & PortHandler & { readonly ports: readonly PortRange[] } {
  return {
    name: device.name,
    ports: [[0, count, 1]],
    deadline: () => device.deadline(),
    advance: now => device.advance(now),
    reset: () => device.reset(),
    save: () => device.save(),
    restore: state => device.restore(state),
    readPort: (port: number, _size: PortSize) => device.readMemory(base + 16 * port, 4),
    writePort: (port: number, value: number) => device.writeMemory(base + 16 * port, 4, value),
  };
}
