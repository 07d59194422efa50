import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadImage } from '../../guests/load.ts';
import { CR0, EAX, ECX, EDI, ESI } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { Pc } from '../pc.ts';
import { Bench, CODE, DATA, GDT, STACKS, TSS_STACKS } from '../testing/bench.ts';
import { dword, int, load, mov, NOP, store, storeValue, toSegment, x } from '../testing/code.ts';
import { MACHINES } from '../testing/machines.ts';
import { ACCESS, flat } from '../testing/tables.ts';
import type { WatchAccess, WatchRange } from './watch.ts';

const range = (address: number, length: number, ...accesses: readonly WatchAccess[]): WatchRange => ({
  address,
  length,
  read: accesses.includes('read'),
  write: accesses.includes('write'),
  execute: accesses.includes('execute'),
});

describe.each(MACHINES)('watched ranges, $engine', machine => {
  /** A bench whose hits are noted as `write 20000/4`. */
  const watched = (...ranges: readonly WatchRange[]) => {
    const b = new Bench(machine);
    const hits: string[] = [];
    b.cpu.setWatches(ranges, ({ access, linear, size }) => hits.push(`${access} ${linear.toString(16)}/${size}`));
    return { b, hits };
  };

  it('tell reads and writes that touch them, and no others', () => {
    const { b, hits } = watched(range(DATA + 4, 4, 'read', 'write'));
    b.program(
      load(DATA),
      load(DATA + 1),
      store(DATA + 8),
      store(DATA + 7),
      [...x('80 05'), ...dword(DATA + 5), 1], // ADD byte [DATA + 5], 1
      [...x('a0'), ...dword(DATA + 4)], // MOV AL, [DATA + 4]
      [...x('66 a3'), ...dword(DATA + 2)], // MOV [DATA + 2], AX
    );
    b.run();
    expect(hits).toEqual(['read 20001/4', 'write 20007/4', 'read 20005/1', 'write 20005/1', 'read 20004/1']);
  });

  it('tell only the kind of access that was asked for', () => {
    const { b, hits } = watched(range(DATA, 4, 'write'), range(DATA + 0x1000, 4, 'read'));
    b.program(load(DATA), store(DATA), load(DATA + 0x1000), store(DATA + 0x1000));
    b.run();
    expect(hits).toEqual(['write 20000/4', 'read 21000/4']);
  });

  it('tell of a range over the end of a page, and of the address space', () => {
    const { b, hits } = watched(range(DATA + 0xffe, 4, 'write'), range(0xfffffffe, 4, 'read'));
    b.paging();
    b.page(0xfffff000, DATA | 7);
    b.program(store(DATA + 0xffd), store(DATA + 0x1001), store(DATA + 0x1002), load(0xfffffffc), load(0), load(2));
    b.run();
    expect(hits).toEqual(['write 20ffd/4', 'write 21001/4', 'read fffffffc/4', 'read 0/4']);
  });

  it('tell each element of a repeated string instruction, which does what it would do', () => {
    const { b, hits } = watched(range(DATA + 0x1010, 8, 'write'), range(DATA + 0x20, 4, 'read'));
    for (let n = 0; n < 64; n++) b.write(DATA + 4 * n, 4, 0x1000 + n);
    b.program(mov(ECX, 64), mov(ESI, DATA), mov(EDI, DATA + 0x1000), x('f3 a5'));
    b.run();
    expect(hits).toEqual(['write 21010/4', 'write 21014/4', 'read 20020/4']);
    for (let n = 0; n < 64; n++) expect(b.read(DATA + 0x1000 + 4 * n)).toBe(0x1000 + n);
  });

  it('tell what the processor accesses by itself: stacks of a delivery, descriptors', () => {
    const { b, hits } = watched(range(TSS_STACKS[0] - 20, 20, 'write'), range(GDT + 0x60, 8, 'read', 'write'));
    b.descriptor(0x60, flat(ACCESS.data & ~1));
    b.ring(3);
    b.descriptor(0x60, flat((ACCESS.data & ~1) | 0x60));
    b.program(mov(EAX, 0x63), toSegment(4), int(VECTOR.BP));
    b.gate(VECTOR.BP, [
      ((8 << 16) | (b.handler(VECTOR.BP) & 0xffff)) >>> 0,
      (b.handler(VECTOR.BP) & 0xffff0000) | 0xee00,
    ]);
    b.run();
    const pushes = [4, 8, 12, 16, 20].map(n => `write ${(TSS_STACKS[0] - n).toString(16)}/4`);
    const gdt = ['read', 'read', 'write'].map((kind, n) => `${kind} ${(GDT + [0x60, 0x64, 0x65][n]).toString(16)}`);
    expect(hits).toEqual([`${gdt[0]}/4`, `${gdt[1]}/4`, `${gdt[2]}/1`, ...pushes]);
  });

  it('tell nothing of an access that faults', () => {
    const { b, hits } = watched(range(DATA, 4, 'read', 'write'));
    b.paging(0, CR0.WP);
    b.page(DATA, DATA | 5);
    b.program(store(DATA));
    expect(b.run().vector).toBe(VECTOR.PF);
    expect(hits).toEqual([]);
  });

  it('find memory as it was, and stop behind the instruction', () => {
    const b = new Bench(machine);
    b.write(DATA, 4, 7);
    const seen: number[] = [];
    b.cpu.setWatches([range(DATA, 4, 'write')], hit => {
      seen.push(b.linear(hit.linear), b.cpu.count);
      b.cpu.stop();
    });
    const starts = b.program(NOP, storeValue(DATA, 9), NOP, NOP);
    expect(b.cpu.run(100, true)).toBe(2);
    expect(seen[0]).toBe(7);
    expect(b.read(DATA)).toBe(9);
    expect(b.cpu.i32[16]).toBe(starts[2]);
    // It goes on as if nothing had been.
    expect(b.run().vector).toBe(null);
  });

  it('tell of instructions before they run', () => {
    const b = new Bench(machine);
    const starts = b.program(NOP, mov(EAX, 1), mov(EAX, 2), NOP);
    const seen: number[][] = [];
    b.cpu.setWatches([range(starts[2], 1, 'execute')], hit => seen.push([hit.linear, b.get(EAX), b.cpu.count]));
    const before = b.cpu.count;
    b.run();
    expect(seen).toEqual([[starts[2], 1, before + 2]]);
  });

  it('cover pages that the TLB has already, and let them go again', () => {
    const b = new Bench(machine).paging();
    const hits: number[] = [];
    b.program(store(DATA), load(DATA));
    b.run();
    const { walks } = b.cpu;
    b.cpu.setWatches([range(DATA, 4, 'read', 'write')], hit => hits.push(hit.linear));
    b.program(store(DATA), load(DATA));
    b.run();
    expect(hits).toEqual([DATA, DATA]);
    b.cpu.setWatches([], () => {});
    b.program(store(DATA), load(DATA));
    b.run();
    expect(hits).toEqual([DATA, DATA]);
    // Neither cost a walk: an entry is kept aside, not lost.
    expect(b.cpu.walks).toBe(walks);
  });

  it('let an entry go stale as an unwatched one would: until INVLPG or a load of CR3', () => {
    for (const flush of [[...x('0f 01 3d'), ...dword(DATA)], x('0f 20 d8 0f 22 d8')]) {
      const { b } = watched(range(DATA, 4, 'read', 'write'));
      b.paging();
      b.write(DATA, 4, 1);
      b.write(DATA + 0x1000, 4, 2);
      b.program(load(DATA));
      b.run();
      b.page(DATA, (DATA + 0x1000) | 7);
      b.program(load(DATA));
      b.run();
      expect(b.get(EAX)).toBe(1);
      b.program(flush, load(DATA));
      b.run();
      expect(b.get(EAX)).toBe(2);
    }
  });

  it('on a page with code leave what is written to code as it is', () => {
    const { b, hits } = watched(range(CODE + 0x800, 4, 'write'));
    b.bytes(CODE + 0x100, [...mov(EAX, 1), 0xc3]);
    const call = [0xe8, ...dword(0x100 - 5)];
    // CALL, then overwrite its immediate, and CALL again.
    const second = [0xe8, ...dword(0x100 - (5 + 7 + 10 + 5))];
    b.program(call, [0xc6, 0x05, ...dword(CODE + 0x101), 5], storeValue(CODE + 0x800, 1), second);
    b.set(4, STACKS[0]);
    b.run();
    expect(b.get(EAX)).toBe(5);
    expect(hits).toEqual([`write ${(CODE + 0x800).toString(16)}/4`]);
  });
});

describe('a whole machine', () => {
  const MEMORY = 32 << 20;
  const image = new Uint8Array(readFileSync(new URL('../../../public/guests/primer.elf', import.meta.url)));
  const open = () => {
    const pc = new Pc({ memoryBytes: MEMORY, startTime: 1e9, rate: 1e7, onConsole: () => {} });
    pc.start(loadImage(image, { memoryBytes: MEMORY, commandLine: '', initrd: null }));
    return pc;
  };
  const digest = (pc: Pc) => {
    const state = pc.save();
    const hash = createHash('sha256');
    hash.update(state.processor).update(state.bytes).update(Buffer.from(state.pages.buffer));
    for (const part of [state.tlb.local, state.tlb.global]) {
      hash.update(Buffer.from(part.words.buffer)).update(Buffer.from(part.entries.buffer));
    }
    const { count, walks, walkReferences } = state;
    return { hash: hash.digest('hex'), count, walks, walkReferences, clock: JSON.stringify(state.clock) };
  };
  const run = (pc: Pc, to: number) => {
    while (pc.cpu.count < to) pc.run(to - pc.cpu.count, Number.POSITIVE_INFINITY, true);
  };

  it('takes the same course with watches and without, also when they come and go and stop it', () => {
    const plain = open();
    run(plain, 300_000);
    const pages = plain.save().pages;
    run(plain, 900_000);
    const other = open();
    run(other, 300_000);
    let hits = 0;
    // Every page that is in use at its own address and at the kernel's, for data; some for instructions.
    const ranges = [...pages].flatMap(page => [
      range(page << 12, 4096, 'read', 'write'),
      range(0xc0000000 + (page << 12), 4096, 'write', 'read'),
      range((page << 12) + 0x80, 64, 'execute'),
    ]);
    other.cpu.setWatches(ranges, () => {
      hits++;
      if (hits % 1000 === 0) other.cpu.stop();
    });
    run(other, 500_000);
    const saved = other.save();
    other.cpu.setWatches(ranges.slice(0, 20), () => {});
    run(other, 600_000);
    other.restore(saved);
    other.cpu.setWatches([], () => {});
    run(other, 900_000);
    expect(hits).toBeGreaterThan(10_000);
    expect(digest(other)).toEqual(digest(plain));
  });
});
