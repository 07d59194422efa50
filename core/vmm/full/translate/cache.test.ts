import { beforeEach, describe, expect, it } from 'vitest';
import { decode } from '../../../ia32/decoder.ts';
import { format } from '../../../ia32/disassembler.ts';
import { Pc } from '../../../machine/pc.ts';
import { Host } from '../../host/host.ts';
import { CACHE, LOOKUP } from '../../host/layout.ts';
import { MachineMemory } from '../../host/machine-memory.ts';
import { FrameAllocator } from '../../memory/frames.ts';
import { MONITOR_MEMORY } from '../../monitor.ts';
import { type Link, TranslationCache, type Unit } from './cache.ts';
import { Code, ENTRY_BYTES, ENTRY_LAST } from './code.ts';
import { CALLOUT_VECTOR } from './page.ts';
import type { Translation } from './unit.ts';

const FIRST_FRAME = 256;
const MISS = CACHE;
const CALLOUT = `int 0x${CALLOUT_VECTOR.toString(16)}`;

let host: Host;
let cache: TranslationCache;

beforeEach(() => {
  const pc = new Pc({ memoryBytes: MONITOR_MEMORY, startTime: 0, rate: 1e8, onConsole: () => {} });
  pc.powerOn();
  const memory = new MachineMemory(pc.cpu);
  const count = (pc.physical.size >>> 12) - FIRST_FRAME;
  const frames = new FrameAllocator(Array.from({ length: count }, (_, n) => FIRST_FRAME + n));
  host = new Host(pc.cpu, memory, frames);
  cache = new TranslationCache(host);
  cache.start();
});

/** A translation of INC EAX, a number of NOPs and a jump to a guest EIP. */
function translationOf(eip: number, target: number, nops = 4): Translation {
  const code = new Code();
  code.eip = eip;
  code.add(0x40);
  for (let n = 0; n < nops; n++) code.add(0x90);
  code.jump([0xe9], target);
  const { bytes, points, jumps } = code;
  const pairs = [{ guest: eip, offset: 0, kind: 'ident', mnemonic: 'inc' }] as const;
  return { eip, length: 1, bytes: Uint8Array.from(bytes), pairs, points, jumps };
}

function add(eip: number, target: number, from: Link | null = null): Unit {
  return cache.add(translationOf(eip, target), eip, [], from);
}

function textAt(address: number): string {
  return format(decode({ byte: offset => host.read(offset, 1) }, address, 4), address);
}

/** What the table leads to for a guest EIP. */
function slot(eip: number): number {
  return host.read(LOOKUP + (eip & 0xffff) * 4, 4) >>> 0;
}

/** Follows a jump in the cache. */
function targetOf(text: string): number {
  return Number.parseInt(text.split('0x')[1] ?? '', 16);
}

function jumpOf(unit: Unit): number {
  return unit.address + unit.translation.bytes.length - 5;
}

describe('the translation cache', () => {
  it('has jumps call the monitor until their target is there', () => {
    const one = add(0x1000, 0x2000);
    const stub = targetOf(textAt(jumpOf(one)));
    expect(textAt(stub)).toBe(CALLOUT);
    expect(cache.placeAt(stub)).toEqual({ kind: 'link', link: one.links[0] });
    const two = add(0x2000, 0x1000);
    cache.connect(one.links[0], two);
    expect(targetOf(textAt(jumpOf(one)))).toBe(two.address);
    cache.drop(two);
    expect(targetOf(textAt(jumpOf(one)))).toBe(stub);
    expect(cache.find(0x2000)).toBe(null);
    expect(cache.find(0x1000)).toBe(one);
  });

  it('puts a unit in the place of the jump that leads to it, and the jump back when it goes', () => {
    const one = add(0x1000, 0x2000);
    const stub = one.links[0].stub;
    const two = add(0x2000, 0x3000, one.links[0]);
    expect(two.address).toBe(jumpOf(one));
    expect(textAt(two.address)).toBe('inc eax');
    expect(cache.unitAt(two.address)).toBe(two);
    expect(cache.unitAt(two.address - 1)).toBe(one);
    cache.drop(two);
    expect(targetOf(textAt(jumpOf(one)))).toBe(stub);
    expect(textAt(jumpOf(one))).toMatch(/^jmp/);
    expect(cache.unitAt(two.address)).toBe(one);
    const place = cache.placeAt(jumpOf(one));
    expect(place.kind === 'unit' && place.unit).toBe(one);
    const again = add(0x2000, 0x3000, one.links[0]);
    cache.connect(one.links[0], again);
    expect(targetOf(textAt(jumpOf(one)))).toBe(again.address);
    expect(cache.counts.elided).toBe(1);
  });

  it('keeps room for a jump in a unit that took the place of one', () => {
    const one = add(0x1000, 0x2000);
    const two = cache.add(translationOf(0x2000, 0x3000, 1), 0x2000, [], one.links[0]);
    const three = add(0x3000, 0x4000, two.links[0]);
    expect(two.address).toBe(jumpOf(one));
    // Two bytes and a jump: too little to give that away.
    expect(three.address).toBe(two.address + 7);
  });

  it('leads the table to a unit, past others of the same slot', () => {
    expect(slot(0x1234)).toBe(MISS);
    const units = [0x1234, 0x51234, 0x71234].map(eip => add(eip, 0));
    for (const unit of units) cache.addEntry(unit);
    const chain = (): number[] => {
      const found: number[] = [];
      for (let at = slot(0x1234); at !== MISS; at = targetOf(textAt(at + 15)))
        found.push(targetOf(textAt(at + ENTRY_LAST)));
      return found;
    };
    const [first, second, third] = units.map(({ address }) => address);
    expect(chain()).toEqual([third, second, first]);
    cache.drop(units[1]);
    expect(chain()).toEqual([third, first]);
    cache.drop(units[2]);
    expect(chain()).toEqual([first]);
    cache.drop(units[0]);
    expect(slot(0x1234)).toBe(MISS);
    expect(textAt(MISS)).toBe(CALLOUT);
  });

  it('is empty after a flush, whose memory it uses anew', () => {
    const one = add(0x1000, 0x2000);
    cache.addEntry(one);
    cache.flush();
    expect(cache.find(0x1000)).toBe(null);
    expect(slot(0x1000)).toBe(MISS);
    expect(cache.unitAt(one.address)).toBe(null);
    expect(add(0x1000, 0x2000).address).toBe(one.address);
    expect(cache.counts).toMatchObject({ flushes: 1, units: 2 });
  });

  it('fills up to its end and no further, and no unit crosses a page', () => {
    let eip = 0x1000;
    let last = add(eip, eip + 1);
    while (cache.hasRoom(100, 1)) {
      const unit = cache.add(translationOf(++eip, eip + 1, 94), eip, [], null);
      expect(unit.address >>> 12).toBe((unit.address + unit.size - 1) >>> 12);
      last = unit;
    }
    expect(last.address + last.size).toBeLessThanOrEqual(last.links[0].stub);
    expect(last.links[0].stub - (last.address + last.size)).toBeLessThan(4096);
    expect(cache.hasRoom(ENTRY_BYTES, 0) || cache.counts.bytes > 0x1ff000).toBe(true);
  });
});
