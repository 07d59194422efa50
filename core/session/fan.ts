import type { MonitorWatcher } from '../vmm/trace.ts';

/** One watcher that tells two, the first one first. */
export function tellBoth(a: MonitorWatcher, b: MonitorWatcher): MonitorWatcher {
  return {
    delivered(vector, source, code) {
      a.delivered(vector, source, code);
      b.delivered(vector, source, code);
    },
    transferred(by) {
      a.transferred(by);
      b.transferred(by);
    },
    leaves(exit) {
      a.leaves?.(exit);
      b.leaves?.(exit);
    },
    exited(exit, reason, address, isUser) {
      a.exited(exit, reason, address, isUser);
      b.exited(exit, reason, address, isUser);
    },
    charged(cost) {
      a.charged(cost);
      b.charged(cost);
    },
    emulated(steps) {
      a.emulated(steps);
      b.emulated(steps);
    },
    waits() {
      a.waits();
      b.waits();
    },
    woke(vector) {
      a.woke(vector);
      b.woke(vector);
    },
  };
}
