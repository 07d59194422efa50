/** What a verb is, and what all of them share: addresses and values that have to be found out, and when the machine can be acted on. */
import type { View } from '../../core/protocol/messages.ts';
import { isFinal } from '../stores/machine.ts';
import { type LaterText, laterText } from '../text/later.ts';
import { text } from '../text.ts';
import type { Host } from './host.ts';
import { type Line, type Names, Refusal, simpleAddress, tidy } from './words.ts';

/** Every verb has a sentence, and every sentence a verb. */
export type VerbName = keyof LaterText['verbs']['what'];
export type Group = keyof LaterText['verbs']['groups'];

/** What Tab completes behind the verb. */
export type Completes = 'expression' | 'mode' | 'info' | 'catch' | 'verb' | 'nothing';

export interface Verb {
  readonly aliases: readonly string[];
  /** What stands behind the verb. */
  readonly usage: string;
  /** Lines that show its use. */
  readonly examples: readonly string[];
  readonly group: Group;
  readonly completes: Completes;
  /** An empty line does it once more. */
  readonly again: boolean;
  /** Lines to show. Throws Refusal, at once or later. */
  readonly run: (line: Line, host: Host) => Promise<readonly string[]>;
}

interface Definition<A> extends Partial<Omit<Verb, 'run'>> {
  readonly group: Group;
  /** The words of the line as arguments; throws Refusal. */
  readonly read: (line: Line, names: Names) => A;
  readonly act: (given: A, host: Host) => readonly string[] | Promise<readonly string[]>;
}

/** A verb by its two halves: what its words mean, and what is done. */
export function verb<A>({ read, act, ...rest }: Definition<A>): Verb {
  return {
    aliases: [],
    usage: '',
    examples: [],
    completes: 'nothing',
    again: false,
    ...rest,
    run: async (line, host) => act(read(line, namesOf(host)), host),
  };
}

export function namesOf(host: Host): Names {
  return { symbols: host.symbols(), registers: host.view()?.registers ?? null };
}

/** For verbs that stand alone. Throws Refusal when something follows. */
export function nothing({ rest }: Line): null {
  if (rest !== '') throw new Refusal(laterText.verbs.nothingMore(rest));
  return null;
}

/** One expression, with names as the worker knows them. */
export function expression({ rest }: Line, names: Names): string {
  return tidy(rest.replace(/^\*/, ''), names);
}

/** The present view. Throws Refusal without a guest. */
export function viewOf(host: Host): View {
  const view = host.view();
  if (view === null) throw new Refusal(laterText.verbs.noGuest);
  return view;
}

/** The same, if the machine stands still and can go on. */
export function stillView(host: Host): View {
  const view = viewOf(host);
  if (view.running) throw new Refusal(laterText.verbs.running);
  if (isFinal(view)) throw new Refusal(laterText.verbs.final);
  return view;
}

/** Throws what could not be answered. */
export function must<A extends { readonly kind: string }>(answer: A): Exclude<A, { readonly kind: 'none' }> {
  if (isNone(answer)) throw new Refusal(text.said(answer.message));
  // What is left when `none` is out: the compiler does not narrow a type parameter.
  return answer as Exclude<A, { readonly kind: 'none' }>;
}

function isNone(answer: { readonly kind: string }): answer is { readonly kind: 'none'; readonly message: string } {
  return answer.kind === 'none';
}

/** Linear address that a tidy expression means; EIP counts from the base of CS. */
export async function addressOf(tidied: string, host: Host): Promise<number> {
  return simpleAddress(tidied, namesOf(host)) ?? evaluate(tidied, host);
}

export async function evaluate(tidied: string, host: Host): Promise<number> {
  return must(await host.ask({ kind: 'value', expression: tidied })).value >>> 0;
}
