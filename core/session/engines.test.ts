import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as L from '../machine/cpu/layout.ts';
import type { Processor } from '../machine/cpu/processor.ts';
import { Translator } from '../machine/translate/translator.ts';
import type { Mode } from '../protocol/monitor.ts';
import { Session } from './session.ts';
import { Watching } from './watching/watching.ts';

/**
 * Whoever runs the code, a guest under the monitor takes the same course: the whole machine, the monitor's memory with it, is compared on the way. What
 * is counted of it and recorded for the timeline is the same as well, while somebody looks and while nobody does.
 */

const MODES: readonly Mode[] = ['bare', 'trap', 'translate', 'patch', 'para', 'hardware'];

/** What the monitor has counted: steps of each owner, and every exit with its place and cost. */
function countsOf({ monitor }: Session): unknown {
  if (monitor === null) return null;
  const { user, kernel, setup, exits } = monitor.counts;
  return { user: { ...user }, kernel: { ...kernel }, monitor: monitor.counts.monitor, setup, exits: [...exits] };
}

const kernel = (name: string) => new Uint8Array(readFileSync(`public/guests/${name}.elf`));

function open(mode: Mode, translate: (cpu: Processor) => Translator | null) {
  const guest = {
    name: 'primer',
    kernel: kernel(mode === 'para' ? 'primer-para' : 'primer'),
    initrd: null,
    symbols: null,
    commandLine: '',
    memoryMib: 8,
  };
  let text = '';
  const onConsole = (byte: number) => {
    text += String.fromCharCode(byte);
  };
  const session = new Session(guest, { startTime: 0, rate: 1e8, mode, paging: 'nested', onConsole, translate });
  session.begin('run');
  return { session, text: () => text };
}

function stateOf({ pc }: Session): readonly (number | string)[] {
  const { cpu, physical } = pc;
  const ram = new Int32Array(physical.memory.buffer, L.RAM, physical.size >> 2);
  let sum = 0;
  for (const word of ram) sum = (Math.imul(sum, 31) + word) | 0;
  const words = [...cpu.i32.subarray(0, L.W_EFLAGS), ...cpu.i32.subarray(L.W_CPL, L.STATE_BYTES >> 2)];
  return [cpu.count, cpu.eflags(), cpu.walks, cpu.nestedWalks, sum, words.join(' ')];
}

describe.each(MODES)('primer, %s', mode => {
  it('runs translated as it runs executed', () => {
    const one = open(mode, () => null);
    const other = open(mode, cpu => new Translator(cpu, 'regions', { hot: 30, batch: 4, often: 300 }));
    let translated = 0;
    for (let n = 0; n < 12; n++) {
      if (n === 4) {
        for (const { session } of [one, other])
          session.input(new TextEncoder().encode('bench\nfork\nfault\nsyscalls\n'));
      }
      for (const { session } of [one, other]) session.run(150_000 + n, Number.POSITIVE_INFINITY);
      expect(stateOf(other.session)).toEqual(stateOf(one.session));
      translated = Math.max(translated, other.session.pc.cpu.translator?.translated ?? 0);
    }
    expect(other.text()).toBe(one.text());
    expect(translated).toBeGreaterThan(20);
  });

  it.each([false, true])('is counted and recorded translated as executed; somebody looks: %s', looks => {
    const one = open(mode, () => null);
    const other = open(mode, cpu => new Translator(cpu, 'regions', { hot: 30, batch: 4, often: 300 }));
    const watchings = [one, other].map(({ session }) => new Watching(() => session));
    for (const watching of watchings) watching.look({ happened: looks, timeline: looks });
    for (let n = 0; n < 12; n++) {
      if (n === 4) {
        for (const { session } of [one, other])
          session.input(new TextEncoder().encode('bench\nfork\nfault\nsyscalls\n'));
      }
      for (const { session } of [one, other]) session.run(150_000 + n, Number.POSITIVE_INFINITY);
      expect(countsOf(other.session)).toEqual(countsOf(one.session));
      const [executed, translated] = watchings.map(watching => new TextDecoder().decode(watching.trace()));
      expect(translated).toBe(executed);
    }
    expect(other.session.pc.cpu.translator?.translated ?? 0).toBeGreaterThan(20);
  });
});
