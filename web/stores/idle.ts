import type { View } from '../../core/protocol/messages.ts';

/** How far back the meter looks, in milliseconds. */
const SPAN = 500;
/** Share of views in HLT above which a guest counts as idle, and below which it counts as busy; in between nothing changes. */
const IDLE_ABOVE = 0.7;
const BUSY_BELOW = 0.4;

/**
 * Tells whether a running guest is idle. An idle guest leaves HLT for every tick of its timer, and a busy one enters it now
 * and then, so single views differ from frame to frame; the last half second decides.
 */
export class IdleMeter {
  #seen: { readonly at: number; readonly halted: boolean }[] = [];
  #since: number | null = null;
  #idle = false;

  /** Takes a view that came `now` (milliseconds, never going back) and gives the answer. A machine that stands still is not idle. */
  seen(now: number, view: Pick<View, 'running' | 'halted'>): boolean {
    if (!view.running) {
      this.#seen = [];
      this.#since = null;
      this.#idle = false;
      return false;
    }
    this.#since ??= now;
    this.#seen.push({ at: now, halted: view.halted });
    this.#seen = this.#seen.filter(({ at }) => now - at < SPAN);
    if (now - this.#since < SPAN) return this.#idle;
    const share = this.#seen.filter(({ halted }) => halted).length / this.#seen.length;
    if (share > IDLE_ABOVE) this.#idle = true;
    else if (share < BUSY_BELOW) this.#idle = false;
    return this.#idle;
  }
}
