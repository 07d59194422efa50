import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadImage } from '../guests/load.ts';
import { Pc } from '../machine/pc.ts';
import { MONITOR_MEMORY, Monitor } from './monitor.ts';
import type { MonitorMode, Paging } from './technique.ts';

/** primer, the same guest, under every technique: what a person at its console sees. */

const MEMORY = 32 << 20;
/** Low, so that the clock ticks often. */
const RATE = 1e7;
const PROMPT = 'primer$ ';
const COMMANDS = ['help', 'ps', 'mem', 'fault', 'sensitive', 'fork', 'bench', 'reboot'];
/** Those that take no seconds. */
const QUICK = ['help', 'ps', 'mem', 'fault', 'fork'];
const image = new Uint8Array(readFileSync('public/guests/primer.elf'));
const plan = loadImage(image, { memoryBytes: MEMORY, commandLine: '', initrd: null });

interface Runner {
  run(steps: number, until: number, pass: boolean): string;
  input(bytes: Uint8Array): number;
}

class Console {
  text = '';
  readonly onConsole = (byte: number): void => {
    this.text += String.fromCharCode(byte);
  };
}

function bare(): { runner: Runner; screen: Console } {
  const screen = new Console();
  const pc = new Pc({ memoryBytes: MEMORY, startTime: 0, rate: RATE, onConsole: screen.onConsole });
  pc.start(plan);
  const run = (steps: number, until: number, pass: boolean): string => {
    const end = pc.run(steps, until, pass);
    if (end === 'reset') pc.start(plan);
    return end;
  };
  return { runner: { run, input: bytes => pc.input(bytes) }, screen };
}

function monitored(mode: MonitorMode, paging: Paging): { runner: Monitor; screen: Console } {
  const screen = new Console();
  const { onConsole } = screen;
  const pc = new Pc({ memoryBytes: MEMORY + MONITOR_MEMORY, startTime: 0, rate: RATE, onConsole });
  const runner = new Monitor(pc, { mode, paging, memoryBytes: MEMORY, startTime: 0, onConsole }, plan);
  return { runner, screen };
}

/** Runs until the prompt has come `prompts` times. */
function await_(runner: Runner, screen: Console, prompts: number): void {
  for (let n = 0; n < 400 && screen.text.split(PROMPT).length <= prompts; n++) {
    runner.run(200_000, Number.POSITIVE_INFINITY, false);
  }
  expect(screen.text.split(PROMPT).length).toBeGreaterThan(prompts);
}

/** Types the commands one after the other; returns what each showed. */
function session(runner: Runner, screen: Console, commands: readonly string[]): Record<string, string> {
  const shown: Record<string, string> = {};
  await_(runner, screen, screen.text.split(PROMPT).length);
  for (const command of commands) {
    const before = screen.text.split(PROMPT).length;
    const start = screen.text.length;
    runner.input(new TextEncoder().encode(`${command}\n`));
    await_(runner, screen, before);
    shown[command] = screen.text.slice(start);
  }
  return shown;
}

/** Without what depends on how long things take: the column of ticks, who is ready, and whose turn it was when. */
function timeless(shown: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const ps = shown['ps'].replace(/ +\d+ {2}(shell|counter)/g, ' $1').replace(/ready +|waiting +/g, '');
  const bench = shown['bench'].replaceAll(/ +\d+(?=\r\n)/g, ' n');
  return { ...shown, ps, bench, fork: shown['fork'].split('\r\n').sort().join('\n') };
}

const expected = timeless(transcript());

function transcript(): Record<string, string> {
  const { runner, screen } = bare();
  return session(runner, screen, COMMANDS);
}

/** What ring 1 shows of the twenty experiments of `sensitive`, by the literature (Robin and Irvine 2000). */
const HOLES = ['sgdt', 'sidt', 'str', 'pushf', 'popf', 'iret', 'lar', 'lsl', 'push', 'mov', 'call', 'jmp', 'ret'];

describe('primer under the monitor', () => {
  it.each<[MonitorMode, Paging]>([
    ['translate', 'shadow'],
    ['patch', 'shadow'],
    ['hardware', 'nested'],
    ['hardware', 'shadow'],
  ])('%s (%s) shows what the bare machine shows', (mode, paging) => {
    const { runner, screen } = monitored(mode, paging);
    expect(timeless(session(runner, screen, COMMANDS))).toEqual(expected);
  });

  it('trap shows the same but for the holes of the architecture', () => {
    const { runner, screen } = monitored('trap', 'shadow');
    const shown = timeless(session(runner, screen, COMMANDS));
    for (const command of COMMANDS) if (command !== 'sensitive') expect(shown[command]).toEqual(expected[command]);
    const wrong = shown['sensitive']
      .split('\r\n')
      .filter(line => /^\w.{9,}/.test(line) && !line.includes('as in ring 0') && !line.startsWith('sensitive'))
      .map(line => line.split(' ')[0]);
    expect(wrong).toEqual(HOLES);
  });

  it('counts on in its processes while its technique changes', () => {
    const { runner, screen } = monitored('translate', 'shadow');
    await_(runner, screen, 1);
    const start = screen.text.length;
    const changes: readonly (readonly [MonitorMode, Paging])[] = [
      ['hardware', 'nested'],
      ['patch', 'shadow'],
      ['hardware', 'shadow'],
      ['translate', 'shadow'],
    ];
    for (const [mode, paging] of changes) {
      const before = screen.text.split(PROMPT).length;
      runner.input(new TextEncoder().encode('fork\n'));
      // In the middle of its three processes' output.
      for (let n = 0; n < 400 && !screen.text.slice(start).includes('I am'); n++) {
        runner.run(2000, Number.POSITIVE_INFINITY, false);
      }
      runner.change(mode, paging);
      await_(runner, screen, before);
    }
    const numbers = [...screen.text.slice(start).matchAll(/I am process (\d+)/g)].map(([, number]) => Number(number));
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 3 * changes.length }, (_, n) => n + 3));
  });

  it('changes its technique while it runs, and the guest does not notice', () => {
    const { runner, screen } = monitored('translate', 'shadow');
    const shown: Record<string, string> = {};
    const modes: readonly (readonly [MonitorMode, Paging])[] = [
      ['hardware', 'nested'],
      ['patch', 'shadow'],
      ['hardware', 'shadow'],
      ['trap', 'shadow'],
      ['translate', 'shadow'],
    ];
    await_(runner, screen, 1);
    QUICK.forEach((command, n) => {
      const before = screen.text.split(PROMPT).length;
      const start = screen.text.length;
      runner.input(new TextEncoder().encode(`${command}\n`));
      runner.run(30_000, Number.POSITIVE_INFINITY, false);
      runner.change(...modes[n % modes.length]);
      await_(runner, screen, before);
      shown[command] = screen.text.slice(start);
    });
    const wanted = Object.fromEntries(QUICK.map(command => [command, expected[command]]));
    expect(timeless({ ...shown, bench: '' })).toEqual({ ...wanted, bench: '' });
  });
});
