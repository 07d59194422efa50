import * as H from '../host/layout.ts';
import { createCode } from './pieces.ts';
import { Random } from './random.ts';
import { type BareSubject, difference, type MonitorSubject, type Outcome } from './subjects.ts';
import { CODE, dress, type Piece } from './world.ts';

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
  /** Pieces that do not end by themselves, which cannot be compared. */
  skipped: number;
  /** One line each: the seed replays it. */
  readonly failures: string[];
}

/** Steps in which a piece must end on the bare machine; a monitor may need many more. */
const BARE_STEPS = 3000;
const MONITOR_STEPS = 300_000;
const MOST_FAILURES = 20;

function hex(bytes: Uint8Array): string {
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

/** The piece of code that a seed stands for. */
export function pieceOf(seed: number, ringWanted: 0 | 3 | null, isHostile: boolean): Piece {
  const random = new Random(seed);
  const ring = ringWanted ?? random.pick([0, 3] as const);
  const paging = random.pick(['none', '32-bit', 'pae'] as const);
  const code = createCode(random, ring, isHostile);
  return dress(random, code, ring, ring === 3 && paging === 'none' ? 'pae' : paging);
}

/**
 * Whether a repeated string instruction may have written over itself: at which of its iterations the processor looks at the code again
 * is its own affair (a step here is 4 KB, from where the last exit was).
 */
function repeatsOverItself(piece: Piece, outcome: Outcome): boolean {
  const isRepeated = piece.bytes.some(byte => byte === 0xf3 || byte === 0xf2);
  return isRepeated && piece.bytes.some((byte, n) => outcome.memory[CODE + n] !== byte);
}

/** Runs each piece on the bare machine and under the monitor. */
export function checkEquivalence(bare: BareSubject, create: () => MonitorSubject, campaign: Campaign): Report {
  const report: Report = { compared: 0, skipped: 0, failures: [] };
  let subject = create();
  for (let seed = campaign.seed; seed < campaign.seed + campaign.count; seed++) {
    const piece = pieceOf(seed, campaign.ring, false);
    const expected = bare.run(piece, BARE_STEPS);
    // Hardware task switches are not done yet, on the machine itself.
    if (expected.end === 'steps' || expected.end.includes('task switch')) {
      report.skipped++;
      continue;
    }
    report.compared++;
    let found: readonly string[];
    try {
      const actual = subject.run(piece, MONITOR_STEPS);
      found = difference(expected, actual);
      // A translation that was changed without a flush may be used or not: both are right (SDM volume 3, 4.10.4).
      if (found.length > 0) {
        const other = difference(bare.run(piece, BARE_STEPS, true), actual);
        if (other.length < found.length) found = other;
      }
    } catch (error) {
      found = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
      subject = create();
    }
    if (found.length === 0) continue;
    if (repeatsOverItself(piece, expected)) {
      report.compared--;
      report.skipped++;
      continue;
    }
    report.failures.push(`seed ${seed} ${piece.paging} ${hex(piece.bytes)}: ${found.slice(0, 6).join('; ')}`);
    if (report.failures.length >= MOST_FAILURES) break;
  }
  return report;
}

/**
 * Runs hostile pieces and watches every translation that the machine makes for code of an outer ring: it must lead to a frame of the guest's,
 * or be the processor's own access to the monitor's tables and stack.
 */
export function checkIsolation(create: () => MonitorSubject, campaign: Campaign): Report {
  const report: Report = { compared: 0, skipped: 0, failures: [] };
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
  if (at >= H.PATCH_BASE && at < H.MONITOR_BASE) return access !== 'write';
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

/** Lists the accesses of outer rings that lead out of the guest's frames, from now on. */
function watch(subject: MonitorSubject): string[] {
  const strays: string[] = [];
  const { cpu } = subject.monitor.pc;
  const { pageOfFrame } = subject.monitor.vm.memory;
  const translate = cpu.translate.bind(cpu);
  cpu.flushAll();
  cpu.translate = (linear, access, user) => {
    const physical = translate(linear, access, user);
    const isOuter = cpu.cpl !== 0;
    if (!isOuter || pageOfFrame.has(physical >>> 12) || isShared(linear, access) || isImplicit(linear, access)) {
      return physical;
    }
    strays.push(
      `ring ${cpu.cpl} ${access} at ${(linear >>> 0).toString(16)} reaches frame ${(physical >>> 12).toString(16)}`,
    );
    return physical;
  };
  return strays;
}
