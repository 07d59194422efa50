/** Figures of several measurements, and how they are printed. */

export interface Figures {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly p95: number;
  readonly count: number;
}

/** NaN for none. */
export function figures(values: readonly number[]): Figures {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): number =>
    sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)] ?? Number.NaN;
  return { median: at(0.5), least: at(0), most: at(1), p95: at(0.95), count: sorted.length };
}

/** The median, and between what all lie. */
export function spread({ median, least, most }: Figures, digits: number, unit = ''): string {
  return `${median.toFixed(digits)}${unit} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

/** A table as Markdown has it, its columns aligned. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, n) => Math.max(head.length, ...rows.map(row => row[n].length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, n) => cell.padEnd(widths[n])).join(' | ')} |`;
  return [line(heads), line(widths.map(width => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
