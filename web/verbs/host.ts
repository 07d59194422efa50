/** What verbs need of the page: the machine's state, ways to ask about it, and ways to act on it. A test has its own. */
import type { BreakCount, BreakOn, Breakpoint } from '../../core/protocol/breakpoints.ts';
import type { BackKind, EditableRegister, MemoryWindow, StepKind, View } from '../../core/protocol/messages.ts';
import type { Account } from '../../core/protocol/monitor.ts';
import type { Question } from '../../core/protocol/questions.ts';
import type { AnswerTo } from '../asking.ts';
import type { ModeName } from '../modes.ts';
import type { SymbolIndex } from '../symbols.ts';

/** The guest that is open. */
export interface HostGuest {
  readonly name: string;
  readonly memoryMib: number;
}

export interface Host {
  /** The last view, or null while no guest is open. */
  readonly view: () => View | null;
  readonly guest: () => HostGuest | null;
  readonly symbols: () => SymbolIndex;
  readonly ask: <Q extends Question>(question: Q) => Promise<AnswerTo<Q>>;
  readonly account: () => Promise<Account | null>;

  readonly run: () => void;
  readonly pause: () => void;
  readonly step: (kind: StepKind) => void;
  /** Runs on until this happens once. */
  readonly until: (on: BreakOn) => void;
  readonly goBack: (kind: BackKind, address?: number) => void;
  readonly goTo: (step: number) => void;
  /** Steps at which a breakpoint has stopped the machine, in order. */
  readonly hits: () => readonly number[];
  readonly reset: () => void;
  /** Why the mode cannot be chosen, or null; then it is, or the page asks first. */
  readonly chooseMode: (mode: ModeName) => string | null;
  /** The view after all that was asked of the machine so far is done or under way. */
  readonly settled: () => Promise<View>;
  /** And after it has come to stand still. Rejects with Refusal when the person does not want to wait any more. */
  readonly stopped: () => Promise<View>;

  readonly writeRegister: (register: EditableRegister, value: number) => void;
  readonly writeMemory: (space: MemoryWindow['space'], address: number, bytes: Uint8Array) => void;
  readonly saveSnapshot: () => void;

  readonly breakpoints: () => readonly Breakpoint[];
  readonly breakCounts: () => readonly BreakCount[];
  /** All that are set from now on. Rejects with Refusal, and leaves all as it was, when the worker does not take them. */
  readonly setBreakpoints: (list: readonly Breakpoint[]) => Promise<void>;

  /** Adds lines to what the verb says, before it is done. */
  readonly print: (lines: readonly string[]) => void;
  readonly clear: () => void;
}
