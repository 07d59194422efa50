import {
  type Campaign,
  checkEquivalence,
  checkIsolation,
  createReport,
  type Report,
} from '../../core/vmm/testing/campaign.ts';
import { Coverage } from '../../core/vmm/testing/coverage.ts';
import { Caller } from '../../core/vmm/testing/para/caller.ts';
import { runHostile } from '../../core/vmm/testing/para/hostile.ts';
import { BareSubject, MonitorSubject } from '../../core/vmm/testing/subjects.ts';

/** What is tried of each kind of code. */
export const TRIED = {
  /** In ring 0: trap and emulate is known to get sensitive instructions wrong, and para runs other kernels. */
  kernel: ['translate', 'patch', 'hardware nested', 'hardware shadow'],
  user: ['trap', 'translate', 'patch', 'hardware nested', 'hardware shadow'],
  hostile: ['trap', 'translate', 'patch', 'hardware nested', 'hardware shadow', 'para'],
} as const;

export type Kind = keyof typeof TRIED;
export type Technique = (typeof TRIED)[Kind][number];
export const KINDS = Object.keys(TRIED) as readonly Kind[];

/** A stretch of one campaign. */
export interface Job {
  readonly kind: Kind;
  readonly technique: Technique;
  readonly seed: number;
  readonly count: number;
}

export interface Result {
  readonly report: Report;
  /** What the pieces did: only of the first technique of a kind, since all get the same pieces. */
  readonly coverage: Readonly<Record<string, number>>;
  readonly seconds: number;
}

function createSubject(technique: Exclude<Technique, 'para'>): MonitorSubject {
  switch (technique) {
    case 'hardware nested':
      return new MonitorSubject('hardware', 'nested');
    case 'hardware shadow':
      return new MonitorSubject('hardware', 'shadow');
    default:
      return new MonitorSubject(technique, 'nested');
  }
}

/** Kernels that the monitor's own interface is open to, until they had `count` pieces of code among them. Each has a seed of its own. */
function checkPara({ seed, count }: Job): Report {
  const report = createReport();
  const probe = new Caller();
  for (let next = seed; report.compared < count; next++) {
    const { wrong, pieces } = runHostile(next, probe);
    report.compared += pieces;
    if (wrong.length > 0) report.failures.push(`seed ${next}: ${wrong.slice(0, 4).join('; ')}`);
  }
  return report;
}

export function runJob(job: Job): Result {
  const started = performance.now();
  const coverage = new Coverage();
  const report = check(job, coverage);
  return { report, coverage: coverage.counts, seconds: (performance.now() - started) / 1000 };
}

function check(job: Job, coverage: Coverage): Report {
  const { kind, technique, seed, count } = job;
  if (technique === 'para') return checkPara(job);
  const create = () => createSubject(technique);
  if (kind === 'hostile') return checkIsolation(create, { ring: null, seed, count });
  const campaign: Campaign = { ring: kind === 'kernel' ? 0 : 3, seed, count };
  return checkEquivalence(new BareSubject(), create, campaign, technique === TRIED[kind][0] ? coverage : null);
}
