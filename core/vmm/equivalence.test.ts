import { describe, expect, it } from 'vitest';
import { checkEquivalence, checkIsolation } from './testing/campaign.ts';
import { BareSubject, MonitorSubject } from './testing/subjects.ts';

/** A sample of what `npm run test:monitor` does at length. SEED=n starts elsewhere. */
const SEED = Number(process.env['SEED'] ?? 1);
const PIECES = 150;

describe('random pieces of code under the monitor', () => {
  it.each(['translate', 'patch'] as const)('kernel code under %s does what it does bare', mode => {
    const report = checkEquivalence(new BareSubject(), () => new MonitorSubject(mode, 'nested'), {
      ring: 0,
      seed: SEED,
      count: PIECES,
    });
    expect(report.failures).toEqual([]);
    expect(report.compared).toBeGreaterThan(PIECES / 2);
  });

  it.each(['trap', 'translate', 'patch', 'hardware'] as const)('user code under %s does what it does bare', mode => {
    const report = checkEquivalence(new BareSubject(), () => new MonitorSubject(mode, 'nested'), {
      ring: 3,
      seed: SEED,
      count: PIECES,
    });
    expect(report.failures).toEqual([]);
    expect(report.compared).toBeGreaterThan(PIECES / 2);
  });

  it.each(['trap', 'translate', 'patch', 'hardware'] as const)(
    'hostile code under %s reaches nothing but its own frames',
    mode => {
      const report = checkIsolation(() => new MonitorSubject(mode, 'nested'), {
        ring: null,
        seed: SEED,
        count: PIECES,
      });
      expect(report.failures).toEqual([]);
      expect(report.compared).toBe(PIECES);
    },
  );
});
