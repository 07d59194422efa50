import type { MonitorView } from '../../core/protocol/monitor.ts';

/** What a view says of the monitor for a guest that has the machine for itself. */
export const bareMonitor: MonitorView = {
  setting: { mode: 'bare', paging: 'nested' },
  seat: { ring: 0, nonRoot: false, inMonitor: false, guestRing: 0, translated: false },
  machine: null,
  happening: null,
  account: null,
  address: null,
  tables: null,
  timeline: null,
  translation: null,
};
