import type { StateReader } from './state.ts';

/** A queue of bytes with a fixed capacity, in one allocation. */
export class ByteFifo {
  readonly #bytes: Uint8Array;
  #first = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** How many more bytes fit. */
  get room(): number {
    return this.#bytes.length - this.#length;
  }

  /** Puts a byte at the end; the caller has made sure of room. */
  push(byte: number): void {
    this.#bytes[(this.#first + this.#length) % this.#bytes.length] = byte;
    this.#length++;
  }

  /** Takes the byte at the front; 0 when there is none. */
  shift(): number {
    if (this.#length === 0) return 0;
    const byte = this.#bytes[this.#first];
    this.#first = (this.#first + 1) % this.#bytes.length;
    this.#length--;
    return byte;
  }

  clear(): void {
    this.#first = 0;
    this.#length = 0;
  }

  save(): number[] {
    return Array.from({ length: this.#length }, (_, i) => this.#bytes[(this.#first + i) % this.#bytes.length]);
  }

  restore(from: StateReader, key: string): void {
    this.clear();
    for (const byte of from.bytes(key, 0, this.#bytes.length)) this.push(byte);
  }
}
