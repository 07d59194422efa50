import type { Probe } from '../../machine/cpu/probe.ts';
import type { MonitorWatcher } from '../../vmm/trace.ts';

/** One watcher that tells all of them, in order; null for none. */
export function tellAll(watchers: readonly MonitorWatcher[]): MonitorWatcher | null {
  if (watchers.length <= 1) return watchers[0] ?? null;
  const virtual = watchers.flatMap(watcher => watcher.virtual ?? []);
  return {
    ...tellProbes(watchers),
    virtual: virtual.length <= 1 ? (virtual[0] ?? null) : tellProbes(virtual),
    leaves(exit) {
      for (const watcher of watchers) watcher.leaves?.(exit);
    },
    exited(exit, reason, address, isUser) {
      for (const watcher of watchers) watcher.exited(exit, reason, address, isUser);
    },
    charged(cost) {
      for (const watcher of watchers) watcher.charged(cost);
    },
    emulated(steps) {
      for (const watcher of watchers) watcher.emulated(steps);
    },
    waits() {
      for (const watcher of watchers) watcher.waits();
    },
    woke(vector) {
      for (const watcher of watchers) watcher.woke(vector);
    },
  };
}

function tellProbes(probes: readonly Probe[]): Probe {
  const told: Probe = {
    delivered(vector, source, code) {
      for (const probe of probes) probe.delivered(vector, source, code);
    },
    transferred(by) {
      for (const probe of probes) probe.transferred(by);
    },
  };
  if (probes.some(probe => probe.transferredBefore === undefined)) return told;
  return {
    ...told,
    transferredBefore(log) {
      for (const probe of probes) probe.transferredBefore?.(log);
    },
  };
}
