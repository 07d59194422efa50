import type { PortRange } from './bus.ts';
import type { Device, DeviceState, PortHandler } from './device.ts';
import { StateReader } from './state.ts';

const FAST_INIT = 0x01;
const ALT_A20_GATE = 0x02;

export interface FastA20Options {
  /** Called when this port's A20 bit changes. Address line 20 is on while this port or the keyboard controller wants it. */
  readonly onA20: (enabled: boolean) => void;
  /** Called when the fast reset bit goes from 0 to 1. */
  readonly onReset: () => void;
}

/** Port 92h, PS/2 system control port A (82371, "Port 92"): fast A20 and fast processor reset. */
export class FastA20 implements Device, PortHandler {
  readonly name = 'fastA20';
  readonly ports: readonly PortRange[] = [[0x92, 1]];
  readonly #options: FastA20Options;
  #value = 0;

  constructor(options: FastA20Options) {
    this.#options = options;
  }

  readPort(): number {
    return this.#value;
  }

  writePort(_port: number, value: number): void {
    const changed = this.#value ^ value;
    this.#value = value & (FAST_INIT | ALT_A20_GATE);
    if ((changed & ALT_A20_GATE) !== 0) this.#options.onA20((value & ALT_A20_GATE) !== 0);
    if ((changed & value & FAST_INIT) !== 0) this.#options.onReset();
  }

  deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  advance(): void {}

  reset(): void {
    if ((this.#value & ALT_A20_GATE) !== 0) this.#options.onA20(false);
    this.#value = 0;
  }

  save(): DeviceState {
    return { value: this.#value };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#value = from.uint('value', FAST_INIT | ALT_A20_GATE);
    from.end();
  }
}
