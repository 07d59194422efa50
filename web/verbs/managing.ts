/** Verbs for the virtual machine as a whole, as virsh has them. */
import { MODES, type ModeName, modeOf } from '../modes.ts';
import { laterText } from '../text/later.ts';
import { text } from '../text.ts';
import { stopLines } from './answers.ts';
import type { Host } from './host.ts';
import { exitLines } from './looking.ts';
import { nothing, type Verb, verb, viewOf } from './verb.ts';
import { Refusal } from './words.ts';

/** Modes by the words that a person may use. */
export const MODE_WORDS: Readonly<Record<string, ModeName>> = {
  ...Object.fromEntries(MODES.map(mode => [mode, mode])),
  full: 'translate',
  hardware: 'nested',
};

function stateOf(host: Host): string {
  const view = viewOf(host);
  if (view.running) return view.halted ? laterText.verbs.states.idle : laterText.verbs.states.running;
  switch (view.stop.kind) {
    case 'powerOff':
      return laterText.verbs.states.off;
    case 'tripleFault':
    case 'deadHalt':
      return laterText.verbs.states.crashed;
    default:
      return laterText.verbs.states.paused;
  }
}

function facts(rows: readonly (readonly [string, string])[]): readonly string[] {
  const widest = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${`${name}:`.padEnd(widest + 1)}  ${value}`);
}

export const managing = {
  list: verb({
    group: 'manage',
    read: nothing,
    act: (_, host) => {
      const name = host.guest()?.name ?? '';
      const width = Math.max(name.length, 4);
      const { name: heading, state } = laterText.verbs.columns;
      return [`Id  ${heading.padEnd(width)}  ${state}`, `1   ${name.padEnd(width)}  ${stateOf(host)}`];
    },
  }),
  dominfo: verb({
    group: 'manage',
    read: nothing,
    act: (_, host) => {
      const view = viewOf(host);
      const words = laterText.verbs.info;
      const guest = host.guest();
      return facts([
        [words.name, guest?.name ?? ''],
        [words.state, stateOf(host)],
        [words.processors, '1'],
        [words.memory, `${(guest?.memoryMib ?? 0) * 1024} KiB`],
        [words.mode, text.modes.name[modeOf(view.monitor.setting)]],
        [words.steps, `${view.instructions}`],
        [words.time, `${view.seconds.toFixed(6)} s`],
      ]);
    },
  }),
  domstats: verb({ group: 'manage', read: nothing, act: (_, host) => exitLines(host) }),
  mode: verb({
    usage: '[NAME]',
    examples: ['mode trap', 'mode nested'],
    group: 'manage',
    completes: 'mode',
    read: ({ rest }) => {
      const mode = MODE_WORDS[rest.toLowerCase()];
      if (mode === undefined && rest !== '') {
        throw new Refusal(laterText.verbs.noMode(rest, Object.keys(MODE_WORDS).join(', ')));
      }
      return mode ?? null;
    },
    act: async (mode, host) => {
      const now = modeOf(viewOf(host).monitor.setting);
      if (mode === null || mode === now) return [`${now}: ${text.modes.name[now]}`];
      const obstacle = host.chooseMode(mode);
      if (obstacle !== null) throw new Refusal(obstacle);
      const then = modeOf((await host.settled()).monitor.setting);
      // A mode that needs another kernel is asked for in a dialog.
      return then === mode ? [`${then}: ${text.modes.name[then]}`] : [laterText.verbs.asking];
    },
  }),
  'snapshot-create': verb({
    aliases: ['save'],
    group: 'manage',
    read: nothing,
    act: (_, host) => {
      viewOf(host);
      host.saveSnapshot();
      return [laterText.verbs.saving];
    },
  }),
  shutdown: verb({
    group: 'manage',
    read: nothing,
    act: (_, host) => {
      viewOf(host);
      throw new Refusal(laterText.verbs.noPowerButton);
    },
  }),
  destroy: verb({
    group: 'manage',
    read: nothing,
    act: async (_, host) => {
      viewOf(host);
      host.reset();
      await host.settled();
      return [laterText.verbs.destroyed];
    },
  }),
  reboot: verb({
    group: 'manage',
    read: nothing,
    act: async (_, host) => {
      viewOf(host);
      host.reset();
      await host.settled();
      host.run();
      return [laterText.verbs.rebooted];
    },
  }),
  reset: verb({
    group: 'manage',
    read: nothing,
    act: async (_, host) => {
      viewOf(host);
      host.reset();
      return stopLines(await host.settled(), host);
    },
  }),
} satisfies Readonly<Record<string, Verb>>;
