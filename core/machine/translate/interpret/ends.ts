import { Code, type FunctionBody, I32, OP } from '../code.ts';
import { importIndex } from '../imports.ts';
import type { Premises } from '../premises.ts';
import { Maker } from './maker.ts';
import * as R from './record.ts';

/** The interpreter's functions that are of no shape. */

function body(make: (code: Code) => void): FunctionBody {
  const code = new Code();
  make(code);
  code.op(OP.end);
  return { parameters: [I32], results: [I32], locals: [], code: code.bytes };
}

/** Leaves every instruction to the executor. */
export const REFUSE = body(code => code.constant(R.REFUSED));

/** On to wherever EIP leads. */
export const ELSEWHERE = body(code => {
  code.constant(0);
  code.call(importIndex('resolve'));
});

/** It takes nothing for granted. */
const NO_PREMISES: Premises = {
  word: 0,
  readTable: 0,
  writeTable: 0,
  executeTable: 0,
  stackMask: -1,
  codeBase: 0,
  codeLimit: -1,
};

/** On to the instruction behind a block. */
export function leadOn(): FunctionBody {
  const maker = new Maker(NO_PREMISES, 0, null, () => {});
  maker.goOn();
  return maker.whole();
}
