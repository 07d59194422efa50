/** The page as verbs see it. */
import type { View } from '../../../core/protocol/messages.ts';
import {
  ask,
  goBack,
  goTo,
  pause,
  reset,
  run,
  runUntil,
  saveSnapshot,
  setBreakpoints,
  step,
  writeMemory,
  writeRegister,
} from '../../machine.ts';
import { chooseMode, obstacle } from '../../mode-choice.ts';
import { account } from '../../stores/account.ts';
import { breakpoints } from '../../stores/breakpoints.ts';
import { hits } from '../../stores/hits.ts';
import { looks } from '../../stores/looks.ts';
import { machine, symbolsOf } from '../../stores/machine.ts';
import { notices } from '../../stores/notices.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import type { Host } from '../../verbs/host.ts';
import { Refusal } from '../../verbs/words.ts';

/** How long to wait for the account of exits, in milliseconds: it comes some times a second. */
const ACCOUNT_MS = 1500;

/** What waits for the machine, to be told when the person gives up. */
const waiting = new Set<(why: Refusal) => void>();

/** Nothing is waited for any more, and the machine stops. */
export function interrupt(): void {
  for (const giveUp of waiting) giveUp(new Refusal(laterText.verbs.interrupted));
  if (machine.getState().view?.running) pause();
}

/** The next view that is as wanted. */
function nextView(isWanted: (view: View) => boolean): Promise<View> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      waiting.delete(giveUp);
      unsubscribe();
    };
    const giveUp = (why: Refusal): void => {
      end();
      reject(why);
    };
    const unsubscribe = machine.subscribe(({ view, failure }, before) => {
      if (failure !== null) giveUp(new Refusal(text.asking.failed));
      else if (view !== null && view !== before.view && isWanted(view)) {
        end();
        resolve(view);
      }
    });
    waiting.add(giveUp);
  });
}

/** What was sent so far has reached the machine: the worker answers in order. */
async function taken(): Promise<void> {
  await ask({ kind: 'value', expression: '0' });
}

function isStill({ running, past }: View): boolean {
  return !running && past?.isSearching !== true;
}

/** What a verb prints to, and empties. */
export interface Paper {
  readonly print: (lines: readonly string[]) => void;
  readonly clear: () => void;
}

export function pageHost({ print, clear }: Paper): Host {
  /** Waits, and repeats what the page has refused meanwhile. */
  const withRefusals = async (wait: () => Promise<View>): Promise<View> => {
    const before = new Set(notices.getState().list.map(({ id }) => id));
    const view = await wait();
    const said = notices.getState().list.filter(({ id }) => !before.has(id));
    if (said.length > 0) print(said.map(({ message }) => text.said(message)));
    return view;
  };
  const after = (isWanted: (view: View) => boolean) => () =>
    withRefusals(async () => {
      await taken();
      return nextView(isWanted);
    });
  return {
    view: () => machine.getState().view,
    guest: () => machine.getState().guest,
    symbols: () => symbolsOf(machine.getState()),
    ask,
    account: presentAccount,
    run,
    pause,
    step,
    until: runUntil,
    goBack: (kind, address) => {
      if (kind !== 'write') goBack(kind);
      else if (address !== undefined) goBack(kind, address);
    },
    goTo,
    hits: () => hits.getState().steps,
    reset,
    chooseMode: mode => {
      const why = obstacle(machine.getState(), mode);
      if (why === null) chooseMode(mode);
      return why;
    },
    settled: after(() => true),
    stopped: after(isStill),
    writeRegister,
    writeMemory,
    saveSnapshot,
    breakpoints: () => breakpoints.getState().list,
    breakCounts: () => machine.getState().view?.breakCounts ?? [],
    setBreakpoints: async list => {
      const refused = await setBreakpoints(list);
      if (refused !== null) throw new Refusal(text.said(refused));
    },
    print,
    clear,
  };
}

/** The account is sent only to those who look: this looks for a moment. */
async function presentAccount() {
  if (looks.getState().account) return account.getState().now;
  looks.setState({ account: true });
  const now = await new Promise<void>(resolve => {
    const timer = setTimeout(end, ACCOUNT_MS);
    const unsubscribe = account.subscribe(end);
    function end(): void {
      clearTimeout(timer);
      unsubscribe();
      resolve();
    }
  }).then(() => account.getState().now);
  looks.setState({ account: false });
  return now;
}
