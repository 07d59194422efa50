/** The test of VMX, on this machine's processor and under the monitors, whose guests see none. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXIT } from '../../ia32/vmx/exits.ts';
import { FIELD } from '../../ia32/vmx/fields.ts';
import type { Mode } from '../../protocol/monitor.ts';
import { type Guest, Session } from '../../session/session.ts';

const vmxtest: Guest = {
  name: 'vmxtest',
  kernel: new Uint8Array(readFileSync('public/guests/vmxtest.elf')),
  initrd: null,
  symbols: readFileSync('public/guests/vmxtest.json', 'utf8'),
  commandLine: '',
  memoryMib: 32,
};

/** Runs it to its end; the lines that it printed. */
function run(mode: Mode): readonly string[] {
  let output = '';
  const session = new Session(vmxtest, {
    startTime: 1_700_000_000,
    rate: 1e8,
    onConsole: byte => {
      output += String.fromCharCode(byte);
    },
    mode,
  });
  session.begin('run');
  while (session.run(1_000_000, Number.POSITIVE_INFINITY) && session.steps < 2e8);
  expect(session.stop).toEqual({ kind: 'powerOff' });
  return output.trimEnd().split('\r\n');
}

test('nothing fails, nothing is skipped, and every exit reason of this processor is seen', () => {
  const lines = run('bare');
  expect(lines.filter(line => !/^(ok {3}| {5}MSR )/.test(line))).toEqual([
    `exits seen: ${Object.keys(EXIT).join(' ')}`,
    expect.stringMatching(/^vmxtest: \d{3} ok, 0 failed$/),
  ]);
  const good = lines.filter(line => line.startsWith('ok   '));
  expect(lines.at(-1)).toBe(`vmxtest: ${good.length} ok, 0 failed`);
  expect(good.length).toBeGreaterThan(300);
});

/** Of the manual's appendix C, up to WBINVD: there is no other processor, SMM, SMX, virtual NMI, MONITOR, machine check, APIC, RDTSCP here. */
const ABSENT = [
  [3, 'INIT'],
  [4, 'SIPI'],
  [5, 'I/O SMI'],
  [6, 'other SMI'],
  [8, 'NMI window'],
  [11, 'GETSEC'],
  [17, 'RSM'],
  [36, 'MWAIT'],
  [39, 'MONITOR'],
  [41, 'machine check in VM entry'],
  [43, 'TPR below threshold'],
  [44, 'APIC access'],
  [45, 'virtualized EOI'],
  [51, 'RDTSCP'],
] as const;
/** Numbers that the manual gives to nothing. */
const UNASSIGNED = [35, 38, 42];

test('every exit reason is one that this processor has, or one that is known to be absent', () => {
  const known = [...Object.values(EXIT), ...ABSENT.map(([reason]) => reason), ...UNASSIGNED].sort((a, b) => a - b);
  expect(known).toEqual(Array.from({ length: 55 }, (_, reason) => reason));
});

test('it tries every field of this processor', () => {
  const source = readFileSync('core/guests/vmxtest/fields.h', 'utf8');
  const encodings = [...source.matchAll(/X\(\w+, (0x[0-9a-f]{4})\)/g)].map(match => Number(match[1]));
  expect(encodings).toEqual(Object.values(FIELD));
});

test.each(['trap', 'translate', 'patch', 'hardware'] as const)('under %s there is nothing to test', mode => {
  expect(run(mode)).toEqual([expect.stringMatching(/^vmxtest: .*, so there is nothing to test$/)]);
});
