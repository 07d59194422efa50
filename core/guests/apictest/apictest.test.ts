/** The interrupt controllers as a kernel finds them, against what another PC printed. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Mode } from '../../protocol/monitor.ts';
import { type Guest, Session } from '../../session/session.ts';

const apictest: Guest = {
  name: 'apictest',
  kernel: new Uint8Array(readFileSync('public/guests/apictest.elf')),
  initrd: null,
  symbols: null,
  commandLine: '',
  memoryMib: 32,
};

const expected = readFileSync('core/guests/apictest/qemu.txt', 'utf8').trimEnd().split('\n');

function run(mode: Mode, paging?: 'shadow'): readonly string[] {
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
  session.begin('run');
  while (session.run(1_000_000, Number.POSITIVE_INFINITY) && session.steps < 2e8);
  expect(session.stop).toEqual({ kind: 'powerOff' });
  return output.trimEnd().split('\n');
}

test('the bare machine', () => {
  expect(run('bare')).toEqual(expected);
});

test.each(['translate', 'patch', 'hardware'] as const)('a virtual machine under %s', mode => {
  expect(run(mode)).toEqual(expected);
});

test('a virtual machine with shadow page tables', () => {
  expect(run('hardware', 'shadow')).toEqual(expected);
});

test('under trap CPUID tells of the machine, which is one of the holes', () => {
  const hole = (line: string) => line.replace('an APIC: 0,', 'an APIC: 1,');
  expect(run('trap')).toEqual(expected.map(hole));
});
