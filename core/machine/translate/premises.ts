import { CS } from '../../ia32/registers.ts';
import type { Access } from '../cpu/access.ts';
import * as L from '../cpu/layout.ts';

/** What translated code takes for granted; nothing of it is looked at again while the code runs. */
export interface Premises {
  /** W_PREMISES: whoever enters the code has compared it. */
  readonly word: number;
  /** Bytes: where the TLB tables of this privilege level begin in the memory. */
  readonly readTable: number;
  readonly writeTable: number;
  readonly executeTable: number;
  /** -1 or 0xFFFF. */
  readonly stackMask: number;
  /** Base of CS, and the offset beyond which code faults: if they are not 0 and -1 the code itself looks whether they are so. */
  readonly codeBase: number;
  readonly codeLimit: number;
}

/** The premises of the code that would run now. */
export function premisesOf(cpu: Access): Premises {
  const { i32 } = cpu;
  return {
    word: i32[L.W_PREMISES],
    readTable: i32[L.W_READ_TABLE] << 2,
    writeTable: i32[L.W_WRITE_TABLE] << 2,
    executeTable: i32[L.W_EXECUTE_TABLE] << 2,
    stackMask: i32[L.W_STACK_MASK],
    codeBase: cpu.base(CS),
    codeLimit: i32[L.W_CODE_LIMIT],
  };
}

/** SEGMENT_ of a segment register. */
export function segmentKind({ word }: Premises, segment: number): number {
  return (word >> (L.PREMISE_SEGMENTS + 2 * segment)) & 3;
}
