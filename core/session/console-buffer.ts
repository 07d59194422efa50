import { Scroll } from './scroll.ts';

/** Console bytes kept for a page that does not take them. */
const LIMIT = 1 << 16;

/** What the guest prints, until the page takes it; and all that it has printed, for when the machine goes back in time. */
export class ConsoleBuffer {
  readonly #bytes = new Uint8Array(LIMIT);
  #length = 0;
  #dropped = 0;
  readonly #scroll = new Scroll();
  /** The console begins anew with the next view. */
  #isAnew = false;

  print(byte: number): void {
    this.#scroll.print(byte);
    if (this.#length === LIMIT) this.#dropped++;
    else this.#bytes[this.#length++] = byte;
  }

  /** The machine is where it had printed so many bytes: the page is to show that. */
  rewind(printed: number): void {
    this.#scroll.cut(printed);
    this.#isAnew = true;
  }

  /** What came since it was last taken, or all that stands there now. */
  take(): { readonly console: Uint8Array; readonly consoleDropped: number; readonly consoleAnew: boolean } {
    const isAnew = this.#isAnew;
    const taken = {
      console: isAnew ? this.#scroll.bytes : this.#bytes.slice(0, this.#length),
      consoleDropped: isAnew ? 0 : this.#dropped,
      consoleAnew: isAnew,
    };
    this.#isAnew = false;
    this.#length = 0;
    this.#dropped = 0;
    return taken;
  }
}
