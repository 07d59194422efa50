import type { PortRange } from './bus.ts';
import type { PortHandler } from './device.ts';

/**
 * The port through which test suites end an emulator (QEMU's isa-debug-exit). No PC has it, so a board has it only on
 * request. It keeps nothing, so it is not a Device.
 */
export class DebugExit implements PortHandler {
  readonly ports: readonly PortRange[] = [[0xf4, 4, 4]];
  readonly #onExit: (code: number) => void;

  /** `onExit`: called with the value written. */
  constructor(onExit: (code: number) => void) {
    this.#onExit = onExit;
  }

  readPort(): number {
    return 0;
  }

  writePort(_port: number, value: number): void {
    this.#onExit(value);
  }
}
