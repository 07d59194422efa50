import { ECX } from '../../../ia32/registers.ts';
import { type Code, readOperand, storeWord, word } from './code.ts';
import { PAGE } from './page.ts';
import type { GuestInstruction } from './translator.ts';

/**
 * Near transfers of control (SDM volume 1, 7.3.8). The guest's stack holds the guest's addresses; the processor stays in the cache. With
 * 16-bit operands, which cut EIP, and where a target may lie beyond the limit of CS, the monitor does it.
 */

const JMP = [0xe9] as const;
const FLAT = 0xffffffff;

/** Guest EIP that a direct transfer leads to, or null if the monitor must do it. */
function targetOf({ instruction, next, limit }: GuestInstruction): number | null {
  const target = (next + instruction.dst.value) | 0;
  return instruction.operandSize === 4 && target >>> 0 <= limit ? target : null;
}

export function jmp(code: Code, guest: GuestInstruction): boolean {
  const target = targetOf(guest);
  if (target === null) return false;
  code.jump(JMP, target);
  return true;
}

export function jcc(code: Code, guest: GuestInstruction): boolean {
  const target = targetOf(guest);
  if (target === null) return false;
  code.jump([0x0f, 0x80 | guest.instruction.condition], target);
  code.eip = guest.next;
  code.jump(JMP, guest.next);
  return true;
}

/** LOOP, LOOPE, LOOPNE and JCXZ have no long form: they jump over a jump. */
export function loop(code: Code, guest: GuestInstruction): boolean {
  const target = targetOf(guest);
  if (target === null) return false;
  const opcode = guest.bytes[guest.bytes.length - 2];
  const prefix = guest.instruction.addressSize === 2 ? [0x67] : [];
  code.add(prefix, opcode, 5);
  code.eip = guest.next;
  code.jump(JMP, guest.next);
  code.eip = target;
  code.jump(JMP, target);
  return true;
}

function pushReturn(code: Code, next: number): void {
  code.add(0x68, word(next));
}

export function call(code: Code, guest: GuestInstruction): boolean {
  const target = targetOf(guest);
  if (target === null) return false;
  pushReturn(code, guest.next);
  code.eip = target;
  code.jump(JMP, target);
  return true;
}

/** Puts the operand of an indirect JMP or CALL into ECX and PAGE.target; ECX itself is in the VCPU page then. */
function takeTarget(code: Code, { bytes }: GuestInstruction): void {
  code.add(storeWord(ECX, PAGE.ecx));
  code.add(readOperand(bytes, [0x8b]));
  code.saved = 1;
  code.add(storeWord(ECX, PAGE.target));
}

function isDirectable({ instruction, limit }: GuestInstruction): boolean {
  return instruction.operandSize === 4 && limit === FLAT;
}

export function jmpIndirect(code: Code, guest: GuestInstruction): boolean {
  if (!isDirectable(guest)) return false;
  takeTarget(code, guest);
  code.lookUp();
  return true;
}

export function callIndirect(code: Code, guest: GuestInstruction): boolean {
  if (!isDirectable(guest)) return false;
  takeTarget(code, guest);
  pushReturn(code, guest.next);
  code.lookUp();
  return true;
}

export function ret(code: Code, guest: GuestInstruction): boolean {
  if (!isDirectable(guest)) return false;
  code.add(storeWord(ECX, PAGE.ecx));
  code.add(0x8b, 0x0c, 0x24); // MOV ECX, [ESP]
  code.saved = 1;
  code.add(storeWord(ECX, PAGE.target));
  code.add(0x8d, 0xa4, 0x24, word(4 + guest.instruction.dst.value)); // LEA ESP, [ESP + n]
  code.lookUp();
  return true;
}
