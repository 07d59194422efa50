import type { Engine } from '../../core/machine/translate/translator.ts';
import type { Figure } from './lines.ts';

/** What a machine is given to do, and what comes of it. Machines run in a worker of Node or of a browser: nothing here knows which. */

/** The benchmark cannot be made. The message is one sentence for a person. */
export class GuestError extends Error {
  override readonly name = 'GuestError';
}

/** A run went wrong. The message is for a person, and what was said last. */
export class RunError extends Error {
  override readonly name = 'RunError';
}

export interface Guest {
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly commandLine: string;
}

/** What v86 needs besides its script. */
export interface V86Files {
  readonly wasm: Uint8Array;
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
}

/** The engines of Ringside, and its peers. */
export const MACHINES = ['regions', 'blocks', 'interpret', 'execute', 'v86', 'v86-interpreter', 'qemu'] as const;
export type MachineName = (typeof MACHINES)[number];

interface RingsideTask {
  readonly machine: Engine;
  readonly guest: Guest;
}

interface V86Task {
  readonly machine: 'v86' | 'v86-interpreter';
  readonly guest: Guest;
  readonly files: V86Files;
}

interface QemuTask {
  readonly machine: 'qemu';
  readonly guest: Guest;
}

/** What a worker can do by itself. */
export type ScriptTask = RingsideTask | V86Task;
export type Task = ScriptTask | QemuTask;

export interface Outcome {
  readonly figures: readonly Figure[];
  /** Instructions retired, if the engine counts them. */
  readonly instructions: number | null;
}

/** What a worker says at its end: what came of the task, or what went wrong. */
export type Answer = Outcome | string;

/** Bytes of a browser's process. */
export interface Memory {
  /** At most, without the files. */
  readonly own: number;
  /** Pages of the browser's program and libraries, which all of its processes share. */
  readonly files: number;
}

export interface Measured extends Outcome {
  /** The most memory that its process had, if it had one to itself. */
  readonly memory: Memory | null;
}

/** Where machines run. */
export interface Host {
  readonly title: string;
  /** Makes ready for a task; what it gives does it, in a new worker each time, and throws RunError. Throws GuestError if it cannot be done there. */
  readonly prepare: (task: Task) => () => Promise<Measured>;
  readonly close: () => Promise<void>;
}
