/** The interrupt controllers as a kernel finds them, against what another PC printed. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Dice } from '../../machine/devices/testing/port-script.ts';
import { Pc } from '../../machine/pc.ts';
import type { Mode } from '../../protocol/monitor.ts';
import { type Guest, Session } from '../../session/session.ts';
import { loadImage } from '../load.ts';

const apictest: Guest = {
  name: 'apictest',
  kernel: new Uint8Array(readFileSync('public/guests/apictest.elf')),
  initrd: null,
  symbols: null,
  commandLine: 'manual',
  memoryMib: 32,
};

const recorded = readFileSync('core/guests/apictest/qemu.txt', 'utf8').trimEnd().split('\n');
/** What comes with the word `manual`, before the last lines. */
const BY_THE_MANUAL = [
  'writable: ff000000 ff ff000000 ffffffff 3ff 300ff 107ff 107ff 1a7ff 100ff b',
  'errors: e0, f1',
  'errors since: 0',
  'disabled by software: 100f1, 66',
  'LINT0 as a vector of its own: 62',
  '8259A through the I/O APIC: 20',
  'active low: 53',
  'before it is moved: 12345678',
  'moved: 50014, and ffffffff where it was',
  'moved back: 50014, and 12345678 where it was; task priority 30',
];
const expected = [...recorded.slice(0, -3), ...BY_THE_MANUAL, ...recorded.slice(-3)];

function open(mode: Mode, paging?: 'shadow') {
  let output = '';
  const session = new Session(apictest, {
    startTime: 1_700_000_000,
    rate: 1e7,
    onConsole: byte => {
      output += String.fromCharCode(byte);
    },
    mode,
    ...(paging === undefined ? {} : { paging }),
  });
  return { session, lines: () => output.trimEnd().split('\n') };
}

function run(mode: Mode, paging?: 'shadow'): readonly string[] {
  const { session, lines } = open(mode, paging);
  session.begin('run');
  while (session.run(1_000_000, Number.POSITIVE_INFINITY) && session.steps < 2e8);
  expect(session.stop).toEqual({ kind: 'powerOff' });
  return lines();
}

test('the bare machine', () => {
  expect(run('bare')).toEqual(expected);
});

test.each(['translate', 'patch', 'hardware'] as const)('a virtual machine under %s', mode => {
  expect(run(mode)).toEqual(expected);
});

/** RINGSIDE_SEED=n repeats the random choices of a run. */
const seed = Number(process.env['RINGSIDE_SEED'] ?? Math.floor(Math.random() * 0x100000000)) >>> 0;
const dice = new Dice(seed);

test(`a guest that changes between the machine and the techniques as it runs, RINGSIDE_SEED=${seed}`, () => {
  const { session, lines } = open('bare');
  const settings = [
    { mode: 'bare', paging: 'nested' },
    { mode: 'translate', paging: 'shadow' },
    { mode: 'patch', paging: 'shadow' },
    { mode: 'hardware', paging: 'nested' },
    { mode: 'hardware', paging: 'shadow' },
  ] as const;
  session.begin('run');
  while (session.run(1 + dice.below(60_000), Number.POSITIVE_INFINITY)) session.change(dice.pick(settings));
  expect(lines()).toEqual(expected);
});

test(`a machine that is saved and cut into short runs, RINGSIDE_SEED=${seed}`, () => {
  const open = () => new Pc({ memoryBytes: 1 << 25, startTime: 0, rate: 1e7, onConsole: byte => output.push(byte) });
  const output: number[] = [];
  const plan = loadImage(apictest.kernel, { memoryBytes: 1 << 25, commandLine: 'manual', initrd: null });
  const whole = open();
  whole.start(plan);
  expect(whole.run(1e9, Number.POSITIVE_INFINITY, false)).toBe('powerOff');
  expect(Buffer.from(output).toString().trimEnd().split('\n')).toEqual(expected);
  const text = output.splice(0);
  let cut = open();
  cut.start(plan);
  while (cut.run(1 + dice.below(20_000), Number.POSITIVE_INFINITY, false) === 'steps') {
    if (dice.below(4) > 0) continue;
    const state = structuredClone(cut.save());
    cut = open();
    cut.restore(state);
  }
  expect(output).toEqual(text);
  const [first, second] = [whole.save(), cut.save()];
  expect(second.count).toBe(first.count);
  expect(second.devices).toEqual(first.devices);
  expect(second.processor).toEqual(first.processor);
});

test('a virtual machine with shadow page tables', () => {
  expect(run('hardware', 'shadow')).toEqual(expected);
});

test('under trap CPUID tells of the machine, which is one of the holes', () => {
  const hole = (line: string) => line.replace('an APIC: 0,', 'an APIC: 1,');
  expect(run('trap')).toEqual(expected.map(hole));
});
