import { describe, expect, it } from 'vitest';
import { EBX, ECX } from '../../../ia32/registers.ts';
import * as L from '../../../machine/cpu/layout.ts';
import { CACHE, CACHE_SIZE } from '../../host/layout.ts';
import { BareSubject, difference } from '../../testing/subjects.ts';
import { CODE, DATA, DATA_BYTES, type Paging, type Piece } from '../../testing/world.ts';
import { createSubject } from './testing/subject.ts';

/** Steps of the stub's way back into the guest: four POPs, POPA, ADD, IRET. */
const RETURN_STEPS = 7;

const HALT = [0xfa, 0xf4, 0xeb, 0xfc];
const STACK = 0x15f00;
/** Enough for a translation that is made anew each time to fill the cache. */
const ROUNDS = 8_000;

function pieceOf(bytes: readonly number[], paging: Paging = '32-bit'): Piece {
  const registers = new Int32Array(8);
  registers[4] = STACK;
  const data = new Uint8Array(DATA_BYTES);
  return { bytes: Uint8Array.from([...bytes, ...HALT]), ring: 0, paging, registers, flags: 0, data, breakpoints: null };
}

function imm32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}

describe('binary translation', () => {
  it('lets no interrupt come between STI and the next instruction', () => {
    const { subject } = createSubject();
    const { monitor } = subject;
    const { vcpu, pc } = monitor;
    // STI; INC EAX; INC EAX; JMP to the STI.
    subject.run(pieceOf([0xfb, 0x40, 0x40, 0xeb, 0xfb]), 1);
    pc.clock.setRate(1e5);
    const seen = new Map<number, number>();
    for (let n = 0; n < 200; n++) {
      monitor.run(RETURN_STEPS + 1 + (n % 13), Number.POSITIVE_INFINITY, false);
      monitor.interrupt();
      vcpu.i32[L.W_EFLAGS] &= ~(1 << 9);
      seen.set(vcpu.i32[L.W_EIP], vcpu.i32[L.W_SHADOW]);
    }
    expect(seen.get(CODE)).toBe(0);
    expect(seen.get(CODE + 1)).toBe(L.SHADOW_STI);
    expect(seen.get(CODE + 2)).toBe(0);
  });

  it('flushes the cache when code that changes has filled it', () => {
    const { subject, technique } = createSubject();
    // Each time around, ECX is written into the operand of ADD EBX, in a function whose translation is long.
    const long = [0x9c, 0x58, 0x9c, 0x58, 0x9c, 0x58, 0x9c, 0x58];
    const program = [
      ...[0xb9, ...imm32(ROUNDS)],
      ...[0x89, 0x0d, ...imm32(CODE + 28)],
      ...[0xe8, ...imm32(2)],
      ...[0xeb, 0x0f],
      ...[...long, 0x81, 0xc3, ...imm32(0), 0xc3],
      ...[0x49, 0x75, 0xe1],
    ];
    const piece = pieceOf(program);
    expect(difference(new BareSubject().run(piece, 1_000_000), subject.run(piece, 100_000_000))).toEqual([]);
    expect(subject.monitor.vcpu.i32[EBX]).toBe((ROUNDS * (ROUNDS + 1)) / 2);
    expect(technique.counts.flushes).toBeGreaterThan(0);
    expect(technique.counts.bytes).toBeLessThanOrEqual(CACHE_SIZE);
  });

  it('shows the guest no address of the cache: on the stack, in the x87, by CALL', () => {
    const { subject } = createSubject();
    const piece = pieceOf([
      ...[0xe8, 0, 0, 0, 0],
      ...[0xd9, 0xe8, 0xd9, 0x1d, ...imm32(DATA + 0x100)],
      ...[0xd9, 0x35, ...imm32(DATA)],
      // A fault in the midst of it.
      ...[0xff, 0x05, ...imm32(0x7fffffff)],
    ]);
    const outcome = subject.run(piece, 100_000);
    expect(difference(new BareSubject().run(piece, 1000), outcome)).toEqual([]);
    const words = new Uint32Array(outcome.memory.buffer);
    expect([...words].filter(word => word >= CACHE && word < CACHE + CACHE_SIZE)).toEqual([]);
  });

  it('runs a loop without the monitor, once it is translated', () => {
    const { subject, technique } = createSubject();
    const { counts } = subject.monitor;
    // A loop with a call, a return, and an indirect call.
    const program = [
      ...[0xb9, ...imm32(1000), 0xb8, ...imm32(CODE + 21)],
      ...[0xe8, ...imm32(6), 0xff, 0xd0, 0xe2, 0xf7, 0xeb, 0x02, 0x43, 0xc3],
    ];
    const piece = pieceOf(program);
    expect(difference(new BareSubject().run(piece, 20_000), subject.run(piece, 1_000_000))).toEqual([]);
    expect(subject.monitor.vcpu.i32[EBX]).toBe(2000);
    expect(subject.monitor.vcpu.i32[ECX]).toBe(0);
    expect(counts.emulated).toBeLessThan(10);
    expect(Object.values(counts.byReason()).reduce((sum, { count }) => sum + count, 0)).toBeLessThan(50);
    expect(technique.counts.misses).toBeLessThan(10);
  });

  it('can be looked at', () => {
    const { subject, technique } = createSubject();
    subject.run(pieceOf([0x40, 0x9c, 0x58]), 10_000);
    const views = new Set<string>();
    for (let address = CACHE; address < CACHE + 4096; address++) {
      const view = technique.unitAt(address);
      if (view !== null) views.add(JSON.stringify(view));
    }
    const first = [...views].map(text => JSON.parse(text)).find(({ guest }) => guest.start === CODE);
    expect(first.guest.end).toBe(CODE + 5);
    expect(first.pairs.map(({ guest, kind, mnemonic }: Record<string, unknown>) => [guest, kind, mnemonic])).toEqual([
      [CODE, 'ident', 'inc'],
      [CODE + 1, 'inline', 'pushf'],
      [CODE + 2, 'ident', 'pop'],
      [CODE + 3, 'inline', 'cli'],
      [CODE + 4, 'callout', 'hlt'],
    ]);
    expect(technique.unitAt(CACHE + CACHE_SIZE - 1)).toBe(null);
  });
});
