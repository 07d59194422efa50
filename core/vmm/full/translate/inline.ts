import { FLAG } from '../../../ia32/flags.ts';
import { KIND } from '../../../ia32/instruction.ts';
import { CS, DS, ECX, EDX, ES, FS, GS, SS } from '../../../ia32/registers.ts';
import { CALLOUT, type Code, LOADABLE, loadWord, readOperand, storeImmediate, storeWord, word } from './code.ts';
import { PAGE, type PageWord } from './page.ts';
import type { GuestInstruction } from './translator.ts';

/**
 * Instructions that show or change what the virtual processor has of its own, done on its state in the VCPU page instead of by a trap. No
 * status flag changes that the guest's instruction leaves alone.
 */

const OPERAND_SIZE = 0x66;

/** CPL 0 is never above IOPL, so CLI and STI are always allowed. */
export function cli(code: Code): boolean {
  code.add(storeImmediate(PAGE.interruptFlag, 0));
  return true;
}

/** Asks the monitor if a word of the VCPU page is not 0. */
function calloutIf(code: Code, condition: PageWord): void {
  code.add(storeWord(ECX, PAGE.ecx));
  code.add(loadWord(ECX, condition));
  code.saved = 1;
  code.add(0xe3, CALLOUT.length); // JECXZ over the callout
  code.callout();
  code.add(loadWord(ECX, PAGE.ecx));
  code.saved = 0;
}

/** With an interrupt waiting, the monitor does it and delivers. */
export function sti(code: Code): boolean {
  calloutIf(code, PAGE.pending);
  code.add(storeImmediate(PAGE.interruptFlag, FLAG.IF));
  return true;
}

/** The machine's flags with the virtual IF and IOPL in place of its own. Until it is done it can be taken back and begun anew. */
export function pushf(code: Code, { instruction }: GuestInstruction): boolean {
  if (instruction.operandSize !== 4) return false;
  code.add(storeWord(ECX, PAGE.ecx));
  code.add(storeWord(EDX, PAGE.edx));
  code.add(0x9c);
  code.release = 4;
  code.add(0x8b, 0x0c, 0x24); // MOV ECX, [ESP]
  code.saved = 2;
  code.add(loadWord(EDX, PAGE.interruptFlag));
  code.add(0x8d, 0x0c, 0x11); // LEA ECX, [ECX + EDX]
  code.add(loadWord(EDX, PAGE.flags));
  code.add(0x8d, 0x0c, 0x11);
  code.add(0x89, 0x0c, 0x24); // MOV [ESP], ECX
  code.add(loadWord(ECX, PAGE.ecx));
  code.add(loadWord(EDX, PAGE.edx));
  return true;
}

export function rdtsc(code: Code, { bytes }: GuestInstruction): boolean {
  calloutIf(code, PAGE.hasOwnTime);
  code.add(bytes);
  return true;
}

/** Segment registers whose selector the machine does not have while translated code runs. */
const HIDDEN: Readonly<Record<number, PageWord | undefined>> = { [CS]: PAGE.cs, [SS]: PAGE.ss, [GS]: PAGE.gs };

function sizePrefix({ instruction }: GuestInstruction): readonly number[] {
  return instruction.operandSize === 2 ? [OPERAND_SIZE] : [];
}

export function pushSegment(code: Code, guest: GuestInstruction): boolean {
  const from = HIDDEN[guest.instruction.dst.register];
  if (from === undefined) code.add(guest.bytes);
  else code.add(sizePrefix(guest), 0x65, 0xff, 0x35, word(from)); // PUSH GS:[word]
  return true;
}

/** MOV to a register; to memory it is as it is, unless the selector is hidden. */
export function movFromSegment(code: Code, guest: GuestInstruction): boolean {
  const { dst, src } = guest.instruction;
  const from = HIDDEN[src.register];
  if (from === undefined) {
    code.add(guest.bytes);
    return true;
  }
  if (dst.kind !== KIND.r32 && dst.kind !== KIND.r16) return false;
  code.add(sizePrefix(guest), loadWord(dst.register, from));
  return true;
}

const CONTROL: Readonly<Record<number, PageWord>> = { 0: PAGE.cr0, 2: PAGE.cr2, 3: PAGE.cr3, 4: PAGE.cr4 };

export function movFromControl(code: Code, { instruction }: GuestInstruction): boolean {
  code.add(loadWord(instruction.dst.register, CONTROL[instruction.src.register]));
  return true;
}

/** Segment registers that translated code leaves to the guest. */
const LOADED: readonly number[] = [ES, DS, FS];

/** A load of the selector that `read` puts into ECX: the guest's own instruction, if the selector is one that may be loaded directly. */
function load(code: Code, read: readonly number[], bytes: readonly number[]): void {
  code.add(storeWord(ECX, PAGE.ecx));
  code.add(read);
  code.saved = 1;
  code.add(0x2e, 0x0f, 0xb6, 0x89, word(LOADABLE)); // MOVZX ECX, byte CS:[ECX + LOADABLE]
  code.add(0xe3, 2); // JECXZ to the callout
  code.add(0xeb, CALLOUT.length); // JMP over it
  code.callout();
  code.add(loadWord(ECX, PAGE.ecx));
  code.saved = 0;
  code.add(bytes);
}

/** A load of GS, which is the monitor's now: there is nothing to do if the guest has this selector in GS already. */
function loadHidden(code: Code, read: readonly number[]): void {
  code.add(storeWord(ECX, PAGE.ecx));
  code.add(storeWord(EDX, PAGE.edx));
  code.add(read);
  code.saved = 2;
  code.add(loadWord(EDX, PAGE.lessGs));
  code.add(0x8d, 0x0c, 0x11); // LEA ECX, [ECX + EDX]
  code.add(0xe3, CALLOUT.length); // JECXZ over the callout
  code.callout();
  code.add(loadWord(ECX, PAGE.ecx));
  code.add(loadWord(EDX, PAGE.edx));
  code.saved = 0;
}

/** SS has rules of its own, and holds off interrupts. */
export function movToSegment(code: Code, { instruction, bytes }: GuestInstruction): boolean {
  const { register } = instruction.dst;
  const read = readOperand(bytes, [0x0f, 0xb7]);
  if (register === GS) loadHidden(code, read);
  else if (LOADED.includes(register)) load(code, read, bytes);
  return register !== SS;
}

export function popSegment(code: Code, { instruction, bytes }: GuestInstruction): boolean {
  const { register } = instruction.dst;
  const read = [0x0f, 0xb7, 0x0c, 0x24]; // MOVZX ECX, word [ESP]
  if (register === GS) {
    loadHidden(code, read);
    code.add(0x8d, 0x64, 0x24, instruction.operandSize); // LEA ESP, [ESP + size]
  } else if (LOADED.includes(register)) {
    load(code, read, bytes);
  }
  return register !== SS;
}
