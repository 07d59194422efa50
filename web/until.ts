/** Running on until the next event of a kind that was chosen once: the choice is remembered. */
import type { BreakOn } from '../core/protocol/breakpoints.ts';
import { runUntil } from './machine.ts';
import { settings } from './stores/settings.ts';

export const UNTIL_KINDS = ['exit', 'hypercall', 'delivery', 'pageFault', 'cr3', 'ring'] as const;
export type UntilKind = (typeof UNTIL_KINDS)[number];

/** A kind of event, or an exit for one reason: "exit cli". As it is remembered. */
export function choiceOf(kind: UntilKind, reason: string | null = null): string {
  return reason === null ? kind : `${kind} ${reason}`;
}

/** The event of a choice; any exit for one that is none. */
export function eventOf(choice: string): BreakOn {
  const [kind, ...rest] = choice.split(' ');
  switch (kind) {
    case 'hypercall':
      return { kind, name: null };
    case 'delivery':
      return { kind, vector: null };
    case 'pageFault':
      return { kind, address: null };
    case 'cr3':
      return { kind };
    case 'ring':
      return { kind, to: null };
    default:
      return { kind: 'exit', reason: rest.length === 0 ? null : rest.join(' ') };
  }
}

/** Runs until the next event of this choice, and remembers it. */
export function runUntilNext(choice: string): void {
  settings.setState({ until: choice });
  runUntil(eventOf(choice));
}

/** Once more what was chosen last. */
export function runUntilSame(): void {
  runUntil(eventOf(settings.getState().until));
}
