import type { Account, ExitRow } from '../../../core/protocol/monitor.ts';

/** A row of the table: what came in the account, with its shares from 0 to 1 and the monitor's average for one. */
export interface Line extends ExitRow {
  readonly countShare: number;
  readonly monitorShare: number;
  readonly each: number;
}

export interface ExitTable {
  readonly lines: readonly Line[];
  readonly count: number;
  /** Of the monitor's, for these exits. */
  readonly monitor: number;
}

export type Order = 'count' | 'monitor';

/** The rows of the account with their shares, the largest first. */
export function exitTable({ exits }: Account, order: Order): ExitTable {
  const count = exits.reduce((sum, row) => sum + row.count, 0);
  const monitor = exits.reduce((sum, row) => sum + row.monitor, 0);
  const lines = exits.map(row => ({
    ...row,
    countShare: count === 0 ? 0 : row.count / count,
    monitorShare: monitor === 0 ? 0 : row.monitor / monitor,
    each: row.count === 0 ? 0 : row.monitor / row.count,
  }));
  return { lines: lines.sort((a, b) => b[order] - a[order]), count, monitor };
}

/** Sums of what the guest executed. */
export interface Sums {
  readonly guest: number;
  readonly direct: number;
  /** Of the guest's instructions, from 0 to 1; null before the first one. */
  readonly share: number | null;
}

export function sums({ user, kernel }: Account): Sums {
  const direct = user.direct + kernel.direct;
  const guest = direct + user.emulated + kernel.emulated;
  return { guest, direct, share: guest === 0 ? null : direct / guest };
}

/** A share in percent; what is nearly all or nearly nothing keeps its digits. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value === 100) return `${value} %`;
  if (value >= 99.95) return '> 99.9 %';
  if (value < 0.05) return '< 0.1 %';
  return `${value.toFixed(1)} %`;
}
