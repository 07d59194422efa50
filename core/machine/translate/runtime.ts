import { STATUS_FLAGS } from '../../ia32/flags.ts';
import * as L from '../cpu/layout.ts';
import { EMPTY, type FunctionBody, I32, type Import, makeModule, OP } from './code.ts';
import { carryOf, type Flags, HELPER, type Helper, overflowOf, statusFlagsOf } from './flags.ts';
import { known, type Value, Values } from './values.ts';

/**
 * The functions that translated code calls where only the run time knows of what kind the lazy flags are. They are made of the same words as
 * translated code.
 */

/** Parameters: kind, size, a, b, r, EFLAGS. */
const PARAMETERS = [I32, I32, I32, I32, I32, I32] as const;
const [KIND_PARAMETER, SIZE, A, B, R, EFLAGS] = [0, 1, 2, 3, 4, 5];

export const HELPER_NAMES: readonly Helper[] = ['carry', 'overflow', 'statusFlags'];
export const IMPORTS: readonly Import[] = HELPER_NAMES.map(name => ({ name, parameters: PARAMETERS, results: [I32] }));

const OF: Readonly<Record<Helper, (o: Values, flags: Flags) => Value>> = {
  carry: carryOf,
  overflow: overflowOf,
  statusFlags: statusFlagsOf,
};

/** Flags of a kind over the parameters. */
function flagsOf(o: Values, kind: number, size: number): Flags {
  const narrow = { size, r: o.of(R) };
  const bit = (n: number) => o.and(o.shr(o.of(EFLAGS), known(n)), known(1));
  const carried: Flags = { kind: 'all', flags: bit(0) };
  switch (kind) {
    case L.LAZY_ADD:
      return { kind: 'add', ...narrow, a: o.of(A), b: o.of(B), chained: true };
    case L.LAZY_SUB:
      return { kind: 'sub', ...narrow, a: o.of(A), b: o.of(B), chained: true };
    case L.LAZY_LOGIC:
      return { kind: 'logic', ...narrow };
    case L.LAZY_INCREMENT:
      return { kind: 'increment', ...narrow, before: carried };
    case L.LAZY_DECREMENT:
      return { kind: 'decrement', ...narrow, before: carried };
    case L.LAZY_RESULT:
      return { kind: 'result', ...narrow, carry: bit(0), overflow: bit(11) };
    default:
      return { kind: 'all', flags: o.and(o.of(EFLAGS), known(STATUS_FLAGS)) };
  }
}

function helper(name: Helper): FunctionBody {
  const o = new Values(PARAMETERS.length);
  const answer = (kind: number, size: number) => {
    o.push(OF[name](o, flagsOf(o, kind, size)));
    o.code.op(OP.return);
  };
  for (let kind = L.LAZY_ADD; kind <= L.LAZY_RESULT; kind++) {
    for (const size of [1, 2, 4]) {
      o.push(o.and(o.compare(OP.eq, o.of(KIND_PARAMETER), known(kind)), o.compare(OP.eq, o.of(SIZE), known(size))));
      o.code.op(OP.if);
      o.code.byte(EMPTY);
      answer(kind, size);
      o.code.op(OP.end);
    }
  }
  answer(L.LAZY_NONE, 4);
  o.code.op(OP.end);
  return { parameters: PARAMETERS, results: [I32], locals: o.locals.slice(PARAMETERS.length), code: o.code.bytes };
}

/** What modules of translated code import beside the memory. */
export function makeRuntime(memory: WebAssembly.Memory): Readonly<Record<string, WebAssembly.Imported>> {
  const bytes = makeModule(
    HELPER_NAMES.map(name => helper(name)),
    [],
  );
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return Object.fromEntries(HELPER_NAMES.map(name => [name, exports[String(HELPER[name])]]));
}
