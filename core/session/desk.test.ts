import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { FromWorker, ToWorker, View } from '../protocol/messages.ts';
import type { MonitorWindows } from '../protocol/monitor.ts';
import { Desk } from './desk.ts';

const primer: Extract<ToWorker, { type: 'open' }> = {
  type: 'open',
  name: 'primer',
  kernel: new Uint8Array(readFileSync('public/guests/primer.elf')),
  initrd: null,
  symbols: readFileSync('public/guests/primer.json', 'utf8'),
  commandLine: '',
  memoryMib: 32,
  stopBeforePrivileged: false,
  setting: { mode: 'bare', paging: 'nested' },
};

const monitor: MonitorWindows = {
  happened: false,
  account: false,
  timeline: false,
  translation: false,
  address: null,
  tables: false,
  open: [],
};

/** A desk with a clock of its own: each look at it takes a millisecond, and scheduled slices run when the test says. */
class Bench {
  readonly messages: FromWorker[] = [];
  /** Milliseconds after which the next slice was asked for last. */
  delay = 0;
  #time = 0;
  #due = false;
  readonly desk = new Desk({
    post: message => this.messages.push(message),
    now: () => this.#time++,
    date: () => 1_700_000_000,
    schedule: delay => {
      this.delay = delay;
      this.#due = true;
    },
  });

  send(message: ToWorker): void {
    this.desk.handle(message);
  }

  /** One animation frame of the page: a view, then the slices of 16 milliseconds. */
  frame(): View {
    this.send({ type: 'frame' });
    const view = this.messages.findLast(message => message.type === 'view');
    if (view === undefined) throw new Error('no view came');
    const end = this.#time + 16;
    while (this.#due && this.#time < end) {
      this.#due = false;
      this.desk.slice();
    }
    return view;
  }

  wait(milliseconds: number): void {
    this.#time += milliseconds;
    if (this.#due) {
      this.#due = false;
      this.desk.slice();
    }
  }

  refusals(): string[] {
    return this.messages.flatMap(message => (message.type === 'refused' ? [message.message] : []));
  }
}

function text(view: View): string {
  return new TextDecoder().decode(view.console);
}

describe('the desk', () => {
  test('opens a guest, pauses before its first privileged instruction, and steps it', () => {
    const bench = new Bench();
    bench.send({ ...primer, stopBeforePrivileged: true });
    expect(bench.messages[0]).toMatchObject({ type: 'opened', name: 'primer', kind: 'multiboot', memoryMib: 32 });
    bench.frame();
    const before = bench.frame();
    expect(before).toMatchObject({ running: false, stop: { kind: 'privileged' } });
    bench.send({ type: 'step', kind: 'into' });
    const after = bench.frame();
    expect(after.instructions).toBe(before.instructions + 1);
    expect(after.registers.eip).not.toBe(before.registers.eip);
    expect(after.code?.some(row => row.address === after.registers.eip)).toBe(true);
  });

  test('between two listings a running machine tells only what is new, and a paused one all of it', () => {
    const bench = new Bench();
    bench.send(primer);
    const code = { follow: true, address: 0, before: 2, after: 2 };
    const memory = { space: 'physical', address: 0x100000, length: 16 } as const;
    bench.send({ type: 'windows', code, memory, monitor: { ...monitor, tables: true, address: 0x100000 } });
    const isWhole = ({ memory, monitor: { tables, address } }: View): boolean =>
      memory !== null && tables !== null && address !== null;
    const isBrief = ({ memory, monitor: { tables, address } }: View): boolean =>
      memory === null && tables === null && address === null;
    for (let n = 0; n < 3; n++) expect(isWhole(bench.frame())).toBe(true);
    bench.send({ type: 'run' });
    const views = Array.from({ length: 100 }, () => bench.frame());
    const listings = views.filter(view => view.code !== null);
    expect(listings.length).toBeGreaterThan(3);
    expect(listings.length).toBeLessThan(20);
    expect(listings.every(isWhole)).toBe(true);
    expect(views.filter(view => view.code === null).every(isBrief)).toBe(true);
    bench.send({ type: 'pause' });
    for (let n = 0; n < 3; n++) expect(isWhole(bench.frame())).toBe(true);
  });

  test('runs while it is watched, hands over the console, and rests when nobody looks', () => {
    const bench = new Bench();
    bench.send(primer);
    bench.frame();
    bench.send({ type: 'run' });
    let output = '';
    for (let n = 0; n < 500 && !output.includes('primer$ '); n++) output += text(bench.frame());
    expect(output).toContain('paging on, 2 processes');
    const watched = bench.frame().instructions;
    bench.wait(5000);
    bench.wait(5000);
    const later = bench.frame();
    expect(later.running).toBe(true);
    // One slice may have been under way.
    expect(later.instructions - watched).toBeLessThan(3_000_000);
  });

  test('a bad image is refused with a sentence, and what runs goes on', () => {
    const bench = new Bench();
    bench.send(primer);
    bench.send({ type: 'run' });
    bench.frame();
    bench.send({ ...primer, name: 'broken', kernel: Uint8Array.of(1, 2, 3) });
    expect(bench.refusals()).toEqual([expect.stringMatching(/neither a multiboot kernel nor a Linux/)]);
    const first = bench.frame();
    // It may be ahead of the reader's clock, and wait.
    let last = bench.frame();
    for (let n = 0; n < 20 && last.instructions === first.instructions; n++) last = bench.frame();
    expect(last.running).toBe(true);
    expect(last.instructions).toBeGreaterThan(first.instructions);
  });

  test('requests without a machine, with wild windows or too much input are refused', () => {
    const bench = new Bench();
    bench.send({ type: 'run' });
    bench.send(primer);
    const code = { follow: true, address: 0, before: 1, after: 1 };
    bench.send({ type: 'windows', code: { ...code, after: 1e9 }, memory: null, monitor });
    bench.send({ type: 'windows', code, memory: { space: 'linear', address: 0, length: 1e9 }, monitor });
    bench.send({ type: 'input', bytes: new Uint8Array(2 << 20) });
    bench.send({ type: 'restore', file: Uint8Array.of(1) });
    expect(bench.refusals()).toHaveLength(5);
  });

  test('a guest that floods the console drops bytes, and counts them', () => {
    // mov dx,0x3f8; mov al,'x'; out dx,al; jmp to the out
    const flood = [0x66, 0xba, 0xf8, 0x03, 0xb0, 0x78, 0xee, 0xeb, 0xfd];
    const word = (n: number) => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
    const end = 0x100020 + flood.length;
    const header = [0x1badb002, 0x10000, -(0x1badb002 + 0x10000) >>> 0, 0x100000, 0x100000, end, end, 0x100020].flatMap(
      word,
    );
    const bench = new Bench();
    bench.send({ ...primer, kernel: Uint8Array.from([...header, ...flood]), symbols: null });
    bench.frame();
    bench.send({ type: 'run' });
    let kept = 0;
    let dropped = 0;
    for (let n = 0; n < 4; n++) {
      const view = bench.frame();
      expect(view.console.length).toBeLessThanOrEqual(65536);
      kept += view.console.length;
      dropped += view.consoleDropped;
    }
    expect(kept).toBeGreaterThan(0);
    expect(dropped).toBeGreaterThan(0);
  });

  test('a snapshot goes out and comes back', () => {
    const bench = new Bench();
    bench.send(primer);
    bench.frame();
    bench.send({ type: 'run' });
    for (let n = 0; n < 5; n++) bench.frame();
    bench.send({ type: 'pause' });
    const before = bench.frame();
    bench.send({ type: 'save' });
    const saved = bench.messages.find(message => message.type === 'snapshot');
    if (saved === undefined) throw new Error('no snapshot came');
    bench.send({ type: 'reset' });
    expect(bench.frame().registers.eip).not.toBe(before.registers.eip);
    bench.send({ type: 'restore', file: saved.file });
    const after = bench.frame();
    expect(after.registers).toEqual(before.registers);
    expect(after.stop).toEqual({ kind: 'pause' });
  });

  test('goes back in time, gives that up at a pause, and shows the console as it was', () => {
    const bench = new Bench();
    bench.send(primer);
    bench.frame();
    bench.send({ type: 'back', kind: 'step' });
    expect(bench.refusals()).toEqual([expect.stringMatching(/does not reach/)]);
    bench.send({ type: 'run' });
    let output = '';
    for (let n = 0; n < 500 && !output.includes('primer$ '); n++) output += text(bench.frame());
    bench.send({ type: 'pause' });
    const before = bench.frame();
    output += text(before);
    bench.send({ type: 'back', kind: 'step' });
    expect(bench.frame()).toMatchObject({ running: true, past: { isSearching: true } });
    bench.send({ type: 'pause' });
    expect(bench.frame()).toMatchObject({ running: false, instructions: before.instructions, past: { isPast: false } });
    bench.send({ type: 'back', kind: 'step' });
    let view = bench.frame();
    for (let n = 0; n < 2000 && view.running; n++) view = bench.frame();
    expect(view).toMatchObject({ instructions: before.instructions - 1, past: { isPast: true }, consoleAnew: true });
    expect(output.startsWith(text(view))).toBe(true);
    bench.send({ type: 'step', kind: 'into' });
    view = bench.frame();
    expect(view).toMatchObject({ instructions: before.instructions, past: { isPast: false } });
    expect(view.registers).toEqual(before.registers);
  });

  test('rests longer where nothing was printed or typed for a while, and not a moment when something is typed', () => {
    const bench = new Bench();
    bench.send(primer);
    bench.send({ type: 'run' });
    let output = '';
    for (let n = 0; n < 500 && !output.includes('primer$ '); n++) output += text(bench.frame());
    for (let n = 0; n < 3; n++) bench.frame();
    expect(bench.delay).toBe(16);
    for (let n = 0; n < 80; n++) bench.frame();
    expect(bench.delay).toBe(50);
    bench.send({ type: 'input', bytes: new TextEncoder().encode('x') });
    expect(bench.delay).toBe(0);
    output = '';
    for (let n = 0; n < 20; n++) output += text(bench.frame());
    expect(output).toContain('x');
    expect(bench.delay).toBe(16);
  });
});
