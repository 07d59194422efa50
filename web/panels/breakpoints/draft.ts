/** What stands in the form of a breakpoint, and the breakpoint that it makes. */
import type { BreakOn, Breakpoint } from '../../../core/protocol/breakpoints.ts';
import { hex } from '../../format.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { addressOf } from '../../widgets/AddressInput.tsx';
import { addressIn, vectorOf, vectorText } from './words.ts';

/** Fields as they were typed; which of them count depends on the kind. */
export interface Draft {
  readonly kind: BreakOn['kind'];
  readonly address: string;
  readonly length: 1 | 2 | 4;
  /** Reason of an exit, or name of a hypercall. */
  readonly name: string;
  readonly vector: string;
  readonly ring: 0 | 1 | 2 | 3 | null;
  readonly condition: string;
  readonly ignore: string;
}

export const EMPTY: Draft = {
  kind: 'execute',
  address: '',
  length: 4,
  name: '',
  vector: '',
  ring: null,
  condition: '',
  ignore: '0',
};

export function draftOf({ on, condition, ignore }: Breakpoint): Draft {
  const address = addressIn(on);
  return {
    ...EMPTY,
    kind: on.kind,
    address: address === null ? '' : hex(address),
    length: on.kind === 'write' || on.kind === 'access' ? on.length : 4,
    name: (on.kind === 'exit' ? on.reason : on.kind === 'hypercall' ? on.name : null) ?? '',
    vector: on.kind === 'delivery' && on.vector !== null ? vectorText(on.vector) : '',
    ring: on.kind === 'ring' ? on.to : null,
    condition,
    ignore: `${ignore}`,
  };
}

/** What is wrong with a field, in one sentence. */
export interface Wrong {
  readonly field: 'address' | 'vector' | 'ignore' | 'condition';
  readonly message: string;
}

export interface Made {
  readonly on: BreakOn;
  readonly condition: string;
  readonly ignore: number;
}

function addressWrong(typed: string): Wrong {
  const message = typed.trim() === '' ? laterText.breaks.form.noAddress : text.code.notFound(typed.trim());
  return { field: 'address', message };
}

function eventOf(draft: Draft): BreakOn | Wrong {
  const { kind } = draft;
  const name = draft.name.trim() === '' ? null : draft.name.trim();
  switch (kind) {
    case 'execute':
    case 'write':
    case 'access': {
      const address = addressOf(draft.address);
      if (address === null) return addressWrong(draft.address);
      return kind === 'execute' ? { kind, address } : { kind, address, length: draft.length };
    }
    case 'exit':
      return { kind, reason: name };
    case 'hypercall':
      return { kind, name };
    case 'delivery': {
      if (draft.vector.trim() === '') return { kind, vector: null };
      const vector = vectorOf(draft.vector);
      if (vector !== null) return { kind, vector };
      return { field: 'vector', message: laterText.breaks.form.badVector(draft.vector.trim()) };
    }
    case 'pageFault': {
      if (draft.address.trim() === '') return { kind, address: null };
      const address = addressOf(draft.address);
      return address === null ? addressWrong(draft.address) : { kind, address };
    }
    case 'cr3':
      return { kind };
    case 'ring':
      return { kind, to: draft.ring };
  }
}

/** The breakpoint that was described, or the first thing that is wrong. Whether the condition is one, the worker knows. */
export function make(draft: Draft): Made | Wrong {
  const on = eventOf(draft);
  if ('field' in on) return on;
  const ignore = Number(draft.ignore);
  if (!Number.isInteger(ignore) || ignore < 0) {
    return { field: 'ignore', message: laterText.breaks.form.badIgnore };
  }
  return { on, condition: draft.condition.trim(), ignore };
}
