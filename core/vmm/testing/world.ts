import { FLAG } from '../../ia32/flags.ts';
import { CR0, CR4, CS, DS, EAX, ES, ESP, FS, GS, LDTR, SS, TR } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import { EFER, EFER_NXE, SYSENTER_CS, SYSENTER_EIP, SYSENTER_ESP } from '../../machine/cpu/msr-numbers.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { Random } from '../../machine/testing/random.ts';

/**
 * A small world for pieces of code: descriptor tables, page tables, handlers, a stack and data, at fixed guest-physical addresses. A piece
 * of code runs in ring 0 or 3 until it halts; every exception and most interrupts halt as well, with their frame on the stack.
 */

/** All the memory that there is: a piece finds nothing that an earlier one left. */
export const WORLD_BYTES = 1 << 17;

export const GDT = 0x1000;
const IDT = 0x2000;
const TSS = 0x3000;
/** Where the task has its CR3, should it be switched to. */
export const TASK_CR3 = TSS + 0x1c;
const LDT = 0x3800;
/** 32-bit paging: a page directory and a page table. PAE: pointers, four directories in two pages' use, a table. */
export const DIRECTORY = 0x4000;
export const TABLE = 0x5000;
export const POINTERS = 0x6000;
export const PAE_DIRECTORY = 0x7000;
export const PAE_TABLE = 0x8000;
export const HANDLERS = 0x9000;
/** In the place of a handler for a vector that nothing raises. */
const GATE_ROUTINE = HANDLERS + 0xf0 * 16;
export const CODE = 0x10000;
export const CODE_BYTES = 0x1000;
export const DATA = 0x12000;
export const DATA_BYTES = 0x2000;
export const KERNEL_STACK_TOP = 0x16000;
export const USER_STACK_TOP = 0x18000;
/** Pages of memory; the rest of the first megabyte is mapped as well, but nothing is there, or a device. */
export const WORLD_PAGES = WORLD_BYTES >>> 12;

export const KERNEL_CODE = 0x08;
export const KERNEL_DATA = 0x10;
export const USER_CODE = 0x1b;
export const USER_DATA = 0x23;
const TASK = 0x28;
export const LOCAL_TABLE = 0x30;
/** Call gates to handlers in ring 0, callable from ring 3: one that halts; one that takes two parameters and returns. */
export const HALTING_GATE = 0x68;
export const RETURNING_GATE = 0x70;
/** 16-bit code of rings 0 and 3: CODE is its offset 0. */
export const KERNEL_CODE_16 = 0x78;
export const USER_CODE_16 = 0x83;
/** Code of rings 0 and 3 by way of the LDT. */
export const LOCAL_KERNEL_CODE = 0x1c;
export const LOCAL_USER_CODE = 0x0f;
export const RING_1_CODE = 0xa1;
export const RING_1_DATA = 0xa9;
const TASK_GATE = 0x88;
const ABSENT_TASK_GATE = 0x90;
export const AVAILABLE_TASK = 0x98;
/** What a far transfer cannot go to without a task switch. */
export const TASKS: readonly number[] = [TASK, TASK_GATE, ABSENT_TASK_GATE, AVAILABLE_TASK];
/** GDT entries up to here are in use. */
export const GDT_BYTES = 0xb8;
/** Selectors for code to play with: right and wrong ones of every kind. */
export const SELECTORS: readonly number[] = [
  0, 1, 3, 0x08, 0x09, 0x0b, 0x10, 0x11, 0x13, 0x18, 0x1b, 0x20, 0x23, 0x28, 0x30, 0x38, 0x3b, 0x40, 0x43, 0x48, 0x50,
  0x58, 0x60, 0x04, 0x07, 0x0c, 0x0f, 0x17, 0x68, 0x70, 0x73, 0x78, 0x80, 0x83, 0x88, 0x90, 0x98, 0xa0, 0xa1, 0xa8,
  0xa9, 0xb0, 0xb3, 0xe008, 0xe010, 0xe019, 0xe021, 0xe02b, 0xe033, 0xe049, 0xe051, 0xffff,
];
/**
 * Vectors whose handlers return: of ring 3, of ring 0 only. The debug handler does so too, ends single steps, and passes over breakpoints. All the others halt.
 */
export const RETURNING_VECTORS: readonly number[] = [0x80, 0x21];
const DEBUG_VECTOR = 1;

export type Paging = 'none' | '32-bit' | 'pae';

export interface Piece {
  readonly bytes: Uint8Array;
  readonly ring: 0 | 3;
  readonly paging: Paging;
  readonly registers: Int32Array;
  readonly flags: number;
  /** What the data pages hold. */
  readonly data: Uint8Array;
  /** DR0 to DR3, and DR7; null: no breakpoints. */
  readonly breakpoints: Int32Array | null;
}

function word(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer).setInt32(at, value, true);
}

function descriptor(bytes: Uint8Array, at: number, base: number, limit: number, attributes: number): void {
  word(bytes, at, (base << 16) | (limit & 0xffff));
  word(bytes, at + 4, (base & 0xff000000) | ((base >>> 16) & 0xff) | (limit & 0xf0000) | ((attributes & 0xf0ff) << 8));
}

/** The first WORLD_PAGES pages of memory as they are before a piece of code runs, without its code and data. */
export function createWorld(): Uint8Array {
  const bytes = new Uint8Array(WORLD_PAGES * 4096);
  descriptor(bytes, GDT + 0x08, 0, 0xfffff, 0xc09b);
  descriptor(bytes, GDT + 0x10, 0, 0xfffff, 0xc093);
  descriptor(bytes, GDT + 0x18, 0, 0xfffff, 0xc0fb);
  descriptor(bytes, GDT + 0x20, 0, 0xfffff, 0xc0f3);
  descriptor(bytes, GDT + 0x28, TSS, 0x67, 0x008b);
  descriptor(bytes, GDT + 0x30, LDT, 0x1f, 0x0082);
  descriptor(bytes, GDT + 0x38, DATA, 0xfff, 0x40f3);
  descriptor(bytes, GDT + 0x40, 0, 0xfffff, 0xc09f); // conforming code
  descriptor(bytes, GDT + 0x48, 0, 0xfffff, 0xc092); // not accessed yet
  descriptor(bytes, GDT + 0x50, 0, 0xfffff, 0xc013); // not present
  descriptor(bytes, GDT + 0x58, 0, 0x0ffff, 0x0093); // 16-bit data
  descriptor(bytes, GDT + 0x60, 0, 0x00fff, 0x4097); // expands down
  word(bytes, GDT + HALTING_GATE, (KERNEL_CODE << 16) | (HANDLERS + 3 * 16));
  word(bytes, GDT + HALTING_GATE + 4, 0xec00);
  word(bytes, GDT + RETURNING_GATE, (KERNEL_CODE << 16) | GATE_ROUTINE);
  word(bytes, GDT + RETURNING_GATE + 4, 0xec02);
  descriptor(bytes, GDT + KERNEL_CODE_16, CODE, 0xfff, 0x009b);
  descriptor(bytes, GDT + (USER_CODE_16 & ~3), CODE, 0xfff, 0x00fb);
  word(bytes, GDT + TASK_GATE, TASK << 16);
  word(bytes, GDT + TASK_GATE + 4, 0x8500);
  word(bytes, GDT + ABSENT_TASK_GATE, TASK << 16);
  word(bytes, GDT + ABSENT_TASK_GATE + 4, 0x6500);
  descriptor(bytes, GDT + AVAILABLE_TASK, TSS, 0x67, 0x0089);
  descriptor(bytes, GDT + (RING_1_CODE & ~3), 0, 0xfffff, 0xc0bb);
  descriptor(bytes, GDT + (RING_1_DATA & ~3), 0, 0xfffff, 0xc0b3);
  descriptor(bytes, GDT + 0xb0, DATA, 0xffff, 0x00f3); // a small stack
  descriptor(bytes, LDT, DATA, 0xffff, 0x40f3);
  descriptor(bytes, LDT + 8, 0, 0xfffff, 0xc0fb);
  descriptor(bytes, LDT + 16, 0, 0xfffff, 0xc093);
  descriptor(bytes, LDT + 24, 0, 0xfffff, 0xc09b);
  for (let vector = 0; vector < 256; vector++) {
    const handler = HANDLERS + vector * 16;
    const dpl = vector === 3 || vector === 4 || vector === 0x30 || vector === 0x80 ? 3 : 0;
    word(bytes, IDT + vector * 8, (KERNEL_CODE << 16) | (handler & 0xffff));
    word(bytes, IDT + vector * 8 + 4, (handler & 0xffff0000) | 0x8e00 | (dpl << 13) | (vector & 1 ? 0x100 : 0));
    // The frame is on the stack. CLI; HLT; JMP back.
    bytes.set([0xfa, 0xf4, 0xeb, 0xfc], handler);
  }
  // INC EAX; IRET
  for (const vector of RETURNING_VECTORS) bytes.set([0x40, 0xcf], HANDLERS + vector * 16);
  // AND BYTE [ESP + 9], not TF; OR BYTE [ESP + 10], RF; IRET
  bytes.set([0x80, 0x64, 0x24, 9, 0xfe, 0x80, 0x4c, 0x24, 10, 1, 0xcf], HANDLERS + DEBUG_VECTOR * 16);
  // INC EAX; RETF 8
  bytes.set([0x40, 0xca, 8, 0], GATE_ROUTINE);
  word(bytes, TSS + 4, KERNEL_STACK_TOP);
  word(bytes, TSS + 8, KERNEL_DATA);
  word(bytes, TASK_CR3, DIRECTORY);
  word(bytes, TSS + 0x60, LOCAL_TABLE);
  word(bytes, TSS + 0x64, 0x680000);
  word(bytes, DIRECTORY, TABLE | 0x07);
  word(bytes, POINTERS, PAE_DIRECTORY | 1);
  word(bytes, PAE_DIRECTORY, PAE_TABLE | 0x07);
  for (let page = 0; page < 256; page++) {
    // The tables and the kernel's stack are the kernel's; one page of data is read-only.
    const user = page >= 0x10 && page !== 0x15 && page !== 0x14 ? 4 : 0;
    const writable = page === 0x13 ? 0 : 2;
    word(bytes, TABLE + page * 4, (page << 12) | 1 | writable | user);
    if (page < 512) word(bytes, PAE_TABLE + page * 8, (page << 12) | 1 | writable | user);
  }
  return bytes;
}

/** Random registers, flags and data for a piece of code. */
export function dress(random: Random, bytes: Uint8Array, ring: 0 | 3, paging: Paging): Piece {
  const registers = Int32Array.from({ length: 8 }, () =>
    random.once(4) ? (random.once(2) ? random.below(300) : random.word()) : DATA + random.below(DATA_BYTES - 64),
  );
  registers[ESP] = (ring === 0 ? KERNEL_STACK_TOP : USER_STACK_TOP) - 64 - 4 * random.below(16);
  const data = new Uint8Array(Int32Array.from({ length: DATA_BYTES / 4 }, () => random.word()).buffer);
  const flags = random.word() & (FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF | FLAG.DF);
  const breakpoints = random.once(8) ? breakpointsOf(random) : null;
  return { bytes, ring, paging, registers, flags, data, breakpoints };
}

/** Some breakpoints, of every kind and length, where pieces of code run and have their data. */
export function breakpointsOf(random: Random): Int32Array {
  const place = () =>
    random.pick([CODE + random.below(24), DATA + random.below(DATA_BYTES), USER_STACK_TOP - random.below(96)]);
  const control = (random.word() & 0xffff0000) | 0x400 | random.pick([0x01, 0x02, 0x05, 0x55, 0xaa]);
  return Int32Array.of(place(), place(), place(), place(), control);
}

/** Puts a processor, whose memory holds the world, before a piece of code. `reset` is its state as reset() left it. */
export function prepare(cpu: Processor, piece: Piece, reset: Int32Array): void {
  const { i32 } = cpu;
  i32.set(reset, 0);
  i32.set(piece.registers, EAX);
  i32[L.W_EIP] = CODE;
  i32[L.W_EFLAGS] = piece.flags | FLAG.ONE | (piece.ring === 3 ? FLAG.IF : 0);
  i32[L.W_GDTR_BASE] = GDT;
  i32[L.W_GDTR_LIMIT] = GDT_BYTES - 1;
  i32[L.W_IDTR_BASE] = IDT;
  i32[L.W_IDTR_LIMIT] = 0x7ff;
  i32[L.W_MSR + EFER] = EFER_NXE;
  i32[L.W_MSR + SYSENTER_CS] = KERNEL_CODE;
  i32[L.W_MSR + SYSENTER_ESP] = KERNEL_STACK_TOP;
  i32[L.W_MSR + SYSENTER_EIP] = HANDLERS + 3 * 16;
  i32[L.W_CR4] = CR4.OSFXSR | (piece.paging === 'pae' ? CR4.PAE : CR4.PSE);
  i32[L.W_CR3] = piece.paging === 'pae' ? POINTERS : DIRECTORY;
  i32[L.W_CR0] = CR0.PE | CR0.ET | CR0.NE | CR0.WP | CR0.AM | (piece.paging === 'none' ? 0 : CR0.PG);
  if (piece.paging === 'pae') cpu.loadPdptes(POINTERS);
  const user = piece.ring === 3;
  cpu.setSegment(CS, user ? USER_CODE : KERNEL_CODE, 0, -1, user ? 0xc0fb : 0xc09b);
  for (const index of [ES, SS, DS, FS, GS]) {
    cpu.setSegment(index, user ? USER_DATA : KERNEL_DATA, 0, -1, user ? 0xc0f3 : 0xc093);
  }
  cpu.setSegment(TR, TASK, TSS, 0x67, 0x8b);
  cpu.setSegment(LDTR, LOCAL_TABLE, LDT, 0x1f, 0x82);
  cpu.setCpl(piece.ring);
  if (piece.breakpoints !== null) {
    i32.set(piece.breakpoints.subarray(0, 4), L.W_DR);
    i32[L.W_DR + 7] = piece.breakpoints[4];
  }
  cpu.updateBreakpoints();
  cpu.flushGlobal();
}
