/** Bytes kept: more than any screen shows. */
const MOST = 1 << 18;

/** The last bytes that were printed on a console, so that it can be shown as it was. */
export class Scroll {
  #bytes = new Uint8Array(4096);
  /** How many of them count. */
  #length = 0;
  /** Bytes that were printed before the first of them. */
  #gone = 0;

  print(byte: number): void {
    if (this.#length === MOST) {
      this.#gone += MOST / 2;
      this.#bytes.copyWithin(0, MOST / 2);
      this.#length = MOST / 2;
    } else if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }

  /** Back to where so many bytes had been printed. What is gone for good is not shown. */
  cut(printed: number): void {
    this.#length = Math.min(this.#length, Math.max(printed - this.#gone, 0));
    this.#gone = Math.min(this.#gone, printed);
  }

  /** A copy of what is kept. */
  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}
