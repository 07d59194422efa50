import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadImage } from '../../guests/load.ts';
import { loadXen } from '../../guests/xen.ts';
import { Pc } from '../../machine/pc.ts';
import { MONITOR_MEMORY, Monitor } from '../monitor.ts';
import { findWrong } from '../testing/para/invariants.ts';

/** primer built for the monitor's interface, beside primer on the bare machine: what a person at its console sees. */

const MEMORY = 32 << 20;
/** Low, so that the clock ticks often. */
const RATE = 1e7;
const PROMPT = 'primer$ ';
const OPTIONS = { memoryBytes: MEMORY, commandLine: '', initrd: null };
const native = loadImage(new Uint8Array(readFileSync('public/guests/primer.elf')), OPTIONS);
const para = loadXen(new Uint8Array(readFileSync('public/guests/primer-para.elf')), OPTIONS);
const COMMANDS = ['help', 'ps', 'mem', 'fault', 'fork', 'nonsense', 'bench'];

interface Runner {
  run(steps: number, until: number, pass: boolean): string;
  input(bytes: Uint8Array): number;
}

interface Seat<R extends Runner> {
  readonly runner: R;
  text: string;
}

function sitDown<R extends Runner>(make: (onConsole: (byte: number) => void) => R): Seat<R> {
  let text = '';
  const runner = make(byte => {
    text += String.fromCharCode(byte);
  });
  return {
    runner,
    get text() {
      return text;
    },
  };
}

function bare(): Seat<Pc> {
  return sitDown(onConsole => {
    const pc = new Pc({ memoryBytes: MEMORY, startTime: 0, rate: RATE, onConsole });
    pc.start(native);
    return pc;
  });
}

function paravirtualized(): Seat<Monitor> {
  return sitDown(onConsole => {
    const pc = new Pc({ memoryBytes: MEMORY + MONITOR_MEMORY, startTime: 0, rate: RATE, onConsole });
    const options = { mode: 'para', paging: 'shadow', memoryBytes: MEMORY, startTime: 0, onConsole } as const;
    return new Monitor(pc, options, { ...para, registers: { eip: 0, codeSelector: 8, dataSelector: 16 } });
  });
}

function prompts(seat: Seat<Runner>): number {
  return seat.text.split(PROMPT).length;
}

/** Runs until the prompt has come that often. */
function wait(seat: Seat<Runner>, count: number): void {
  for (let n = 0; n < 600 && prompts(seat) < count; n++) seat.runner.run(100_000, Number.POSITIVE_INFINITY, false);
  expect(prompts(seat)).toBe(count);
}

/** Types a command; returns what it showed. */
function type(seat: Seat<Runner>, command: string): string {
  const before = prompts(seat);
  const start = seat.text.length;
  seat.runner.input(new TextEncoder().encode(`${command}\n`));
  wait(seat, before + 1);
  return seat.text.slice(start, seat.text.length - PROMPT.length);
}

function session(seat: Seat<Runner>): Readonly<Record<string, string>> {
  wait(seat, 2);
  return Object.fromEntries(COMMANDS.map(command => [command, type(seat, command)]));
}

/** The lines of a command without frames, addresses in the kernel's image and counts, which are each kernel's own. */
function essence(shown: string): readonly string[] {
  return shown
    .split('\r\n')
    .map(line =>
      line
        .replace(/(CR3|directory|table|first) [0-9a-f]{8}/g, '$1 frame')
        .replace(/(running|ready|sleeping)( +\d +)[0-9a-f]{8} +\d+/, '$1$2frame ticks')
        .replace(/c01[0-9a-f]{5}/g, 'kernel')
        .replace(/^(loop|system|page|context|fork|CLI|IN)(.*?) +\d+$/, '$1$2 count')
        .replace(/^\d+ of (\d+) frames/, 'some of $1 frames'),
    )
    .filter(line => line !== '');
}

/** What `mem` tells of the process itself. */
function ownPart(lines: readonly string[]): readonly string[] {
  return lines.slice(
    lines.findIndex(line => line.includes('[0]')),
    lines.findIndex(line => line.includes('[3]')),
  );
}

describe('primer, paravirtualized', () => {
  const seat = paravirtualized();
  const shown = session(seat);
  const expected = session(bare());

  it('says what it is', () => {
    expect(seat.text.split('\r\n').slice(0, 2)).toEqual([
      'primer 1.0, para kernel on Xen 4.2.ringside, 32 MB',
      'paging on, 2 processes, timer 100 Hz',
    ]);
  });

  it.each(['help', 'ps', 'fault', 'nonsense', 'bench'])('%s shows what the bare machine shows', command => {
    expect(essence(shown[command])).toEqual(essence(expected[command]));
  });

  it('fork shows what the bare machine shows, in its own order', () => {
    expect([...essence(shown['fork'])].sort()).toEqual([...essence(expected['fork'])].sort());
  });

  it('mem shows the same process, and the monitor at the end of the address space', () => {
    expect(ownPart(essence(shown['mem']))).toEqual(ownPart(essence(expected['mem'])));
    expect(ownPart(essence(shown['mem'])).length).toBeGreaterThan(4);
    expect(shown['mem']).toContain('[428-511] the monitor');
  });

  it('sensitive shows ring 1, and that the flags are the machine’s', () => {
    const lines = type(seat, 'sensitive').split('\r\n');
    expect(lines).toContain('push    CS=0009 SS=0011                           shows ring 1');
    expect(lines.filter(line => line.includes('IF lost'))).toHaveLength(2);
  });

  it('leaves every frame in order', () => {
    const { domain } = seat.runner.para ?? {};
    if (domain === undefined) throw new TypeError('not paravirtualized');
    const { tables, descriptors, shared, host } = domain;
    const held = [
      ...descriptors.held.map(frame => ({ frame, type: 'descriptors' as const })),
      { frame: Math.floor(shared.address / 4096), type: 'writable' as const },
    ];
    expect(findWrong(host.memory, tables, held)).toEqual([]);
    expect(domain.counts.refused).toBe(0);
  });

  it('makes its system calls without the monitor, and emulates few instructions, none of them of user code', () => {
    const { counts, para } = seat.runner;
    expect(counts.user.emulated).toBe(0);
    expect(counts.emulated).toBeLessThan(counts.direct / 100);
    expect(counts.direct).toBeGreaterThan(1_000_000);
    const names = counts.exits.map(({ reason }) => reason);
    expect(names).toContain('mmu_update');
    expect(names).not.toContain('unknown');
    expect(para?.domain.traps.trap(0x80)?.masks).toBe(false);
  });

  it('reboots itself and not the machine', () => {
    const before = seat.runner.pc.cpu.count;
    const first = seat.runner.para?.domain;
    const count = prompts(seat);
    seat.runner.input(new TextEncoder().encode('reboot\n'));
    wait(seat, count + 1);
    expect(seat.text.split('primer 1.0').length).toBe(3);
    expect(seat.runner.pc.cpu.count).toBeGreaterThan(before);
    expect(seat.runner.para?.domain).not.toBe(first);
    expect(essence(type(seat, 'ps'))).toEqual(essence(expected['ps']));
  });
});
