/** Machine code for the specs: the common instructions by name, all others as bytes with a comment. 32-bit code. */

export type Code = readonly number[];

/** Bytes from hexadecimal text: `x('0f 01 f8')`. */
export function x(hex: string): Code {
  return hex
    .split(' ')
    .filter(byte => byte !== '')
    .map(byte => Number.parseInt(byte, 16));
}

/** A doubleword or word in memory order. */
export function dword(value: number): Code {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}
export function word(value: number): Code {
  return [value & 0xff, (value >>> 8) & 0xff];
}

export const NOP: Code = [0x90];
export const HLT: Code = [0xf4];
export const IRET: Code = [0xcf];
export const STI: Code = [0xfb];
export const CLI: Code = [0xfa];

/** MOV r32, imm32 */
export const mov = (register: number, value: number): Code => [0xb8 + register, ...dword(value)];
/** MOV EAX, [address] through DS, and MOV [address], EAX. */
export const load = (address: number): Code => [0xa1, ...dword(address)];
export const store = (address: number): Code => [0xa3, ...dword(address)];
/** MOV dword [address], value */
export const storeValue = (address: number, value: number): Code => [0xc7, 0x05, ...dword(address), ...dword(value)];
export const push = (value: number): Code => [0x68, ...dword(value)];
export const int = (vector: number): Code => [0xcd, vector];
/** MOV CRn, EAX and MOV EAX, CRn */
export const toControl = (register: number): Code => [0x0f, 0x22, 0xc0 | (register << 3)];
export const fromControl = (register: number): Code => [0x0f, 0x20, 0xc0 | (register << 3)];
/** MOV segment register, AX, with the segment's number. */
export const toSegment = (segment: number): Code => [0x8e, 0xc0 | (segment << 3)];
/** Far JMP and CALL to selector:offset. */
export const jmpFar = (selector: number, offset: number): Code => [0xea, ...dword(offset), ...word(selector)];
export const callFar = (selector: number, offset: number): Code => [0x9a, ...dword(offset), ...word(selector)];
