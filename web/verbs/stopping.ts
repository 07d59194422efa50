/** Verbs that say where the machine shall stop. */
import type { BreakOn, Breakpoint } from '../../core/protocol/breakpoints.ts';
import { EXCEPTIONS } from '../panels/happened/cause.ts';
import { newBreakpoint } from '../stores/breakpoints.ts';
import { linearEip } from '../symbols.ts';
import { laterText } from '../text/later.ts';
import { breakpointLines, onText } from './answers.ts';
import { parseSize, type Size } from './data.ts';
import type { Host } from './host.ts';
import { addressOf, type Verb, verb, viewOf } from './verb.ts';
import { type Line, type Names, parseNumber, Refusal, splitCondition, tidy } from './words.ts';

interface Place {
  /** Tidy; empty: the next instruction. */
  readonly where: string;
  readonly condition: string;
}

function placeOf({ rest }: Line, names: Names): Place {
  const { what, condition } = splitCondition(rest);
  return {
    where: what === '' ? '' : tidy(what.replace(/^\*/, ''), names),
    condition: condition === '' ? '' : tidy(condition, names),
  };
}

async function add(on: BreakOn, condition: string, host: Host): Promise<readonly string[]> {
  viewOf(host);
  const one = newBreakpoint(on, condition);
  await host.setBreakpoints([...host.breakpoints(), one]);
  return breakpointLines([one], () => 0, host.symbols());
}

/** Sets one of the breakpoints anew. */
async function replace(id: number, change: Partial<Omit<Breakpoint, 'id' | 'on'>>, host: Host): Promise<void> {
  await host.setBreakpoints(host.breakpoints().map(each => (each.id === id ? { ...each, ...change } : each)));
}

function watching(kind: 'write' | 'access', aliases: readonly string[]): Verb {
  return verb({
    aliases,
    usage: 'ADDRESS [1|2|4] [if CONDITION]',
    group: 'stop',
    completes: 'expression',
    read: ({ rest, ...line }, names) => {
      const { what, condition } = splitCondition(rest);
      const match = /^(.+?)\s+([124])$/.exec(what);
      const place = placeOf({ ...line, rest: match?.[1] ?? what }, names);
      if (place.where === '') throw new Refusal(laterText.verbs.noExpression);
      const length: Size = match === null ? 4 : parseSize(match[2]);
      return { where: place.where, length, condition: condition === '' ? '' : tidy(condition, names) };
    },
    act: async ({ where, length, condition }, host) =>
      add({ kind, address: await addressOf(where, host), length }, condition, host),
  });
}

function isRing(value: number | null): value is 0 | 1 | 2 | 3 {
  return value === 0 || value === 1 || value === 2 || value === 3;
}

function ringOf(word: string): 0 | 1 | 2 | 3 | null {
  if (word === '') return null;
  const ring = parseNumber(word);
  if (!isRing(ring)) throw new Refusal(laterText.verbs.noRing(word));
  return ring;
}

function vectorOf(word: string): number {
  const named = EXCEPTIONS.findIndex(name => name.toLowerCase() === word.toLowerCase());
  const vector = named < 0 ? parseNumber(word) : named;
  if (vector === null || vector > 255) throw new Refusal(laterText.verbs.noVector(word));
  return vector;
}

/** What `catch` knows, as `catch KIND [WHICH]`. */
export const CATCHES = ['exit', 'hypercall', 'interrupt', 'pagefault', 'cr3', 'ring'] as const;

type Caught = (which: string, names: Names) => BreakOn | { readonly kind: 'pageFaultAt'; readonly where: string };

const CATCH: Readonly<Record<(typeof CATCHES)[number], Caught>> = {
  exit: which => ({ kind: 'exit', reason: which === '' ? null : which }),
  hypercall: which => ({ kind: 'hypercall', name: which === '' ? null : which }),
  interrupt: which => ({ kind: 'delivery', vector: which === '' ? null : vectorOf(which) }),
  pagefault: (which, names) =>
    which === '' ? { kind: 'pageFault', address: null } : { kind: 'pageFaultAt', where: tidy(which, names) },
  cr3: () => ({ kind: 'cr3' }),
  ring: which => ({ kind: 'ring', to: ringOf(which) }),
};

function isCatch(word: string): word is (typeof CATCHES)[number] {
  return CATCHES.some(known => known === word);
}

/** The number of a breakpoint that is set. Throws Refusal. */
function idOf(word: string, host: Host): number {
  const id = Number(word);
  if (word === '' || !host.breakpoints().some(each => each.id === id)) throw new Refusal(laterText.verbs.noId(word));
  return id;
}

/** A verb for breakpoints by their numbers; without one, for all. */
function byNumber(
  aliases: readonly string[],
  change: (each: Breakpoint) => Breakpoint | null,
  done: () => string,
): Verb {
  return verb({
    aliases,
    usage: '[N…]',
    group: 'stop',
    read: ({ rest }) => rest.split(/[\s,]+/).filter(Boolean),
    act: async (words, host) => {
      const ids = words.length === 0 ? host.breakpoints().map(({ id }) => id) : words.map(word => idOf(word, host));
      await host.setBreakpoints(
        host.breakpoints().flatMap(each => (ids.includes(each.id) ? (change(each) ?? []) : [each])),
      );
      return ids.length === 0 ? [laterText.verbs.noBreakpoints] : [`${done()} ${ids.join(', ')}`];
    },
  });
}

export const stopping = {
  break: verb({
    aliases: ['b', 'br', 'lb'],
    usage: '[ADDRESS] [if CONDITION]',
    examples: ['b switch_space', 'b c0100a1e if eax == 3 && zf'],
    group: 'stop',
    completes: 'expression',
    read: placeOf,
    act: async ({ where, condition }, host) => {
      const address = where === '' ? linearEip(viewOf(host).registers) : await addressOf(where, host);
      return add({ kind: 'execute', address }, condition, host);
    },
  }),
  watch: watching('write', []),
  awatch: watching('access', ['rwatch']),
  vmexitbp: verb({
    usage: '[REASON] [if CONDITION]',
    examples: ['vmexitbp', 'vmexitbp cpuid'],
    group: 'stop',
    read: ({ rest }, names) => {
      const { what, condition } = splitCondition(rest);
      return { reason: what === '' ? null : what, condition: condition === '' ? '' : tidy(condition, names) };
    },
    act: ({ reason, condition }, host) => add({ kind: 'exit', reason }, condition, host),
  }),
  modebp: verb({
    aliases: ['ring'],
    usage: '[RING]',
    examples: ['modebp', 'modebp 3'],
    group: 'stop',
    read: ({ rest }) => ringOf(rest),
    act: (to, host) => add({ kind: 'ring', to }, '', host),
  }),
  catch: verb({
    usage: `${CATCHES.join('|')} [WHICH]`,
    examples: [
      'catch interrupt #PF',
      'catch interrupt 32',
      'catch pagefault 08048000',
      'catch hypercall mmu_update',
      'catch ring 0',
    ],
    group: 'stop',
    completes: 'catch',
    read: ({ rest }, names) => {
      const [kind = '', ...which] = rest.split(/\s+/);
      if (!isCatch(kind)) throw new Refusal(laterText.verbs.noCatch(kind, CATCHES.join(', ')));
      return CATCH[kind](which.join(' '), names);
    },
    act: async (on, host) => {
      if (on.kind !== 'pageFaultAt') return add(on, '', host);
      return add({ kind: 'pageFault', address: await addressOf(on.where, host) }, '', host);
    },
  }),
  delete: byNumber(
    ['d', 'del'],
    () => null,
    () => laterText.verbs.deleted,
  ),
  enable: byNumber(
    ['bpe'],
    each => ({ ...each, enabled: true }),
    () => laterText.verbs.enabled,
  ),
  disable: byNumber(
    ['bpd'],
    each => ({ ...each, enabled: false }),
    () => laterText.verbs.disabledNow,
  ),
  condition: verb({
    usage: 'N [CONDITION]',
    group: 'stop',
    completes: 'expression',
    read: ({ rest }, names) => {
      const [id = '', ...words] = rest.split(/\s+/);
      return { id, condition: words.length === 0 ? '' : tidy(words.join(' '), names) };
    },
    act: async ({ id, condition }, host) => {
      const which = idOf(id, host);
      await replace(which, { condition }, host);
      const set = host.breakpoints().find(each => each.id === which);
      return set === undefined ? [] : [`${which}  ${onText(set.on)}${condition === '' ? '' : `  if ${condition}`}`];
    },
  }),
  ignore: verb({
    usage: 'N HITS',
    group: 'stop',
    read: ({ rest }) => {
      const [id = '', hits = ''] = rest.split(/\s+/);
      const count = parseNumber(hits);
      if (count === null) throw new Refusal(laterText.verbs.noNumber(hits));
      return { id, count };
    },
    act: async ({ id, count }, host) => {
      await replace(idOf(id, host), { ignore: count }, host);
      return [`${id}  ${laterText.verbs.ignores(count)}`];
    },
  }),
} satisfies Readonly<Record<string, Verb>>;
