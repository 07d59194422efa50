import { decode } from '../../core/ia32/decoder.ts';
import { format } from '../../core/ia32/disassembler.ts';

/** Cases whose sums differ, of those that both have come to; and how many both have. */
export function differingCases(ours: string, theirs: string): { readonly compared: number; readonly cases: number[] } {
  const sums = (text: string): Map<number, string> => {
    const lines = [...text.matchAll(/^(\d+) ([0-9a-f]{8})$/gm)];
    return new Map(lines.map(([, number, sum]) => [Number(number), sum]));
  };
  const mine = sums(ours);
  const cases: number[] = [];
  let compared = 0;
  for (const [number, sum] of sums(theirs)) {
    const own = mine.get(number);
    if (own === undefined) continue;
    compared++;
    if (own !== sum) cases.push(number);
  }
  return { compared, cases };
}

/** The text of an instruction that is printed as bytes in hexadecimal. */
function disassemble(line: string, is32: boolean): string {
  const bytes = [...line.matchAll(/ ([0-9a-f]{2})(?= |$)/g)].map(([, byte]) => Number.parseInt(byte, 16));
  try {
    return format(decode({ byte: offset => bytes[offset] ?? 0x90 }, 0, is32 ? 4 : 2), 0);
  } catch {
    return '(no instruction)';
  }
}

/** The first step at which two accounts of a case differ, for a person to read; null if they agree. */
export function firstDifference(ours: string, theirs: string): string | null {
  const mine = ours.split('\n');
  const other = theirs.split('\n');
  const at = mine.findIndex((line, n) => line !== other[n]);
  if (at < 0) return null;
  let step = at;
  while (step > 0 && !mine[step].startsWith('step')) step--;
  const from = mine[step + 1] ?? '';
  const flags = Number.parseInt(/ fl (\w+)/.exec(from)?.[1] ?? '0', 16);
  const attributes = Number.parseInt(/ code \w+ \w+ (\w+)/.exec(from)?.[1] ?? '0', 16);
  const isVirtual = (flags & 0x20000) !== 0;
  const text = disassemble(mine[step].replace(/^step \d+:/, ''), !isVirtual && (attributes & 0x4000) !== 0);
  const fields = (line: string): readonly string[] => line.trim().split(/ +/);
  const [a, b] = [fields(mine[at]), fields(other[at] ?? '')];
  const changed = a
    .map((word, n) => (word === b[n] ? '' : `${a[n - 1]}: ours ${word}, theirs ${b[n]}`))
    .filter(line => line !== '');
  return [
    `${mine[step]}   ${text}`,
    from,
    `ours   ${mine[at].trim()}`,
    `theirs ${(other[at] ?? '').trim()}`,
    ...changed.slice(0, 16),
  ].join('\n');
}
