import type { Instruction } from '../../../ia32/instruction.ts';
import type { OperationName } from '../../../ia32/operations.ts';
import { CS, GS } from '../../../ia32/registers.ts';
import { Code } from './code.ts';
import { ruleFor } from './rules.ts';
import type { Pair, Translation } from './unit.ts';

/** An instruction of the guest with its bytes. */
export interface GuestInstruction {
  readonly instruction: Instruction;
  readonly bytes: readonly number[];
  /** Guest EIP of the instruction, and of the next one. */
  readonly eip: number;
  readonly next: number;
  /** Highest offset in CS, unsigned: a jump beyond it raises #GP. */
  readonly limit: number;
}

/**
 * Gives the instruction at a guest EIP, or null if it cannot become part of the unit: its bytes are not there, or it crosses into
 * another page and is not the first.
 */
export type Fetch = (eip: number, isFirst: boolean) => GuestInstruction | null;

/** Guest instructions in a unit at most (Adams and Agesen 2006, 3.2). The one behind an STI may come on top. */
const MOST_INSTRUCTIONS = 12;

/**
 * Translates the guest code at `eip`, up to an instruction that does not simply go on to the next. Null if there is none. What is not
 * changed is copied: instructions mean the same in ring 1 unless they show or use privilege, or say where they are.
 */
export function translate(fetch: Fetch, eip: number): Translation | null {
  const code = new Code();
  const pairs: Pair[] = [];
  let at = eip;
  let guest: GuestInstruction | null = fetch(at, true);
  if (guest === null) return null;
  while (guest !== null) {
    const current: GuestInstruction = guest;
    const { instruction, next } = current;
    const { row } = instruction;
    code.eip = at;
    code.saved = 0;
    code.release = 0;
    const offset = code.bytes.length;
    const after: GuestInstruction | null =
      pairs.length + 1 < MOST_INSTRUCTIONS || row.operation === 'sti' ? fetch(next, false) : null;
    const rule = reachesHidden(instruction) ? CALLOUT_RULE : ruleFor(row.operation);
    let { kind } = rule;
    // Behind an STI comes an instruction that no interrupt may precede; that can be seen only if it is in the same unit.
    const fits = row.operation !== 'sti' || after !== null;
    if (kind === 'ident') code.add(current.bytes);
    else if (rule.emit === null || !fits || !rule.emit(code, current)) kind = 'callout';
    if (kind === 'callout') code.callout();
    pairs.push({ guest: at, offset, kind, mnemonic: row.mnemonic });
    at = next;
    code.shadow = row.operation === 'sti';
    if (kind === 'callout' || kind === 'control') break;
    if (after === null) {
      code.eip = at;
      code.jump([0xe9], at);
    }
    guest = after;
  }
  const { bytes, points, jumps } = code;
  return { eip, length: (at - eip) >>> 0, bytes: Uint8Array.from(bytes), pairs, points, jumps };
}

const CALLOUT_RULE = { kind: 'callout', emit: null } as const;

/** Operations that name an address without going there, or whose segment prefix is a hint (SDM volume 2, 2.1.1). */
const ADDRESSLESS: readonly OperationName[] = [
  'nop',
  'lea',
  'jmp',
  'jcc',
  'call',
  'ret',
  'loop',
  'loope',
  'loopne',
  'jcxz',
];

/** Whether the instruction reads or writes through a segment register that is the monitor's while translated code runs. */
function reachesHidden({ segment, row }: Instruction): boolean {
  return (segment === GS || segment === CS) && !ADDRESSLESS.includes(row.operation);
}
