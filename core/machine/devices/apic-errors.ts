import type { DeviceState } from './device.ts';
import type { StateReader } from './state.ts';

/** ESR (SDM volume 3, figure 10-9). */
export const ERROR = { sendIllegalVector: 0x20, receiveIllegalVector: 0x40, illegalRegister: 0x80 } as const;
const ERRORS = ERROR.sendIllegalVector | ERROR.receiveIllegalVector | ERROR.illegalRegister;

/** The error status register (10.5.3): it shows what has come together when it is written. */
export class ErrorStatus {
  /** Errors since the last write, and what that write made readable. */
  #errors = 0;
  #status = 0;

  reset(): void {
    this.#errors = 0;
    this.#status = 0;
  }

  read(): number {
    return this.#status;
  }

  write(): void {
    this.#status = this.#errors;
    this.#errors = 0;
  }

  /** Notes an error. Returns whether it is the first since the last write: the interrupt comes with that one. */
  note(error: number): boolean {
    const isFirst = this.#errors === 0;
    this.#errors |= error;
    return isFirst;
  }

  save(): DeviceState {
    return { errors: this.#errors, errorStatus: this.#status };
  }

  restore(from: StateReader): void {
    this.#errors = from.uint('errors', ERRORS);
    this.#status = from.uint('errorStatus', ERRORS);
  }
}
