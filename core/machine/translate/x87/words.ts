import { Code, EMPTY, type FunctionBody, I32, I64, OP, type Op, type ValueType } from '../code.ts';

/** Expressions and statements of functions that are written by hand: each appends its code. */
export type Part = (code: Code) => void;

const op =
  (o: Op) =>
  (...parts: readonly Part[]): Part =>
  code => {
    for (const part of parts) part(code);
    code.op(o);
  };

export const [and, or, xor, add, sub, shl, shr] = [OP.and, OP.or, OP.xor, OP.add, OP.sub, OP.shl, OP.shrU].map(op);
export const [isZero, equal, differs, ltU, gtU, geS] = [OP.eqz, OP.eq, OP.ne, OP.ltU, OP.gtU, OP.ltS, OP.geS].map(op);
export const [and64, or64, add64, sub64, mul64, div64, shl64, shr64] = [
  OP.and64,
  OP.or64,
  OP.add64,
  OP.sub64,
  OP.mul64,
  OP.divU64,
  OP.shl64,
  OP.shrU64,
].map(op);
export const [isZero64, equal64, differs64, ltU64, gtU64, ltS64] = [
  OP.eqz64,
  OP.eq64,
  OP.ne64,
  OP.ltU64,
  OP.gtU64,
  OP.ltS64,
].map(op);
/** To 64 bits, from them, and the leading zeros of such. */
export const [wide, narrow, leadingZeros, rootOfDouble, toDouble, fromDouble] = [
  OP.extendU64,
  OP.wrap64,
  OP.clz64,
  OP.sqrtDouble,
  OP.convertU64Double,
  OP.truncateDoubleU64,
].map(op);
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

const storing =
  (o: typeof OP.store32 | typeof OP.store64) =>
  (address: Part, offset: number, value: Part): Part =>
  code => {
    address(code);
    value(code);
    code.memory(o, offset);
  };
export const [store, store64] = ([OP.store32, OP.store64] as const).map(storing);

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
