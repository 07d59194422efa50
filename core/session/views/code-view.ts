import { decode } from '../../ia32/decoder.ts';
import { format } from '../../ia32/disassembler.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import type { OpcodeRow } from '../../ia32/opcode.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { CodeRow, CodeWindow, InstructionClass } from '../../protocol/messages.ts';
import { VirtualProcessor } from '../../vmm/vcpu.ts';
import type { SymbolTable } from '../symbols.ts';

/** Gives names to addresses, null where there is none. */
export interface Names {
  name(address: number): string | null;
}

/** Thrown by the source when a byte is not mapped. */
const UNMAPPED = Symbol('unmapped');

const LONGEST = 15;

/** Operations that need CPL <= IOPL: no check of the opcode table, but they trap when deprivileged all the same. */
const IOPL_OPERATIONS: readonly string[] = ['in', 'out', 'ins', 'outs', 'cli', 'sti'];

/** Whether instructions of this row need ring 0, or I/O privilege. */
export function isPrivilegedRow(row: OpcodeRow): boolean {
  return row.checks.includes('cpl0') || IOPL_OPERATIONS.includes(row.operation);
}

/** How an instruction stands to privilege. */
export function classOf(i: Instruction): InstructionClass {
  if (i.row.checks.includes('cpl0')) return 'privileged';
  if (IOPL_OPERATIONS.includes(i.row.operation)) return 'io';
  return i.row.sensitive ? 'sensitive' : 'plain';
}

/** Decodes at a linear address without touching the machine; null where bytes are not mapped. */
export function decodeAt(cpu: Processor, linear: number): Instruction | null {
  const source = {
    byte(offset: number): number {
      const byte = cpu.peekByte((linear + offset) | 0);
      if (byte < 0) throw UNMAPPED;
      return byte;
    },
  };
  try {
    return decode(source, 0, cpu.codeSize);
  } catch (thrown) {
    if (thrown === UNMAPPED) return null;
    throw thrown;
  }
}

/** Whether the next instruction is one that needs ring 0, or I/O privilege. */
export function isPrivileged(cpu: Processor): boolean {
  const i = decodeAt(cpu, cpu.linearEip);
  return i !== null && isPrivilegedRow(i.row);
}

/** Whether the machine has a breakpoint of the monitor's where the guest has this instruction. */
function isPatched(cpu: Processor, linear: number): boolean {
  if (!(cpu instanceof VirtualProcessor)) return false;
  const physical = cpu.lookUp(linear);
  return physical >= 0 && cpu.memory.isReplaced((physical & cpu.memory.addressMask) >>> 0);
}

/** A row of an instruction and its bytes. */
export function rowOf(i: Instruction, bytes: Uint8Array, names: Names, address: number): CodeRow {
  const text = format(i, address, at => names.name(at >>> 0));
  return { address, bytes, text, symbol: names.name(address), class: classOf(i) };
}

/** The instruction at a linear address; without bytes where none is mapped. */
export function codeRow(cpu: Processor, symbols: Names, linear: number): CodeRow {
  const address = linear >>> 0;
  const i = decodeAt(cpu, linear);
  if (i === null) return { address, bytes: new Uint8Array(0), text: '', symbol: symbols.name(address), class: 'plain' };
  const bytes = Uint8Array.from({ length: i.length }, (_, n) => cpu.peekByte((linear + n) | 0));
  const row = rowOf(i, bytes, symbols, address);
  return isPatched(cpu, linear) ? { ...row, patched: true } : row;
}

/**
 * Where to start so that `before` instructions end exactly at an address: from the start of its function, or else from the
 * earliest byte in reach whose instructions fall into step with it.
 */
function addressesBefore(cpu: Processor, symbols: SymbolTable, linear: number, before: number): number[] {
  const address = linear >>> 0;
  const start = symbols.find(address)?.address;
  const near = start !== undefined && start < address && address - start < 4096 ? [start] : [];
  for (let back = Math.min(before * 4, address); back > 0; back--) near.push(address - back);
  for (const from of near) {
    const found: number[] = [];
    let at = from;
    while (at < address) {
      found.push(at);
      const i = decodeAt(cpu, at | 0);
      if (i === null) break;
      at += i.length;
    }
    if (at === address) return found.slice(-before);
  }
  return [];
}

/** The rows of a code window, in order of address. `eip` is the linear address of the next instruction. */
export function codeRows(cpu: Processor, symbols: SymbolTable, window: CodeWindow, eip: number): CodeRow[] {
  const anchor = window.follow ? eip : window.address | 0;
  const rows = addressesBefore(cpu, symbols, anchor, window.before).map(at => codeRow(cpu, symbols, at | 0));
  let at = anchor;
  for (let n = 0; n <= window.after; n++) {
    const row = codeRow(cpu, symbols, at);
    rows.push(row);
    if (row.bytes.length === 0) break;
    at = (at + Math.min(row.bytes.length, LONGEST)) | 0;
  }
  return rows;
}
