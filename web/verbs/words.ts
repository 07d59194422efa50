/**
 * The words of a line at the console of verbs. Numbers are C's: decimal, or hexadecimal behind 0x. Eight hexadecimal digits are an address as
 * the page writes it, and so is a word of hexadecimal digits that no decimal number could be. Names are symbols, or registers with or
 * without $ or %.
 */
import type { Register32, Registers } from '../../core/protocol/messages.ts';
import { general, linearEip, type SymbolIndex } from '../symbols.ts';
import { laterText } from '../text/later.ts';

/** A line that cannot be carried out. The message is one clear sentence. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** A line in its parts: `x/8xw $esp` is the verb `x`, the format `8xw` and the rest `$esp`. */
export interface Line {
  readonly verb: string;
  readonly format: string;
  readonly rest: string;
}

/** Null for an empty line. Bochs has a blank before the format, GDB has none. */
export function splitLine(typed: string): Line | null {
  const match = /^\s*(\?|[a-z][\w-]*)\s*(?:\/\s*(\w*))?(?:\s+|$)(.*)$/i.exec(typed.endsWith(' ') ? typed : `${typed} `);
  if (match === null) {
    if (typed.trim() === '') return null;
    const [verb = '', ...rest] = typed.trim().split(/\s+/);
    return { verb, format: '', rest: rest.join(' ') };
  }
  return { verb: match[1].toLowerCase(), format: (match[2] ?? '').toLowerCase(), rest: match[3].trim() };
}

/** What names mean at the moment. */
export interface Names {
  readonly symbols: SymbolIndex;
  /** The guest's; null without one. */
  readonly registers: Registers | null;
}

/** What an expression of the worker's knows beside numbers (see core/protocol/breakpoints.ts). */
const KNOWN = new Set([
  ...general,
  ...['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di', 'al', 'cl', 'dl', 'bl', 'ah', 'ch', 'dh', 'bh'],
  ...['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldtr', 'tr', 'eip', 'eflags', 'cr0', 'cr2', 'cr3', 'cr4', 'cpl', 'iopl'],
  ...['of', 'df', 'if', 'tf', 'sf', 'zf', 'af', 'pf', 'cf', 'nt', 'rf', 'vm', 'ac', 'vif', 'vip', 'id'],
  ...['dr0', 'dr1', 'dr2', 'dr3', 'dr6', 'dr7'],
  ...['byte', 'word'],
]);

/** Names that the console completes in expressions. */
export const REGISTER_NAMES: readonly string[] = [...general, 'eip', 'eflags', 'cr0', 'cr2', 'cr3', 'cr4'];

const OTHER_NAMES: Readonly<Record<string, string>> = { pc: 'eip', sp: 'esp', fp: 'ebp', efl: 'eflags' };

/** A number of at most 32 bits, or null. */
export function parseNumber(word: string): number | null {
  const hexadecimal =
    /^0x([0-9a-f]{1,8})$/i.exec(word) ?? /^([0-9a-f]{8})$/i.exec(word) ?? /^([0-9a-f]{1,8})h$/i.exec(word);
  if (hexadecimal !== null) return Number.parseInt(hexadecimal[1], 16);
  if (/^\d+$/.test(word)) {
    const value = Number(word);
    return value <= 0xffffffff ? value : null;
  }
  // No decimal number and, where no symbol has this name, nothing else than an address.
  return /^[0-9a-f]{1,8}$/i.test(word) ? Number.parseInt(word, 16) : null;
}

/** One word as the worker's expressions have it: a number, or a name that they know. Throws Refusal for any other. */
function tidyWord(word: string, { symbols }: Names): string {
  const marked = /^[$%]/.test(word);
  const name = (marked ? word.slice(1) : word).toLowerCase();
  // GDB's $pc, $sp and $fp are EIP, ESP and EBP.
  const register = marked ? (OTHER_NAMES[name] ?? name) : name;
  if (marked) {
    if (KNOWN.has(register)) return register;
    // A remainder.
    if (word.startsWith('%') && parseNumber(name) !== null) return `%${tidyWord(name, { symbols, registers: null })}`;
    throw new Refusal(laterText.verbs.noRegister(word));
  }
  const symbol = symbols.addressOf(word);
  if (symbol !== null) return `0x${symbol.toString(16)}`;
  // AH, CH and DH are hexadecimal numbers in Intel's notation, too; a person means the register.
  if (KNOWN.has(register)) return register;
  const number = parseNumber(word);
  if (number !== null) return `0x${number.toString(16)}`;
  if (/^\d/.test(word)) throw new Refusal(laterText.verbs.noNumber(word));
  throw new Refusal(laterText.verbs.noName(word));
}

/** An expression as the worker understands it: names are numbers, registers have no $. Throws Refusal. */
export function tidy(expression: string, names: Names): string {
  if (expression.trim() === '') throw new Refusal(laterText.verbs.noExpression);
  return expression.replace(/(?<![\w)\]])[$%]?[\w.][\w.@]*/g, word => tidyWord(word, names));
}

/** The address that stands in a tidy expression of sums and differences only; else null, and the worker has to be asked. EIP is linear here. */
export function simpleAddress(expression: string, { registers }: Names): number | null {
  const terms = expression.replace(/\s+/g, '').match(/[+-]?[^+-]+/g);
  if (terms === null || terms.join('') !== expression.replace(/\s+/g, '')) return null;
  let sum = 0;
  for (const term of terms) {
    const value = simpleTerm(term.replace(/^[+-]/, ''), registers);
    if (value === null) return null;
    sum += term.startsWith('-') ? -value : value;
  }
  return sum >>> 0;
}

function simpleTerm(term: string, registers: Registers | null): number | null {
  if (/^0x[0-9a-f]+$/.test(term)) return Number.parseInt(term, 16);
  if (registers === null) return null;
  const number = general.indexOf(term as Register32);
  if (number >= 0) return registers.general[number];
  if (term === 'eip') return linearEip(registers);
  return null;
}

/** An optional count, decimal or behind 0x, from 1. Throws Refusal. */
export function parseCount(word: string, most: number): number {
  if (word === '') return 1;
  const value = /^(\d+|0x[0-9a-f]+)$/i.test(word) ? Number(word) : Number.NaN;
  if (!(value >= 1 && value <= most)) throw new Refusal(laterText.verbs.noCount(word, most));
  return value;
}

/** Splits `ADDRESS if CONDITION`, as GDB has it. */
export function splitCondition(rest: string): { readonly what: string; readonly condition: string } {
  const match = /^(.*?)(?:^|\s)if\s+(.+)$/i.exec(rest);
  return match === null ? { what: rest.trim(), condition: '' } : { what: match[1].trim(), condition: match[2].trim() };
}
