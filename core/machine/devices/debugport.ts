import type { PortRange } from './bus.ts';
import type { Device, DeviceState, PortHandler } from './device.ts';
import { StateReader } from './state.ts';

export interface DebugPortOptions {
  /** Called at every write with the code. */
  readonly onPost?: (code: number) => void;
}

/** Port 80h, where firmware and test programs leave their power-on self test codes and kernels wait a microsecond. */
export class DebugPort implements Device, PortHandler {
  readonly name = 'debugport';
  readonly ports: readonly PortRange[] = [[0x80, 1]];
  readonly #onPost: ((code: number) => void) | undefined;
  #code = 0;

  constructor(options: DebugPortOptions = {}) {
    this.#onPost = options.onPost;
  }

  /** The last code written. */
  get code(): number {
    return this.#code;
  }

  readPort(): number {
    return this.#code;
  }

  writePort(_port: number, value: number): void {
    this.#code = value;
    this.#onPost?.(value);
  }

  deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  advance(): void {}

  reset(): void {
    this.#code = 0;
  }

  save(): DeviceState {
    return { code: this.#code };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#code = from.byte('code');
    from.end();
  }
}
