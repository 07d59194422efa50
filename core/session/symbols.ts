import * as v from 'valibot';
import type { SymbolFile } from '../guests/boot.ts';

const address = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff));
const index = v.pipe(v.number(), v.integer(), v.minValue(0));

const schema = v.object({
  format: v.literal('ringside-symbols-1'),
  symbols: v.array(
    v.object({ name: v.string(), address, size: index, kind: v.picklist(['function', 'object'] as const) }),
  ),
  files: v.array(v.object({ name: v.string(), text: v.string() })),
  lines: v.array(v.tuple([address, index, index])),
});

/** Reads a symbol file. Throws an Error whose message is one sentence if it is none. */
export function parseSymbols(text: string): SymbolFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('The symbol file is not JSON.');
  }
  const result = v.safeParse(schema, value);
  if (!result.success) throw new Error('The symbol file is not of the form ringside-symbols-1.');
  const { output } = result;
  if (output.lines.some(([, file]) => file >= output.files.length)) {
    throw new Error('The symbol file has lines of a file that it does not name.');
  }
  return {
    ...output,
    symbols: [...output.symbols].sort((a, b) => a.address - b.address),
    lines: [...output.lines].sort((a, b) => a[0] - b[0]),
  };
}

/** Finds names for addresses. */
export class SymbolTable {
  readonly #symbols: SymbolFile['symbols'];

  constructor(file: SymbolFile | null) {
    this.#symbols = file?.symbols ?? [];
  }

  /** The symbol that an unsigned linear address lies in, or null. A symbol of unknown size reaches to the next one. */
  find(at: number): SymbolFile['symbols'][number] | null {
    let low = 0;
    let high = this.#symbols.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#symbols[middle].address <= at) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return null;
    const symbol = this.#symbols[low - 1];
    return symbol.size === 0 || at < symbol.address + symbol.size ? symbol : null;
  }

  /** "name" or "name+0x1e", or null. */
  name(at: number): string | null {
    const symbol = this.find(at);
    if (symbol === null) return null;
    const offset = at - symbol.address;
    return offset === 0 ? symbol.name : `${symbol.name}+0x${offset.toString(16)}`;
  }
}
