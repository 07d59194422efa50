import { readFileSync } from 'node:fs';
import { gunzipSync } from 'fflate';
import { beforeAll, describe, expect, test } from 'vitest';
import { ESP } from '../ia32/registers.ts';
import * as L from '../machine/cpu/layout.ts';
import type { Setting } from '../protocol/monitor.ts';
import { readSnapshot, writeSnapshot } from './files/snapshot-file.ts';
import { type Guest, Session } from './session.ts';
import { SymbolTable } from './symbols.ts';
import { breakBefore } from './testing/breakpoints.ts';
import { classOf, codeRows, decodeAt } from './views/code-view.ts';

const FOREVER = Number.POSITIVE_INFINITY;

const primer: Guest = {
  name: 'primer',
  kernel: new Uint8Array(readFileSync('public/guests/primer.elf')),
  initrd: null,
  symbols: readFileSync('public/guests/primer.json', 'utf8'),
  commandLine: '',
  memoryMib: 32,
};

let output = '';

function open(guest: Guest = primer): Session {
  output = '';
  return new Session(guest, {
    startTime: 1_700_000_000,
    rate: 1e8,
    onConsole: byte => {
      output += String.fromCharCode(byte);
    },
  });
}

/** Runs until the machine stops, or at most so many steps. */
function go(session: Session, most = 50_000_000): void {
  const end = session.steps + most;
  while (session.run(1_000_000, FOREVER) && session.steps < end);
}

function addressOf(session: Session, name: string): number {
  const symbol = session.symbolFile?.symbols.find(s => s.name === name);
  if (symbol === undefined) throw new Error(`primer has no symbol ${name}`);
  return symbol.address;
}

describe('stepping', () => {
  test('stops before the first privileged instruction, which has not run', () => {
    const session = open();
    session.begin('privileged');
    go(session);
    expect(session.stop).toEqual({ kind: 'privileged' });
    const i = decodeAt(session.pc.cpu, session.pc.cpu.linearEip);
    expect(i === null ? null : classOf(i)).toBe('privileged');
    const before = session.steps;
    session.begin('into');
    expect(session.stop).toEqual({ kind: 'step' });
    expect(session.steps).toBe(before + 1);
  });

  test('stops at a breakpoint, and goes on from it to the next hit', () => {
    const session = open();
    const address = addressOf(session, 'switch_space');
    session.setBreakpoints(breakBefore(address));
    session.begin('run');
    go(session);
    expect(session.stop).toMatchObject({ kind: 'breakpoint', address });
    const first = session.steps;
    session.begin('run');
    go(session);
    expect(session.stop).toMatchObject({ kind: 'breakpoint', address });
    expect(session.steps).toBeGreaterThan(first);
  });

  test('steps over a call to the instruction behind it, and out of a function to its caller', () => {
    const session = open();
    const address = addressOf(session, 'switch_space');
    session.setBreakpoints(breakBefore(address));
    session.begin('run');
    go(session);
    const { cpu } = session.pc;
    const esp = cpu.i32[ESP];
    const caller = cpu.readLinear(esp, 4);
    session.setBreakpoints([]);
    session.begin('out');
    go(session);
    expect(session.stop).toEqual({ kind: 'step' });
    expect(cpu.i32[L.W_EIP]).toBe(caller);
    expect(cpu.i32[ESP]).toBe(esp + 4);

    for (let n = 0; n < 10_000; n++) {
      const i = decodeAt(cpu, cpu.linearEip);
      if (i?.row.operation === 'call') {
        const behind = cpu.linearEip + i.length;
        const stack = cpu.i32[ESP];
        session.begin('over');
        go(session);
        expect(session.stop).toEqual({ kind: 'step' });
        expect(cpu.linearEip).toBe(behind);
        expect(cpu.i32[ESP]).toBe(stack);
        return;
      }
      session.begin('into');
    }
    throw new Error('no call was met');
  });
});

describe('the console', () => {
  test('types a command and shows its answer', () => {
    const session = open();
    session.begin('run');
    while (!output.includes('primer$ ')) session.run(1_000_000, FOREVER);
    session.input(new TextEncoder().encode('ps\n'));
    while (!output.includes('counter')) session.run(1_000_000, FOREVER);
    expect(output).toContain('PID  STATE    RING  CR3       TICKS  NAME');
  });

  test.each<Setting>([
    { mode: 'bare', paging: 'nested' },
    { mode: 'hardware', paging: 'nested' },
    { mode: 'translate', paging: 'nested' },
  ])('what was typed under $mode outlasts a checkpoint, a snapshot and a change of mode', setting => {
    const session = open();
    session.change(setting);
    session.begin('run');
    while (!output.includes('primer$ ')) session.run(1_000_000, FOREVER);
    const line = `echo ${'0123456789'.repeat(6)}`;
    expect(session.input(new TextEncoder().encode(`${line}\n`))).toBe(line.length + 1);
    // On their way bytes are in several places: in each of them something happens.
    for (let n = 0; n < 12; n++) {
      session.run(20_000, FOREVER);
      session.checkpoint();
    }
    session.change({ mode: setting.mode === 'bare' ? 'hardware' : 'bare', paging: 'nested' });
    session.run(20_000, FOREVER);
    session.change(setting);
    const { guest } = session;
    const typed = output;
    const other = open();
    output = typed;
    other.restore(readSnapshot(writeSnapshot(guest, session.save())).state);
    other.begin('run');
    for (let n = 0; n < 200 && !output.includes(`${line}\r\n`); n++) other.run(1_000_000, FOREVER);
    expect(output).toContain(`${line}\r\n`);
    expect(typed.length).toBeLessThan(output.length);
  });

  test('a reboot starts the guest anew and keeps counting', () => {
    const session = open();
    session.begin('run');
    while (!output.includes('primer$ ')) session.run(1_000_000, FOREVER);
    const before = session.steps;
    session.input(new TextEncoder().encode('reboot\n'));
    while (output.split('primer 1.0').length < 3) session.run(1_000_000, FOREVER);
    expect(session.steps).toBeGreaterThan(before);
  });
});

describe('snapshots', () => {
  let file: Uint8Array;
  let session: Session;
  beforeAll(() => {
    session = open();
    session.begin('run');
    go(session, 3_000_000);
    file = writeSnapshot(primer, session.save());
  });

  test('a file brings the machine back, which then runs on exactly alike', () => {
    const { guest, state } = readSnapshot(file);
    expect(guest).toEqual(primer);
    const other = new Session(guest, { startTime: 0, rate: 1e8, onConsole: () => {} });
    other.restore(state);
    expect(writeSnapshot(guest, other.save())).toEqual(file);
    session.begin('run');
    other.begin('run');
    go(session, 2_000_000);
    go(other, 2_000_000);
    expect(writeSnapshot(guest, other.save())).toEqual(writeSnapshot(primer, session.save()));
  });

  test('a file from before RAM was moved has the same TLB', () => {
    const unpacked = gunzipSync(file);
    const view = new DataView(unpacked.buffer, unpacked.byteOffset);
    const start = 'RINGSIDE1\n'.length + 4;
    const length = view.getUint32(start - 4, true);
    const { ram, ...header } = JSON.parse(new TextDecoder().decode(unpacked.subarray(start, start + length)));
    const { kernel, initrd, symbols, processor, localWords, localEntries, globalWords, globalEntries } = header.sizes;
    const body = unpacked.slice(start + length);
    const entries = (at: number, bytes: number) => {
      const words = new DataView(body.buffer, at, bytes);
      for (let n = 0; n < bytes; n += 4) {
        const entry = words.getInt32(n, true);
        if (entry !== L.INVALID) words.setInt32(n, entry + 0x1810000 - ram, true);
      }
    };
    const local = kernel + initrd + symbols + processor + localWords;
    entries(local, localEntries);
    entries(local + localEntries + globalWords, globalEntries);
    const head = new TextEncoder().encode(JSON.stringify(header));
    const old = new Uint8Array(start + head.length + body.length);
    old.set(unpacked.subarray(0, start));
    new DataView(old.buffer).setUint32(start - 4, head.length, true);
    old.set(head, start);
    old.set(body, start + head.length);
    expect(ram).toBe(L.RAM);
    expect(localEntries + globalEntries).toBeGreaterThan(0);
    expect(readSnapshot(old)).toEqual(readSnapshot(file));
  });

  test.each([
    ['empty', () => new Uint8Array(0)],
    ['not a snapshot', () => new Uint8Array(readFileSync('public/guests/primer.elf'))],
    ['cut off', () => file.slice(0, file.length >> 1)],
    ['with a flipped byte', () => file.map((byte, n) => (n === file.length >> 1 ? byte ^ 0x55 : byte))],
  ])('a file that is %s is refused with a sentence', (_, make) => {
    expect(() => {
      const { guest, state } = readSnapshot(make());
      new Session(guest, { startTime: 0, rate: 1e8, onConsole: () => {} }).restore(state);
    }).toThrow(/snapshot/);
  });
});

describe('looking and changing', () => {
  test('lists code around an address, in step with the function it lies in', () => {
    const session = open();
    session.begin('run');
    go(session, 3_000_000);
    const address = addressOf(session, 'switch_space');
    const window = { follow: false, address: address + 1, before: 1, after: 3 };
    const rows = codeRows(session.pc.cpu, session.symbols, window, 0);
    expect(rows[0].address).toBe(address);
    expect(rows[0].symbol).toBe('switch_space');
    expect(rows.length).toBe(5);
  });

  test('does not touch the machine by looking', () => {
    const session = open();
    session.begin('run');
    go(session, 3_000_000);
    const before = writeSnapshot(primer, session.save());
    codeRows(
      session.pc.cpu,
      session.symbols,
      { follow: true, address: 0, before: 40, after: 40 },
      session.pc.cpu.linearEip,
    );
    session.readMemory('linear', 0, 4096);
    session.readMemory('physical', 0xfee00000, 64);
    expect(writeSnapshot(primer, session.save())).toEqual(before);
  });

  test('writes memory and registers; an address without memory is refused whole', () => {
    const session = open();
    session.writeMemory('physical', 0x5000, Uint8Array.of(1, 2, 3));
    expect([...session.readMemory('physical', 0x5000, 4)]).toEqual([1, 2, 3, 0]);
    session.writeRegister('ebx', 0x12345678);
    expect(session.pc.cpu.i32[3]).toBe(0x12345678);
    const end = 32 * 1048576;
    expect(() => session.writeMemory('physical', end - 1, Uint8Array.of(9, 9))).toThrow(/no memory/);
    expect(session.readMemory('physical', end - 1, 2)[0]).toBe(0);
  });
});

describe('bad guests', () => {
  /** A multiboot image of bare code at 1 MB. */
  function image(...code: number[]): Guest {
    const word = (n: number) => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
    const end = 0x100020 + code.length;
    const header = [0x1badb002, 0x10000, -(0x1badb002 + 0x10000) >>> 0, 0x100000, 0x100000, end, end, 0x100020].flatMap(
      word,
    );
    return { ...primer, kernel: Uint8Array.from([...header, ...code]), symbols: null };
  }

  test('a triple fault stops the machine with its state', () => {
    const session = open(image(0x0f, 0x01, 0x1d, 0, 1, 0x10, 0, 0x0f, 0x0b));
    session.begin('run');
    go(session);
    expect(session.stop.kind).toBe('tripleFault');
    expect(session.stop).toHaveProperty('report', expect.stringContaining('eip 00100027'));
    expect(session.ended).toBe(true);
  });

  test('HLT with interrupts off is a dead halt', () => {
    const session = open(image(0xfa, 0xf4));
    session.begin('run');
    go(session);
    expect(session.stop).toEqual({ kind: 'deadHalt' });
  });

  test('a loop with interrupts off uses its steps and comes back', () => {
    const session = open(image(0xfa, 0xeb, 0xfe));
    session.begin('run');
    expect(session.run(1_000_000, FOREVER)).toBe(true);
    expect(session.steps).toBe(1_000_000);
  });

  test.each([
    ['memory', { memoryMib: 0 }, /memory must be/],
    ['image', { kernel: new Uint8Array(0) }, /image is empty/],
    ['symbols', { symbols: '{' }, /symbol file is not JSON/],
  ])('refuses a bad %s with a sentence', (_, change, sentence) => {
    expect(() => open({ ...primer, ...change })).toThrow(sentence);
  });
});

test('symbols are found by address, within their size', () => {
  const table = new SymbolTable({
    format: 'ringside-symbols-1',
    symbols: [
      { name: 'a', address: 16, size: 4, kind: 'function' },
      { name: 'b', address: 32, size: 0, kind: 'object' },
    ],
    files: [],
    lines: [],
  });
  expect([15, 16, 19, 20, 32, 40].map(at => table.name(at))).toEqual([null, 'a', 'a+0x3', null, 'b', 'b+0x8']);
});
