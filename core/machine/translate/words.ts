import { BULK, type BulkOp, Code, EMPTY, type FunctionBody, I32, I64, OP, type Op, type ValueType } from './code.ts';

/** Expressions and statements of functions that are written by hand: each appends its code. */
export type Part = (code: Code) => void;

const op =
  (o: Op) =>
  (...parts: readonly Part[]): Part =>
  code => {
    for (const part of parts) part(code);
    code.op(o);
  };

export const and = op(OP.and);
export const or = op(OP.or);
export const xor = op(OP.xor);
export const add = op(OP.add);
export const sub = op(OP.sub);
export const mul = op(OP.mul);
export const shl = op(OP.shl);
export const shr = op(OP.shrU);
export const isZero = op(OP.eqz);
export const equal = op(OP.eq);
export const differs = op(OP.ne);
export const ltU = op(OP.ltU);
export const gtU = op(OP.gtU);
export const ltS = op(OP.ltS);
export const geS = op(OP.geS);
export const geU = op(OP.geU);
export const and64 = op(OP.and64);
export const or64 = op(OP.or64);
export const add64 = op(OP.add64);
export const sub64 = op(OP.sub64);
export const mul64 = op(OP.mul64);
export const div64 = op(OP.divU64);
export const shl64 = op(OP.shl64);
export const shr64 = op(OP.shrU64);
export const isZero64 = op(OP.eqz64);
export const equal64 = op(OP.eq64);
export const differs64 = op(OP.ne64);
export const ltU64 = op(OP.ltU64);
export const gtU64 = op(OP.gtU64);
export const ltS64 = op(OP.ltS64);
/** To 64 bits, and from them. */
export const wide = op(OP.extendU64);
export const narrow = op(OP.wrap64);
export const leadingZeros = op(OP.clz64);
export const rootOfDouble = op(OP.sqrtDouble);
export const toDouble = op(OP.convertU64Double);
export const fromDouble = op(OP.truncateDoubleU64);
/** The first if the last is not 0, else the second. */
export const select = op(OP.select);

export const word =
  (value: number): Part =>
  code =>
    code.constant(value);

export const word64 =
  (value: bigint): Part =>
  code =>
    code.constant64(value);

export const get =
  (local: number): Part =>
  code =>
    code.get(local);

/** Takes what the parts leave on the stack into locals: one part may leave several. */
export const set =
  (local: number, ...parts: readonly Part[]): Part =>
  code => {
    for (const part of parts) part(code);
    code.set(local);
  };

export const load =
  (address: Part, offset = 0): Part =>
  code => {
    address(code);
    code.memory(OP.load32, offset);
  };

export const load64 =
  (address: Part, offset = 0): Part =>
  code => {
    address(code);
    code.memory(OP.load64, offset);
  };

export const load8 =
  (address: Part): Part =>
  code => {
    address(code);
    code.memory(OP.load8u, 0);
  };

const storing =
  (o: typeof OP.store32 | typeof OP.store64 | typeof OP.store8) =>
  (address: Part, offset: number, value: Part): Part =>
  code => {
    address(code);
    value(code);
    code.memory(o, offset);
  };
export const [store, store64, store8] = ([OP.store32, OP.store64, OP.store8] as const).map(storing);

const bulk =
  (bulkOp: BulkOp) =>
  (to: Part, what: Part, bytes: Part): Part =>
  code => {
    for (const part of [to, what, bytes]) part(code);
    code.bulk(bulkOp);
  };
/** Bytes to a place from another, and of one value. */
export const [copyBytes, fillBytes] = ([BULK.copy, BULK.fill] as const).map(bulk);

export const call =
  (index: number, ...parts: readonly Part[]): Part =>
  code => {
    for (const part of parts) part(code);
    code.call(index);
  };

/** Ends the function with what the parts leave. */
export const give = op(OP.return);

export const when =
  (condition: Part, then: readonly Part[], otherwise: readonly Part[] = []): Part =>
  code => {
    condition(code);
    code.op(OP.if);
    code.byte(EMPTY);
    for (const part of then) part(code);
    if (otherwise.length > 0) {
      code.op(OP.else);
      for (const part of otherwise) part(code);
    }
    code.op(OP.end);
  };

/** Again and again: only a part that leaves ends it. */
export const forever =
  (parts: readonly Part[]): Part =>
  code => {
    code.op(OP.loop);
    code.byte(EMPTY);
    for (const part of parts) part(code);
    branch(0)(code);
    code.op(OP.end);
  };

/** To the beginning of the loop, or the end of another construct, so many constructs around this one. */
export const branch =
  (depth: number): Part =>
  code => {
    code.op(OP.br);
    code.unsigned(depth);
  };

/** As long as the condition holds. */
export const during =
  (condition: Part, parts: readonly Part[]): Part =>
  code => {
    code.op(OP.loop);
    code.byte(EMPTY);
    when(condition, [
      ...parts,
      c => {
        c.op(OP.br);
        c.unsigned(1);
      },
    ])(code);
    code.op(OP.end);
  };

/** Locals of a function in the making. */
export class Locals {
  readonly types: ValueType[];

  constructor(parameters: readonly ValueType[]) {
    this.types = [...parameters];
  }

  word(): number {
    return this.types.push(I32) - 1;
  }

  words(count: number): readonly number[] {
    return Array.from({ length: count }, () => this.word());
  }

  wide(): number {
    return this.types.push(I64) - 1;
  }
}

/** A function whose parts end in give(). */
export function makeFunction(
  parameters: readonly ValueType[],
  results: readonly ValueType[],
  make: (locals: Locals) => readonly Part[],
): FunctionBody {
  const locals = new Locals(parameters);
  const code = new Code();
  for (const part of make(locals)) part(code);
  // Nothing comes here, which the validation has to be told.
  code.op(OP.unreachable);
  code.op(OP.end);
  return { parameters, results, locals: locals.types.slice(parameters.length), code: code.bytes };
}
