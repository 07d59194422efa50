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
