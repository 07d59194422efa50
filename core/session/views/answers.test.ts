import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FIELDS } from '../../ia32/vmx/fields.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Setting } from '../../protocol/monitor.ts';
import type { Answer, Question } from '../../protocol/questions.ts';
import { Session } from '../session.ts';
import { answer, answerVmcs } from './answers.ts';

const guest = {
  name: 'primer',
  kernel: new Uint8Array(readFileSync('public/guests/primer.elf')),
  initrd: null,
  symbols: readFileSync('public/guests/primer.json', 'utf8'),
  commandLine: '',
  memoryMib: 32,
};
const BARE: Setting = { mode: 'bare', paging: 'nested' };
const NESTED: Setting = { mode: 'hardware', paging: 'nested' };
const SHADOW: Setting = { mode: 'hardware', paging: 'shadow' };
const SETTINGS: readonly Setting[] = [
  BARE,
  { mode: 'trap', paging: 'shadow' },
  { mode: 'translate', paging: 'shadow' },
  { mode: 'patch', paging: 'shadow' },
  NESTED,
  SHADOW,
];

/** primer at its prompt, in the middle of something. */
function running(setting: Setting, steps = 2_000_000): Session {
  const session = new Session(guest, { startTime: 0, rate: 1e7, onConsole: () => {}, ...setting });
  if (setting.mode !== 'hardware') session.pc.cpu.hasVmx = false;
  session.begin('run');
  session.run(steps, Number.POSITIVE_INFINITY);
  return session;
}

/** Questions leave it as it is, so one serves them all. */
const shared = new Map<Setting, Session>();

function at(setting: Setting): Session {
  const session = shared.get(setting) ?? running(setting);
  shared.set(setting, session);
  return session;
}

function ask<K extends Question['kind'] & Answer['kind']>(
  session: Session,
  question: Extract<Question, { kind: K }> & Parameters<typeof answer>[1],
): Extract<Answer, { kind: K }> {
  const given: Answer = answer(session, question);
  if (given.kind !== question.kind) throw new Error(given.kind === 'none' ? given.message : given.kind);
  return given as Extract<Answer, { kind: K }>;
}

/** All that the machine is, as two of the same course would have it. */
function everything(session: Session): string {
  const { pc } = session;
  const { pages, bytes, ...rest } = pc.save();
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  return JSON.stringify({ ...rest, pages: pages.length, sum, counts: session.monitor?.counts.exits.length });
}

const QUESTIONS: readonly Parameters<typeof answer>[1][] = [
  { kind: 'memory', space: 'linear', address: 0x100000, length: 64 },
  { kind: 'memory', space: 'physical', address: 0x100000, length: 64 },
  { kind: 'code', address: 0x100020, count: 20 },
  { kind: 'walk', address: 0xc0100000 },
  { kind: 'tlb' },
  { kind: 'units' },
  { kind: 'descriptors', table: 'gdt', whose: 'guest' },
  { kind: 'descriptors', table: 'idt', whose: 'machine' },
  { kind: 'descriptors', table: 'ldt', whose: 'guest' },
  { kind: 'value', expression: 'eip + [esp]' },
  { kind: 'engine', count: 5 },
  { kind: 'region', address: 0x100020, text: true },
];

describe('questions', () => {
  it.each(SETTINGS)('change nothing under $mode, $paging', async setting => {
    const session = running(setting, 1_234_567);
    const before = everything(session);
    for (const question of QUESTIONS) answer(session, question);
    await answerVmcs(session);
    expect(everything(session)).toBe(before);
    session.begin('run');
    session.run(300_000, Number.POSITIVE_INFINITY);
    const other = running(setting, 1_234_567);
    other.begin('run');
    other.run(300_000, Number.POSITIVE_INFINITY);
    expect(everything(session)).toBe(everything(other));
    expect(session.monitor?.counts.monitor).toBe(other.monitor?.counts.monitor);
  });

  it('that ask for too much, or nonsense, get a sentence', async () => {
    const session = running(BARE, 1000);
    expect(answer(session, { kind: 'memory', space: 'linear', address: 0, length: 4097 })).toEqual({
      kind: 'none',
      message: 'An answer has at most 4096 bytes.',
    });
    expect(answer(session, { kind: 'code', address: 0, count: 1e9 }).kind).toBe('none');
    expect(answer(session, { kind: 'engine', count: 65 }).kind).toBe('none');
    expect(await answerVmcs(session)).toMatchObject({ kind: 'none' });
  });
});

describe('the code question', () => {
  it('lists instructions from an address, up to the end of what is mapped', () => {
    const session = at(BARE);
    const { rows } = ask<'code'>(session, { kind: 'code', address: session.processor.linearEip, count: 5 });
    expect(rows).toHaveLength(5);
    expect(rows[1].address).toBe(rows[0].address + rows[0].bytes.length);
    expect(ask<'code'>(session, { kind: 'code', address: 0xfff00000, count: 5 }).rows).toHaveLength(1);
  });
});

describe('the TLB question', () => {
  it.each(SETTINGS)('tells the pages that the run loop finds without a walk, under $mode, $paging', setting => {
    const session = at(setting);
    const { cpu } = session.pc;
    const { runs, dropped } = ask<'tlb'>(session, { kind: 'tlb' });
    expect(dropped).toBe(0);
    expect(runs.length).toBeGreaterThan(0);
    for (const { linear, physical, pages, user, read, write, execute } of runs) {
      for (let n = 0; n < pages; n++) {
        const page = linear / 4096 + n + (user ? L.USER_TABLES : 0);
        const entries = [L.W_TLB, L.W_TLB_WRITE, L.W_TLB_EXECUTE].map(table => cpu.i32[table + page]);
        expect(entries.map(entry => entry !== L.INVALID)).toEqual([read, write, execute]);
        const entry = entries.find(word => word !== L.INVALID) ?? 0;
        expect(((entry & ~0xfff) + linear + n * 4096 - L.RAM) >>> 0).toBe(physical + n * 4096);
      }
    }
    const count = runs.reduce((sum, { pages, read }) => sum + (read ? pages : 0), 0);
    let filled = 0;
    for (const table of [L.W_TLB, L.W_TLB + L.USER_TABLES]) {
      for (let n = 0; n < L.TABLE_WORDS; n++) if (cpu.i32[table + n] !== L.INVALID) filled++;
    }
    expect(count).toBe(filled);
  });
});

describe('the VMCS question', () => {
  it.each([NESTED, SHADOW])('has every field with its meaning, $paging', async setting => {
    const session = at(setting);
    session.begin('trap');
    for (let n = 0; n < 100 && session.run(100_000, Number.POSITIVE_INFINITY); n++);
    const given = await answerVmcs(session);
    if (given.kind !== 'vmcs') throw new Error(`There is no VMCS: ${given.kind}.`);
    const { fields } = given;
    expect(fields).toHaveLength(FIELDS.length);
    const of = (name: string) => {
      const found = fields.find(field => field.name === name);
      if (found === undefined) throw new Error(`There is no ${name}.`);
      return found;
    };
    expect(of('Pin-based VM-execution controls').meaning).toBe('External-interrupt exiting');
    expect(of('Primary processor-based VM-execution controls').meaning).toContain('HLT exiting');
    const secondary = of('Secondary processor-based VM-execution controls').meaning;
    expect(secondary.includes('Enable EPT')).toBe(setting.paging === 'nested');
    expect(of('Exception bitmap').meaning).toBe(setting.paging === 'nested' ? '#MF' : '#PF #MF');
    expect(of('Guest CS access rights').meaning).toMatch(/^code 32 execute\/read, DPL [03]$/);
    expect(of('Guest CR0').meaning).toMatch(/PE .*PG/);
    expect(of('VMCS link pointer')).toMatchObject({ bits: 64, low: 0xffffffff, high: 0xffffffff, meaning: 'none' });
    expect(of('Exit reason').meaning).not.toBe('');
    expect(of('Guest RIP').area).toBe('guest state');
    // What the exit saved is where the guest stands, now that the monitor has not moved it.
    expect(of('Guest CR3').low).not.toBe(0);
  });
});

describe('the descriptor question', () => {
  it.each(SETTINGS)('shows what the guest set up, and what the machine has, under $mode, $paging', setting => {
    const session = at(setting);
    const own = ask<'descriptors'>(session, { kind: 'descriptors', table: 'gdt', whose: 'guest' });
    const kernelCode = own.entries.find(({ segment }) => segment?.description === 'code 32 execute/read');
    expect(kernelCode).toMatchObject({ dpl: 0, present: true, segment: { base: 0, limit: 0xffffffff } });
    const gates = ask<'descriptors'>(session, { kind: 'descriptors', table: 'idt', whose: 'guest' });
    const breakpoint = gates.entries.find(({ index }) => index === 14);
    expect(breakpoint).toMatchObject({ description: 'interrupt gate 32', present: true });
    expect(session.symbols.name(breakpoint?.gate?.offset ?? 0)).not.toBeNull();
    const machine = ask<'descriptors'>(session, { kind: 'descriptors', table: 'gdt', whose: 'machine' });
    const rings = ['trap', 'translate', 'patch'].includes(setting.mode);
    // Ring deprivileging: segments end below the monitor, and ring 0 is ring 1.
    if (rings) expect(machine.entries).not.toEqual(own.entries);
    else if (setting.mode === 'bare') expect(machine).toEqual(own);
    expect(ask<'descriptors'>(session, { kind: 'descriptors', table: 'ldt', whose: 'guest' }).entries).toEqual([]);
  });

  it('has far pointers in real mode', () => {
    const session = running(BARE, 1000);
    const { i32, physical } = session.pc.cpu;
    i32[L.W_CR0] &= ~1;
    i32[L.W_IDTR_BASE] = 0;
    i32[L.W_IDTR_LIMIT] = 0x3ff;
    physical.write(0x40, 4, 0xf0001234 | 0);
    expect(ask<'descriptors'>(session, { kind: 'descriptors', table: 'idt', whose: 'guest' }).entries).toContainEqual(
      expect.objectContaining({ index: 16, gate: { selector: 0xf000, offset: 0x1234 } }),
    );
  });
});

describe('the question for x87, SSE and debug registers', () => {
  const STILL: readonly Setting[] = [BARE, { mode: 'trap', paging: 'shadow' }, NESTED];

  it.each(STILL)('tells what was written to them, and the guest goes on with it, under $mode', setting => {
    const session = running(setting, 200_000);
    for (const [register, value] of [
      ['xmm0.0', 0x3f800000],
      ['xmm7.3', 0xdeadbeef],
      ['mxcsr', 0x9f80],
      ['dr0', 0xc0100000],
      ['dr6', 0],
      ['dr7', 0x2],
    ] as const) {
      session.writeRegister(register, value);
    }
    const look = () => {
      const { xmm, mxcsr, debug } = ask(session, { kind: 'units' });
      return [xmm[0], xmm[31], mxcsr, ...debug];
    };
    // Fixed bits stay as they are (SDM volume 3, 17.2).
    const written = [0x3f800000, 0xdeadbeef, 0x9f80, 0xc0100000, 0, 0, 0, 0xffff0ff0, 0x402];
    expect(look()).toEqual(written);
    session.begin('run');
    session.run(2000, Number.POSITIVE_INFINITY);
    expect(look()).toEqual(written);
  });

  it('has an x87 as FNINIT leaves it, and refuses what LDMXCSR would fault on', () => {
    const session = at(BARE);
    const { x87 } = ask(session, { kind: 'units' });
    expect(x87.registers).toHaveLength(8);
    expect(() => session.writeRegister('mxcsr', 0x10000)).toThrow(/^Bits 16 to 31 of MXCSR are reserved/);
  });
});
