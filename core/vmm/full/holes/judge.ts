import { FLAG } from '../../../ia32/flags.ts';
import type { Instruction } from '../../../ia32/instruction.ts';
import { KIND } from '../../../ia32/instruction.ts';
import type { OpcodeRow } from '../../../ia32/opcode.ts';
import { CS, ESP, SS } from '../../../ia32/registers.ts';
import * as L from '../../../machine/cpu/layout.ts';
import type { Processor } from '../../../machine/cpu/processor.ts';
import type { Difference, SegmentName, Shown } from './holes.ts';

/** One instruction, carried out twice: by the machine in ring 1, and in ring 0 of a processor to try it on. */
export interface Both {
  readonly machine: Processor;
  readonly ring0: Processor;
  /** EFLAGS as the guest has them behind the machine's instruction: with the IF and IOPL that the monitor keeps for it. */
  readonly flags: number;
  /** A byte of the guest's memory as the machine left it, by guest-physical address. */
  guestByte(physical: number): number;
}

type Judge = (both: Both, i: Instruction) => Difference | null;

/** The rows of Robin and Irvine's list, by what they do. */
export type SensitiveOperation =
  | 'sgdt'
  | 'sidt'
  | 'sldt'
  | 'str'
  | 'smsw'
  | 'pushf'
  | 'popf'
  | 'lar'
  | 'lsl'
  | 'verr'
  | 'verw'
  | 'movFromSegment'
  | 'movToSegment'
  | 'pushSegment'
  | 'popSegment'
  | 'callFar'
  | 'jmpFar'
  | 'retFar'
  | 'int'
  | 'iret';

const SEGMENT_NAMES: readonly SegmentName[] = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'];

/** What each leaves behind, and how it may differ. */
const JUDGES: Readonly<Record<SensitiveOperation, Judge>> = {
  sgdt: (both, i) => storedTable(both, i, 'GDTR'),
  sidt: (both, i) => storedTable(both, i, 'IDTR'),
  sldt: (both, i) => destination(both, i, 'LDTR'),
  str: (both, i) => destination(both, i, 'TR'),
  smsw: (both, i) => destination(both, i, 'CR0'),
  pushf: (both, i) => pushedFlags(both, i),
  popf: both => loadedFlags(both),
  lar: (both, i) => zeroFlag(both) ?? destination(both, i, 'access rights'),
  lsl: (both, i) => zeroFlag(both) ?? destination(both, i, 'limit'),
  verr: both => zeroFlag(both),
  verw: both => zeroFlag(both),
  movFromSegment: (both, i) => destination(both, i, SEGMENT_NAMES[i.src.register]),
  movToSegment: (both, i) => loadedSegment(both, i.dst.register),
  pushSegment: (both, i) => pushed(both, 0, 2, SEGMENT_NAMES[i.dst.register]),
  popSegment: (both, i) => loadedSegment(both, i.dst.register),
  callFar: (both, i) => pushed(both, i.operandSize, 2, 'CS') ?? loadedSegment(both, CS),
  jmpFar: both => loadedSegment(both, CS),
  retFar: both => loadedSegment(both, CS) ?? loadedSegment(both, SS),
  // In ring 1 every one traps.
  int: () => null,
  iret: both => loadedFlags(both) ?? loadedSegment(both, CS),
};

function isSensitive(operation: string): operation is SensitiveOperation {
  return operation in JUDGES;
}

/** Whether a row is on the list. */
export function isJudged(row: OpcodeRow): boolean {
  return row.sensitive && isSensitive(row.operation);
}

/** How the machine's result differs from ring 0's; null if it does not. */
export function judge(both: Both, i: Instruction): Difference | null {
  const { operation } = i.row;
  return isSensitive(operation) ? JUDGES[operation](both, i) : null;
}

function shows(name: Shown, seen: number, ring0: number): Difference | null {
  return seen === ring0 ? null : { kind: 'shows', name, seen: seen >>> 0, ring0: ring0 >>> 0 };
}

/** `size` bytes at a linear address, as both have them. */
function stored({ ring0, guestByte }: Both, linear: number, size: number): { seen: number; own: number } {
  let seen = 0;
  let own = 0;
  for (let n = 0; n < size; n++) {
    const at = ring0.lookUp((linear + n) | 0);
    seen |= (guestByte(at) & 0xff) << (8 * n);
    own |= (ring0.physical.peekByte(at) & 0xff) << (8 * n);
  }
  return { seen: seen >>> 0, own: own >>> 0 };
}

function operandAddress({ ring0 }: Both, i: Instruction): number {
  return (ring0.base(i.memory.segment) + ring0.offset(i)) | 0;
}

/** What went to the destination, a register or memory. */
function destination(both: Both, i: Instruction, name: Shown): Difference | null {
  const { kind, size, register } = i.dst;
  if (kind === KIND.r32 || kind === KIND.r16) {
    return shows(name, both.machine.registerPart(register, size), both.ring0.registerPart(register, size));
  }
  const { seen, own } = stored(both, operandAddress(both, i), size);
  return shows(name, seen, own);
}

function storedTable(both: Both, i: Instruction, name: 'GDTR' | 'IDTR'): Difference | null {
  const at = operandAddress(both, i);
  const limit = stored(both, at, 2);
  const base = stored(both, at + 2, 4);
  if (limit.seen === limit.own && base.seen === base.own) return null;
  return {
    kind: 'showsTable',
    name,
    seen: { base: base.seen, limit: limit.seen },
    ring0: { base: base.own, limit: limit.own },
  };
}

/** A value `above` the top of the stack, where ring 0 has it now. */
function onStack(both: Both, above: number, size: number): { seen: number; own: number } {
  const { ring0 } = both;
  const offset = (ring0.i32[ESP] + above) & ring0.i32[L.W_STACK_MASK];
  return stored(both, (ring0.base(SS) + offset) | 0, size);
}

function pushed(both: Both, above: number, size: number, name: Shown): Difference | null {
  const { seen, own } = onStack(both, above, size);
  return shows(name, seen, own);
}

function iopl(flags: number): number {
  return (flags & FLAG.IOPL) >>> 12;
}

function bit(flags: number, flag: number): number {
  return (flags & flag) !== 0 ? 1 : 0;
}

function pushedFlags(both: Both, i: Instruction): Difference | null {
  const { seen, own } = onStack(both, 0, i.operandSize);
  return shows('IF', bit(seen, FLAG.IF), bit(own, FLAG.IF)) ?? shows('IOPL', iopl(seen), iopl(own));
}

function loadedFlags({ flags, ring0 }: Both): Difference | null {
  const own = ring0.eflags();
  if (bit(flags, FLAG.IF) !== bit(own, FLAG.IF)) {
    return { kind: 'keeps', name: 'IF', seen: bit(flags, FLAG.IF), ring0: bit(own, FLAG.IF) };
  }
  if (iopl(flags) !== iopl(own)) return { kind: 'keeps', name: 'IOPL', seen: iopl(flags), ring0: iopl(own) };
  return null;
}

function zeroFlag({ machine, ring0 }: Both): Difference | null {
  return shows('ZF', bit(machine.statusFlags(), FLAG.ZF), bit(ring0.statusFlags(), FLAG.ZF));
}

function loadedSegment({ machine, ring0 }: Both, register: number): Difference | null {
  const seen = machine.selector(register);
  const own = ring0.selector(register);
  return seen === own ? null : { kind: 'loads', name: SEGMENT_NAMES[register], seen, ring0: own };
}
