import { expect, test } from 'vitest';
import type { CodeRow, InstructionClass, Registers, StopReason, View } from '../../../core/protocol/messages.ts';
import { bareMonitor } from '../../testing/monitor.ts';
import { account } from './sentence.ts';

const row = (text: string, kind: InstructionClass = 'plain'): CodeRow => ({
  address: 0x1000,
  bytes: Uint8Array.of(1),
  text,
  symbol: null,
  class: kind,
});

const registers = (cpl: Registers['cpl'], eflags = 2): Registers => ({
  general: new Uint32Array(8),
  eip: 0x1000,
  eflags,
  cr0: 0,
  cr2: 0,
  cr3: 0,
  cr4: 0,
  cpl,
  segments: [],
  gdtr: { base: 0, limit: 0 },
  idtr: { base: 0, limit: 0 },
});

const view = (stop: StopReason, cpl: Registers['cpl'], more: Partial<View> = {}): View => ({
  type: 'view',
  serial: 1,
  running: false,
  halted: false,
  stop,
  instructions: 5,
  rate: 0,
  seconds: 0,
  registers: registers(cpl),
  monitor: bareMonitor,
  code: null,
  memory: null,
  console: new Uint8Array(0),
  consoleDropped: 0,
  ...more,
});

const nothing = { before: null, executed: null, idle: false };
const idle = false;
const step: StopReason = { kind: 'step' };

test('before the first privileged instruction it names the instruction and what to press', () => {
  const words = account({ view: view({ kind: 'privileged' }, 0), row: row('lgdt [eax]', 'privileged'), ...nothing });
  expect(words.instruction).toBe('lgdt [eax]');
  expect(words.state).toMatch(
    /^Paused before `lgdt \[eax\]`, the first privileged instruction\..*ring 0.*Press Step\.$/,
  );
});

test('before the first privileged instruction under a monitor it does not say that there is none', () => {
  const monitor = { ...bareMonitor, setting: { mode: 'trap', paging: 'nested' } } as const;
  const stopped = view({ kind: 'privileged' }, 0, { monitor });
  const words = account({ view: stopped, row: row('mov eax,cr4', 'privileged'), ...nothing });
  expect(words.state).toMatch(/^Paused before `mov eax,cr4`, .*It traps\. .*#GP\(0\)\. Press Step\.$/);
});

test('after a step it speaks of the instruction that ran, and names the next', () => {
  const executed = { row: row('mov    cr3, eax', 'privileged'), retired: 1 };
  const before = { ...registers(0), eip: 0xfff };
  const words = account({ view: view(step, 0), row: row('ret'), before, executed, idle });
  expect(words.instruction).toBe('mov cr3, eax');
  expect(words.state).toMatch(/privileged.*simply ran/);
  expect(words.next).toBe('Next: `ret`.');
  expect(words.rings).toBeNull();
});

test('a jump says where it led, and a plain instruction that did not go on was interrupted', () => {
  const jump = { row: row('jmp eax'), retired: 1 };
  const from = (eip: number, flags = 2): Registers => ({ ...registers(0, flags), eip });
  const led = account({ view: view(step, 0), row: row('nop'), before: from(0x500), executed: jump, idle });
  expect(led.state).toBe('It ran, and led to `00001000`.');
  const plain = { row: row('mov eax, [ebx]'), retired: 1 };
  const faulted = account({ view: view(step, 0), row: row('nop'), before: from(0x500), executed: plain, idle });
  expect(faulted.state).toMatch(/^An exception or an interrupt came instead.*`00001000`/);
  const interrupted = account({
    view: view(step, 0),
    row: row('nop'),
    before: from(0x500, 0x202),
    executed: jump,
    idle,
  });
  expect(interrupted.state).toMatch(/^An exception or an interrupt/);
  const ran = account({ view: view(step, 0), row: row('nop'), before: from(0xfff), executed: plain, idle });
  expect(ran.state).toMatch(/^It ran: an ordinary/);
  const repeated = account({
    view: view(step, 0),
    row: row('nop'),
    before: from(0x1000),
    executed: { row: row('rep movsd'), retired: 1 },
    idle,
  });
  expect(repeated.state).toMatch(/will run again/);
});

test('a change of ring is told in both directions', () => {
  const executed = { row: row('int 0x80'), retired: 1 };
  const into = account({ view: view(step, 0), row: row('push eax'), before: registers(3), executed, idle });
  expect(into.rings).toEqual([3, 0]);
  expect(into.state).toMatch(/from ring 3 into ring 0/);
  const out = account({ view: view(step, 3), row: row('nop'), before: registers(0), executed, idle });
  expect(out.rings).toEqual([0, 3]);
  expect(out.state).toMatch(/out to ring 3/);
});

test('an instruction that did not retire raised an exception', () => {
  const executed = { row: row('cli', 'io'), retired: 0 };
  const words = account({
    view: view(step, 0),
    row: row('push 0'),
    before: { ...registers(3), eip: 0x400 },
    executed,
    idle,
  });
  expect(words.state).toMatch(/^An exception.*from ring 3 into ring 0/);
});

test('I/O is judged by CPL and IOPL', () => {
  const pause: StopReason = { kind: 'pause' };
  const low = account({ view: view(pause, 3), row: row('out dx, al', 'io'), ...nothing });
  expect(low.state).toMatch(/CPL 3 is above IOPL 0, so it traps/);
  const high = account({
    view: view(pause, 3, { registers: registers(3, 0x3002) }),
    row: row('out dx, al', 'io'),
    ...nothing,
  });
  expect(high.state).toMatch(/CPL 3 is not above it, so it runs/);
});

test('where nothing is mapped it gives the address', () => {
  const unmapped = { ...row(''), bytes: new Uint8Array(0) };
  expect(account({ view: view({ kind: 'pause' }, 0), row: unmapped, ...nothing }).state).toBe(
    'Paused before `00001000`.',
  );
});

test('while it runs nothing is said about instructions', () => {
  const running = account({ view: view(step, 0, { running: true }), row: row('nop'), ...nothing });
  expect(running.instruction).toBeNull();
  const halted = account({ view: view(step, 0, { running: true }), row: row('nop'), ...nothing, idle: true });
  expect(halted.state).toMatch(/waits in `hlt`/);
});
