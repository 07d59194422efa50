import { afterEach, describe, expect, it, vi } from 'vitest';
import { EAX, EBP, EBX, ECX, EDI, ESI } from '../../../ia32/registers.ts';
import * as L from '../../cpu/layout.ts';
import { Processor } from '../../cpu/processor.ts';
import { initialize } from '../../cpu/x87/state.ts';
import { Bench, CODE, DATA, DIRECTORY } from '../../testing/bench.ts';
import { type Code, x } from '../../testing/code.ts';
import { CallOuts } from '../call-outs.ts';
import { type Engine, Translator } from '../translator.ts';

/** A bench whose code is interpreted from its first run on; `hot`: how often it is before it is translated. */
function bench(engine: Exclude<Engine, 'execute'> = 'interpret', hot = 0): Bench {
  return new Bench({
    engine,
    open: physical => {
      const cpu = new Processor(physical);
      cpu.translator = new Translator(cpu, engine, { hot, batch: 1, often: 1000 });
      return cpu;
    },
  });
}

function runAgain(b: Bench): void {
  b.cpu.i32[L.W_EIP] = CODE;
  expect(b.run(2_000_000).vector).toBeNull();
}

/** Displacement of a jump that ends at one address to another. */
function relative(end: number, target: number): Code {
  return [0, 8, 16, 24].map(n => ((target - end) >>> n) & 0xff);
}

describe('the interpreter', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each<readonly [what: string, code: Code]>([
    ['moves and arithmetic', x('89 c3 01 d8 13 45 08 83 e8 07 66 05 34 12 28 e0 8d 44 98 10 f7 d8 0f b6 c4 0f af c3')],
    [
      'accesses to memory',
      x('89 45 00 01 45 04 83 45 08 01 8a 65 01 66 8b 45 02 88 65 0c ff 45 00 f7 45 00 01 00 00 00'),
    ],
    ['the stack', x('50 60 61 9c 9d 58 6a 05 ff 75 00 83 c4 08 c8 08 00 00 c9')],
    [
      'jumps, calls and conditions',
      x('85 c0 74 00 39 d8 0f 9c c0 0f 4f c3 e8 01 00 00 00 90 58 31 c0 75 02 eb 00 e3 00'),
    ],
    ['shifts, bits and divisions', x('c1 e0 03 d1 f8 d3 e8 0f ac d8 04 0f ab d8 0f bc d8 83 cb 01 31 d2 f7 f3 0f c8')],
    ['the x87', x('d9 e8 d9 ee d9 c9 dc 45 00 d9 fa dd 5d 00 d9 7d 08 df e0 dd d8')],
    ['strings that are repeated', x('b9 08 00 00 00 f3 a5 b9 08 00 00 00 f3 ab a4 aa')],
  ])('does %s without the executor', (_, code) => {
    const b = bench();
    b.set(EBP, DATA + 0x100);
    b.set(ESI, DATA + 0x400);
    b.set(EDI, DATA + 0x800);
    initialize(b.cpu);
    b.program(code);
    for (let n = 0; n < 3; n++) runAgain(b);
    const carryOut = vi.spyOn(CallOuts.prototype, 'carryOut');
    runAgain(b);
    const done = carryOut.mock.calls.map(([{ row }]) => row.mnemonic);
    // ENTER has no meaning in the common words.
    expect(done.filter(name => name !== 'enter')).toEqual(['hlt']);
  });

  it('forgets all when there is no more room for records, and goes on', () => {
    const b = bench();
    const JUMPS = 100_000;
    // Each of them is a block: a header, a record and an end.
    expect(3 * 32 * JUMPS).toBeGreaterThan(L.RAM - L.RECORDS);
    const from = 0x100000;
    const jump = x('eb 00');
    b.bytes(from, Array.from({ length: JUMPS }, () => jump).flat());
    b.bytes(from + 2 * JUMPS, x('40 f4'));
    for (let n = 1; n <= 3; n++) {
      b.set(EAX, 5);
      b.cpu.i32[L.W_EIP] = from;
      const before = b.cpu.count;
      expect(b.run(JUMPS + 10).vector).toBeNull();
      expect([b.get(EAX), b.cpu.count - before]).toEqual([6, JUMPS + 2]);
    }
  });

  it('has a loop translated when it has gone round as often as was asked', () => {
    const b = bench('regions', 100);
    // mov ecx, n; dec ecx; jnz
    b.program(x('b9 3c 00 00 00 49 75 fd'));
    const { translator } = b.cpu;
    runAgain(b);
    expect(translator?.translated).toBe(0);
    expect(translator?.heatOf(L.RAM + CODE + 5)).toEqual({ executed: 59, needed: 100 });
    runAgain(b);
    expect(translator?.translated).toBeGreaterThan(0);
    expect(b.get(ECX)).toBe(0);
    const { regions } = b.cpu.translator ?? { regions: [] };
    expect([...regions].some(({ entrances }) => entrances.some(({ linear }) => linear === CODE + 5))).toBe(true);
  });

  it('goes on where the address space of now leads, in and out of code that all have', () => {
    const b = bench().paging();
    const FAR = 0x40000000;
    const [other, table, here, there] = [0x80000, 0x81000, 0x82000, 0x83000];
    b.page(FAR, here | 7);
    for (let n = 0; n < 1024; n++) b.write(other + 4 * n, 4, b.read(DIRECTORY + 4 * n));
    b.write(other + (FAR >>> 22) * 4, 4, table | 7);
    b.write(table, 4, there | 7);
    // mov ecx, 100; 5: xchg eax, ebx; mov cr3, eax; mov edx, 3; 14: jmp FAR; 19: dec edx; jnz 14; dec ecx; jnz 5
    const BACK = 19;
    b.program(x('b9 64 00 00 00 93 0f 22 d8 ba 03 00 00 00 e9'), relative(CODE + BACK, FAR), x('4a 75 f8 49 75 ec'));
    // inc esi, or inc edi; jmp back
    b.bytes(here, [...x('46 e9'), ...relative(FAR + 6, CODE + BACK)]);
    b.bytes(there, [...x('47 e9'), ...relative(FAR + 6, CODE + BACK)]);
    b.set(EAX, DIRECTORY);
    b.set(EBX, other);
    for (const turn of [1, 2, 3]) {
      runAgain(b);
      expect([b.get(ESI), b.get(EDI)]).toEqual([150 * turn, 150 * turn]);
    }
  });

  it('does not go on with code that a debugger wants to stop at, or that is watched', () => {
    const b = bench();
    b.program(x('40 eb 00 40 eb 00 40'));
    for (let n = 0; n < 3; n++) runAgain(b);
    b.set(EAX, 0);
    b.cpu.setBreakpoints([CODE + 3]);
    b.cpu.i32[L.W_HALTED] = 0;
    b.cpu.i32[L.W_EIP] = CODE;
    b.cpu.run(100, false);
    expect([b.cpu.atBreakpoint, b.cpu.linearEip, b.get(EAX)]).toEqual([true, CODE + 3, 1]);
    b.cpu.setBreakpoints([]);
    let seen = 0;
    const begins = () => {
      seen++;
      return false;
    };
    b.cpu.blocks.watch({ has: row => row.operation === 'inc', begins, retires: () => {} });
    for (let n = 0; n < 3; n++) runAgain(b);
    b.cpu.blocks.watch(null);
    expect(seen).toBe(9);
  });
});
