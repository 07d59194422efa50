import type { Processor } from '../machine/cpu/processor.ts';
import type { Exit, Handling, OwnExit } from './exit.ts';
import type { Holes } from './full/holes/holes.ts';

/** The ways in which a guest can be run under the monitor. */
export const MODES = ['trap', 'translate', 'patch', 'para', 'hardware'] as const;
export type MonitorMode = (typeof MODES)[number];

/** How the hardware technique makes the machine's address space for a guest. */
export type Paging = 'shadow' | 'nested';

/** A guest that cannot be run in the mode that was asked for. The message is one clear sentence. */
export class ModeError extends Error {
  override readonly name = 'ModeError';
}

/**
 * Machinery around a virtual machine. Between exit() and enter() the guest's whole state is in its virtual processor, so that one
 * technique can hand over to another.
 */
export interface Technique {
  readonly mode: MonitorMode;
  /** Takes over: tables are built, traces set. */
  start(): void;
  /** Hands over: everything of the guest's is in the virtual processor and its memory. */
  stop(): void;
  /** Whether the machine can run the guest from the virtual processor's state; if not, the monitor emulates instructions until it can. */
  ready(): boolean;
  /** Puts the virtual processor's state on the machine and sets the processor going. */
  enter(): void;
  /** The processor has halted in the monitor: brings the guest's state back into the virtual processor and says why. */
  exit(): Exit;
  /**
   * For those who look while the machine runs the guest: makes `target`, a processor that shares the guest's memory, what the virtual processor
   * would be if the guest were taken off the machine now. Nothing of the guest changes.
   */
  observe(target: Processor): void;
  /** What the processor itself saves when the guest leaves, in the order in which it lies there. */
  readonly savedNames: readonly string[];
  /** Writes the values of the last exit() into an array, which has room for as many. For those who look. */
  saved(into: Int32Array): void;
  /** Whether the machine, in the guest, stands between two of the guest's own instructions. Left out: always. */
  isBetween?(): boolean;
  /** Addresses of the machine's code that stands for the guest's instruction at a linear address. Left out: the same one. */
  placesOf?(address: number): readonly number[];
  /** The guest-linear address of the instruction that the machine's code at a linear address stands for. Left out: the same one. */
  guestOf?(place: number): number;
  /** The guest-physical map has changed. */
  remap?(): void;
  /** Notes where sensitive instructions of the guest go wrong, or no longer (null). Absent where none can. */
  watchHoles?(holes: Holes | null): void;
  /** Handles an exit of its own kinds. */
  serve(exit: OwnExit): Handling;
  /** What it counted of its own, as plain numbers and records. */
  readonly counts?: object;
}
