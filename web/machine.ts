/**
 * The page's end of the machine: the worker, what is sent to it, and what its answers change in the stores.
 */
import type { BreakOn, Breakpoint } from '../core/protocol/breakpoints.ts';
import type {
  BackKind,
  EditableRegister,
  FromWorker,
  MemoryWindow,
  StepKind,
  ToWorker,
  View,
} from '../core/protocol/messages.ts';
import type { Setting } from '../core/protocol/monitor.ts';
import type { Question } from '../core/protocol/questions.ts';
import { type AnswerTo, giveUp, pose, refuseFirst, settle } from './asking.ts';
import { download } from './files.ts';
import { type Doing, type FrameLoop, startFrames } from './frame.ts';
import type { PageGuest } from './guests.ts';
import { isLive, modeOf } from './modes.ts';
import { resetConsole, writeConsole } from './panels/console/output.ts';
import { account, takeAccount } from './stores/account.ts';
import { breakpoints, toggled } from './stores/breakpoints.ts';
import { followers } from './stores/followers.ts';
import { happenings, NONE } from './stores/happenings.ts';
import { hits, noteStop } from './stores/hits.ts';
import { looks } from './stores/looks.ts';
import { isFinal, machine, type OpenMessage, startsAgain, withGuest } from './stores/machine.ts';
import { notify } from './stores/notices.ts';
import { opening } from './stores/opening.ts';
import { home, isFollowing, PAGE_BYTES, windows } from './stores/windows.ts';
import { text } from './text.ts';
import { relist, showView } from './views.ts';

/** Rows of code to ask for: enough to scroll in both directions without asking again. A running machine shows fewer. */
const ROWS = { paused: { before: 48, after: 96 }, running: { before: 12, after: 28 } } as const;

type RestoreMessage = Extract<ToWorker, { type: 'restore' }>;

/** What puts a guest into the machine; the worker answers each with `opened` or `refused`. */
export interface OpenRequest {
  readonly message: OpenMessage | RestoreMessage;
  /** Shown until it is open. */
  readonly name: string;
  /** The guest of the page that it is, or null for a file. */
  readonly source: PageGuest | null;
  /** Run as soon as it is there. */
  readonly run: boolean;
}

let worker: Worker | null = null;
let loop: FrameLoop | null = null;
/** Requests that the worker has not answered yet, in order. */
let asked: OpenRequest[] = [];
/** What to open again after the worker had to be replaced. */
let current: OpenRequest | null = null;

/** Starts the worker. Called once for the page and after each failure. */
export function startMachine(): void {
  worker = new Worker(new URL('../core/worker.ts', import.meta.url), { type: 'module' });
  worker.onmessage = (event: MessageEvent<FromWorker>) => receive(event.data);
  worker.onerror = event => {
    event.preventDefault();
    fail(event.message);
  };
  worker.onmessageerror = () => fail(text.failure.unreadable);
  sendWindows();
}

function send(message: ToWorker): void {
  if (machine.getState().failure !== null) return;
  worker?.postMessage(message);
  loop?.hurry();
}

function doing({ running, halted, console }: View): Doing {
  if (!running) return 'stands';
  if (console.length > 0) return 'writes';
  return halted ? 'waits' : 'runs';
}

function receive(message: FromWorker): void {
  switch (message.type) {
    case 'view': {
      const state = machine.getState();
      if (startsAgain(state, message) || message.consoleAnew === true) resetConsole();
      if (message.console.length > 0) writeConsole(message.console);
      loop?.answered(doing(message));
      takeAccount(message);
      noteStop(message);
      for (const follower of followers) follower.take(message);
      showView(message, performance.now());
      if (message.running !== (state.view?.running ?? false)) sendWindows();
      return;
    }
    case 'opened': {
      const request = asked.shift();
      if (request === undefined) return;
      const same = machine.getState().guest?.name === message.name;
      giveUp(text.asking.gone);
      current = request;
      resetConsole();
      // A view that was asked for before may be of the machine that is gone, or never come.
      loop?.answered('stands');
      machine.setState(withGuest(request.message.type === 'open' ? request.message : null, message, request.source));
      if (!same) breakpoints.setState({ list: [] });
      windows.setState(home);
      happenings.setState(NONE);
      account.setState({ now: null });
      hits.setState({ steps: [] });
      for (const follower of followers) follower.clear();
      if (asked.length === 0) opening.setState({ now: null });
      sendWindows();
      taken = [];
      tell(breakpoints.getState().list);
      if (request.run) run();
      return;
    }
    case 'refused':
      if (message.request === 'ask') {
        refuseFirst(message.message);
        return;
      }
      if (message.request === 'breakpoints' && changes.length > 0) {
        changes[0].refused = message.message;
        return;
      }
      if (message.request === 'open' || message.request === 'restore') {
        notify(message.message, asked.shift()?.name);
        if (asked.length === 0) opening.setState({ now: null });
      } else {
        notify(message.message);
      }
      loop?.hurry();
      return;
    case 'answer':
      settle(message.id, message.answer);
      return;
    case 'snapshot':
      download(message.name.endsWith('.ringside') ? message.name : `${message.name}.ringside`, message.file);
      return;
    case 'trace':
      download(`${message.name}.trace.json`, message.file);
      return;
    case 'crashed':
      fail(message.message);
      return;
  }
}

function fail(message: string): void {
  end();
  machine.setState({ failure: { kind: 'crashed', message } });
}

function silent(): void {
  end();
  machine.setState({ failure: { kind: 'silent' } });
}

function end(): void {
  loop?.stop();
  loop = null;
  worker?.terminate();
  worker = null;
  giveUp(text.asking.failed);
  opening.setState({ now: null });
}

/** A new worker with the guest that the last one had. Breakpoints and settings stay. */
export function restart(): void {
  const again = asked[0] ?? inPresentMode(current);
  asked = [];
  machine.setState({
    failure: null,
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
  });
  startMachine();
  if (again !== null) open(again);
}

/** Opens again in the mode that the guest has come to meanwhile. */
function inPresentMode(request: OpenRequest | null): OpenRequest | null {
  const setting = machine.getState().view?.monitor.setting;
  if (request === null || setting === undefined || request.message.type !== 'open') return request;
  if (!isLive(modeOf(request.message.setting), modeOf(setting))) return request;
  return { ...request, message: { ...request.message, setting } };
}

/** The bytes are copied, not transferred: a restart needs them again. */
export function open(request: OpenRequest): void {
  asked.push(request);
  opening.setState({ now: { name: request.name, stage: 'starting', loaded: 0, total: null } });
  send(request.message);
  // Before the first guest there is nothing to draw.
  loop ??= startFrames(() => worker?.postMessage({ type: 'frame' } satisfies ToWorker), silent);
}

/** Whether the machine stands still and can go on. */
export function canGoOn(): boolean {
  const view = machine.getState().view;
  return view !== null && !view.running && !isFinal(view);
}

export function run(): void {
  machine.setState({ stepping: false });
  send({ type: 'run' });
}

export function pause(): void {
  send({ type: 'pause' });
}

export function step(kind: StepKind): void {
  if (!canGoOn()) return;
  // Which instruction of the guest's the others lead to is not known before.
  machine.setState({ stepping: kind !== 'machine' && kind !== 'trap' });
  send({ type: 'step', kind });
}

/** Why the machine cannot go back in time now, or null if it can. */
export function whyNotBack(view: View | null): 'none' | 'start' | 'running' | null {
  if (view === null || view.past === undefined || view.past === null) return 'none';
  if (view.running) return 'running';
  return view.instructions > view.past.from ? null : 'start';
}

/** Goes back in time; a search can be paused. `address`: linear, of the four bytes whose last write is meant. */
export function goBack(kind: Exclude<BackKind, 'write'>): void;
export function goBack(kind: 'write', address: number): void;
export function goBack(kind: BackKind, address?: number): void {
  if (whyNotBack(machine.getState().view) !== null) return;
  machine.setState({ stepping: false });
  send({ type: 'back', kind, ...(address === undefined ? {} : { address }) });
}

/** Why the machine cannot go to another moment of its past now, or null if it can. */
export function whyNotElsewhere(view: View | null): 'none' | 'running' | null {
  const why = whyNotBack(view);
  return why === 'start' ? null : why;
}

/** Goes to a moment of the known past, before or behind the present. `at`: steps since the guest was opened. */
export function goTo(at: number): void {
  if (whyNotElsewhere(machine.getState().view) !== null) return;
  machine.setState({ stepping: false });
  send({ type: 'goTo', step: at });
}

/** Runs on until this happens once. */
export function runUntil(on: BreakOn): void {
  if (!canGoOn()) return;
  machine.setState({ stepping: false });
  send({ type: 'until', on });
}

/** Executes the guest's last instruction that left for the monitor once more, in another mode. */
export function sameStep(setting: Setting): void {
  if (whyNotElsewhere(machine.getState().view) !== null) return;
  machine.setState({ stepping: false });
  send({ type: 'sameStep', setting });
}

/** Asks the worker something that changes nothing. What cannot be answered is answered with `none`, as is all when the machine is gone. */
export function ask<Q extends Question>(question: Q): Promise<AnswerTo<Q>> {
  const answer = pose(question, (id, posed) => send({ type: 'ask', id, question: posed }));
  if (worker === null) giveUp(text.asking.failed);
  return answer;
}

/** Runs the guest in another mode, from its present instruction. */
export function changeMode(setting: Setting): void {
  send({ type: 'mode', setting });
}

export function reset(): void {
  windows.setState(home);
  machine.setState({ resetting: true });
  send({ type: 'reset' });
}

export function typeOnConsole(bytes: Uint8Array): void {
  send({ type: 'input', bytes });
}

/** Sets a breakpoint before an instruction, or takes away all that are there. */
export function toggleBreakpoint(address: number): void {
  change(toggled(breakpoints.getState().list, { kind: 'execute', address }));
}

/** Sets what the machine is paused at from now on. What the worker does not take is said at the edge of the page. */
export function change(list: readonly Breakpoint[]): void {
  void setBreakpoints(list).then(refused => {
    if (refused !== null) notify(refused);
  });
}

/** The list that the worker has. */
let taken: readonly Breakpoint[] = [];
/** What the worker was told and has not answered yet, in order. */
const changes: { readonly list: readonly Breakpoint[]; refused: string | null }[] = [];

/** Sets what the machine is paused at. Resolves to why the worker does not take it, after which all is as before; else to null. */
export async function setBreakpoints(list: readonly Breakpoint[]): Promise<string | null> {
  breakpoints.setState({ list });
  return tell(list);
}

async function tell(list: readonly Breakpoint[]): Promise<string | null> {
  const one = { list, refused: null as string | null };
  changes.push(one);
  send({ type: 'breakpoints', breakpoints: list });
  // Only a refusal is answered. What is asked after it is answered after it.
  await ask({ kind: 'value', expression: '0' });
  changes.splice(changes.indexOf(one), 1);
  if (one.refused === null) taken = list;
  else if (changes.length === 0) breakpoints.setState({ list: taken });
  return one.refused;
}

export function writeRegister(register: EditableRegister, value: number): void {
  send({ type: 'writeRegister', register, value });
}

export function writeMemory(space: MemoryWindow['space'], address: number, bytes: Uint8Array): void {
  send({ type: 'writeMemory', space, address, bytes });
}

export function saveSnapshot(): void {
  send({ type: 'save' });
}

/** Has what the timeline holds handed to the reader. */
export function saveTrace(): void {
  send({ type: 'trace' });
}

/** Tells the worker which code and memory is looked at. */
function sendWindows(): void {
  relist();
  const rows = ROWS[machine.getState().view?.running ? 'running' : 'paused'];
  const view = windows.getState();
  const { tab, codeAddress, space, memoryAddress } = view;
  send({
    type: 'windows',
    code: { follow: isFollowing(view), address: codeAddress, ...rows },
    memory: tab === 'memory' ? { space, address: memoryAddress, length: PAGE_BYTES } : null,
    monitor: looks.getState(),
  });
}

looks.subscribe(sendWindows);

windows.subscribe((state, old) => {
  const looksElsewhere =
    isFollowing(state) !== isFollowing(old) ||
    state.codeAddress !== old.codeAddress ||
    state.space !== old.space ||
    state.memoryAddress !== old.memoryAddress ||
    (state.tab === 'memory') !== (old.tab === 'memory');
  if (looksElsewhere) sendWindows();
});
