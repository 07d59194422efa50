import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { Answer, TlbRun } from '../../protocol/questions.ts';

/** Runs that are told; the rest is counted. */
const MOST_RUNS = 4000;

/** A page that some entries of the TLB translate. */
interface Page {
  readonly user: boolean;
  readonly page: number;
  readonly physical: number;
  read: boolean;
  write: boolean;
  execute: boolean;
  global: boolean;
}

/** What the processor's TLB holds, as runs of pages: those that supervisors use first, then by linear address. */
export function tlbView(cpu: Processor): Extract<Answer, { kind: 'tlb' }> {
  const { local, global } = cpu.saveTlb();
  const pages = new Map<string, Page>();
  for (const { words, entries } of [local, global]) {
    words.forEach((word, n) => {
      // A page that was dropped and entered again is listed twice.
      if (entries[n] !== L.INVALID) enter(pages, word, entries[n], words === global.words);
    });
  }
  const sorted = [...pages.values()].sort((a, b) => Number(a.user) - Number(b.user) || a.page - b.page);
  const runs: TlbRun[] = [];
  for (const { page, ...entry } of sorted) {
    const linear = page * 4096;
    const last = runs.at(-1);
    if (last !== undefined && goesOn(last, { ...entry, linear }))
      runs[runs.length - 1] = { ...last, pages: last.pages + 1 };
    else runs.push({ ...entry, linear, pages: 1 });
  }
  return { kind: 'tlb', runs: runs.slice(0, MOST_RUNS), dropped: Math.max(0, runs.length - MOST_RUNS) };
}

function enter(pages: Map<string, Page>, word: number, entry: number, global: boolean): void {
  const table = word - L.W_TLB;
  const kind = Math.floor(table / L.TABLE_WORDS) % 3;
  const user = table >= L.USER_TABLES;
  const page = table % L.TABLE_WORDS;
  const physical = ((entry & ~0xfff) + page * 4096 - L.RAM) >>> 0;
  const key = `${user} ${page} ${physical}`;
  const known = pages.get(key);
  const entered = known ?? { user, page, physical, read: false, write: false, execute: false, global: false };
  if (known === undefined) pages.set(key, entered);
  if (kind === 0) entered.read = true;
  else if (kind === 1) entered.write = true;
  else entered.execute = true;
  entered.global ||= global;
}

function goesOn(run: TlbRun, next: Omit<TlbRun, 'pages'>): boolean {
  const bytes = run.pages * 4096;
  return (
    run.linear + bytes === next.linear &&
    run.physical + bytes === next.physical &&
    run.user === next.user &&
    run.read === next.read &&
    run.write === next.write &&
    run.execute === next.execute &&
    run.global === next.global
  );
}
