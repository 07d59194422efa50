import { MachineStop } from '../../machine/cpu/fault.ts';
import * as L from '../../machine/cpu/layout.ts';
import { Random } from '../../machine/testing/random.ts';
import * as H from '../host/layout.ts';
import type { Coverage } from './coverage.ts';
import { createCode } from './pieces.ts';
import { type BareSubject, difference, type MonitorSubject, type Outcome } from './subjects.ts';
import { dress, type Piece } from './world.ts';

/** Many random pieces of code: the same results as on the bare machine, and never a byte that is not the guest's. */

export interface Campaign {
  /** Null: either. */
  readonly ring: 0 | 3 | null;
  /** The first piece's; each further one has the next. */
  readonly seed: number;
  readonly count: number;
}

export interface Report {
  compared: number;
  /** Pieces that do not end by themselves, or only in what the machine does not do yet: they cannot be compared. */
  skipped: number;
  /** Pieces whose outcome the manual leaves to the processor, and that came out in a third way: see judge(). */
  open: number;
  /** Pieces that read their own code as data, with the breakpoints in it that scan and patch puts there. */
  selfReading: number;
  /** One line each: the seed replays it. */
  readonly failures: string[];
}

export function createReport(): Report {
  return { compared: 0, skipped: 0, open: 0, selfReading: 0, failures: [] };
}

/** Steps in which a piece must end on the bare machine; a monitor may need many more: some 300 where every instruction exits. */
const BARE_STEPS = 3000;
const MONITOR_STEPS = BARE_STEPS * 1000;
const MOST_FAILURES = 20;
/** One piece in so many is looked at instruction by instruction. */
const LOOKED_AT = 2;

function hex(bytes: Uint8Array): string {
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

/** The piece of code that a seed stands for. */
export function pieceOf(seed: number, ringWanted: 0 | 3 | null, isHostile: boolean): Piece {
  const random = new Random(seed);
  const ring = ringWanted ?? random.pick([0, 3] as const);
  const wanted = random.pick(['none', '32-bit', 'pae'] as const);
  const paging = ring === 3 && wanted === 'none' ? 'pae' : wanted;
  const code = createCode(random, ring, paging, isHostile);
  return dress(random, code, ring, paging);
}

/** Ends of what the machine itself does not do yet: some instructions. */
function isUnfinished({ end }: Outcome): boolean {
  return /the instruction/.test(end);
}

/**
 * What an outcome has other than it should; null if it is one of several that the manual allows. A processor may use a translation that was
 * changed without a flush, or not, each time anew (SDM volume 3, 4.10.4.3); and it may or may not see what a repeated string
 * instruction writes over itself before it is interrupted. Whether a piece depends on either shows in a run on a processor that keeps
 * as little as it may: only if that differs from the plain run is anything open, and only then need an outcome equal neither.
 */
function judge(bare: BareSubject, piece: Piece, expected: Outcome, actual: Outcome): readonly string[] | null {
  const found = difference(expected, actual);
  if (found.length === 0) return found;
  const forgetful = bare.runForgetful(piece, BARE_STEPS);
  if (difference(expected, forgetful).length === 0) return found;
  return difference(forgetful, actual).length === 0 ? [] : null;
}

/** Whether the guest's own instructions read a page in which the monitor had replaced bytes. */
function readsReplaced(subject: MonitorSubject, piece: Piece): boolean {
  const { cpu } = subject.monitor.pc;
  const { memory } = subject.monitor.vm;
  const read = new Set<number>();
  const replaced = new Set<number>();
  const translate = cpu.translate.bind(cpu);
  const replace = memory.replace.bind(memory);
  memory.replace = (address, byte) => {
    replaced.add(address >>> 12);
    replace(address, byte);
  };
  cpu.flushAll();
  cpu.translate = (linear, access, user) => {
    const physical = translate(linear, access, user);
    const page = memory.pageOfFrame.get(physical >>> 12);
    if (cpu.cpl !== 0 && access !== 'execute' && page !== undefined) read.add(page);
    return physical;
  };
  subject.run(piece, MONITOR_STEPS);
  return [...read].some(page => replaced.has(page));
}

/** Runs each piece on the bare machine and under the monitor. `coverage` hears of what some of them execute. */
export function checkEquivalence(
  bare: BareSubject,
  create: () => MonitorSubject,
  campaign: Campaign,
  coverage: Coverage | null = null,
): Report {
  const report = createReport();
  let subject = create();
  for (let seed = campaign.seed; seed < campaign.seed + campaign.count; seed++) {
    const piece = pieceOf(seed, campaign.ring, false);
    const expected = bare.run(piece, BARE_STEPS);
    if (expected.end === 'steps' || isUnfinished(expected)) {
      report.skipped++;
      continue;
    }
    if (coverage !== null && seed % LOOKED_AT === 0) bare.run(piece, BARE_STEPS, coverage);
    let found: readonly string[] | null;
    try {
      found = judge(bare, piece, expected, subject.run(piece, MONITOR_STEPS));
    } catch (error) {
      found = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
      subject = create();
    }
    if (found === null) {
      report.open++;
      continue;
    }
    if (found.length > 0 && subject.monitor.mode === 'patch' && readsReplaced(create(), piece)) {
      report.selfReading++;
      continue;
    }
    report.compared++;
    if (found.length === 0) continue;
    report.failures.push(`seed ${seed} ${piece.paging} ${hex(piece.bytes)}: ${found.slice(0, 6).join('; ')}`);
    if (report.failures.length >= MOST_FAILURES) break;
  }
  return report;
}

/**
 * Runs hostile pieces and watches every translation that the machine makes for code of an outer ring, or in VMX non-root operation: it must
 * lead to a frame of the guest's, or be the processor's own access to the monitor's tables and stack.
 */
export function checkIsolation(create: () => MonitorSubject, campaign: Campaign): Report {
  const report = createReport();
  let subject = create();
  let strays = watch(subject);
  for (let seed = campaign.seed; seed < campaign.seed + campaign.count; seed++) {
    const piece = pieceOf(seed, campaign.ring, true);
    report.compared++;
    strays.length = 0;
    try {
      // A piece that runs on is taken off: the monitor's timer is its own.
      if (subject.run(piece, BARE_STEPS * 10).end === 'steps') subject.monitor.interrupt();
    } catch (error) {
      // A piece that is taken off may come to its triple fault on the way.
      if (error instanceof MachineStop && error.kind === 'tripleFault') continue;
      strays.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    if (strays.length === 0) continue;
    report.failures.push(`seed ${seed} ${piece.paging} ${hex(piece.bytes)}: ${strays.slice(0, 4).join('; ')}`);
    if (report.failures.length >= MOST_FAILURES) break;
    subject = create();
    strays = watch(subject);
  }
  return report;
}

/** What code of an outer ring may reach in the monitor's region by its own accesses: its translations and their tables. */
function isShared(linear: number, access: string): boolean {
  const at = linear >>> 0;
  if (at >= H.CACHE && at < H.CACHE + H.CACHE_SIZE) return access !== 'write';
  if (at >= H.LOOKUP && at < H.LOOKUP + H.LOOKUP_SIZE) return access === 'read';
  return at >= H.VCPU && at < H.VCPU + H.VCPU_SIZE;
}

/** What the processor itself reaches on behalf of outer rings: descriptor tables, and the stack of ring 0 when it delivers a trap. */
function isImplicit(linear: number, access: string): boolean {
  const at = linear >>> 0;
  if (at >= H.GDT && at < H.TSS + 4096) return access === 'read';
  return at >= H.STACK && at < H.STACK_TOP;
}

/** Lists the accesses of outer rings and of VMX non-root operation that lead out of the guest's frames, from now on. */
function watch(subject: MonitorSubject): string[] {
  const strays: string[] = [];
  const { cpu } = subject.monitor.pc;
  const { pageOfFrame } = subject.monitor.vm.memory;
  const translate = cpu.translate.bind(cpu);
  cpu.flushAll();
  cpu.translate = (linear, access, user) => {
    const physical = translate(linear, access, user);
    const isNonRoot = cpu.i32[L.W_VMX_OPERATION] === L.VMX_NON_ROOT;
    if (pageOfFrame.has(physical >>> 12) || (cpu.cpl === 0 && !isNonRoot)) return physical;
    // Nothing of the monitor's is in the address space of a guest that VMX runs.
    if (!isNonRoot && (isShared(linear, access) || isImplicit(linear, access))) return physical;
    strays.push(
      `ring ${cpu.cpl}${isNonRoot ? ', non-root,' : ''} ${access} at ${(linear >>> 0).toString(16)} reaches frame ${(physical >>> 12).toString(16)}`,
    );
    return physical;
  };
  return strays;
}
