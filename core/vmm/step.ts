import type { Monitor, MonitorEnd } from './monitor.ts';

/**
 * Runs until the guest has executed one of its own instructions, or was given an event, or neither in `most` steps of the machine: whatever the
 * monitor has to do for it is done. Throws MachineStop.
 */
export function stepGuest(monitor: Monitor, most: number): MonitorEnd {
  const begun = monitor.progress;
  const { cpu } = monitor.pc;
  for (let n = 0; n < most; n++) {
    const wasInGuest = monitor.isInGuest;
    const before = cpu.count;
    const end = monitor.run(1, Number.POSITIVE_INFINITY, true);
    if (end !== 'steps') return end;
    const hasExecuted = wasInGuest && monitor.isInGuest && cpu.count > before;
    if ((hasExecuted || monitor.progress !== begun) && monitor.isBetween) return end;
  }
  return 'steps';
}
