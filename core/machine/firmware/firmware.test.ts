import { describe, expect, test } from 'vitest';
import { firmwareSegments } from './firmware.ts';
import { pinOf } from './wiring.ts';

/** What a kernel finds when it looks through memory as the specifications say. */

const memory = new Uint8Array(1 << 20);
for (const { address, bytes } of firmwareSegments(1 << 20)) memory.set(bytes, address);
const view = new DataView(memory.buffer);
const dword = (at: number) => view.getUint32(at, true);
const word = (at: number) => view.getUint16(at, true);
const text = (at: number, length: number) => Buffer.from(memory.subarray(at, at + length)).toString('latin1');
const sum = (at: number, length: number) =>
  memory.subarray(at, at + length).reduce((all, byte) => (all + byte) & 255, 0);

function find(signature: string, from: number, to: number): number {
  for (let at = from; at < to; at += 16) if (text(at, signature.length) === signature) return at;
  throw new Error(`There is no ${signature}.`);
}

test('no two parts overlap, and all lie where a BIOS has them', () => {
  const parts = [...firmwareSegments(1 << 25)].sort((a, b) => a.address - b.address);
  let end = 0x400;
  for (const { address, bytes } of parts) {
    expect(address).toBeGreaterThanOrEqual(end);
    end = address + bytes.length;
    expect(end <= 0x500 || (address >= 0xf0000 && end <= 0x100000)).toBe(true);
  }
  expect(firmwareSegments(0xf0000)).toEqual([]);
});

test('the BIOS data area has the memory below 640 KiB', () => {
  expect(word(0x40e) << 4).toBe(0x9fc00);
  expect(word(0x413) * 1024).toBe(0x9fc00);
});

describe('ACPI', () => {
  const rsdp = find('RSD PTR ', 0xe0000, 0x100000);
  const rsdt = dword(rsdp + 16);
  const tables = new Map<string, number>();
  for (let at = rsdt + 36; at < rsdt + dword(rsdt + 4); at += 4) tables.set(text(dword(at), 4), dword(at));
  const table = (signature: string) => tables.get(signature) ?? 0;

  test('every table adds up', () => {
    expect(sum(rsdp, 20)).toBe(0);
    const fadt = table('FACP');
    for (const at of [rsdt, ...tables.values(), dword(fadt + 40)]) {
      expect(sum(at, dword(at + 4)), text(at, 4)).toBe(0);
    }
    expect([...tables.keys()]).toEqual(['FACP', 'APIC']);
    expect(dword(fadt + 4)).toBe(244);
    expect(text(dword(fadt + 40), 4)).toBe('DSDT');
    expect(text(dword(fadt + 36), 4)).toBe('FACS');
    expect(dword(fadt + 36) % 64).toBe(0);
  });

  test('the FADT names the ports', () => {
    const fadt = table('FACP');
    expect([46, 48, 56, 64, 76].map(at => (at === 46 ? word(fadt + at) : dword(fadt + at)))).toEqual([
      9, 0, 0x600, 0x604, 0x608,
    ]);
    expect([88, 89, 91].map(at => memory[fadt + at])).toEqual([4, 2, 4]);
    // The same as generic addresses: reset register, event, control, timer.
    for (const [at, bits, address] of [
      [116, 8, 0x64],
      [148, 32, 0x600],
      [172, 16, 0x604],
      [208, 32, 0x608],
    ]) {
      expect([memory[fadt + at], memory[fadt + at + 1], dword(fadt + at + 4)]).toEqual([1, bits, address]);
    }
  });

  test('the MADT names the APICs and what is wired otherwise than by number', () => {
    const madt = table('APIC');
    const entries: number[][] = [];
    for (let at = madt + 44; at < madt + dword(madt + 4); at += memory[at + 1]) {
      entries.push([...memory.subarray(at, at + memory[at + 1])]);
    }
    expect(dword(madt + 36)).toBe(0xfee00000);
    expect(entries).toEqual([
      [0, 8, 0, 0, 1, 0, 0, 0],
      [1, 12, 1, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0],
      [2, 10, 0, 0, pinOf(0), 0, 0, 0, 0, 0],
      [2, 10, 0, 9, 9, 0, 0, 0, 13, 0],
      [4, 6, 255, 0, 0, 1],
    ]);
  });

  test('the DSDT has packages that fill it exactly', () => {
    const dsdt = dword(table('FACP') + 40);
    /** Length of a package whose length bytes begin at `at`. */
    const length = (at: number) => (memory[at] < 0x40 ? memory[at] : (memory[at] & 15) | (memory[at + 1] << 4));
    const end = dsdt + dword(dsdt + 4);
    // Name \_S5_, a package of four zeros, then scope \_SB_.
    const softOff = dsdt + 36;
    expect([memory[softOff], text(softOff + 1, 5), memory[softOff + 6]]).toEqual([0x08, '\\_S5_', 0x12]);
    expect([...memory.subarray(softOff + 7, softOff + 13)]).toEqual([6, 4, 0, 0, 0, 0]);
    const scope = softOff + 13;
    expect(memory[scope]).toBe(0x10);
    expect(scope + 1 + length(scope + 1)).toBe(end);
    const bridge = scope + 3 + 5;
    expect([memory[bridge], memory[bridge + 1], text(bridge + 4, 4)]).toEqual([0x5b, 0x82, 'PCI0']);
    expect(bridge + 2 + length(bridge + 2)).toBe(end);
  });
});

describe('the multiprocessor tables', () => {
  const pointer = find('_MP_', 0xf0000, 0x100000);
  const table = dword(pointer + 4);
  const size: Readonly<Record<number, number>> = { 0: 20, 1: 8, 2: 8, 3: 8, 4: 8 };

  test('add up, and have the entries that they say', () => {
    expect(sum(pointer, 16)).toBe(0);
    expect(text(table, 4)).toBe('PCMP');
    expect(sum(table, word(table + 4))).toBe(0);
    expect(dword(table + 36)).toBe(0xfee00000);
    let at = table + 44;
    const kinds: number[] = [];
    for (let n = 0; n < word(table + 34); n++) {
      kinds.push(memory[at]);
      at += size[memory[at]];
    }
    expect(at).toBe(table + word(table + 4));
    expect(kinds).toEqual([0, 1, 1, 2, ...Array(16).fill(3), 4, 4]);
  });

  test('wire the timer to pin 2 and the 8259A pair to pin 0', () => {
    const wires: number[][] = [];
    for (let at = table + 44 + 20 + 24; memory[at] === 3; at += 8) wires.push([...memory.subarray(at + 1, at + 8)]);
    expect(wires[0]).toEqual([3, 0, 0, 1, 0, 1, 0]);
    expect(wires[1]).toEqual([0, 0, 0, 1, 0, 1, 2]);
    expect(
      wires.slice(2).every(([type, , , bus, irq, apic, pin]) => {
        return type === 0 && bus === 1 && apic === 1 && irq === pin && irq !== 2;
      }),
    ).toBe(true);
  });
});
