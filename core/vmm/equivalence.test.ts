import { describe, expect, it } from 'vitest';
import { checkEquivalence, checkIsolation } from './testing/campaign.ts';
import { BareSubject, MonitorSubject } from './testing/subjects.ts';

/** A sample of what `npm run test:monitor` does at length. SEED=n starts elsewhere. */
const SEED = Number(process.env['SEED'] ?? 1);
const PIECES = 150;
/** Techniques by name, with the paging of hardware assist. */
const SUBJECTS = {
  trap: ['trap', 'nested'],
  translate: ['translate', 'nested'],
  patch: ['patch', 'nested'],
  'hardware, nested': ['hardware', 'nested'],
  'hardware, shadow': ['hardware', 'shadow'],
} as const;
type Name = keyof typeof SUBJECTS;
const ALL = Object.keys(SUBJECTS) as Name[];
const CORRECT = ALL.filter(name => name !== 'trap');

function subject(name: Name): MonitorSubject {
  const [mode, paging] = SUBJECTS[name];
  return new MonitorSubject(mode, paging);
}

describe('random pieces of code under the monitor', () => {
  it.each(CORRECT)('kernel code under %s does what it does bare', name => {
    const report = checkEquivalence(new BareSubject(), () => subject(name), {
      ring: 0,
      seed: SEED,
      count: PIECES,
    });
    expect(report.failures).toEqual([]);
    expect(report.compared).toBeGreaterThan(PIECES / 2);
  });

  it.each(ALL)('user code under %s does what it does bare', name => {
    const report = checkEquivalence(new BareSubject(), () => subject(name), {
      ring: 3,
      seed: SEED,
      count: PIECES,
    });
    expect(report.failures).toEqual([]);
    expect(report.compared).toBeGreaterThan(PIECES / 2);
  });

  it.each(ALL)('hostile code under %s reaches nothing but its own frames', name => {
    const report = checkIsolation(() => subject(name), {
      ring: null,
      seed: SEED,
      count: PIECES,
    });
    expect(report.failures).toEqual([]);
    expect(report.compared).toBe(PIECES);
  });
});
