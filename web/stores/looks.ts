import { createStore } from 'zustand/vanilla';
import type { MonitorWindows } from '../../core/protocol/monitor.ts';

/** What of the monitor the panels show: the worker records and sends nothing else. */
export const looks = createStore<MonitorWindows>(() => ({
  happened: true,
  account: false,
  timeline: false,
  translation: false,
  address: null,
  tables: false,
  open: [],
}));
