/** Verbs that look and change nothing. */
import type { MemoryWindow } from '../../core/protocol/messages.ts';
import type { DescriptorTable } from '../../core/protocol/questions.ts';
import { hex } from '../format.ts';
import { linearEip } from '../symbols.ts';
import { laterText } from '../text/later.ts';
import {
  breakpointLines,
  codeLines,
  descriptorLines,
  statLines,
  stopLines,
  tlbLines,
  vmcsLines,
  walkLines,
} from './answers.ts';
import { bytesOf, dump, type Format, type Letter, parseFormat, place, writeValue } from './data.ts';
import type { Host } from './host.ts';
import { controlLines, DEBUG_REGISTERS, debugLines, generalLines, segmentLines } from './registers.ts';
import { addressOf, evaluate, expression, must, nothing, type Verb, verb, viewOf } from './verb.ts';
import { type Line, type Names, Refusal, tidy } from './words.ts';

/** As many as a person sees at once. */
const LISTED = 8;
const MOST_SYMBOLS = 200;

interface Examined {
  readonly format: Format;
  readonly where: string;
}

function examined(line: Line, names: Names): Examined {
  return { format: parseFormat(line.format), where: expression(line, names) };
}

/** They are in no view: the worker computes them as expressions. */
async function debugRegisters(host: Host): Promise<readonly string[]> {
  viewOf(host);
  const values: number[] = [];
  for (const name of DEBUG_REGISTERS) values.push(await evaluate(name, host));
  return debugLines(values, host.symbols());
}

async function code(address: number, count: number, host: Host): Promise<readonly string[]> {
  const { rows } = must(await host.ask({ kind: 'code', address, count }));
  return codeLines(rows, linearEip(viewOf(host).registers), true);
}

async function examine(
  { format, where }: Examined,
  space: MemoryWindow['space'],
  host: Host,
): Promise<readonly string[]> {
  viewOf(host);
  const address = await addressOf(where, host);
  if (format.letter === 'i') {
    if (space === 'physical') throw new Refusal(laterText.verbs.noPhysicalCode);
    return code(address, format.count, host);
  }
  const length = Math.min(bytesOf(format), 4096);
  const { bytes } = must(await host.ask({ kind: 'memory', space, address, length }));
  return dump(address, bytes, format, host.symbols(), space === 'linear');
}

type Info = (rest: string, host: Host) => readonly string[] | Promise<readonly string[]>;

function descriptors(table: DescriptorTable): Info {
  return async (rest, host) => {
    if (rest !== '' && rest !== 'machine' && rest !== 'guest') throw new Refusal(laterText.verbs.whose(rest));
    const whose = rest === 'machine' ? 'machine' : 'guest';
    return descriptorLines(table, must(await host.ask({ kind: 'descriptors', table, whose })), host.symbols());
  };
}

function registers(host: Host): readonly string[] {
  const { registers: guest, monitor } = viewOf(host);
  return generalLines(guest, monitor.machine, host.symbols());
}

function control(host: Host): readonly string[] {
  const { registers: guest, monitor } = viewOf(host);
  return controlLines(guest, monitor.machine);
}

function segments(host: Host): readonly string[] {
  const { registers: guest, monitor } = viewOf(host);
  return segmentLines(guest, monitor.machine);
}

export async function exitLines(host: Host): Promise<readonly string[]> {
  if (viewOf(host).monitor.setting.mode === 'bare') throw new Refusal(laterText.exits.bare);
  const account = await host.account();
  return account === null ? [laterText.verbs.noExits] : statLines(account);
}

/** What `info` tells. */
export const INFO = {
  registers: (_, host) => registers(host),
  'all-registers': (_, host) => [...registers(host), '', ...control(host), '', ...segments(host)],
  breakpoints: (_, host) => {
    const counts = new Map(host.breakCounts().map(({ id, hits }) => [id, hits]));
    return breakpointLines(host.breakpoints(), id => counts.get(id) ?? 0, host.symbols());
  },
  tlb: async (_, host) => {
    const { runs, dropped } = must(await host.ask({ kind: 'tlb' }));
    return tlbLines(runs, dropped);
  },
  gdt: descriptors('gdt'),
  ldt: descriptors('ldt'),
  idt: descriptors('idt'),
  vmcs: async (rest, host) => vmcsLines(must(await host.ask({ kind: 'vmcs' })).fields, rest),
  symbols: (rest, host) => {
    const symbols = host.symbols();
    const names = symbols.suggest(rest, MOST_SYMBOLS + 1);
    if (names.length === 0) throw new Refusal(laterText.verbs.noSymbols(rest));
    const lines = names.slice(0, MOST_SYMBOLS).map(name => `${hex(symbols.addressOf(name) ?? 0)}  ${name}`);
    return names.length > MOST_SYMBOLS ? [...lines, laterText.verbs.moreSymbols(MOST_SYMBOLS)] : lines;
  },
  exits: (_, host) => exitLines(host),
  program: (_, host) => stopLines(viewOf(host), host),
} as const satisfies Readonly<Record<string, Info>>;

/** GDB's and Bochs' short words for some of them. */
const INFO_ALIASES: Readonly<Record<string, keyof typeof INFO>> = {
  r: 'registers',
  reg: 'registers',
  cpu: 'all-registers',
  all: 'all-registers',
  b: 'breakpoints',
  br: 'breakpoints',
  break: 'breakpoints',
  watchpoints: 'breakpoints',
  exit: 'exits',
  sym: 'symbols',
  functions: 'symbols',
};

function isInfo(word: string): word is keyof typeof INFO {
  return Object.hasOwn(INFO, word);
}

/** How `p` writes without a format: hexadecimal, decimal, and the symbol. */
function allWays(value: number, host: Host): string {
  const signed = value | 0;
  const decimal = signed < 0 ? `${value}  ${signed}` : `${value}`;
  return `= 0x${hex(value)}  ${decimal}${place(value, host.symbols())}`;
}

export const looking = {
  info: verb({
    aliases: ['i'],
    usage: `${Object.keys(INFO).join('|')}`,
    examples: ['info idt', 'info gdt machine', 'info vmcs exit', 'info symbols switch'],
    group: 'look',
    completes: 'info',
    read: ({ rest }) => {
      const [word = '', ...more] = rest.split(/\s+/);
      const topic = INFO_ALIASES[word] ?? word;
      if (!isInfo(topic)) throw new Refusal(laterText.verbs.noInfo(word, Object.keys(INFO).join(', ')));
      return { topic, rest: more.join(' ') };
    },
    act: ({ topic, rest }, host) => INFO[topic](rest, host),
  }),
  registers: verb({ aliases: ['r', 'regs'], group: 'look', read: nothing, act: (_, host) => registers(host) }),
  creg: verb({ group: 'look', read: nothing, act: (_, host) => control(host) }),
  sreg: verb({ group: 'look', read: nothing, act: (_, host) => segments(host) }),
  dreg: verb({ group: 'look', read: nothing, act: (_, host) => debugRegisters(host) }),
  x: verb({
    usage: '/NFU ADDRESS',
    examples: ['x/8xw $esp', 'x/4i switch_space', 'x/s c0104000'],
    group: 'look',
    completes: 'expression',
    read: examined,
    act: (what, host) => examine(what, 'linear', host),
  }),
  xp: verb({
    usage: '/NFU ADDRESS',
    examples: ['xp/8bx 00100000'],
    group: 'look',
    completes: 'expression',
    read: examined,
    act: (what, host) => examine(what, 'physical', host),
  }),
  disassemble: verb({
    aliases: ['u', 'disasm', 'disas'],
    usage: '[/N] [ADDRESS]',
    group: 'look',
    completes: 'expression',
    read: (line, names) => ({
      count: parseFormat(line.format === '' ? `${LISTED}i` : `${line.format}i`).count,
      where: line.rest === '' ? '' : expression(line, names),
    }),
    act: async ({ count, where }, host) =>
      code(where === '' ? linearEip(viewOf(host).registers) : await addressOf(where, host), count, host),
  }),
  print: verb({
    aliases: ['p', 'inspect', 'calc'],
    usage: '[/F] EXPRESSION',
    examples: ['p $eax + 4 * ecx', 'p/t $eflags', 'p [esp + 4]', 'p byte(c0104000)'],
    group: 'look',
    completes: 'expression',
    read: (line, names) => {
      const letter: Letter | null = line.format === '' ? null : parseFormat(line.format).letter;
      // GDB's `*address` is four bytes of memory.
      const what = line.rest.startsWith('*') ? `[${line.rest.slice(1)}]` : line.rest;
      return { letter, what: tidy(what, names) };
    },
    act: async ({ letter, what }, host) => {
      const value = await evaluate(what, host);
      return [letter === null ? allWays(value, host) : `= ${writeValue(value, letter, 4, host.symbols())}`];
    },
  }),
  page: verb({
    aliases: ['walk'],
    usage: 'ADDRESS',
    group: 'look',
    completes: 'expression',
    read: expression,
    act: async (where, host) => {
      const { monitor } = viewOf(host);
      const { address } = must(await host.ask({ kind: 'walk', address: await addressOf(where, host) }));
      return walkLines(address, monitor.setting.mode === 'para');
    },
  }),
} satisfies Readonly<Record<string, Verb>>;
