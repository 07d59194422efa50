import type { MonitorWindows } from '../../protocol/monitor.ts';
import type { GuestMachine } from '../guest-machine.ts';
import type { Session } from '../session.ts';
import { ChromeTrace } from './chrome-trace.ts';
import { tellAll } from './fan.ts';
import { Happenings } from './happenings.ts';
import { Timeline } from './timeline.ts';

/** What is recorded of a session while somebody looks: the last happening, and the timeline. */
export class Watching {
  readonly #session: () => Session;
  #windows: Pick<MonitorWindows, 'happened' | 'timeline'> = { happened: false, timeline: false };
  #happenings: Happenings | null = null;
  /** What happens on a machine that replays the way to a moment of the past. */
  #rehearsed: Happenings | null = null;
  /** Kept with what it holds while nobody looks. */
  #timeline: Timeline | null = null;

  /** `session`: the one that it belongs to, which need not be there yet. */
  constructor(session: () => Session) {
    this.#session = session;
  }

  get happenings(): Happenings | null {
    return this.#windows.happened ? this.#happenings : null;
  }

  get timeline(): Timeline | null {
    return this.#timeline;
  }

  /** Begins or ends to record what is looked at. */
  look(windows: Pick<MonitorWindows, 'happened' | 'timeline'>): void {
    const { happened, timeline } = this.#windows;
    if (happened === windows.happened && timeline === windows.timeline) return;
    this.#windows = windows;
    this.renew();
  }

  /** The session has another machine. */
  renew(): void {
    const session = this.#session();
    const { happened, timeline } = this.#windows;
    if (!timeline) this.#timeline?.detach();
    // What happened while nobody looked is not known.
    if (!happened) this.#happenings = null;
    else this.#happenings ??= new Happenings(session.symbols);
    if (timeline) this.#timeline ??= new Timeline(session);
    const card = this.#happenings;
    const lanes = timeline ? this.#timeline : null;
    session.watchMachines((pc, monitor) => {
      card?.attach(pc, monitor, session);
      lanes?.attach(pc, monitor);
      return tellAll([card, lanes].filter(watcher => watcher !== null));
    });
    lanes?.begin();
  }

  /** A machine replays the last stretch to a moment that the session goes to. */
  rehearse(machine: GuestMachine): void {
    this.#rehearsed = null;
    if (!this.#windows.happened) return;
    const card = new Happenings(this.#session().symbols, this.#happenings?.serial);
    this.#rehearsed = card;
    machine.watch((pc, monitor) => {
      card.attach(pc, monitor, machine);
      if (monitor === null) pc.cpu.probe = card;
      else monitor.watch(card);
    });
  }

  /** The session is at that moment: what happened last is what the replay has met, or else what happened before it. */
  rewound(): void {
    const { steps } = this.#session();
    const before = this.#happenings;
    const isTrue = this.#rehearsed?.last != null || (before?.last?.step ?? Number.POSITIVE_INFINITY) > steps;
    if (isTrue) this.#happenings = this.#rehearsed;
    this.#rehearsed = null;
    this.renew();
  }

  /** The power was switched off and on. */
  forget(): void {
    this.#happenings?.forget();
  }

  /** What the timeline holds, as a file. */
  trace(): Uint8Array {
    const { guest, setting, symbols } = this.#session();
    const parts: string[] = [];
    const trace = new ChromeTrace({
      name: guest.name,
      mode: setting.mode,
      limit: Number.POSITIVE_INFINITY,
      write: text => parts.push(text),
      onCut: () => {},
    });
    this.#timeline?.take();
    this.#timeline?.tell(trace, address => symbols.name(address));
    trace.finish();
    return new TextEncoder().encode(parts.join(''));
  }
}
