import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseRun } from '../cli/arguments.ts';
import { openGuest } from '../cli/images.ts';
import { ImageError } from '../guests/boot.ts';
import { CS } from '../ia32/registers.ts';
import * as L from '../machine/cpu/layout.ts';
import type { Mode } from '../protocol/monitor.ts';
import { ModeError } from '../vmm/technique.ts';
import { type Guest, Session } from './session.ts';
import { spacesOf } from './views/address-spaces.ts';
import { answer } from './views/answers.ts';
import { tablesView } from './views/tables-view.ts';

/** A paravirtualized guest in a session, as the command line opens it; and what is said of kernels in the wrong mode. */

const PROMPT = 'primer$ ';
const primer = openGuest(parseRun(['primer', '--mode', 'para']));

let output = '';

function open(guest: Guest, mode: Mode): Session {
  output = '';
  const onConsole = (byte: number): void => {
    output += String.fromCharCode(byte);
  };
  return new Session(guest, { startTime: 1_700_000_000, rate: 1e7, onConsole, mode });
}

/** Runs until the prompt has come that often. */
function wait(session: Session, prompts: number): void {
  for (let n = 0; n < 600 && output.split(PROMPT).length - 1 < prompts; n++) {
    expect(session.run(100_000, Number.POSITIVE_INFINITY)).toBe(true);
  }
  expect(output.split(PROMPT).length - 1).toBe(prompts);
}

function type(session: Session, text: string): void {
  session.input(new TextEncoder().encode(text));
}

describe('primer for the monitor', () => {
  test('is what the command line opens with --mode para, and its symbols are its own', () => {
    expect(readFileSync('public/guests/primer-para.elf').equals(primer.kernel)).toBe(true);
    const { plan, symbols } = open(primer, 'para');
    expect(plan.kind).toBe('xen');
    const entry = plan.kind === 'xen' ? plan.domain.entry : 0;
    expect(symbols.name(entry)).toBe('start');
  });

  test('has tables and memory at machine addresses, and is told its pseudo-physical ones beside', () => {
    const session = open(primer, 'para');
    session.begin('run');
    session.run(20_000, Number.POSITIVE_INFINITY);
    const given = answer(session, { kind: 'walk', address: session.processor.linearEip });
    if (given.kind !== 'walk') throw new Error(given.kind);
    const { walks, guestPhysical, machinePhysical } = given.address;
    const references = walks[0].references.filter(({ address }) => address !== null);
    expect(references.length).toBeGreaterThan(1);
    expect(guestPhysical).not.toBe(machinePhysical);
    for (const { low, pseudo, address } of references) {
      expect(pseudo).not.toBe(address);
      expect(pseudo).toBeLessThan(session.guest.memoryMib * 2 ** 20);
      // What memory shows there is the entry.
      const bytes = session.readMemory('physical', address ?? -1, 4);
      expect(new DataView(Uint8Array.from(bytes).buffer).getInt32(0, true)).toBe(low | 0);
    }
    const [{ runs }] = tablesView(spacesOf(session.pc, session.monitor, session.processor), []);
    expect(runs.length).toBeGreaterThan(0);
    for (const { target, pseudo } of runs) {
      expect(pseudo).not.toBe(target);
      expect(pseudo).toBeLessThan(session.guest.memoryMib * 2 ** 20);
    }
    const at = (space: 'linear' | 'physical', address: number) => [...session.readMemory(space, address, 16)];
    expect(at('physical', machinePhysical ?? -1)).toEqual(at('linear', session.processor.linearEip));
  });

  test('finds its descriptors in the machine’s tables, where they are', () => {
    const session = open(primer, 'para');
    session.begin('run');
    session.run(20_000, Number.POSITIVE_INFINITY);
    const given = answer(session, { kind: 'descriptors', table: 'gdt', whose: 'guest' });
    const code = session.processor.segment(CS, L.S_SELECTOR);
    expect(given.kind === 'descriptors' && given.entries.map(({ index }) => index)).toContain(code >>> 3);
  });

  test('is the native kernel in every other mode', () => {
    const native = openGuest(parseRun(['primer', '--mode', 'trap']));
    expect(readFileSync('public/guests/primer.elf').equals(native.kernel)).toBe(true);
  });

  test('starts again when it is switched off and on, whatever it was doing', () => {
    const session = open(primer, 'para');
    session.begin('run');
    wait(session, 1);
    type(session, 'fork\n');
    session.run(20_000, Number.POSITIVE_INFINITY);
    session.reset();
    expect(session.stop).toEqual({ kind: 'start' });
    output = '';
    session.begin('run');
    wait(session, 1);
    expect(output).toMatch(/^primer 1\.0, para kernel on Xen [^\n]*, 32 MB\r\n/);
    type(session, 'ps\n');
    wait(session, 2);
    expect(output).toMatch(/ 1 {2}running {2}3 .* shell\r\n/);
  });
});

describe('a kernel in the wrong mode is refused with a sentence', () => {
  const native: Guest = { ...primer, kernel: new Uint8Array(readFileSync('public/guests/primer.elf')) };

  test.each([
    ['a multiboot kernel', native.kernel],
    ['a text', new TextEncoder().encode('hello, world')],
    ['nothing', new Uint8Array(0)],
  ])('%s has no Xen notes', (_, kernel) => {
    const start = () => open({ ...native, kernel }, 'para');
    expect(start).toThrow(ModeError);
    expect(start).toThrow('This kernel is not made for --mode para: it has no Xen notes.');
  });

  test.each(['bare', 'trap', 'translate', 'patch', 'hardware'] as const)('a kernel for Xen under %s', mode => {
    const start = () => open(primer, mode);
    expect(start).toThrow(ImageError);
    expect(start).toThrow(/made for Xen/);
  });
});
