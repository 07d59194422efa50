import { CODE, STACK_TOP, VCPU } from './layout.ts';

/**
 * The monitor's machine-code half: a stub for each vector saves what the processor did not, and halts. The TypeScript half wakes, reads the
 * frame from the monitor's stack, edits it, and lets the processor go on behind the HLT, where it restores everything and returns by
 * IRET.
 */

/** Byte offsets in the frame, from ESP where the stub halts. Words of 32 bits. */
export const FRAME = {
  gs: 0,
  fs: 4,
  es: 8,
  ds: 12,
  edi: 16,
  esi: 20,
  ebp: 24,
  /** ESP as PUSHA saved it; POPA ignores it. */
  ignored: 28,
  ebx: 32,
  edx: 36,
  ecx: 40,
  eax: 44,
  vector: 48,
  /** 0 for vectors without one. */
  error: 52,
  eip: 56,
  cs: 60,
  eflags: 64,
  /** From here on only when the trap came from an outer ring: always, for a guest. */
  esp: 68,
  ss: 72,
} as const;
export const FRAME_SIZE = 76;

/**
 * Throws unless a stub that halted with this ESP was led to by a trap of an outer ring, so that the frame is whole: ring 0 is the monitor, and
 * nothing that a guest does may make it fault.
 */
export function requireOuterRing(esp: number): void {
  if (esp >>> 0 !== STACK_TOP - FRAME_SIZE) throw new Error("The monitor's own code faulted.");
}

/** Vectors whose exceptions push an error code (SDM volume 3, table 6-1): 8, 10 to 14, 17. */
const HAS_ERROR_CODE: readonly number[] = [8, 10, 11, 12, 13, 14, 17];
const VECTORS = 256;
/** Longest stub: PUSH imm8, PUSH imm32, JMP rel32. */
const STUB_BYTES = 12;

const COMMON = VECTORS * STUB_BYTES;
const PUSH_ALL = [0x60, 0x1e, 0x06, 0x0f, 0xa0, 0x0f, 0xa8];
const HLT = 0xf4;
/** POP GS, FS, ES, DS; POPA; ADD ESP, 8; IRET. */
const POP_ALL = [0x0f, 0xa9, 0x0f, 0xa1, 0x07, 0x1f, 0x61, 0x83, 0xc4, 0x08, 0xcf];

/** Linear address of a vector's stub. */
export function stubAddress(vector: number): number {
  return CODE + vector * STUB_BYTES;
}

/** Where the TypeScript half lets the processor go on to return to the guest. */
export const RETURN = CODE + COMMON + PUSH_ALL.length + 1;

/** Linear address of the operand of VMXON, VMCLEAR and VMPTRLD. */
export const VMX_POINTER = VCPU + 0xff8;
/** Of the operand of INVVPID: VPID and linear address, 64 bits each. */
export const VPID_OPERAND = VCPU + 0xfe8;

function bytesOf(value: number): readonly number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}

/**
 * Short pieces of ring-0 code that the TypeScript half has the processor execute, each ending in HLT. Operands are in EAX and EDX.
 */
const SNIPPETS = {
  loadCr3: [0x0f, 0x22, 0xd8, HLT],
  loadCr0: [0x0f, 0x22, 0xc0, HLT],
  loadCr4: [0x0f, 0x22, 0xe0, HLT],
  /** INVLPG SS:[EAX]: SS is the monitor's, flat. */
  invlpg: [0x36, 0x0f, 0x01, 0x38, HLT],
  lldt: [0x0f, 0x00, 0xd0, HLT],
  /** Waits for an interrupt with interrupts on; the interrupt's own stub wakes the TypeScript half. */
  idle: [0xfb, HLT],
  loadDr0: [0x0f, 0x23, 0xc0, HLT],
  loadDr1: [0x0f, 0x23, 0xc8, HLT],
  loadDr2: [0x0f, 0x23, 0xd0, HLT],
  loadDr3: [0x0f, 0x23, 0xd8, HLT],
  loadDr7: [0x0f, 0x23, 0xf8, HLT],
  loadCr2: [0x0f, 0x22, 0xd0, HLT],
  rdmsr: [0x0f, 0x32, HLT],
  wrmsr: [0x0f, 0x30, HLT],
  // VMX. The operand of the first three is the 64-bit physical address at VMX_POINTER.
  vmxon: [0x36, 0xf3, 0x0f, 0xc7, 0x35, ...bytesOf(VMX_POINTER), HLT],
  vmclear: [0x36, 0x66, 0x0f, 0xc7, 0x35, ...bytesOf(VMX_POINTER), HLT],
  vmptrld: [0x36, 0x0f, 0xc7, 0x35, ...bytesOf(VMX_POINTER), HLT],
  /** EAX is the type. */
  invvpid: [0x36, 0x66, 0x0f, 0x38, 0x81, 0x05, ...bytesOf(VPID_OPERAND), HLT],
  vmxoff: [0x0f, 0x01, 0xc4, HLT],
  /** ECX fields: encodings at SS:[ESI], values at SS:[EDI]. MOV EAX; VMREAD or VMWRITE; ADD ESI, 4; ADD EDI, 4; LOOP. */
  vmread: [0x36, 0x8b, 0x06, 0x36, 0x0f, 0x78, 0x07, 0x83, 0xc6, 4, 0x83, 0xc7, 4, 0xe2, 0xf1, HLT],
  vmwrite: [0x36, 0x8b, 0x06, 0x36, 0x0f, 0x79, 0x07, 0x83, 0xc6, 4, 0x83, 0xc7, 4, 0xe2, 0xf1, HLT],
  /** Behind them the processor comes back only if the entry failed at once. */
  vmlaunch: [0x0f, 0x01, 0xc2, HLT],
  vmresume: [0x0f, 0x01, 0xc3, HLT],
  /** The host's EIP: where a VM exit leads. */
  exited: [HLT],
} as const;
export type Snippet = keyof typeof SNIPPETS;

const SNIPPET_START = COMMON + 64;
const SNIPPET_BYTES = 16;
const SNIPPET_NAMES = Object.keys(SNIPPETS) as readonly Snippet[];

export function snippetAddress(name: Snippet): number {
  return CODE + SNIPPET_START + SNIPPET_NAMES.indexOf(name) * SNIPPET_BYTES;
}

function putWord(bytes: Uint8Array, at: number, value: number): void {
  for (let n = 0; n < 4; n++) bytes[at + n] = (value >>> (8 * n)) & 0xff;
}

/** The bytes for CODE. */
export function assembleStubs(): Uint8Array {
  const bytes = new Uint8Array(SNIPPET_START + SNIPPET_NAMES.length * SNIPPET_BYTES);
  for (let vector = 0; vector < VECTORS; vector++) {
    let at = vector * STUB_BYTES;
    if (!HAS_ERROR_CODE.includes(vector)) {
      bytes[at++] = 0x6a;
      bytes[at++] = 0;
    }
    bytes[at++] = 0x68;
    putWord(bytes, at, vector);
    bytes[at + 4] = 0xe9;
    putWord(bytes, at + 5, COMMON - (at + 9));
  }
  bytes.set([...PUSH_ALL, HLT, ...POP_ALL], COMMON);
  SNIPPET_NAMES.forEach((name, n) => {
    bytes.set(SNIPPETS[name], SNIPPET_START + n * SNIPPET_BYTES);
  });
  return bytes;
}
