import { afterEach, describe, expect, it } from 'vitest';
import { FLAG } from '../../ia32/flags.ts';
import { EAX, ECX, EDX, ESI } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { PROCESSOR } from '../../ia32/vmx/controls.ts';
import { Bench, CODE, CODE_SELECTOR, DATA_SELECTOR, FREE } from '../testing/bench.ts';
import { callFar, HLT, IRET, int, mov, NOP, push, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { GATE, gate } from '../testing/tables.ts';
import * as L from './layout.ts';
import type { Probe, TransferredBefore } from './probe.ts';
import { LOGGED } from './transfer-log.ts';
import { GUEST, HOST, VmxBench } from './vmx/testing/vmx-bench.ts';

const [CODE0, , , CODE3] = CODE_SELECTOR;
const DATA3 = DATA_SELECTOR[3];
const UD2 = x('0f 0b');
const [SYSENTER, SYSEXIT, WRMSR, RETF] = [x('0f 34'), x('0f 35'), x('0f 30'), x('cb')];

/** What the probe heard, the steps since it was set, the ring, and where the processor stood. */
type Heard = readonly [what: string, steps: number, ring: number, eip: number];

const CALLS = 3000;

let last: Bench | null = null;
/** Transfers that were heard of later. */
let late = 0;

/** Who hears of some transfers later hears the same, in the same order. */
const LISTENERS = MACHINES.flatMap(machine => [
  { ...machine, when: 'at once', isLate: false },
  { ...machine, when: 'later', isLate: true },
]);

function listen(b: Bench, isLate: boolean): Heard[] {
  const heard: Heard[] = [];
  const { cpu } = b;
  const start = cpu.count;
  const note = (what: string) => heard.push([what, cpu.count - start, cpu.cpl, cpu.linearEip >>> 0]);
  const probe: Probe = {
    delivered: (vector, source, code) => note(`${source} ${vector.toString(16)}${code === null ? '' : ` ${code}`}`),
    transferred: by => note(by),
  };
  const transferredBefore: TransferredBefore = log => {
    for (let n = 0; n < log.length; n++) {
      late++;
      heard.push([LOGGED[log.by(n)], log.count(n) - start, log.cpl(n), log.linear(n) >>> 0]);
    }
  };
  late = 0;
  cpu.probe = isLate ? { ...probe, transferredBefore } : probe;
  last = b;
  return heard;
}

function setFastCalls(b: Bench): void {
  for (const [number, value] of [
    [0x174, CODE0],
    [0x175, 0x5000],
    [0x176, CODE + 0x100],
  ] as const) {
    b.program(mov(ECX, number), mov(EAX, value), mov(EDX, 0), WRMSR);
    b.run();
  }
}

afterEach(() => {
  // All benches share a processor.
  if (last !== null) last.cpu.probe = null;
  last = null;
});

describe.each(LISTENERS)('the probe, $engine, $when', ({ isLate, ...machine }) => {
  it('hears of an INT n from ring 3 and of the IRET, each with its step counted', () => {
    const b = new Bench(machine).ring(3);
    b.gate(0x40, gate(GATE.interrupt, CODE0, CODE + 0x100, 3));
    b.bytes(CODE + 0x100, [...NOP, ...IRET]);
    b.program(NOP, int(0x40), UD2);
    const heard = listen(b, isLate);
    b.run();
    expect(heard).toEqual([
      ['software 40', 2, 0, CODE + 0x100],
      ['iret', 4, 3, CODE + 3],
      ['exception 6', 5, 0, b.handler(VECTOR.UD)],
    ]);
  });

  it('hears of a fault in the middle of a block at its step, with the error code', () => {
    const b = new Bench(machine).ring(3);
    b.program(NOP, NOP, HLT, NOP, NOP, NOP);
    const heard = listen(b, isLate);
    b.run();
    expect(heard).toEqual([['exception d 0', 3, 0, b.handler(VECTOR.GP)]]);
  });

  it('hears of an interrupt, which takes no step', () => {
    const b = new Bench(machine);
    b.flags(FLAG.IF);
    b.program(NOP);
    b.raise(0x50);
    const heard = listen(b, isLate);
    b.run();
    expect(heard).toEqual([['external 50', 0, 0, b.handler(0x50)]]);
  });

  it('does not hear of a delivery that failed, but of what came of it', () => {
    const b = new Bench(machine).ring(3);
    b.program(int(0x40));
    const heard = listen(b, isLate);
    b.run();
    expect(heard).toEqual([['exception d 514', 1, 0, b.handler(VECTOR.GP)]]);
  });

  it('hears of a call gate and the far return through it', () => {
    const b = new Bench(machine).ring(3);
    b.descriptor(FREE, gate(GATE.call, CODE0, CODE + 0x100, 3));
    b.bytes(CODE + 0x100, RETF);
    b.program(callFar(FREE | 3, 0), UD2);
    const heard = listen(b, isLate);
    b.run();
    expect(heard.slice(0, 2)).toEqual([
      ['callGate', 1, 0, CODE + 0x100],
      ['retFar', 2, 3, CODE + 7],
    ]);
  });

  it('hears of SYSENTER and SYSEXIT', () => {
    const b = new Bench(machine);
    setFastCalls(b);
    b.ring(3);
    b.program(SYSENTER, UD2);
    b.bytes(CODE + 0x100, [...mov(EDX, CODE + 2), ...mov(ECX, 0x7000), ...SYSEXIT]);
    const heard = listen(b, isLate);
    b.run();
    expect(heard.slice(0, 2)).toEqual([
      ['sysenter', 1, 0, CODE + 0x100],
      ['sysexit', 4, 3, CODE + 2],
    ]);
  });

  it('hears of more fast system calls than are written down', () => {
    const b = new Bench(machine);
    setFastCalls(b);
    b.ring(3);
    // dec esi; jnz to the SYSENTER; INT3
    b.program(mov(ESI, CALLS), SYSENTER, x('4e 75 fb'), x('cc'));
    b.bytes(CODE + 0x100, [...mov(EDX, CODE + 7), ...mov(ECX, 0x7000), ...SYSEXIT]);
    const heard = listen(b, isLate);
    b.cpu.i32[L.W_HALTED] = 0;
    b.step(6 * CALLS + 2);
    const calls = Array.from({ length: CALLS }, (_, n): Heard[] => [
      ['sysenter', 6 * n + 2, 0, CODE + 0x100],
      ['sysexit', 6 * n + 5, 3, CODE + 7],
    ]);
    expect(heard).toEqual([...calls.flat(), ['exception d 26', 6 * CALLS + 2, 0, b.handler(VECTOR.GP)]]);
    if (isLate && machine.engine === 'regions') expect(late).toBeGreaterThan(CALLS);
  });

  it('hears of each of many system calls, in order, and later only of what it may', () => {
    const b = new Bench(machine).ring(3);
    b.gate(0x40, gate(GATE.interrupt, CODE0, CODE + 0x100, 3));
    b.bytes(CODE + 0x100, [...NOP, ...IRET]);
    // dec ecx; jnz to the INT; INT3, for which ring 3 has no right
    b.program(mov(ECX, CALLS), int(0x40), x('49 75 fb'), x('cc'));
    const heard = listen(b, isLate);
    b.step(5 * CALLS + 2);
    const calls = Array.from({ length: CALLS }, (_, n): Heard[] => [
      ['software 40', 5 * n + 2, 0, CODE + 0x100],
      ['iret', 5 * n + 4, 3, CODE + 7],
    ]);
    expect(heard).toEqual([...calls.flat(), ['exception d 26', 5 * CALLS + 2, 0, b.handler(VECTOR.GP)]]);
    if (!isLate) expect(late).toBe(0);
    else if (machine.engine === 'regions') expect(late).toBeGreaterThan(CALLS / 2);
  });

  it('hears of an IRET that stays in its ring', () => {
    const b = new Bench(machine);
    b.program(push(FLAG.ONE), push(CODE0), push(CODE + 0x100), IRET);
    b.bytes(CODE + 0x100, HLT);
    const heard = listen(b, isLate);
    b.run();
    expect(heard).toEqual([['iret', 4, 0, CODE + 0x100]]);
  });

  it('hears of what a guest does between VM entry and VM exit', () => {
    const b = new VmxBench(machine);
    b.add('processorControls', PROCESSOR.hltExiting);
    b.gate(0x40, gate(GATE.interrupt, CODE0, GUEST + 0x100, 3));
    b.bytes(GUEST + 0x100, HLT);
    b.guest(push(DATA3), push(0x7000), push(FLAG.ONE), push(CODE3), push(GUEST + 0x80), IRET);
    b.bytes(GUEST + 0x80, [...NOP, ...int(0x40)]);
    const heard = listen(b, isLate);
    b.enter();
    expect(b.exit().reason).toBe('hlt');
    expect(heard).toEqual([
      ['vmEntry', 1, 0, GUEST],
      ['iret', 7, 3, GUEST + 0x80],
      ['software 40', 9, 0, GUEST + 0x100],
      ['vmExit', 10, 0, HOST],
    ]);
  });
});

describe.each(MACHINES)('walks, $engine', machine => {
  it('read two entries for 4 KB pages, one for a large page', () => {
    const b = new Bench(machine).paging(1 << 4);
    b.directory(0x800000, 0x87);
    const before = b.cpu.walkReferences;
    const walks = b.cpu.walks;
    b.cpu.translate(0x20000, 'read', false);
    expect([b.cpu.walks - walks, b.cpu.walkReferences - before]).toEqual([1, 2]);
    b.cpu.translate(0x800000, 'read', false);
    expect([b.cpu.walks - walks, b.cpu.walkReferences - before]).toEqual([2, 3]);
  });

  it('of PAE paging read two: the pointers are registers', () => {
    const b = new Bench(machine).paePaging();
    const before = b.cpu.walkReferences;
    b.cpu.translate(0x20000, 'read', false);
    expect(b.cpu.walkReferences - before).toBe(2);
  });

  it('under EPT read fourteen, and are counted apart', () => {
    const b = new VmxBench(machine).ept();
    b.add('processorControls', PROCESSOR.hltExiting);
    b.guest();
    b.enter();
    const { walks, nestedWalks, nestedReferences } = b.cpu;
    expect(nestedWalks).toBe(1);
    expect(nestedReferences).toBe(14);
    expect(walks).toBeGreaterThan(nestedWalks);
  });
});
