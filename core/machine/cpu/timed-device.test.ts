import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EAX, EBX, ECX, EDI, EDX, ESI } from '../../ia32/registers.ts';
import { Bench, CODE, DATA } from '../testing/bench.ts';
import { type Code, load, mov, NOP, STI, store, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';

/** A device in memory whose answers depend on the step: it must be told the same one however code was cut into blocks. */

const DEVICE = 0xf0000000;
const REP_MOVSD = x('f3 a5');
const ADD_EBX_DEVICE: Code = [0x03, 0x1d, 0, 0, 0, 0xf0];

describe.each(MACHINES)('a timed device, $engine', machine => {
  const log: string[] = [];
  let current: Bench;
  let isAttached = false;

  const open = () => {
    const b = new Bench(machine);
    current = b;
    log.length = 0;
    if (!isAttached) {
      b.cpu.physical.attach({
        first: DEVICE,
        last: DEVICE + 0xfff,
        timed: true,
        readMemory: () => {
          log.push(`read at ${current.cpu.count}`);
          return current.cpu.count;
        },
        writeMemory: (_address, _size, value) => {
          log.push(`write ${value} at ${current.cpu.count}`);
          if (value === 7) current.cpu.stop();
          if (value === 8) current.raise(0x30);
        },
      });
      isAttached = true;
    }
    return b;
  };

  it('sees the step of the instruction that asks', () => {
    const b = open();
    b.program(NOP, NOP, load(DEVICE), NOP, store(DEVICE), NOP);
    b.run();
    expect(log).toEqual(['read at 3', 'write 3 at 5']);
  });

  it('can end the run behind that instruction', () => {
    const b = open();
    const [, , , behind] = b.program(mov(EAX, 7), NOP, store(DEVICE), NOP, NOP);
    expect(b.cpu.run(100, true)).toBe(3);
    expect(b.cpu.linearEip).toBe(behind);
  });

  it('interrupts behind that instruction', () => {
    const b = open();
    const [, , , , behind] = b.program(STI, mov(EAX, 8), NOP, store(DEVICE), NOP, NOP);
    expect(b.run()).toMatchObject({ vector: 0x30, eip: behind });
    expect(log).toEqual(['write 8 at 4']);
  });

  it('is read once by an instruction that computes with it', () => {
    const b = open();
    b.program(mov(EBX, 100), NOP, ADD_EBX_DEVICE, NOP);
    b.run();
    expect(log).toEqual(['read at 3']);
    expect(b.get(EBX)).toBe(103);
  });

  it('is walked to once by each access', () => {
    const b = open().paging();
    const page = 0x300000;
    b.page(page, DEVICE | 3);
    b.program(NOP, load(page), NOP, store(page), NOP, load(page), NOP);
    const { walks, walkReferences } = b.cpu;
    b.run();
    // And one for the code.
    expect([b.cpu.walks - walks, b.cpu.walkReferences - walkReferences]).toEqual([4, 8]);
    expect(log.length).toBe(3);
  });

  it('is filled by a string instruction, which is one step', () => {
    const b = open();
    b.write(DATA, 4, 1);
    b.write(DATA + 4, 4, 2);
    b.program(mov(ESI, DATA), mov(EDI, DEVICE), mov(ECX, 2), REP_MOVSD, NOP);
    b.run();
    expect(log).toEqual(['write 1 at 4', 'write 2 at 4']);
    expect(b.get(ECX)).toBe(0);
  });

  it('sees the same steps in runs of any size', () => {
    const piece = fc.constantFrom<Code>(NOP, load(DEVICE), store(DEVICE), ADD_EBX_DEVICE, mov(EDX, 1));
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (code, sizes) => {
          const whole = open();
          whole.program(...code);
          whole.run();
          const [seen, count] = [[...log], whole.cpu.count];
          const cut = open();
          cut.program(...code);
          while (!cut.cpu.halted) cut.cpu.run(sizes.next().value, true);
          expect(log).toEqual(seen);
          expect(cut.cpu.count).toBe(count);
          expect(cut.cpu.linearEip).toBe(CODE + code.flat().length + 1);
        },
      ),
      { numRuns: 100 },
    );
  });
});
