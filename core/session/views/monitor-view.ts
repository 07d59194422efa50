import { CS } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { Account, Seat } from '../../protocol/monitor.ts';
import { SELECTOR } from '../../vmm/host/layout.ts';
import type { Monitor } from '../../vmm/monitor.ts';
import { ownerOf } from '../../vmm/step-count.ts';
import { privilege } from './register-view.ts';

/** Rows of the account that are sent; what is rarer is left out. */
const MOST_ROWS = 100;

/** Where the processor is; `guest`: the guest's, as it believes it to be. */
export function seatOf(machine: Processor, monitor: Monitor | null, guest: Processor): Seat {
  const isMonitor = monitor !== null && (!monitor.isInGuest || ownerOf(machine) === 'monitor');
  return {
    ring: privilege(machine.cpl),
    nonRoot: machine.i32[L.W_VMX_OPERATION] === L.VMX_NON_ROOT,
    inMonitor: isMonitor,
    guestRing: privilege(guest.cpl),
    translated: monitor?.mode === 'translate' && machine.selector(CS) === SELECTOR.cacheCode,
  };
}

/** What running under the monitor has cost so far. */
export function accountOf({ counts }: Monitor): Account {
  const rows = new Map<
    string,
    { reason: string; kind: Account['exits'][number]['kind']; count: number; monitor: number }
  >();
  for (const { kind, reason, count, monitor } of counts.exits) {
    const key = `${kind} ${reason}`;
    const row = rows.get(key) ?? { kind, reason, count: 0, monitor: 0 };
    row.count += count;
    row.monitor += monitor;
    rows.set(key, row);
  }
  const exits = [...rows.values()].sort((a, b) => b.count - a.count).slice(0, MOST_ROWS);
  const { user, kernel, monitor, injected } = counts;
  return { user: { ...user }, kernel: { ...kernel }, monitor, injected, exits };
}
