import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Translator } from '../../machine/translate/translator.ts';
import type { Mode } from '../../protocol/monitor.ts';
import { Session } from '../session.ts';
import { answer } from './answers.ts';
import { engineView, runBy } from './engine-view.ts';

const guest = {
  name: 'primer',
  kernel: new Uint8Array(readFileSync('public/guests/primer.elf')),
  initrd: null,
  symbols: readFileSync('public/guests/primer.json', 'utf8'),
  commandLine: '',
  memoryMib: 8,
};

/** primer, after its shell has done something; `look` is called now and then. */
function running(mode: Mode, look: (session: Session) => void = () => {}, isTranslated = true): Session {
  const session = new Session(guest, {
    startTime: 0,
    rate: 1e8,
    mode,
    paging: 'nested',
    onConsole: () => {},
    translate: cpu => (isTranslated ? new Translator(cpu, 'regions', { hot: 30, batch: 4, often: 200 }) : null),
  });
  for (let n = 0; n < 4; n++) {
    if (n === 1) session.input(new TextEncoder().encode('bench\nps\n'));
    session.begin('run');
    session.run(150_000, Number.POSITIVE_INFINITY);
    session.pause();
    look(session);
  }
  return session;
}

const MODES: readonly Mode[] = ['bare', 'translate', 'hardware'];

describe.each(MODES)('under %s', mode => {
  it('the hottest regions are those of the guest’s code, beside its disassembly', () => {
    const session = running(mode);
    const view = engineView(session, 20);
    expect(view.engine).toBe('regions');
    expect(view.made).toBeGreaterThanOrEqual(view.alive);
    expect(view.modules).toBeGreaterThan(0);
    expect(view.modules).toBeLessThan(view.made);
    const entries = view.hottest.map(({ entered }) => entered);
    expect(entries).toEqual([...entries].sort((a, b) => b - a));
    expect(view.bytes).toBeGreaterThan(view.instructions);

    let shown = 0;
    for (const { guest: address, symbol } of view.hottest) {
      if (address === null) continue;
      const { run, place } = runBy(session, address, true);
      // Another address space may be the present one.
      if (run.by !== 'region') continue;
      shown++;
      expect(run.region.start <= (place ?? address) && (place ?? address) < run.region.end).toBe(true);
      const rows = (run.parts ?? []).flatMap(({ row }) => row ?? []);
      expect(new Set(rows.map(row => row.address)).size).toBe(run.region.instructions);
      expect((run.parts ?? []).map(({ text }) => text).join('\n')).toContain('local.get $budget');
      if (place !== null) {
        expect(symbol).toContain('translation of');
        continue;
      }
      for (const row of rows) {
        expect(answer(session, { kind: 'code', address: row.address, count: 1 })).toEqual({
          kind: 'code',
          rows: [row],
        });
      }
    }
    expect(shown).toBeGreaterThan(3);
    // The monitor's own code is hot as well.
    expect(view.hottest.some(({ guest: of }) => of === null)).toBe(mode !== 'bare');
    // A translation that is among the hottest is found by the guest's address, unless it begins in the midst of an instruction's.
    const translations = view.hottest.filter(({ address, guest: of }) => of !== null && of !== address);
    const found = translations.flatMap(({ address, guest: of, entered }) => {
      const { run, place } = runBy(session, of ?? 0, false);
      return run.by === 'region' && place === address ? [{ entered, inView: run.region.entered }] : [];
    });
    for (const { entered, inView } of found) expect(inView).toBeGreaterThanOrEqual(entered);
    if (mode === 'translate') expect(found.length).toBeGreaterThan(1);
    if (mode === 'translate') expect(view.hottest.some(({ address, guest: of }) => address !== of)).toBe(true);
  });
});

describe('what is not translated', () => {
  it('has its reason', () => {
    const session = running('bare');
    const at = session.symbols.find(0xc0100000)?.address ?? 0xc0100000;
    expect(runBy(session, at, true).run).toMatchObject({ by: 'executor', why: 'cold', executed: 0 });
    // The kernel's first 64 KiB: somewhere there is something that was executed a few times.
    const runs = Array.from({ length: 1 << 12 }, (_, n) => runBy(session, 0xc0100000 + 16 * n, false).run);
    const warm = runs.flatMap(run => (run.by === 'interpreter' && run.why === 'cold' ? [run] : []));
    expect(Math.max(...warm.map(({ executed }) => executed))).toBeGreaterThan(2);
    expect(runBy(session, 0xfff00000, true).run).toEqual({ by: 'executor', why: 'unmapped' });
    const hot = engineView(session, 20).hottest.find(({ user }) => !user)?.address ?? 0;
    expect(runBy(session, hot, false).run).toMatchObject({ by: 'region', parts: null });
    session.setBreakpoints([{ id: 1, on: { kind: 'execute', address: hot }, condition: '', enabled: true, ignore: 0 }]);
    expect(runBy(session, hot, true).run).toEqual({ by: 'executor', why: 'stop' });
    const other = running('bare', () => {}, false);
    expect(engineView(other, 20)).toMatchObject({ engine: 'execute', alive: 0, hottest: [] });
    expect(runBy(other, hot, true).run).toEqual({ by: 'executor', why: 'engine' });
  });
});

describe('who asks', () => {
  it('changes nothing', () => {
    const course = (look: (session: Session) => void): readonly unknown[] => {
      const states: unknown[] = [];
      const { pc } = running('bare', session => {
        look(session);
        states.push(session.pc.cpu.count, session.pc.cpu.eflags(), [...session.pc.cpu.i32.subarray(0, 32)]);
      });
      return [...states, pc.cpu.translator?.translated, pc.cpu.walks];
    };
    const asking = course(session => {
      for (const { guest: address } of engineView(session, 10).hottest) runBy(session, address ?? 0, true);
      runBy(session, session.processor.linearEip, true);
    });
    expect(asking).toEqual(course(() => {}));
  });
});
