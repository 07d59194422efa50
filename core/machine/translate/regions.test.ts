import { expect, it } from 'vitest';
import { ECX, EDX } from '../../ia32/registers.ts';
import { Processor } from '../cpu/processor.ts';
import { Bench, CODE } from '../testing/bench.ts';
import { dword, x } from '../testing/code.ts';
import { Translator } from './translator.ts';

/** Procedures that are called in turn, and calls in all. */
const PROCEDURES = 64;
const CALLS = 200;
const MOST = 16;

it('regions that nobody enters go when there are too many, and not the ones that are entered all the time', () => {
  const b = new Bench({
    engine: 'regions',
    open: physical => {
      const cpu = new Processor(physical);
      cpu.translator = new Translator(cpu, 'regions', 0, 1, 1000, 1000, { regions: MOST, modules: MOST });
      return cpu;
    },
  });
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
