import { describe, expect, it } from 'vitest';
import { decode } from '../../../ia32/decoder.ts';
import { format } from '../../../ia32/disassembler.ts';
import type { Instruction } from '../../../ia32/instruction.ts';
import { ONE_BYTE_32, TWO_BYTE_32 } from '../../../ia32/opcodes/encoding.ts';
import { CALLOUT_VECTOR, PAGE } from './page.ts';
import { ruleFor } from './rules.ts';
import { type GuestInstruction, translate } from './translator.ts';
import type { Translation } from './unit.ts';

const EIP = 0x1000;
const FLAT = 0xffffffff;

/** A guest that has these bytes at EIP, and nothing behind them. */
function guestOf(bytes: readonly number[], limit: number) {
  return (eip: number): GuestInstruction | null => {
    const at = eip - EIP;
    if (at < 0 || at >= bytes.length) return null;
    const instruction = decode({ byte: index => bytes[index] ?? 0 }, at, 4);
    return {
      instruction,
      bytes: bytes.slice(at, at + instruction.length),
      eip,
      next: (eip + instruction.length) | 0,
      limit,
    };
  };
}

function translated(bytes: readonly number[], limit = FLAT): Translation {
  const translation = translate(guestOf(bytes, limit), EIP);
  if (translation === null) throw new Error('nothing to translate');
  return translation;
}

function decoded(translation: Translation): { offset: number; instruction: Instruction }[] {
  const found: { offset: number; instruction: Instruction }[] = [];
  for (let offset = 0; offset < translation.bytes.length; ) {
    const instruction = decode({ byte: index => translation.bytes[index] ?? 0 }, offset, 4);
    found.push({ offset, instruction });
    offset += instruction.length;
  }
  return found;
}

/** The translation as text; jumps that leave it are shown by the guest EIP that they lead to. */
function listing(bytes: readonly number[], limit = FLAT): string[] {
  const translation = translated(bytes, limit);
  return decoded(translation).map(({ offset, instruction }) => {
    const text = format(instruction, offset);
    const jump = translation.jumps.find(({ offset: at }) => at === offset + instruction.length - 4);
    return jump === undefined ? text : `${text.split(' ')[0]} guest ${jump.target.toString(16)}`;
  });
}

function kinds(bytes: readonly number[]): string[] {
  return translated(bytes).pairs.map(({ kind }) => kind);
}

const CALLOUT = `int 0x${CALLOUT_VECTOR.toString(16)}`;
const hex = (value: number) => (value < 10 ? String(value) : `0x${value.toString(16)}`);
const gs = (word: number) => `[gs:${hex(word)}]`;
const LOOK_UP = ['movzx ecx,cx', 'jmp dword [cs:ecx*4+0xffc80000]'];

describe('the translator', () => {
  it('copies what means the same in ring 1, and goes on to the next unit', () => {
    const bytes = [0x01, 0xd8, 0x8b, 0x04, 0x24, 0xf3, 0xa5, 0xd9, 0xe8];
    expect(listing(bytes)).toEqual(['add eax,ebx', 'mov eax,[esp]', 'rep movsd', 'fld1', 'jmp guest 1009']);
    expect(kinds(bytes)).toEqual(['ident', 'ident', 'ident', 'ident']);
  });

  it('ends a unit after twelve instructions', () => {
    const translation = translated(new Array<number>(20).fill(0x90));
    expect(translation.pairs.length).toBe(12);
    expect(translation.length).toBe(12);
    expect(translation.jumps.map(({ target }) => target)).toEqual([EIP + 12]);
  });

  it('makes every direct transfer a jump to another unit', () => {
    expect(listing([0xeb, 0x10])).toEqual(['jmp guest 1012']);
    expect(listing([0xe9, 0xfb, 0xff, 0xff, 0xff])).toEqual(['jmp guest 1000']);
    expect(listing([0x75, 0xfe])).toEqual(['jne guest 1000', 'jmp guest 1002']);
    expect(listing([0x0f, 0x8c, 0, 1, 0, 0])).toEqual(['jl guest 1106', 'jmp guest 1006']);
    expect(listing([0xe8, 0, 1, 0, 0])).toEqual(['push 0x1005', 'jmp guest 1105']);
    for (const [opcode, name] of [
      [0xe0, 'loopne'],
      [0xe1, 'loope'],
      [0xe2, 'loop'],
      [0xe3, 'jecxz'],
    ] as const) {
      expect(listing([opcode, 0x20])).toEqual([`${name} 7`, 'jmp guest 1002', 'jmp guest 1022']);
    }
    expect(listing([0x67, 0xe3, 0x20])).toEqual(['jcxz 8', 'jmp guest 1003', 'jmp guest 1023']);
  });

  it('looks up where indirect transfers go', () => {
    const take = (operand: string) => [`mov ${gs(PAGE.ecx)},ecx`, `mov ecx,${operand}`, `mov ${gs(PAGE.target)},ecx`];
    expect(listing([0xff, 0xe0])).toEqual([...take('eax'), ...LOOK_UP]);
    expect(listing([0x64, 0xff, 0x24, 0x8d, 0, 0x20, 0, 0])).toEqual([...take('[fs:ecx*4+0x2000]'), ...LOOK_UP]);
    expect(listing([0xff, 0x14, 0x24])).toEqual([...take('[esp]'), 'push 0x1003', ...LOOK_UP]);
    expect(listing([0xc3])).toEqual([...take('[esp]'), 'lea esp,[esp+4]', ...LOOK_UP]);
    expect(listing([0xc2, 8, 0])).toEqual([...take('[esp]'), 'lea esp,[esp+0xc]', ...LOOK_UP]);
  });

  it('leaves transfers with 16-bit operands, or beyond the limit, to the monitor', () => {
    for (const bytes of [
      [0x66, 0xe8, 0, 0],
      [0x66, 0xc3],
      [0x66, 0xff, 0xe0],
      [0x66, 0xeb, 0],
      [0x66, 0x74, 0],
    ]) {
      expect(listing(bytes)).toEqual([CALLOUT]);
    }
    expect(listing([0xeb, 0x10], 0x1fff)).toEqual(['jmp guest 1012']);
    for (const bytes of [
      [0xe9, 0, 0x10, 0, 0],
      [0xe8, 0, 0x10, 0, 0],
      [0x0f, 0x84, 0, 0x10, 0, 0],
      [0xc3],
      [0xff, 0xe0],
    ]) {
      expect(listing(bytes, 0x1fff)).toEqual([CALLOUT]);
    }
  });

  it('does on the virtual processor what shows or changes it', () => {
    expect(listing([0xfa])[0]).toBe(`mov dword ${gs(PAGE.interruptFlag)},0`);
    expect(listing([0x0e])[0]).toBe(`push dword ${gs(PAGE.cs)}`);
    expect(listing([0x66, 0x16])[0]).toBe(`push word ${gs(PAGE.ss)}`);
    expect(listing([0x8c, 0xc8])[0]).toBe(`mov eax,${gs(PAGE.cs)}`);
    expect(listing([0x66, 0x8c, 0xd3])[0]).toBe(`mov bx,${gs(PAGE.ss)}`);
    expect(listing([0x8c, 0xe8])[0]).toBe(`mov eax,${gs(PAGE.gs)}`);
    expect(listing([0x0f, 0x20, 0xd8])[0]).toBe(`mov eax,${gs(PAGE.cr3)}`);
    expect(listing([0x8c, 0xd8])[0]).toBe('mov eax,ds');
    expect(listing([0x9c])[2]).toBe('pushfd');
    expect(kinds([0x8c, 0x0d, 0, 0, 0, 0])).toEqual(['callout']);
  });

  it('keeps an STI and what follows it in one unit, and knows that no interrupt comes between', () => {
    const { pairs, points } = translated([0xfb, 0x40, 0x41]);
    expect(pairs.map(({ kind }) => kind)).toEqual(['inline', 'ident', 'ident']);
    expect(points.filter(({ shadow }) => shadow).map(({ eip }) => eip)).toEqual([EIP + 1]);
    expect(translated([...new Array<number>(11).fill(0x90), 0xfb, 0x40, 0x41]).pairs.length).toBe(13);
    // Nothing behind it that could be seen.
    expect(listing([0xfb])).toEqual([CALLOUT]);
  });

  it('asks the monitor where the code reads through GS or CS, which are not the guest’s', () => {
    expect(listing([0x65, 0xa1, 0, 0, 0, 0])).toEqual([CALLOUT]);
    expect(listing([0x2e, 0x8b, 0])).toEqual([CALLOUT]);
    expect(listing([0x65, 0xf3, 0xa4])).toEqual([CALLOUT]);
    expect(listing([0x65, 0xff, 0x20])).toEqual([CALLOUT]);
    // These read nothing.
    expect(listing([0x2e, 0x0f, 0x1f, 0])[0]).toBe('nop dword [cs:eax]');
    expect(listing([0x2e, 0x74, 0])[0]).toBe('je guest 1003');
  });

  it('ends a unit at a callout: the monitor goes on from there', () => {
    for (const bytes of [
      [0xf4],
      [0xcf],
      [0xcd, 0x80],
      [0x9d],
      [0x0f, 0xa2],
      [0x0f, 0x0b],
      [0xec],
      [0x0f, 0x22, 0xd8],
    ]) {
      const translation = translated([...bytes, 0x90]);
      expect(translation.pairs.map(({ kind }) => kind)).toEqual(['callout']);
      expect(translation.jumps).toEqual([]);
    }
  });

  it('copies no instruction that is sensitive or privileged', () => {
    for (const { row, forms } of [...ONE_BYTE_32, ...TWO_BYTE_32]) {
      for (const { row: each } of [{ row }, ...(forms ?? [])]) {
        const isOfRing0 = each.sensitive || each.checks.includes('cpl0') || each.intercept !== null;
        if (isOfRing0) expect(ruleFor(each.operation).kind, each.mnemonic).not.toBe('ident');
      }
    }
  });

  it('has a point before every instruction, and changes no flag that the guest’s does not', () => {
    const flagless = ['mov', 'movzx', 'lea', 'jcxz', 'jmp', 'jmpIndirect', 'push', 'pushf', 'int'];
    const samples = [
      [0xc2, 8, 0],
      [0xff, 0x14, 0x24],
      [0xe8, 0, 0, 0, 0],
      [0x9c],
      [0xfa],
      [0xfb, 0x90],
      [0x1f],
      [0x0f, 0xa9],
      [0x8e, 0xd8],
      [0x8e, 0x2b],
      [0x0f, 0x20, 0xc0],
    ];
    for (const bytes of samples) {
      const translation = translated(bytes);
      const found = decoded(translation);
      expect(translation.points.map(({ offset }) => offset)).toEqual(found.map(({ offset }) => offset));
      for (const { instruction } of found) {
        const { operation } = instruction.row;
        const isGuests = operation === 'nop' || operation === 'popSegment' || operation === 'movToSegment';
        if (!isGuests) expect(flagless, format(instruction, 0)).toContain(operation);
      }
    }
  });
});
