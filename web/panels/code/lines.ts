import type { CodeRow } from '../../../core/protocol/messages.ts';
import type { SymbolIndex } from '../../symbols.ts';

/** One line of the code panel: an instruction, a source line above it, or the name of a symbol. */
export type CodeLine =
  | { readonly kind: 'symbol'; readonly key: string; readonly name: string }
  | {
      readonly kind: 'source';
      readonly key: string;
      readonly file: string;
      readonly line: number;
      readonly text: string;
    }
  | { readonly kind: 'instruction'; readonly key: string; readonly row: CodeRow };

/** Disassembly with symbol headings, and the source line above the first instruction that came from it. */
export function codeLines(rows: readonly CodeRow[], symbols: SymbolIndex): readonly CodeLine[] {
  const lines: CodeLine[] = [];
  let shown = '';
  for (const row of rows) {
    const key = row.address.toString(16);
    // "switch_space+0x1e" lies inside; the bare name is where the symbol begins.
    if (row.symbol !== null && !row.symbol.includes('+')) {
      lines.push({ kind: 'symbol', key: `${key}:name`, name: row.symbol });
    }
    const source = symbols.lineAt(row.address);
    const place = source === null ? '' : `${source.file}:${source.line}`;
    if (source !== null && place !== shown) {
      const { file, line, text } = source;
      lines.push({ kind: 'source', key: `${key}:source`, file, line, text: text.replaceAll('\t', '    ') });
    }
    shown = place;
    lines.push({ kind: 'instruction', key, row });
  }
  return lines;
}

/** Parts of the panel, from its top, between which the next instruction is left where it is. */
const FROM = 0.12;
const TO = 0.75;
/** Where it is put otherwise. */
const PLACE = 0.35;

/** Whether a line at `top`, in any unit, shall stay there in a panel that is `height` high. */
export function staysInView(top: number, height: number): boolean {
  return top >= height * FROM && top <= height * TO;
}

/** How far from the top of the panel a line is put that does not stay. */
export function placeInView(height: number): number {
  return height * PLACE;
}

/**
 * The first of `count` lines that show line `now`. What was shown first, a line's key, stays first as long as `now` is in view
 * from there.
 */
export function firstInView(lines: readonly CodeLine[], now: number, count: number, first: string | null): number {
  const last = Math.max(lines.length - count, 0);
  const old = first === null ? -1 : lines.findIndex(line => line.key === first);
  if (old >= 0 && old <= last && staysInView(now - old, count)) return old;
  return Math.min(Math.max(Math.round(now - placeInView(count)), 0), last);
}
