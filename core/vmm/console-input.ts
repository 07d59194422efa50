import type { Host } from './host/host.ts';

const UART_DATA = 0x3f8;
const UART_LINE_STATUS = 0x3fd;
const DATA_READY = 1;

/** What came to the machine's serial port, which is the monitor's, and waits until the guest's has room. */
export class ConsoleInput {
  readonly #host: Host;
  #bytes: number[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  get waiting(): readonly number[] {
    return this.#bytes;
  }

  /** Takes what has come. */
  fetch(): void {
    while ((this.#host.in(UART_LINE_STATUS) & DATA_READY) !== 0) this.#bytes.push(this.#host.in(UART_DATA));
  }

  /** Gives what waits to `receive`, which returns how many bytes it took. */
  feed(receive: (bytes: readonly number[]) => number): void {
    if (this.#bytes.length === 0) return;
    const taken = receive(this.#bytes);
    this.#bytes = this.#bytes.slice(taken);
  }
}
