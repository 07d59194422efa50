import { CR4 } from '../../ia32/registers.ts';
import * as L from './layout.ts';
import type { WatchHit, WatchRange } from './watch.ts';

/** Debug registers (SDM volume 3, 17.2). */

/** DR6 bits that say what happened; all others are fixed. */
export const DR6 = {
  /** B0 to B3: a breakpoint's condition was met. */
  breakpoints: 15,
  /** BD: access to a debug register under DR7.GD. */
  access: 1 << 13,
  /** BS: single step. */
  singleStep: 1 << 14,
  /** BT: a switch to a task with the debug trap flag. */
  taskSwitch: 1 << 15,
} as const;
export const DR6_FIXED = 0xffff0ff0 | 0;
/** What of DR6 can be written. */
export const DR6_WRITABLE = 0xe00f;

export const DR7 = {
  /** L0, G0 to L3, G3. */
  enabled: 0xff,
  /** L0 to L3 and LE: a task switch clears them. */
  local: 0x155,
  /** GD: every access to a debug register raises #DB. */
  generalDetect: 1 << 13,
} as const;
export const DR7_FIXED = 0x400;
export const DR7_WRITABLE = 0xffff2bff | 0;

/** Among the pending debug exceptions: an enabled breakpoint was met (table 24-4). */
export const BREAKPOINT_ENABLED = 1 << 12;

/** R/W fields of DR7. */
const ON_EXECUTION = 0;
const ON_WRITE = 1;
const ON_PORT = 2;
/** Bytes by LEN field; 2 is undefined, and 8 bytes where processors have it. */
const LENGTHS = [1, 2, 8, 4] as const;

interface PortBreakpoint {
  readonly first: number;
  readonly last: number;
  /** Its bit in DR6. */
  readonly bit: number;
}

/** The breakpoints that DR0 to DR3 and DR7 enable, as ranges to watch, and which of them an instruction has met. */
export class Breakpoints {
  /** Conditions that the instruction which runs has met: B0 to B3. */
  hits = 0;
  #isActive = false;
  readonly #bits = new Map<WatchRange, number>();
  #ports: readonly PortBreakpoint[] = [];

  /** What to watch, or null where nothing has to change: none before and none now. */
  ranges(i32: Int32Array): readonly WatchRange[] | null {
    const control = i32[L.W_DR + 7];
    if ((control & DR7.enabled) === 0 && !this.#isActive) return null;
    this.#isActive = (control & DR7.enabled) !== 0;
    this.#bits.clear();
    const ports: PortBreakpoint[] = [];
    for (let n = 0; n < 4; n++) {
      if (((control >>> (2 * n)) & 3) === 0) continue;
      const type = (control >>> (16 + 4 * n)) & 3;
      const length = type === ON_EXECUTION ? 1 : LENGTHS[(control >>> (18 + 4 * n)) & 3];
      const address = i32[L.W_DR + n] & -length;
      if (type === ON_PORT) {
        // Without CR4.DE the field is undefined.
        const port = address & 0xffff;
        if ((i32[L.W_CR4] & CR4.DE) !== 0) ports.push({ first: port, last: port + length - 1, bit: 1 << n });
        continue;
      }
      const isData = type !== ON_EXECUTION;
      const range = { address, length, read: isData && type !== ON_WRITE, write: isData, execute: !isData };
      this.#bits.set(range, 1 << n);
    }
    this.#ports = ports;
    return [...this.#bits.keys()];
  }

  met(hit: WatchHit): void {
    this.hits |= this.#bits.get(hit.range) ?? 0;
  }

  /** An access of `size` bytes to a port was made. */
  noticePort(port: number, size: number): void {
    for (const { first, last, bit } of this.#ports) if (port <= last && port + size > first) this.hits |= bit;
  }

  /** The conditions that were met, which are then forgotten. */
  take(): number {
    const { hits } = this;
    this.hits = 0;
    return hits;
  }
}
