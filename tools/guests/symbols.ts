/**
 * symbols.ts SOURCES PARTS OUTPUT ELF...: writes the symbol file of a guest: the symbols and the line tables of its ELF files,
 * as binutils' readelf prints them, and what is shown of its sources, which are in those folders and files of SOURCES that PARTS
 * names, with commas between them. Called by build.sh.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { SymbolFile } from '../../core/guests/boot.ts';

type GuestSymbol = SymbolFile['symbols'][number];
type File = SymbolFile['files'][number];
type Line = SymbolFile['lines'][number];

const readelf = (option: string, elf: string): string[] =>
  execFileSync('readelf', ['--wide', option, elf], { encoding: 'utf8', maxBuffer: 1 << 26 }).split('\n');

const byAddress = (a: GuestSymbol, b: GuestSymbol): number => a.address - b.address || (a.name < b.name ? -1 : 1);

/** Functions and objects. Assembly files give no sizes: a function without one ends where the next symbol begins. */
function readSymbols(elf: string): GuestSymbol[] {
  const kinds = { FUNC: 'function', OBJECT: 'object' } as const;
  const symbols: GuestSymbol[] = [];
  for (const row of readelf('--symbols', elf)) {
    const match = /^\s*\d+: ([0-9a-f]{8})\s+(\d+) (FUNC|OBJECT)\s+\w+\s+\w+\s+\d+ (\S+)$/.exec(row);
    if (!match) continue;
    const [, address, size, kind, name] = match;
    // NASM's labels inside a function, such as sense_call.there, are no symbols of their own; gcc's static locals are.
    symbols.push({
      name: name.replace(/\.\d+$/, ''),
      address: Number.parseInt(address, 16),
      size: Number(size),
      kind: kinds[kind as keyof typeof kinds],
    });
  }
  symbols.sort(byAddress);
  return symbols.map((symbol, i) => {
    const next = symbols[i + 1];
    const unknown = symbol.size === 0 && symbol.kind === 'function' && next !== undefined;
    return unknown ? { ...symbol, size: next.address - symbol.address } : symbol;
  });
}

/** Every source of the guest, by its path, so that the line tables of all its ELF files can point to them. */
function readSources(folder: string, parts: readonly string[]): File[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => /\.(c|h|asm|ld)$/.test(name))
    .filter(name => parts.some(part => name === part || name.startsWith(`${part}/`)))
    .sort()
    .map(name => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
}

/**
 * The line table. Headers hold one-instruction functions that are inlined everywhere: their instructions count to the line
 * that calls them, so that a reader sees `write_cr3(space->root)` beside `mov cr3, eax`.
 */
function readLines(elf: string, files: readonly File[]): Line[] {
  const rows = new Map<number, Line>();
  let file = -1;
  let skipped = false;
  for (const row of readelf('--debug-dump=decodedline', elf)) {
    const heading = /^(?:CU: )?(\S+\.(?:c|h|asm)):(?:\[\+\+\])?$/.exec(row);
    if (heading) {
      const name = posix.normalize(heading[1]);
      file = files.findIndex(candidate => candidate.name === name);
      if (file < 0) throw new Error(`${elf}: the line table names ${name}, which is no source of the guest`);
      skipped = name.endsWith('.h');
      continue;
    }
    const match = /^\S+\s+(\d+)\s+(0x[0-9a-f]+|0)(\s|$)/.exec(row);
    if (!match || skipped) continue;
    // Of several rows for one address the last one holds.
    const address = Number(match[2]);
    rows.delete(address);
    rows.set(address, [address, file, Number(match[1])]);
  }
  return [...rows.values()].sort((a, b) => a[0] - b[0]);
}

/** A row that says what the one before says is left out. */
function withoutRepeats(lines: readonly Line[]): Line[] {
  return lines.filter((line, i) => i === 0 || line[1] !== lines[i - 1][1] || line[2] !== lines[i - 1][2]);
}

/**
 * Of the sources only what is shown beside instructions: lines that none comes from are empty, and left out at the end. The page fetches this
 * file before it can show anything.
 */
function onlyShown(files: readonly File[], lines: readonly Line[]): File[] {
  const shown = files.map(() => new Set<number>());
  for (const [, file, line] of lines) shown[file].add(line);
  return files.map(({ name, text }, file) => {
    const kept = text.split('\n').map((line, i) => (shown[file].has(i + 1) ? line : ''));
    return { name, text: kept.join('\n').trimEnd() };
  });
}

/** One record a line, so that a change of the guest is a readable change of this file. */
const list = (records: readonly unknown[]): string => `[\n${records.map(r => JSON.stringify(r)).join(',\n')}\n]`;

const [folder, parts, output, ...elfs] = process.argv.slice(2);
const sources = readSources(folder, parts.split(','));
const symbols = elfs.flatMap(readSymbols).sort(byAddress);
const lines = withoutRepeats(elfs.flatMap(elf => readLines(elf, sources)).sort((a, b) => a[0] - b[0]));
const files = onlyShown(sources, lines);
writeFileSync(
  output,
  `{"format":"ringside-symbols-1",\n"symbols":${list(symbols)},\n"files":${list(files)},\n"lines":${list(lines)}}\n`,
);
