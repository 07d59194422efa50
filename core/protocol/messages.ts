/**
 * What page and worker say to each other. Types only: the page imports nothing else of core.
 *
 * The page pulls: it sends `frame` once per animation frame, and the worker answers with one View between two slices.
 * A hidden page sends no frames, so the worker stops running by itself.
 */

import type { BreakCount, BreakHit, BreakOn, Breakpoint } from './breakpoints.ts';
import type { MonitorView, MonitorWindows, Setting } from './monitor.ts';
import type { Answer, Question } from './questions.ts';

/** A guest that the page can offer without asking for a file. */
export interface GuestEntry {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Addresses relative to the page. */
  readonly kernel: string;
  readonly initrd: string | null;
  /** Symbols and source lines, or null. */
  readonly symbols: string | null;
  readonly commandLine: string;
  readonly memoryMib: number;
}

/** Symbols and lines as core/guests/boot.ts describes them; the page reads names, files and lines from it. */
export interface Symbols {
  readonly symbols: readonly { readonly name: string; readonly address: number; readonly size: number }[];
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly lines: readonly (readonly [number, number, number])[];
}

export type Register32 = 'eax' | 'ecx' | 'edx' | 'ebx' | 'esp' | 'ebp' | 'esi' | 'edi';
export type DebugRegister = 'dr0' | 'dr1' | 'dr2' | 'dr3' | 'dr6' | 'dr7';
/** A word of an XMM register, 0 the lowest. */
export type VectorWord = `xmm${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}.${0 | 1 | 2 | 3}`;
export type EditableRegister = Register32 | 'eip' | 'eflags' | 'mxcsr' | DebugRegister | VectorWord;

/** The part of code that the page shows. `follow` keeps EIP in view. */
export interface CodeWindow {
  readonly follow: boolean;
  /** Linear address of the row to show when not following. */
  readonly address: number;
  /** Instructions to list before and after that row. */
  readonly before: number;
  readonly after: number;
}

/** The part of memory that the page shows, by linear or physical address. */
export interface MemoryWindow {
  readonly space: 'linear' | 'physical';
  readonly address: number;
  /** Bytes, at most 4096. */
  readonly length: number;
}

/**
 * `into`, `over`, `out`: by the guest's instructions, whatever the monitor does for them. `machine`: by one instruction of the machine's
 * processor, also the monitor's. `trap`: on until the guest has left for the monitor and come back; bare: until something was delivered.
 */
export type StepKind = 'into' | 'over' | 'out' | 'machine' | 'trap';

/**
 * Back to before: the guest's last instruction; the last time that it left for the monitor, bare that something went through its IDT; the last
 * change of four bytes of memory.
 */
export type BackKind = 'step' | 'trap' | 'write';

export type ToWorker =
  /** Opens a machine with an image; whatever ran before goes on until the new one is ready, and is kept if it fails. */
  | {
      readonly type: 'open';
      /** Shown in the page and in messages. */
      readonly name: string;
      readonly kernel: Uint8Array;
      readonly initrd: Uint8Array | null;
      readonly symbols: string | null;
      readonly commandLine: string;
      readonly memoryMib: number;
      /** Run until just before the first privileged instruction, then pause. */
      readonly stopBeforePrivileged: boolean;
      readonly setting: Setting;
    }
  /**
   * Runs the guest in another mode. It goes on at its instruction; from and to `para` it would need another kernel, so that is refused: the
   * page opens that one.
   */
  | { readonly type: 'mode'; readonly setting: Setting }
  | { readonly type: 'run' }
  | { readonly type: 'pause' }
  | { readonly type: 'step'; readonly kind: StepKind }
  /**
   * Back in time, by replaying; pause gives up. Going on from there, what came from outside comes again at its moments, until something new
   * comes. `address`: linear, of the four bytes.
   */
  | { readonly type: 'back'; readonly kind: BackKind; readonly address?: number }
  | { readonly type: 'reset' }
  /** Keys or pasted text for the serial console, as bytes. */
  | { readonly type: 'input'; readonly bytes: Uint8Array }
  /** All that are set from now on. One whose condition means nothing has all refused. */
  | { readonly type: 'breakpoints'; readonly breakpoints: readonly Breakpoint[] }
  /** Runs on until this happens once. */
  | { readonly type: 'until'; readonly on: BreakOn }
  /** Back, or on within the known past, to this step since the guest was opened. */
  | { readonly type: 'goTo'; readonly step: number }
  /**
   * Goes back to before the guest's last instruction that left for the monitor (bare: that was privileged), changes the mode and executes it
   * there; right after that, it does so with the same instruction again. One behind STI or a load of SS is passed over, since no monitor lets
   * it go alone. Not from or to `para`.
   */
  | { readonly type: 'sameStep'; readonly setting: Setting }
  /** The answer is `answer` with the same id. */
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  | {
      readonly type: 'windows';
      readonly code: CodeWindow;
      readonly memory: MemoryWindow | null;
      readonly monitor: MonitorWindows;
    }
  | { readonly type: 'writeRegister'; readonly register: EditableRegister; readonly value: number }
  | {
      readonly type: 'writeMemory';
      readonly space: MemoryWindow['space'];
      readonly address: number;
      readonly bytes: Uint8Array;
    }
  /** Asks for a file that `restore` takes; the answer is `snapshot`. */
  | { readonly type: 'save' }
  | { readonly type: 'restore'; readonly file: Uint8Array }
  /** Asks for what the timeline holds as a file; the answer is `trace`. */
  | { readonly type: 'trace' }
  | { readonly type: 'frame' };

/** Why the machine does not run. */
export type StopReason =
  /** Opened or reset, nothing has run. */
  | { readonly kind: 'start' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'step' }
  /** `address`: of the next instruction. */
  | { readonly kind: 'breakpoint'; readonly address: number; readonly hit?: BreakHit }
  /** About to execute the first privileged instruction. */
  | { readonly kind: 'privileged' }
  /** The guest switched the machine off. Only reset or another guest goes on. */
  | { readonly kind: 'powerOff' }
  /** HLT with interrupts off: nothing can wake this processor. */
  | { readonly kind: 'deadHalt' }
  | { readonly kind: 'tripleFault'; readonly report: string }
  /** An instruction that Ringside does not do: bytes, address and mode are in the report. */
  | { readonly kind: 'unimplemented'; readonly report: string };

/** Registers of the processor, 32 bits each, unsigned. */
export interface Registers {
  readonly general: Uint32Array;
  readonly eip: number;
  readonly eflags: number;
  readonly cr0: number;
  readonly cr2: number;
  readonly cr3: number;
  readonly cr4: number;
  readonly cpl: 0 | 1 | 2 | 3;
  /** ES CS SS DS FS GS LDTR TR, with their hidden parts. */
  readonly segments: readonly SegmentView[];
  readonly gdtr: { readonly base: number; readonly limit: number };
  readonly idtr: { readonly base: number; readonly limit: number };
}

export interface SegmentView {
  readonly selector: number;
  readonly base: number;
  /** Limit in bytes, inclusive. */
  readonly limit: number;
  /** The manual's words: "code 32 execute/read", "data read/write", "TSS 32 busy", "null". */
  readonly description: string;
}

/** How an instruction stands to privilege: for the badge in the code view. */
export type InstructionClass = 'plain' | 'privileged' | 'io' | 'sensitive';

export interface CodeRow {
  readonly address: number;
  /** 1 to 15 bytes; empty where memory is not mapped. */
  readonly bytes: Uint8Array;
  readonly text: string;
  /** "switch_space" or "switch_space+0x1e"; null without symbols. */
  readonly symbol: string | null;
  readonly class: InstructionClass;
  /** The machine has a breakpoint in its place, which calls the monitor. */
  readonly patched?: boolean;
}

/** What is kept of a machine's past. */
export interface PastView {
  /** The first step that one can go back to. */
  readonly from: number;
  /** Whether the machine is in its past: what came from outside after this moment will come again. */
  readonly isPast: boolean;
  /** Whether it looks for a moment to go back to. */
  readonly isSearching: boolean;
  /** Bytes that the checkpoints keep. */
  readonly bytes: number;
}

/** Everything the page draws, taken between two slices. */
export interface View {
  readonly type: 'view';
  /** Counts views since the worker started. */
  readonly serial: number;
  readonly running: boolean;
  /** Whether HLT waits for an interrupt right now. */
  readonly halted: boolean;
  readonly stop: StopReason;
  /** Steps since the guest was opened, over all resets. */
  readonly instructions: number;
  /** Instructions a second of the reader's clock, over the last second; 0 when paused. */
  readonly rate: number;
  /** Virtual seconds since reset. */
  readonly seconds: number;
  /** As the guest believes them to be. */
  readonly registers: Registers;
  readonly monitor: MonitorView;
  /**
   * Sent when the machine is paused, or at most some times a second when it runs; null means: keep what you have. A machine that runs sends memory,
   * walks, tables and translations with it only.
   */
  readonly code: readonly CodeRow[] | null;
  /** Bytes of the memory window, -1 where nothing is mapped; null without a window. */
  readonly memory: { readonly window: MemoryWindow; readonly bytes: Int16Array } | null;
  /** Console output since the last view. */
  readonly console: Uint8Array;
  /** The machine has gone back in time: `console` is what stood there then, in place of all that came before. */
  readonly consoleAnew?: boolean;
  /** How far back the machine can go; null: not at all. */
  readonly past?: PastView | null;
  /** How often each breakpoint was met; only what is not 0. */
  readonly breakCounts?: readonly BreakCount[];
  /** Console bytes that were dropped because the page did not take them in time. */
  readonly consoleDropped: number;
}

export type FromWorker =
  | View
  | {
      readonly type: 'opened';
      readonly name: string;
      readonly kind: string;
      readonly memoryMib: number;
      readonly symbols: Symbols | null;
    }
  /** Something that was asked for could not be done: one clear sentence. What ran before still runs. */
  | { readonly type: 'refused'; readonly request: ToWorker['type']; readonly message: string }
  | { readonly type: 'snapshot'; readonly name: string; readonly file: Uint8Array }
  | { readonly type: 'answer'; readonly id: number; readonly answer: Answer }
  /** Chrome trace JSON, which Perfetto opens. */
  | { readonly type: 'trace'; readonly name: string; readonly file: Uint8Array }
  /** The worker itself failed. The page explains, and starts another. */
  | { readonly type: 'crashed'; readonly message: string };
