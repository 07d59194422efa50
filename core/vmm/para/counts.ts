import type { HypercallName } from './abi.ts';

/** What paravirtualization cost, over all of a guest's reboots. */
export class ParaCounts {
  /** Hypercalls by name. */
  readonly calls = new Map<HypercallName | 'unknown', number>();
  /** Hypercalls that answered an error number. */
  refused = 0;
  /** Entries of page tables that were looked at. */
  validations = 0;
  /** Page tables whose every entry was looked at, when their frame became one. */
  tables = 0;
  pins = 0;
  /** Stores into page tables that the monitor carried out. */
  tableWrites = 0;
  /** Events that became pending. */
  events = 0;
  /** Frames put on the guest's stack, those of them for events, and those for selectors that cannot be loaded. */
  bounces = 0;
  upcalls = 0;
  failsafes = 0;

  noteCall(name: HypercallName | 'unknown'): void {
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
  }
}
