import { describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { EAX, ECX, EDI, EDX, ESI } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { Bench, CODE, DATA, TSS, TSS_SELECTOR } from '../testing/bench.ts';
import { type Code, NOP, STI, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';

const UD2 = x('0f 0b');
const TR = 7;
/** Offset of the I/O permission map in the TSS of these specs. */
const MAP = 0x68;

/** IN AL, AX or EAX from DX; OUT as well. */
const IN: Readonly<Record<number, Code>> = { 1: x('ec'), 2: x('66 ed'), 4: x('ed') };
const OUT: Readonly<Record<number, Code>> = { 1: x('ee'), 2: x('66 ef'), 4: x('ef') };

describe.each(MACHINES)('input and output, $engine', machine => {
  const bench = () => new Bench(machine);
  const refused = { vector: VECTOR.GP, code: 0, eip: CODE };

  /** Ring 3 without I/O privilege, with a map of so many bytes whose bits are set but for the open ports. */
  function mapped(bytes: number, ...open: readonly number[]): Bench {
    const b = bench().ring(3);
    b.write(TSS + 0x66, 2, MAP);
    for (let n = 0; n < bytes; n++) b.write(TSS + MAP + n, 1, 0xff);
    for (const port of open) {
      const at = TSS + MAP + (port >>> 3);
      b.write(at, 1, b.read(at, 1) & ~(1 << (port & 7)));
    }
    b.cpu.setSegment(TR, TSS_SELECTOR, TSS, MAP + bytes - 1, 0x8b);
    return b;
  }

  it('reaches the ports, by DX and by an immediate, in three sizes', () => {
    const b = bench();
    b.set(EDX, 0xabcd0160);
    b.set(EAX, 0x99887766);
    b.program(OUT[1], OUT[2], OUT[4], x('e6 61'), x('e7 ff'), IN[1], IN[2], IN[4], x('e4 62'));
    b.run();
    expect(b.portLog).toEqual([
      'out 160/1 = 66',
      'out 160/2 = 7766',
      'out 160/4 = 99887766',
      'out 61/1 = 66',
      'out ff/4 = 99887766',
      'in 160/1',
      'in 160/2',
      'in 160/4',
      'in 62/1',
    ]);
    expect(b.get(EAX)).toBe(0x12345678);
  });

  it.each([
    ['OUT', x('e6 61')],
    ['IN', x('e4 61')],
  ])('a device that %s reaches may interrupt behind it', (_name, access) => {
    const b = bench();
    const raise = () => b.raise(0x30);
    b.cpu.ports = {
      read: () => {
        raise();
        return 0;
      },
      write: raise,
    };
    const [, , , behind] = b.program(STI, NOP, access, NOP, NOP);
    expect(b.run()).toMatchObject({ vector: 0x30, eip: behind });
  });

  it('IN of a byte or word keeps the rest of EAX', () => {
    const b = bench();
    b.set(EAX, 0xaabbccdd);
    b.program(IN[1]);
    b.run();
    expect(b.get(EAX)).toBe(0xaabbcc78);
  });

  it.each([
    [3, 3, true],
    [3, 2, false],
    [2, 2, true],
    [1, 0, false],
    [0, 0, true],
  ] as const)('ring %i with IOPL %i and no map', (ring, iopl, allowed) => {
    for (const code of [IN[1], OUT[4]]) {
      const b = bench().ring(ring);
      b.flags(iopl << 12);
      b.program(code, UD2);
      expect(b.run()).toMatchObject(allowed ? { vector: VECTOR.UD } : refused);
      expect(b.portLog.length).toBe(allowed ? 1 : 0);
    }
  });

  it.each<[string, number, number, readonly number[], boolean]>([
    ['a byte, open', 0x40, 1, [0x40], true],
    ['a byte, its neighbours open', 0x40, 1, [0x3f, 0x41], false],
    ['a word, open', 0x40, 2, [0x40, 0x41], true],
    ['a word, half open', 0x40, 2, [0x40], false],
    ['a word across two bytes of the map', 0x47, 2, [0x47, 0x48], true],
    ['a word across two bytes, the second closed', 0x47, 2, [0x47], false],
    ['a doubleword', 0x44, 4, [0x44, 0x45, 0x46, 0x47], true],
    ['a doubleword across two bytes', 0x46, 4, [0x46, 0x47, 0x48, 0x49], true],
    ['a doubleword, the last port closed', 0x46, 4, [0x46, 0x47, 0x48], false],
    ['port 0', 0, 1, [0], true],
  ])('the map: %s', (_, port, size, open, allowed) => {
    for (const code of [IN[size], OUT[size]]) {
      const b = mapped(0x20, ...open);
      b.set(EDX, port);
      b.program(code, UD2);
      expect(b.run()).toMatchObject(allowed ? { vector: VECTOR.UD } : refused);
    }
  });

  it('the map ends with the TSS: ports behind it are closed, and two bytes are read for each access', () => {
    const open = Array.from({ length: 0x100 }, (_, port) => port);
    for (const [port, allowed] of [
      [0xf0, true],
      [0xf7, true],
      // In the last byte of the map: the byte behind it is beyond the limit (SDM volume 1, 19.5.2).
      [0xf8, false],
      [0x100, false],
    ] as const) {
      const b = mapped(0x20, ...open);
      b.set(EDX, port);
      b.program(IN[1], UD2);
      expect(b.run(), port.toString(16)).toMatchObject(allowed ? { vector: VECTOR.UD } : refused);
    }
  });

  it('a 16-bit TSS has no map', () => {
    const b = mapped(0x20, 0x40);
    b.cpu.setSegment(TR, TSS_SELECTOR, TSS, 0xff, 0x83);
    b.write(TSS + 2, 2, 0x5000);
    b.write(TSS + 4, 2, 0x10);
    b.set(EDX, 0x40);
    b.program(IN[1]);
    expect(b.run()).toMatchObject(refused);
  });

  it('the map is read with the supervisor’s rights, and a page of it may be missing', () => {
    const b = bench().paging().ring(3);
    b.write(TSS + 0x66, 2, 0x1000);
    b.cpu.setSegment(TR, TSS_SELECTOR, TSS, 0x1fff, 0x8b);
    b.page(TSS, TSS | 3);
    b.page(TSS + 0x1000, 0);
    b.program(IN[1]);
    // The frame goes to a stack that is there.
    b.write(TSS + 4, 4, 0x9000);
    expect(b.run()).toMatchObject({ vector: VECTOR.PF, code: 0, eip: CODE });
  });

  it('string instructions obey the map', () => {
    for (const code of [x('6c'), x('6e'), x('f3 6c'), x('f3 6e')]) {
      for (const open of [[], [0x40]]) {
        const b = mapped(0x20, ...open);
        b.set(EDX, 0x40);
        b.set(ECX, 3);
        b.set(ESI, DATA);
        b.set(EDI, DATA);
        b.program(code, UD2);
        expect(b.run()).toMatchObject(open.length > 0 ? { vector: VECTOR.UD } : refused);
        expect(b.portLog.length).toBe(open.length === 0 ? 0 : code.length === 2 ? 3 : 1);
        if (open.length === 0) expect([b.get(ECX), b.get(ESI), b.get(EDI)]).toEqual([3, DATA, DATA]);
      }
    }
  });

  it('a string instruction with a count of 0 asks for the permission, and no more', () => {
    for (const code of [x('f3 6c'), x('f3 6e')]) {
      for (const open of [[], [0x40]]) {
        const b = mapped(0x20, ...open);
        b.set(EDX, 0x40);
        b.set(ECX, 0);
        b.program(code, UD2);
        expect(b.run()).toMatchObject(open.length > 0 ? { vector: VECTOR.UD } : refused);
        expect(b.portLog).toEqual([]);
      }
    }
  });

  it('REP INS and OUTS move memory in the direction of DF', () => {
    const b = bench();
    b.bytes(DATA, [1, 2, 3]);
    b.set(EDX, 0x40);
    b.set(ECX, 3);
    b.set(ESI, DATA);
    b.set(EDI, DATA + 0x104);
    b.program(x('f3 6e'), x('fd'), x('b1 02'), x('66 f3 6d')); // rep outsb; std; mov cl, 2; rep insw
    b.run();
    expect(b.portLog).toEqual(['out 40/1 = 1', 'out 40/1 = 2', 'out 40/1 = 3', 'in 40/2', 'in 40/2']);
    expect([b.get(ESI), b.get(EDI), b.get(ECX)]).toEqual([DATA + 3, DATA + 0x100, 0]);
    expect(b.read(DATA + 0x102)).toBe(0x56785678);
  });

  it('INS that cannot store does not read the port', () => {
    const b = bench().paging().ring(3);
    b.flags(FLAG.IOPL);
    b.page(DATA, DATA | 5);
    b.set(EDX, 0x40);
    b.set(EDI, DATA);
    b.program(x('6c'));
    expect(b.run()).toMatchObject({ vector: VECTOR.PF, code: 7, eip: CODE });
    expect(b.portLog).toEqual([]);
  });
});
