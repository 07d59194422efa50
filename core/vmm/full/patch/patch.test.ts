import { describe, expect, it } from 'vitest';
import * as L from '../../../machine/cpu/layout.ts';
import { checkEquivalence } from '../../testing/campaign.ts';
import { BareSubject, difference, MonitorSubject, type Outcome } from '../../testing/subjects.ts';
import { CODE, DATA, DATA_BYTES, type Piece } from '../../testing/world.ts';

/** A failing piece is run again by its seed: PIECE_SEED=n, with PIECES=1. */
const SEED = Number(process.env['PIECE_SEED'] ?? 1);
const PIECES = Number(process.env['PIECES'] ?? 200);
const BARE_STEPS = 3000;
const MONITOR_STEPS = 300_000;

const INT3 = 0xcc;
const HALT = [0xfa, 0xf4, 0xeb, 0xfc];
const PUSHF_POP_EAX = [0x9c, 0x58];
const STACK = 0x15f00;

function imm32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}

function pieceOf(bytes: readonly number[], data = new Uint8Array(DATA_BYTES)): Piece {
  const registers = new Int32Array(8);
  registers[4] = STACK;
  return {
    bytes: Uint8Array.from(bytes),
    ring: 0,
    paging: '32-bit',
    registers,
    flags: 0,
    data,
    breakpoints: null,
  };
}

/** What the machine itself has in the page of the code. */
function machineCode({ monitor }: MonitorSubject): Uint8Array {
  const start = L.RAM + monitor.vm.memory.map[CODE >>> 12] * 4096;
  return monitor.pc.physical.bytes.slice(start, start + 4096);
}

/** Offsets from CODE where the machine has a breakpoint in place of the guest's byte. */
function patched(subject: MonitorSubject): number[] {
  const found: number[] = [];
  machineCode(subject).forEach((byte, offset) => {
    if (byte === subject.monitor.vm.memory.read(CODE + offset, 1)) return;
    expect(byte).toBe(INT3);
    found.push(offset);
  });
  return found;
}

/** Runs a piece on the bare machine and under scan and patch, and expects the same. */
function runSame(piece: Piece): { readonly subject: MonitorSubject; readonly outcome: Outcome } {
  const subject = new MonitorSubject('patch');
  const outcome = subject.run(piece, MONITOR_STEPS);
  expect(difference(new BareSubject().run(piece, BARE_STEPS), outcome)).toEqual([]);
  return { subject, outcome };
}

describe('the scanner', () => {
  it('patches what is reached by branches and calls, and leaves what lies between alone', () => {
    const code = [
      ...[0x85, 0xc0], // 0: TEST EAX, EAX
      ...[0x75, 0x08], // 2: JNZ 12
      ...[0xe8, ...imm32(8)], // 4: CALL 17
      ...[0xeb, 0x03], // 9: JMP 14
      0x9c, // 11: a PUSHF that nothing leads to
      ...PUSHF_POP_EAX, // 12
      ...HALT.slice(0, 3), // 14
      ...[0x0f, 0x01, 0xe3], // 17: SMSW EBX
      ...[0x8c, 0xc9], // 20: MOV ECX, CS
      ...[0x8c, 0xda], // 22: MOV EDX, DS
      0xc3, // 24: RET
    ];
    const { subject, outcome } = runSame(pieceOf([...code.slice(0, 14), 0xfa, 0xf4, 0x90, ...code.slice(17)]));
    expect(patched(subject)).toEqual([12, 17, 20, 24]);
    expect(outcome.registers['ecx']).toBe(8);
  });

  it('patches both of two instructions that overlap', () => {
    // MOV EBX, 0x9c9c9c9c; then a jump into the last bytes of its operand: PUSHF, in the midst of MOV.
    const code = [
      0xbb,
      ...imm32(0x58589c9c),
      0x85,
      0xdb,
      0x75,
      0x03,
      ...HALT.slice(0, 2),
      0x90,
      0x31,
      0xdb,
      0xeb,
      0xf1,
    ];
    const { subject, outcome } = runSame(pieceOf([...code, ...HALT]));
    expect(patched(subject)).toEqual([0, 1, 2]);
    expect(outcome.registers['eax']).toBeGreaterThan(0);
  });

  it('scans a page again after its code was written to, and forgets its patches', () => {
    // Runs PUSHF; POP EAX, then makes the POP a PUSHF too, and runs it again.
    const code = [
      ...[0xb9, ...imm32(2)],
      ...PUSHF_POP_EAX,
      ...[0x66, 0xc7, 0x05, ...imm32(CODE + 5), 0x90, 0x9c],
      ...[0x49, 0x75, 0xf2],
    ];
    const { subject } = runSame(pieceOf([...code, ...HALT]));
    expect(patched(subject)).toEqual([6]);
    expect(subject.monitor.techniqueCounts).toMatchObject({ invalidations: 2 });
  });

  it('does not let code run in a page that is to be scanned again', () => {
    // PUSHF; POP EAX; NOP; RET in another page, called before and after its NOP is written to.
    const data = new Uint8Array(DATA_BYTES);
    data.set([...PUSHF_POP_EAX, 0x90, 0xc3]);
    const call = (at: number) => [0xe8, ...imm32(DATA - CODE - at - 5)];
    const code = [...call(0), 0xc6, 0x05, ...imm32(DATA + 2), 0x90, 0x31, 0xc0, ...call(14), ...HALT];
    const { subject, outcome } = runSame(pieceOf(code, data));
    // ZF and PF by XOR; IF, which ring 1 has on, is clear.
    expect(outcome.registers['eax']).toBe(0x46);
    expect(subject.monitor.techniqueCounts).toMatchObject({ invalidations: 1, callouts: { pushf: 2 } });
  });

  it('lets go of a RET that has led to known code often enough, and never of an indirect jump', () => {
    const code = [
      ...[0xb9, ...imm32(40)],
      ...[0xe8, ...imm32(12)],
      ...[0xb8, ...imm32(CODE + 17)],
      ...[0xff, 0xe0],
      ...[0x49, 0x75, 0xf1],
      ...[...HALT.slice(0, 2), 0xc3],
    ];
    const { subject } = runSame(pieceOf(code));
    expect(patched(subject)).toEqual([15]);
    expect(subject.monitor.techniqueCounts).toMatchObject({ callouts: { ret: 8, jmp: 40 } });
  });
});

describe('a guest under scan and patch', () => {
  it('reads its own bytes where the monitor emulates, and sees its own breakpoints', () => {
    // INT3 is the guest's own, of both lengths; its handler halts.
    for (const breakpoint of [[INT3], [0xcd, 0x03], [0xf3, INT3]]) {
      runSame(pieceOf([...PUSHF_POP_EAX, ...breakpoint, ...HALT]));
    }
  });

  it('has its own bytes again when the technique stops', () => {
    const piece = pieceOf([...PUSHF_POP_EAX, 0x0f, 0x01, 0x05, ...imm32(DATA), ...HALT]);
    const { subject } = runSame(piece);
    expect(patched(subject)).toEqual([0, 2]);
    subject.monitor.interrupt();
    subject.monitor.technique.stop();
    expect([...machineCode(subject).subarray(0, piece.bytes.length)]).toEqual([...piece.bytes]);
    expect(patched(subject)).toEqual([]);
  });

  it(`does what it does on the bare machine: ${PIECES} random pieces of kernel code from seed ${SEED}`, () => {
    const campaign = { ring: 0, seed: SEED, count: PIECES } as const;
    const report = checkEquivalence(new BareSubject(), () => new MonitorSubject('patch'), campaign);
    expect(report.failures).toEqual([]);
    expect(report.compared).toBeGreaterThan(PIECES / 2);
  });
});
