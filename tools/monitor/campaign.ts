/**
 * Random pieces of code under the monitor, at length: `npm run test:monitor [-- SEED]`. Equivalence: kernel and user code does under each correct
 * technique what it does on the bare machine. Isolation: hostile code reaches nothing but its own frames.
 */
import { checkEquivalence, checkIsolation, type Report } from '../../core/vmm/testing/campaign.ts';
import { BareSubject, MonitorSubject } from '../../core/vmm/testing/subjects.ts';

const KERNEL_PIECES = 2_000;
const USER_PIECES = 2_000;
const HOSTILE_PIECES = 4_000;

const seed = Number(process.argv[2] ?? 1);
let failed = 0;

function tell(what: string, report: Report, started: number): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const { compared, skipped, failures } = report;
  console.log(
    `${what}: ${compared} pieces, ${skipped} without an end of their own, ${failures.length} failures (${seconds} s)`,
  );
  for (const failure of failures) console.log(`  ${failure}`);
  failed += failures.length;
}

console.log(`seed ${seed}`);
for (const mode of ['translate', 'patch'] as const) {
  const started = performance.now();
  const campaign = { ring: 0, seed, count: KERNEL_PIECES } as const;
  tell(
    `kernel code, ${mode}`,
    checkEquivalence(new BareSubject(), () => new MonitorSubject(mode, 'nested'), campaign),
    started,
  );
}
for (const mode of ['trap', 'translate', 'patch', 'hardware'] as const) {
  const started = performance.now();
  const campaign = { ring: 3, seed, count: USER_PIECES } as const;
  tell(
    `user code, ${mode}`,
    checkEquivalence(new BareSubject(), () => new MonitorSubject(mode, 'nested'), campaign),
    started,
  );
}
for (const mode of ['trap', 'translate', 'patch', 'hardware'] as const) {
  const started = performance.now();
  const campaign = { ring: null, seed, count: HOSTILE_PIECES } as const;
  tell(
    `hostile code, ${mode}`,
    checkIsolation(() => new MonitorSubject(mode, 'nested'), campaign),
    started,
  );
}
process.exit(failed === 0 ? 0 : 1);
