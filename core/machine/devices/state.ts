import type { DeviceState, DeviceValue } from './device.ts';

/**
 * Reads the fields of a saved state with their types and ranges checked. Every method throws TypeError with one
 * sentence that names the device and the field. A device whose restore() threw holds a mixture: reset it or restore
 * something else.
 */
export class StateReader {
  readonly #device: string;
  readonly #state: DeviceState;
  readonly #unread: Set<string>;

  constructor(device: string, state: DeviceState) {
    this.#device = device;
    if (!isRecord(state)) throw new TypeError(`The saved state of ${device} must be an object.`);
    this.#state = state;
    this.#unread = new Set(Object.keys(state));
  }

  /** An integer from 0 to `max`. */
  uint(key: string, max: number): number {
    return this.integer(key, 0, max);
  }

  integer(key: string, min: number, max: number): number {
    const value = this.#take(key);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      throw this.#wrong(key, `an integer from ${min} to ${max}`);
    }
    return value;
  }

  byte(key: string): number {
    return this.uint(key, 0xff);
  }

  flag(key: string): boolean {
    const value = this.#take(key);
    if (typeof value !== 'boolean') throw this.#wrong(key, 'true or false');
    return value;
  }

  /** A moment (nanoseconds or ticks) as saveMoment() wrote it: null stands for Infinity, "never". */
  moment(key: string): number {
    const value = this.#take(key);
    if (value === null) return Number.POSITIVE_INFINITY;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw this.#wrong(key, 'a moment or null');
    return value;
  }

  /** A list of at least `min` and at most `max` bytes. */
  bytes(key: string, min: number, max: number): number[] {
    const value = this.#take(key);
    if (!Array.isArray(value) || value.length < min || value.length > max || !value.every(isByte)) {
      throw this.#wrong(key, min === max ? `${max} bytes` : `${min} to ${max} bytes`);
    }
    return value;
  }

  /** A list of `count` integers from 0 to `max`. */
  uints(key: string, count: number, max: number): number[] {
    const value = this.#take(key);
    const fits = (item: DeviceValue): item is number =>
      typeof item === 'number' && Number.isSafeInteger(item) && item >= 0 && item <= max;
    if (!Array.isArray(value) || value.length !== count || !value.every(fits)) {
      throw this.#wrong(key, `${count} integers from 0 to ${max}`);
    }
    return value;
  }

  oneOf<T extends string>(key: string, choices: readonly T[]): T {
    const value = this.#take(key);
    for (const choice of choices) if (choice === value) return choice;
    throw this.#wrong(key, `one of ${choices.join(', ')}`);
  }

  /** The state of a part, with its own reader. */
  part(key: string): StateReader {
    const value = this.#take(key);
    if (!isRecord(value)) throw this.#wrong(key, 'an object');
    return new StateReader(`${this.#device}.${key}`, value);
  }

  /** The states of `count` equal parts. */
  parts(key: string, count: number): StateReader[] {
    const value = this.#take(key);
    if (!Array.isArray(value) || value.length !== count || !value.every(isRecord)) {
      throw this.#wrong(key, `a list of ${count} objects`);
    }
    return value.map((part, i) => new StateReader(`${this.#device}.${key}[${i}]`, part));
  }

  /** Says that everything has been read; a key that nobody asked for is somebody else's state. */
  end(): void {
    for (const key of this.#unread) throw new TypeError(`The saved state of ${this.#device} has an unknown '${key}'.`);
  }

  #take(key: string): DeviceValue | undefined {
    this.#unread.delete(key);
    return Object.hasOwn(this.#state, key) ? this.#state[key] : undefined;
  }

  #wrong(key: string, expected: string): TypeError {
    return new TypeError(`In the saved state of ${this.#device}, '${key}' must be ${expected}.`);
  }
}

/** Infinity has no JSON form; null stands for it. */
export function saveMoment(moment: number): number | null {
  return moment === Number.POSITIVE_INFINITY ? null : moment;
}

function isRecord(value: unknown): value is DeviceState {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isByte(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xff;
}
