import { ERRNO, type Errno, HYPERCALL, type HypercallName } from '../../para/abi.ts';
import type { Domain } from '../../para/domain.ts';
import { perform } from '../../para/hypercalls/table.ts';
import { findWrong } from './invariants.ts';
import { BASE, bytesOf, DATA, MEMORY_BYTES, SPIN, startWorld, type World } from './kernel.ts';

/** A linear address that no table maps. */
export const UNMAPPED = 0x10000000;
/** Mapped read-only: a page table. */
export const READ_ONLY = BASE + 0x124 * 4096;
/** The monitor's. */
export const HOLE = 0xf5800000;

/** Calls the monitor on behalf of a guest that does nothing by itself. */
export class Caller {
  readonly world: World;
  #next = DATA;

  /** `code`: what the guest is to run later. */
  constructor(code: Uint8Array = bytesOf(SPIN)) {
    this.world = startWorld(code);
  }

  get domain(): Domain {
    const { para } = this.world.monitor;
    if (para === null) throw new TypeError('not paravirtualized');
    return para.domain;
  }

  call(name: HypercallName, ...args: readonly number[]): number {
    const word = (n: number) => (args[n] ?? 0) >>> 0;
    const answer = perform(this.domain, HYPERCALL[name], [word(0), word(1), word(2), word(3), word(4), word(5)]);
    this.check();
    return answer;
  }

  /** Puts words into guest memory; answers where. */
  put(...words: readonly number[]): number {
    const at = this.#next;
    words.forEach((word, n) => {
      this.domain.access.write(at + n * 4, 4, word | 0);
    });
    this.#next += (words.length * 4 + 7) & ~7;
    return at;
  }

  read(linear: number): number {
    this.domain.access.forget();
    return this.domain.access.word(linear);
  }

  /** Machine frame of a pseudo-physical page. */
  frame(page: number): number {
    return this.world.monitor.vm.memory.map[page];
  }

  get pages(): number {
    return MEMORY_BYTES >>> 12;
  }

  /** What is no longer true of what the frame table says: nothing, if all is well. */
  wrong(): string[] {
    const { tables, descriptors, shared } = this.domain;
    const held = [
      ...descriptors.held.map(frame => ({ frame, type: 'descriptors' as const })),
      { frame: Math.floor(shared.address / 4096), type: 'writable' as const },
      ...shared.heldFrames.map(frame => ({ frame, type: 'writable' as const })),
    ];
    return findWrong(this.world.monitor.vm.memory.machine, tables, held);
  }

  /** Throws if anything is wrong. */
  check(): void {
    const wrong = this.wrong();
    if (wrong.length > 0) throw new Error(wrong.join('; '));
  }
}

/** What a hypercall answers for an error. */
export function error(errno: Errno): number {
  return -ERRNO[errno];
}
