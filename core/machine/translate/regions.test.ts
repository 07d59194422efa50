import { expect, it, vi } from 'vitest';
import { CS, EBX, ECX, EDX } from '../../ia32/registers.ts';
import * as L from '../cpu/layout.ts';
import { Processor } from '../cpu/processor.ts';
import { Bench, CODE } from '../testing/bench.ts';
import { dword, load, x } from '../testing/code.ts';
import { Translator, type Tuning } from './translator.ts';

/** Procedures that are called in turn, and calls in all. */
const PROCEDURES = 64;
const CALLS = 200;
const MOST = 16;
const DEVICE = 0xf0000000;

/** A machine that translates otherwise than usual. */
function benchWith(tuning: Tuning): Bench {
  return new Bench({
    engine: 'regions',
    open: physical => {
      const cpu = new Processor(physical);
      cpu.translator = new Translator(cpu, 'regions', tuning);
      return cpu;
    },
  });
}

it('regions that nobody enters go when there are too many, and not the ones that are entered all the time', () => {
  const b = benchWith({ hot: 0, batch: 1, often: 1000, mostWide: 1000, room: { regions: MOST, modules: MOST } });
  const [often, first] = [CODE + 0x40, CODE + 0x100];
  // Loop: call the one at 40; mov eax, ecx; and eax, 63; shl eax, 4; add eax, first; call eax; dec ecx; jnz
  const call = [0xe8, ...dword(often - (CODE + 5))];
  const loop = [...call, ...x('89 c8 83 e0 3f c1 e0 04 05'), ...dword(first), ...x('ff d0 49 75 e9')];
  const code = new Array<number>(0x100 + 16 * PROCEDURES).fill(0x90);
  code.splice(0, loop.length, ...loop);
  // inc ebx; ret; and each of the others: inc edx; ret
  code.splice(0x40, 2, ...x('43 c3'));
  for (let n = 0; n < PROCEDURES; n++) code.splice(0x100 + 16 * n, 2, ...x('42 c3'));
  b.set(ECX, CALLS);
  b.set(EDX, 0);
  b.program(code);
  b.cpu.run(12 * CALLS, true);
  expect(b.get(EDX)).toBe(CALLS);
  const { translator } = b.cpu;
  const regions = [...(translator?.regions ?? [])];
  expect(translator?.translated).toBeGreaterThan(PROCEDURES);
  expect(regions.length).toBeLessThanOrEqual(MOST);
  const entered = regions.filter(({ entrances }) => entrances[0].linear === often);
  expect(entered.map(region => translator?.entriesOf(region))).toEqual([CALLS]);
});

it('regions outlive that memory is replaced where the same bytes are there again, and only there', () => {
  const b = benchWith({ hot: 0, batch: 1, often: 1000 });
  const { cpu } = b;
  const run = (increment: string): readonly number[] => {
    cpu.codePages.clear();
    // mov ecx, CALLS; then the loop: inc; dec ecx; jnz; and a place to end in
    const code = [0xb9, ...dword(CALLS), ...x(increment), ...x('49 75 fc'), ...x('eb fe')];
    cpu.u8.set(code, L.RAM + CODE);
    cpu.flushAll();
    b.set(EDX, 0);
    b.set(EBX, 0);
    cpu.i32[L.W_EIP] = CODE;
    b.step(1 + 3 * CALLS);
    return [b.get(EDX), b.get(EBX)];
  };
  b.program([0x90]);
  expect(run('42')).toEqual([CALLS, 0]);
  const { translator } = cpu;
  const made = translator?.translated ?? 0;
  expect(made).toBeGreaterThan(0);
  expect(run('42')).toEqual([CALLS, 0]);
  expect(translator?.translated).toBe(made);
  expect(run('43')).toEqual([0, CALLS]);
  expect(translator?.translated).toBeGreaterThan(made);
  // Who writes to it is noticed again, too.
  const again = translator?.translated ?? 0;
  expect(run('43')).toEqual([0, CALLS]);
  cpu.writePhysical(CODE + 5, 1, 0x42);
  cpu.i32[L.W_EIP] = CODE;
  b.set(EBX, 0);
  b.step(1 + 3 * CALLS);
  expect([b.get(EDX), b.get(EBX)]).toEqual([CALLS, 0]);
  expect(translator?.translated).toBeGreaterThan(again);
});

it('code that is translated for one base of CS is so for another one only when it is executed often there', () => {
  const b = benchWith({ hot: 64, batch: 1 });
  const { cpu } = b;
  /** The loop so often, with the base that CS has. Returns how many regions were made. */
  const run = (times: number): number => {
    const made = cpu.translator?.translated ?? 0;
    b.set(ECX, times);
    b.set(EDX, 0);
    cpu.i32[L.W_EIP] = CODE - cpu.base(CS);
    b.step(3 * times);
    expect(b.get(EDX)).toBe(times);
    return (cpu.translator?.translated ?? 0) - made;
  };
  // inc edx; dec ecx; jnz; and a place to end in
  b.program(x('42 49 75 fc eb fe'));
  expect(run(200)).toBe(1);
  cpu.setSegment(CS, cpu.selector(CS), 0x1000, -1, cpu.segment(CS, L.S_ATTRIBUTES));
  expect(run(200)).toBe(0);
  expect(run(2000)).toBe(1);
});

it('a loop that asks a device in memory stays in its region', () => {
  const b = benchWith({ hot: 0, batch: 1 });
  const { cpu } = b;
  const moments: number[] = [];
  cpu.physical.attach({
    first: DEVICE,
    last: DEVICE + 0xfff,
    timed: true,
    readMemory: () => moments.push(cpu.count),
    writeMemory: () => {},
  });
  b.set(ECX, CALLS);
  // mov eax, [DEVICE]; dec ecx; jnz
  b.program([...load(DEVICE), ...x('49 75 f8')]);
  cpu.run(3 * CALLS, true);
  expect(moments).toEqual(Array.from({ length: CALLS }, (_, n) => 3 * n + 1));
  const entries = [...(cpu.translator?.regions ?? [])].map(region => cpu.translator?.entriesOf(region) ?? 0);
  expect(Math.max(...entries)).toBeGreaterThan(0);
  expect(entries.reduce((sum, n) => sum + n, 0)).toBeLessThan(CALLS / 10);
});

it('code in the midst of a region that waits for others of its module gets none of its own', () => {
  const b = benchWith({ hot: 4 });
  b.set(ECX, CALLS);
  // inc edx; test cl, 1; jz to the dec; inc ebx; dec ecx; jnz to the beginning: two more blocks, which are as hot as the first
  b.program(x('42 f6 c1 01 74 01 43 49 75 f6'));
  const { translator } = b.cpu;
  // Two or three blocks in each turn are asked for, far fewer than the region waits for.
  b.cpu.run(5 * CALLS, true);
  expect([...(translator?.regions ?? [])].map(({ index }) => index)).toEqual([-1]);
});

it.each([0, 0x1000])('goes from region to region without coming back, with CS at %i', base => {
  const b = benchWith({ hot: 8, batch: 1 });
  const { cpu } = b;
  // call the one at 10; dec ecx; jnz; and a place to end in. At 10: inc edx; ret
  const code = new Array<number>(0x20).fill(0x90);
  code.splice(0, 10, 0xe8, ...dword(0x10 - 5), ...x('49 75 f8 eb fe'));
  code.splice(0x10, 2, ...x('42 c3'));
  b.set(EDX, 0);
  b.program(code);
  cpu.setSegment(CS, cpu.selector(CS), base, -1, cpu.segment(CS, L.S_ATTRIBUTES));
  const entered = vi.spyOn(cpu.translator ?? expect.fail(), 'enter');
  const run = (): number => {
    const before = entered.mock.calls.length;
    b.set(ECX, CALLS);
    cpu.i32[L.W_EIP] = CODE - base;
    b.step(5 * CALLS);
    return entered.mock.calls.length - before;
  };
  run();
  expect(run()).toBeLessThan(5);
  expect(b.get(EDX)).toBe(2 * CALLS);
});
