import type { Session } from '../session/session.ts';
import { directShare } from '../vmm/counts.ts';
import { sentenceOf } from '../vmm/full/holes/holes.ts';
import type { Monitor } from '../vmm/monitor.ts';

/** Exits by address that --stats prints, the most frequent. */
const MOST_PLACES = 32;

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : rounded(part / whole, 3));

/** What a run came to, for --stats: a line of JSON. `seconds`: how long it took. */
export function statsLine(session: Session, seconds: number): string {
  const { clock } = session.pc;
  const stats = {
    instructions: session.steps,
    seconds: rounded(seconds, 3),
    virtualSeconds: rounded(clock.now() / 1e9, 3),
    ...walkFigures(session),
    // The most memory that this process ever had, guest and all.
    peakMemoryMib: Math.round(process.resourceUsage().maxRSS / 1024),
    stop: session.stop.kind,
    ...monitorFigures(session.monitor, session),
  };
  return JSON.stringify(stats, (_, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value));
}

/**
 * Page walks of the machine since its power came on, the monitor's own included: every miss of the TLB with paging on is one. `nested`: those of
 * them that were two-dimensional, a guest's under extended page tables.
 */
function walkFigures({ pc: { cpu } }: Session): object {
  const { walks, walkReferences, nestedWalks, nestedReferences } = cpu;
  return {
    walks,
    tlbMisses: walks,
    walkReferences,
    referencesPerWalk: ratio(walkReferences, walks),
    nested: {
      walks: nestedWalks,
      walkReferences: nestedReferences,
      referencesPerWalk: ratio(nestedReferences, nestedWalks),
    },
  };
}

/** What the monitor did; nothing without one. */
function monitorFigures(monitor: Monitor | null, { symbols }: Session): object {
  if (monitor === null) return {};
  const { counts, mode, shadow } = monitor;
  const { user, kernel } = counts;
  const places = counts.exits.slice(0, MOST_PLACES);
  return {
    mode,
    // Of the guest's instructions; `user`: at its CPL 3.
    direct: { user: user.direct, kernel: kernel.direct },
    emulated: { user: user.emulated, kernel: kernel.emulated },
    share: rounded(directShare(counts), 5),
    userShare: rounded(directShare(user), 5),
    kernelShare: rounded(directShare(kernel), 5),
    monitor: counts.monitor,
    setup: counts.setup,
    injected: counts.injected,
    traps: counts.exits.reduce((sum, { count }) => sum + count, 0),
    exits: counts.byReason(),
    places: places.map(place => ({ ...place, symbol: symbols.name(place.address) })),
    shadow: shadow.counts,
    technique: monitor.techniqueCounts,
    holes: monitor.holes.map(hole => ({ ...hole, text: sentenceOf(hole) })),
  };
}
