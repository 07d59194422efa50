/** A set of interrupt vectors: the eight 32-bit registers of an ISR, TMR or IRR (SDM volume 3, 10.8.4). */
export class VectorSet {
  readonly words = new Int32Array(8);

  has(vector: number): boolean {
    return ((this.words[vector >> 5] >>> (vector & 31)) & 1) !== 0;
  }

  add(vector: number): void {
    this.words[vector >> 5] |= 1 << (vector & 31);
  }

  delete(vector: number): void {
    this.words[vector >> 5] &= ~(1 << (vector & 31));
  }

  clear(): void {
    this.words.fill(0);
  }

  /** The highest vector, or -1 when there is none. */
  highest(): number {
    for (let n = 7; n >= 0; n--) {
      if (this.words[n] !== 0) return 32 * n + 31 - Math.clz32(this.words[n]);
    }
    return -1;
  }

  save(): number[] {
    return Array.from(this.words, word => word >>> 0);
  }

  restore(words: readonly number[]): void {
    this.words.set(words.map(word => word | 0));
  }
}
