/** Verbs that have the machine go on, or back in time. */
import type { StepKind, View } from '../../core/protocol/messages.ts';
import { hex } from '../format.ts';
import { laterText } from '../text/later.ts';
import { codeLines, nextLine, stopLines } from './answers.ts';
import type { Host } from './host.ts';
import { addressOf, expression, must, nothing, stillView, type Verb, verb, viewOf } from './verb.ts';
import { type Line, parseCount, Refusal } from './words.ts';

/** More than this takes longer than anybody waits. */
const MOST_STEPS = 100_000;

function times({ rest }: Line): number {
  return parseCount(rest, MOST_STEPS);
}

/** Steps one after the other; ends early where something else than the step stops the machine. */
async function stepBy(kind: StepKind, count: number, host: Host): Promise<readonly string[]> {
  let view = stillView(host);
  for (let n = 0; n < count; n += 1) {
    host.step(kind);
    view = await host.stopped();
    if (view.stop.kind !== 'step') break;
  }
  return stopLines(view, host);
}

function stepping(kind: StepKind, aliases: readonly string[]): Verb {
  return verb({
    aliases,
    usage: '[N]',
    group: 'run',
    again: true,
    read: times,
    act: (count, host) => stepBy(kind, count, host),
  });
}

async function goOn(host: Host): Promise<readonly string[]> {
  stillView(host);
  host.print([laterText.verbs.continuing]);
  host.run();
  return stopLines(await host.stopped(), host);
}

/** Throws Refusal where the machine has no past to go to. */
function withPast(host: Host): void {
  const view = viewOf(host);
  if (view.running) throw new Refusal(laterText.verbs.running);
  if ((view.past ?? null) === null) throw new Refusal(laterText.verbs.noPast);
}

/** Which step of the past it is, and its instruction. */
async function pastLines(view: View, host: Host): Promise<readonly string[]> {
  return [laterText.verbs.atStep(`${view.instructions}`), ...(await nextLine(view, host))];
}

export const running = {
  stepi: stepping('into', ['si', 'step', 's']),
  nexti: stepping('over', ['ni', 'next', 'n']),
  finish: verb({
    aliases: ['fin'],
    group: 'run',
    read: nothing,
    act: (_, host) => stepBy('out', 1, host),
  }),
  stepm: stepping('machine', []),
  trap: stepping('trap', []),
  continue: verb({
    aliases: ['c', 'cont', 'resume', 'run'],
    group: 'run',
    again: true,
    read: nothing,
    act: (_, host) => goOn(host),
  }),
  suspend: verb({
    aliases: ['pause', 'stop', 'interrupt'],
    group: 'run',
    read: nothing,
    act: async (_, host) => {
      if (!viewOf(host).running) throw new Refusal(laterText.verbs.still);
      host.pause();
      return stopLines(await host.stopped(), host);
    },
  }),
  advance: verb({
    aliases: ['until', 'tbreak', 'tb'],
    usage: 'ADDRESS',
    group: 'run',
    completes: 'expression',
    read: expression,
    act: async (where, host) => {
      stillView(host);
      const address = await addressOf(where, host);
      host.print([laterText.verbs.goingTo(hex(address))]);
      host.until({ kind: 'execute', address });
      return stopLines(await host.stopped(), host);
    },
  }),
  'reverse-stepi': verb({
    aliases: ['rsi', 'reverse-step', 'rs'],
    usage: '[N]',
    group: 'back',
    again: true,
    read: times,
    act: async (count, host) => {
      let view = viewOf(host);
      for (let n = 0; n < count; n += 1) {
        withPast(host);
        if (view.past !== undefined && view.past !== null && view.instructions <= view.past.from) break;
        host.goBack('step');
        view = await host.stopped();
      }
      return pastLines(view, host);
    },
  }),
  'reverse-continue': verb({
    aliases: ['rc'],
    group: 'back',
    again: true,
    read: nothing,
    act: async (_, host) => {
      withPast(host);
      const { instructions, past } = viewOf(host);
      const hit = host.hits().findLast(step => step < instructions && step >= (past?.from ?? 0));
      host.print([hit === undefined ? laterText.verbs.toBeginning : laterText.verbs.toHit]);
      host.goTo(hit ?? past?.from ?? 0);
      return pastLines(await host.stopped(), host);
    },
  }),
  'reverse-trap': verb({
    aliases: ['rt'],
    group: 'back',
    again: true,
    read: nothing,
    act: async (_, host) => {
      withPast(host);
      host.goBack('trap');
      return pastLines(await host.stopped(), host);
    },
  }),
  'reverse-write': verb({
    aliases: ['rw'],
    usage: 'ADDRESS',
    group: 'back',
    completes: 'expression',
    read: expression,
    act: async (where, host) => {
      withPast(host);
      host.goBack('write', await addressOf(where, host));
      return pastLines(await host.stopped(), host);
    },
  }),
  goto: verb({
    usage: 'STEP',
    examples: ['goto 120000'],
    group: 'back',
    read: ({ rest }) => {
      const step = /^\d+$/.test(rest) ? Number(rest) : Number.NaN;
      if (!Number.isSafeInteger(step)) throw new Refusal(laterText.verbs.noStep(rest));
      return step;
    },
    act: async (step, host) => {
      withPast(host);
      host.goTo(step);
      const view = await host.stopped();
      return pastLines(view, host);
    },
  }),
  'last-write': verb({
    aliases: ['lw'],
    usage: 'ADDRESS',
    group: 'back',
    completes: 'expression',
    read: expression,
    act: async (where, host) => {
      const address = await addressOf(where, host);
      const { step, row, before, after } = must(await host.ask({ kind: 'lastWrite', space: 'linear', address }));
      const words = laterText.verbs;
      return [
        words.lastWrite(hex(address), hex(before), hex(after), `${step}`),
        ...(row === null ? [words.notByGuest] : codeLines([row], null, true)),
      ];
    },
  }),
} satisfies Readonly<Record<string, Verb>>;
