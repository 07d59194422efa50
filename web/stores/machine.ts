import { createStore } from 'zustand/vanilla';
import type { CodeRow, FromWorker, Registers, ToWorker, View } from '../../core/protocol/messages.ts';
import type { PageGuest } from '../guests.ts';
import { type ModeName, modeOf } from '../modes.ts';
import { indexSymbols, linearEip, type SymbolIndex } from '../symbols.ts';

export type OpenMessage = Extract<ToWorker, { type: 'open' }>;
export type OpenedMessage = Extract<FromWorker, { type: 'opened' }>;

interface Image {
  readonly commandLine: string;
  readonly kernelBytes: number;
  readonly initrdBytes: number | null;
}

/** The guest that is in the machine. */
interface Guest {
  readonly name: string;
  readonly kind: string;
  readonly memoryMib: number;
  /** What was loaded; null for a guest that came with a snapshot. */
  readonly image: Image | null;
  /** The guest of the page that it is, or null: its other kernels are known from here. */
  readonly source: PageGuest | null;
  readonly symbols: SymbolIndex;
  readonly symbolCount: number;
}

/** Why there is no machine any more. */
export type Failure = { readonly kind: 'crashed'; readonly message: string } | { readonly kind: 'silent' };

export interface MachineState {
  readonly guest: Guest | null;
  readonly view: View | null;
  /** The last code rows that came. */
  readonly code: readonly CodeRow[];
  /** Linear address of the next instruction, and the privilege level, when they came: code of a running machine is older. */
  readonly codeEip: number | null;
  readonly codeCpl: Registers['cpl'];
  /** Whether a running guest spends its time in HLT (see IdleMeter): a single view may be of either state. */
  readonly idle: boolean;
  /** Registers of this stop and of the one before: what differs has changed. */
  readonly stopped: Stopped | null;
  readonly before: Registers | null;
  /** What the last step has executed, if that is known. */
  readonly executed: Executed | null;
  /** A step was asked for and has not shown yet. */
  readonly stepping: boolean;
  /** A reset was asked for and has not shown yet. */
  readonly resetting: boolean;
  readonly failure: Failure | null;
  readonly consoleDropped: number;
  /** Whether the guest has written anything since it was started. */
  readonly consoleUsed: boolean;
}

export interface Executed {
  readonly row: CodeRow;
  /** Instructions retired since the stop before; 0 when the instruction raised an exception instead. */
  readonly retired: number;
}

interface Stopped {
  readonly instructions: number;
  readonly registers: Registers;
}

const noSymbols = indexSymbols(null);

export const machine = createStore<MachineState>(() => ({
  guest: null,
  view: null,
  code: [],
  codeEip: null,
  codeCpl: 0,
  idle: false,
  stopped: null,
  before: null,
  executed: null,
  stepping: false,
  resetting: false,
  failure: null,
  consoleDropped: 0,
  consoleUsed: false,
}));

/** Whether this is the first view after a reset that the reader asked for. */
export function startsAgain(state: MachineState, view: View): boolean {
  return state.resetting && view.stop.kind === 'start';
}

/** What every view changes, also one that the panels do not show. */
export function withConsole(state: MachineState, view: View): Pick<MachineState, 'consoleDropped' | 'consoleUsed'> {
  return {
    consoleDropped: state.consoleDropped + view.consoleDropped,
    consoleUsed: (state.consoleUsed && !startsAgain(state, view)) || view.console.length > 0,
  };
}

/** The code of a view, and where in it the machine stands. A running machine that sends none keeps both. */
export function withCode(state: MachineState, view: View): Pick<MachineState, 'code' | 'codeEip' | 'codeCpl'> {
  const { code, codeEip, codeCpl } = state;
  if (view.running && view.code === null) return { code, codeEip, codeCpl };
  return { code: view.code ?? code, codeEip: linearEip(view.registers), codeCpl: view.registers.cpl };
}

/** What a new view changes. `idle` is the answer of the IdleMeter. */
export function withView(state: MachineState, view: View, idle: boolean): Partial<MachineState> {
  const common = {
    view,
    idle,
    ...withCode(state, view),
    ...withConsole(state, view),
  };
  if (view.running) return common;
  const here = { instructions: view.instructions, registers: view.registers };
  const last = state.stopped;
  if (last === null || startsAgain(state, view)) {
    return { ...common, stopped: here, before: null, executed: null, stepping: false, resetting: false };
  }
  const ran = state.view?.running === true || view.instructions !== last.instructions;
  // An instruction that raises an exception does not retire, and yet the step has led elsewhere.
  const raised = state.stepping && view.registers.eip !== last.registers.eip;
  if (ran || raised) {
    const row = state.stepping ? state.code.find(line => line.address === linearEip(last.registers)) : undefined;
    const executed = row === undefined ? null : { row, retired: view.instructions - last.instructions };
    return { ...common, stopped: here, before: last.registers, executed, stepping: false };
  }
  // An edited register belongs to the same stop: it shows as changed against the one before.
  return { ...common, stopped: { ...last, registers: view.registers }, before: state.before ?? last.registers };
}

/** A new guest: nothing of the old one stays but what the page itself remembers. */
export function withGuest(
  request: OpenMessage | null,
  opened: OpenedMessage,
  source: PageGuest | null = null,
): Partial<MachineState> {
  return {
    guest: {
      name: opened.name,
      kind: opened.kind,
      memoryMib: opened.memoryMib,
      image: request === null ? null : imageOf(request),
      source,
      symbols: opened.symbols === null ? noSymbols : indexSymbols(opened.symbols),
      symbolCount: opened.symbols?.symbols.length ?? 0,
    },
    view: null,
    code: [],
    codeEip: null,
    codeCpl: 0,
    idle: false,
    stopped: null,
    before: null,
    executed: null,
    stepping: false,
    resetting: false,
    consoleDropped: 0,
    consoleUsed: false,
  };
}

function imageOf({ commandLine, kernel, initrd }: OpenMessage): Image {
  return { commandLine, kernelBytes: kernel.length, initrdBytes: initrd?.length ?? null };
}

/** The mode of the guest that is open, or null. */
export function presentMode({ view }: MachineState): ModeName | null {
  return view === null ? null : modeOf(view.monitor.setting);
}

/** The symbols of the guest, empty without one. */
export function symbolsOf(state: MachineState): SymbolIndex {
  return state.guest?.symbols ?? noSymbols;
}

/** A stop after which nothing but a reset, or another guest, goes on. */
export function isFinal(view: View): boolean {
  const kind = view.stop.kind;
  return !view.running && (kind === 'powerOff' || kind === 'tripleFault' || kind === 'deadHalt');
}
