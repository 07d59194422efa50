/** Verbs that change registers and memory. */
import type { EditableRegister, MemoryWindow } from '../../core/protocol/messages.ts';
import { hex } from '../format.ts';
import { bitsOf, isSet } from '../panels/registers/bits.ts';
import { general } from '../symbols.ts';
import { laterText } from '../text/later.ts';
import { dump, parseSize, type Size, toBytes } from './data.ts';
import type { Host } from './host.ts';
import { DEBUG_REGISTERS } from './registers.ts';
import { addressOf, evaluate, must, type Verb, verb, viewOf } from './verb.ts';
import { type Names, Refusal, tidy } from './words.ts';

/** What stands left of the `=`. */
type Target =
  | { readonly kind: 'register'; readonly register: EditableRegister }
  | { readonly kind: 'flag'; readonly name: string; readonly bit: number }
  | { readonly kind: 'memory'; readonly where: string; readonly size: Size };

const MEMORY: readonly (readonly [RegExp, Size])[] = [
  [/^\*(.+)$/, 4],
  [/^\[(.+)\]$/, 4],
  [/^word\s*\((.+)\)$/i, 2],
  [/^byte\s*\((.+)\)$/i, 1],
];

function isEditable(name: string): name is EditableRegister {
  return [...general, 'eip', 'eflags', ...DEBUG_REGISTERS].some(known => known === name);
}

function targetOf(written: string, names: Names): Target {
  for (const [pattern, size] of MEMORY) {
    const match = pattern.exec(written);
    if (match !== null) return { kind: 'memory', where: tidy(match[1], names), size };
  }
  const name = tidy(written, names);
  if (isEditable(name)) return { kind: 'register', register: name };
  const flag = bitsOf('eflags').find(bit => bit.name.toLowerCase() === name);
  if (flag !== undefined) return { kind: 'flag', name: flag.name, bit: flag.bit };
  throw new Refusal(laterText.verbs.notEditable(written));
}

function stillHere(host: Host): void {
  if (viewOf(host).running) throw new Refusal(laterText.verbs.running);
}

/** Writes, and shows what stands there then. */
async function write(
  space: MemoryWindow['space'],
  address: number,
  size: Size,
  value: number,
  host: Host,
): Promise<readonly string[]> {
  host.writeMemory(space, address, toBytes(value, size));
  await host.settled();
  const { bytes } = must(await host.ask({ kind: 'memory', space, address, length: size }));
  return dump(address, bytes, { count: 1, letter: 'x', size }, host.symbols(), space === 'linear');
}

async function writeRegister(register: EditableRegister, value: number, host: Host): Promise<readonly string[]> {
  host.writeRegister(register, value >>> 0);
  const { registers } = await host.settled();
  const names: readonly string[] = general;
  const number = names.indexOf(register);
  const now =
    register === 'eip' || register === 'eflags'
      ? registers[register]
      : number < 0
        ? await evaluate(register, host)
        : registers.general[number];
  return [`${register}  ${hex(now)}`];
}

function setting(space: MemoryWindow['space'], aliases: readonly string[]): Verb {
  return verb({
    aliases,
    usage: 'ADDRESS 1|2|4 VALUE',
    group: 'change',
    completes: 'expression',
    read: ({ rest }, names) => {
      const [where = '', size = '', ...value] = rest.split(/\s+/);
      return { where: tidy(where, names), size: parseSize(size), value: tidy(value.join(' '), names) };
    },
    act: async ({ where, size, value }, host) => {
      stillHere(host);
      return write(space, await addressOf(where, host), size, await evaluate(value, host), host);
    },
  });
}

export const changing = {
  set: verb({
    usage: 'REGISTER|FLAG|*ADDRESS = VALUE',
    examples: ['set $eax = 1', 'set zf = 0', 'set *c0104000 = 0x12345678', 'set byte($esp) = 0'],
    group: 'change',
    completes: 'expression',
    read: ({ rest }, names) => {
      const match = /^(?:var(?:iable)?\s+)?([^=]+?)\s*=\s*([^=].*)$/.exec(rest);
      if (match === null) throw new Refusal(laterText.verbs.noAssignment);
      return { target: targetOf(match[1], names), value: tidy(match[2], names) };
    },
    act: async ({ target, value: expression }, host) => {
      stillHere(host);
      const value = await evaluate(expression, host);
      switch (target.kind) {
        case 'register':
          return writeRegister(target.register, value, host);
        case 'flag': {
          const { eflags } = viewOf(host).registers;
          const bit = 1 << target.bit;
          const lines = await writeRegister('eflags', value === 0 ? eflags & ~bit : eflags | bit, host);
          return [...lines, `${target.name}  ${isSet(viewOf(host).registers.eflags, target.bit) ? 1 : 0}`];
        }
        case 'memory':
          return write('linear', await addressOf(target.where, host), target.size, value, host);
      }
    },
  }),
  setmem: setting('linear', ['setlmem']),
  setpmem: setting('physical', []),
} satisfies Readonly<Record<string, Verb>>;
