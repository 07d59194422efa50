import type { PortRange } from './bus.ts';
import type { PortHandler, PortSize } from './device.ts';

export interface DebugExitOptions {
  /** First of the four ports; 0xf4 is what test suites expect. */
  readonly port?: number;
  /** Called with the value written. QEMU's exit status for it would be `value << 1 | 1`. */
  readonly onExit: (value: number) => void;
}

/**
 * The port through which test programs end an emulator (QEMU's isa-debug-exit). No PC has it, so a board has it only on
 * request. It keeps nothing, so it is not a Device.
 */
export class DebugExit implements PortHandler {
  readonly ports: readonly PortRange[];
  readonly #onExit: (value: number) => void;

  constructor(options: DebugExitOptions) {
    this.ports = [[options.port ?? 0xf4, 4, 4]];
    this.#onExit = options.onExit;
  }

  readPort(): number {
    return 0;
  }

  writePort(_port: number, value: number, _size: PortSize): void {
    this.#onExit(value);
  }
}
