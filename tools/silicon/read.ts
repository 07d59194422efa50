/**
 * Reads vector files: what a real processor made of single instructions. README.md describes the format and how they are made.
 * Depends on nothing of the emulator.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** A mapped range of linear addresses. `code` is filled with INT3 around the instruction, the data regions with `background`. */
interface VectorRegion {
  readonly base: number;
  readonly size: number;
  readonly writable: boolean;
  readonly executable: boolean;
}

/** Where every case of a file runs: user mode (CPL 3, IOPL 0), 32-bit code and stack, paging with these pages only. */
export interface VectorLayout {
  /** The processor that made the results: CPUID's vendor, brand, family, model, stepping. */
  readonly processor: string;
  readonly family: string;
  readonly seed: number;
  readonly regions: readonly VectorRegion[];
  /** ES CS SS DS FS GS. Limits are in bytes, inclusive; GS holds a null selector. */
  readonly segments: readonly { readonly selector: number; readonly base: number; readonly limit: number }[];
  /** The x87's words before a case puts its own; null when the family has no x87. */
  readonly x87Words: Uint32Array | null;
  /** MXCSR the same way; null when the family has no SSE. */
  readonly mxcsr: number | null;
  /** Linear address of the first data byte. */
  readonly dataBase: number;
  /** The bytes from dataBase on (adjacent writable and read-only pages) before a case puts its own. */
  readonly background: Uint8Array;
}

/** Bytes that differ, from that linear address on. */
export interface MemoryRun {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** The x87 as FNSAVE shows it (SDM volume 1, 8.1). */
export interface X87State {
  /** R0 to R7, the physical registers, ten bytes each. */
  readonly registers: Uint8Array;
  /** Control, status, tag word; opcode, instruction pointer and its selector, data pointer and its selector. */
  readonly words: Uint32Array;
}

/** SDM volume 1, 10.2. */
export interface SseState {
  /** XMM0 to XMM7, 16 bytes each. */
  readonly xmm: Uint8Array;
  readonly mxcsr: number;
}

/** The processor before the instruction. */
export interface VectorState {
  /** EAX ECX EDX EBX ESP EBP ESI EDI. */
  readonly registers: Uint32Array;
  /** ES CS SS DS FS GS. */
  readonly selectors: Uint16Array;
  readonly eip: number;
  readonly eflags: number;
  /** null in families without it. */
  readonly x87: X87State | null;
  /** null in families without it. */
  readonly sse: SseState | null;
  /** The instruction's bytes, to lie at eip. Those behind the end of the code page are not there. */
  readonly code: Uint8Array;
  /** Differences from the layout's background. */
  readonly memory: readonly MemoryRun[];
}

interface VectorException {
  readonly vector: number;
  /** 0 where the exception pushes none. */
  readonly errorCode: number;
  /** CR2 for a page fault, otherwise 0. */
  readonly address: number;
}

/** The processor after the instruction, or where its exception left it. */
export interface VectorResult {
  readonly registers: Uint32Array;
  readonly selectors: Uint16Array;
  readonly eip: number;
  /** Without RF, and without the TF that a harness sets to step. */
  readonly eflags: number;
  /** null in families without it. */
  readonly x87: X87State | null;
  /** null in families without it. */
  readonly sse: SseState | null;
  /** Differences from the state before. */
  readonly memory: readonly MemoryRun[];
  /** null when the instruction retired. */
  readonly exception: VectorException | null;
}

export type Destination = 'defined' | 'undefined' | 'approximate' | 'image' | 'relative';

/** What the manual leaves open in a case. */
interface UndefinedRule {
  /** EFLAGS bits without a defined value, and condition codes of the x87's status word 16 places up. */
  readonly flags: number;
  /**
   * What is left open of the destination. `approximate`: x87 registers may be one unit in the last place off, and C1 differ.
   * `image`: a page fault may name another byte of the operand, and stores before it may stay. `relative`: XMM registers hold
   * single-precision approximations.
   */
  readonly destination: Destination;
  /** The manual's words. */
  readonly words: string;
}

export interface Vector {
  readonly initial: VectorState;
  readonly expected: VectorResult;
  /** The Unix signal behind the exception; 0 when the instruction retired. */
  readonly signal: number;
  readonly undefined: UndefinedRule | null;
  /** With an undefined destination: a bit for each general register that is one; 0 means the memory written. */
  readonly undefinedRegisters: number;
}

export interface VectorForm {
  /** Like `add Ev,Gv 32`. */
  readonly name: string;
  readonly layout: VectorLayout;
  readonly vectors: readonly Vector[];
}

/** The finalizer of MurmurHash3, as in generator/random.c. */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Marsaglia's xorshift32, as in generator/random.c. */
function randomWords(seed: number): () => number {
  let state = mix(seed) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** The seed of a form: FNV-1a of its name, mixed with the file's seed. */
function formSeed(seed: number, name: string): number {
  let hash = 0x811c9dc5;
  for (const c of Buffer.from(name)) hash = Math.imul(hash ^ c, 0x01000193);
  return mix(seed ^ hash);
}

/** By their numbers in the file. */
const DESTINATIONS: readonly Destination[] = ['defined', 'undefined', 'approximate', 'image', 'relative'];

/** CF PF AF ZF SF DF OF: the flags that a case starts with come from the seed. */
const SEEDED_FLAGS = 0xcd5;
const ALWAYS_SET = 0x202;

class Cursor {
  readonly #bytes: Buffer;
  #at = 0;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  get done(): boolean {
    return this.#at === this.#bytes.length;
  }
  u8(): number {
    return this.#bytes.readUInt8(this.#at++);
  }
  u16(): number {
    return this.#bytes.readUInt16LE((this.#at += 2) - 2);
  }
  u32(): number {
    return this.#bytes.readUInt32LE((this.#at += 4) - 4);
  }
  varint(): number {
    let v = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.u8();
      v |= (b & 0x7f) << shift;
      if (b < 0x80) return v >>> 0;
    }
  }
  bytes(n: number): Uint8Array {
    if (this.#at + n > this.#bytes.length) throw new RangeError('vector file ends early');
    return new Uint8Array(this.#bytes.subarray(this.#at, (this.#at += n)));
  }
  text(): string {
    return Buffer.from(this.bytes(this.u16())).toString();
  }
}

function times<T>(n: number, make: (index: number) => T): T[] {
  return Array.from({ length: n }, (_, i) => make(i));
}

const X87_REGISTERS = 8;
const X87_BYTES = 10;

/** The registers of the x87 as the seed says: significand with its integer bit, sign and exponent, low bytes first. */
function seededX87(random: () => number): Uint8Array {
  const registers = new Uint8Array(X87_REGISTERS * X87_BYTES);
  const view = new DataView(registers.buffer);
  for (let at = 0; at < registers.length; at += X87_BYTES) {
    view.setUint32(at, random(), true);
    view.setUint32(at + 4, random() | 0x80000000, true);
    view.setUint16(at + 8, random() & 0xffff, true);
  }
  return registers;
}

function changedX87(c: Cursor, from: X87State | null): X87State | null {
  if (from === null) return null;
  const registers = from.registers.slice();
  const mask = c.u8();
  for (let i = 0; i < X87_REGISTERS; i++) if ((mask >> i) & 1) registers.set(c.bytes(X87_BYTES), i * X87_BYTES);
  return { registers, words: changed(from.words, from.words.slice(), c.u8(), () => c.u32()) };
}

const XMM_REGISTERS = 8;
const XMM_BYTES = 16;

/** The XMM registers as the seed says, after the x87's. */
function seededXmm(random: () => number): Uint8Array {
  return new Uint8Array(Uint32Array.from(times(XMM_REGISTERS * 4, random)).buffer);
}

function changedSse(c: Cursor, from: SseState | null): SseState | null {
  if (from === null) return null;
  const xmm = from.xmm.slice();
  const mask = c.u8();
  for (let i = 0; i < XMM_REGISTERS; i++) if ((mask >> i) & 1) xmm.set(c.bytes(XMM_BYTES), i * XMM_BYTES);
  return { xmm, mxcsr: c.u8() === 0 ? from.mxcsr : c.u32() };
}

/** The bank's registers as they are, or as a copy with those that the mask names replaced. */
function changed<T extends Uint32Array | Uint16Array>(from: T, copy: T, mask: number, next: () => number): T {
  if (mask === 0) return from;
  for (let i = 0; i < from.length; i++) if ((mask >> i) & 1) copy[i] = next();
  return copy;
}

/** What read.ts knows: names, registers, bytes of each, and whether a case starts from the seed or from the file's values. */
const BANKS = 'general 8 x 4 bytes, from the seed, segment 6 x 2 bytes, from values';
const X87_BANKS = `${BANKS}, x87 8 x 10 bytes, from the seed, x87 words 8 x 4 bytes, from values`;
const SSE_BANKS = `${X87_BANKS}, xmm 8 x 16 bytes, from the seed, mxcsr 1 x 4 bytes, from values`;

function readBank(c: Cursor): { name: string; values: readonly number[] } {
  const name = c.text();
  const count = c.u8();
  const bytes = c.u8();
  const fromSeed = c.u8() === 0;
  return {
    name: `${name} ${count} x ${bytes} bytes, from ${fromSeed ? 'the seed' : 'values'}`,
    values: fromSeed ? [] : times(count, () => (bytes === 2 ? c.u16() : c.u32())),
  };
}

function readHeader(c: Cursor): VectorLayout {
  if (Buffer.from(c.bytes(8)).toString() !== 'IA32VEC1') throw new Error('not a vector file (IA32VEC1)');
  const processor = c.text();
  const family = c.text();
  const seed = c.u32();
  const regions = times(c.u8(), () => {
    const base = c.u32();
    const size = c.u32();
    const rights = c.u8();
    return { base, size, writable: (rights & 2) !== 0, executable: (rights & 4) !== 0 };
  });
  const ranges = times(c.u8(), () => ({ base: c.u32(), limit: c.u32() }));
  const banks = times(c.u8(), () => readBank(c));
  const names = banks.map(bank => bank.name).join(', ');
  if (names !== BANKS && names !== X87_BANKS && names !== SSE_BANKS)
    throw new Error(`unknown register banks: ${names}`);
  const segments = ranges.map((range, i) => ({ selector: banks[1].values[i], ...range }));
  const x87Words = names === BANKS ? null : Uint32Array.from(banks[3].values);
  const mxcsr = names === SSE_BANKS ? banks[5].values[0] : null;

  const data = regions.filter(r => !r.executable);
  const dataBase = Math.min(...data.map(r => r.base));
  const background = new Uint8Array(Math.max(...data.map(r => r.base + r.size)) - dataBase);
  const words = new DataView(background.buffer);
  const next = randomWords(seed);
  for (let i = 0; i < background.length; i += 4) words.setUint32(i, next(), true);
  return { processor, family, seed, regions, segments, x87Words, mxcsr, dataBase, background };
}

function readRuns(c: Cursor, dataBase: number): MemoryRun[] {
  const runs: MemoryRun[] = [];
  let address = dataBase;
  for (let length = c.varint(); length > 0; length = c.varint()) {
    address += c.varint();
    runs.push({ address, bytes: c.bytes(length) });
    address += length;
  }
  return runs;
}

function readVector(c: Cursor, layout: VectorLayout, rules: readonly UndefinedRule[], caseSeed: number): Vector {
  const random = randomWords(caseSeed);
  const seeded = Uint32Array.from(times(8, random));
  const seededFlags = ALWAYS_SET | (random() & SEEDED_FLAGS);
  const seededState = layout.x87Words && { registers: seededX87(random), words: layout.x87Words };
  const seededSse = layout.mxcsr === null ? null : { xmm: seededXmm(random), mxcsr: layout.mxcsr };
  const code = c.bytes(c.u8());
  const codeBase = layout.regions.find(r => r.executable)?.base ?? 0;
  const eip = codeBase + c.varint();
  const rule = c.u8();
  const undefinedRule = rule === 0 ? null : rules[rule - 1];
  const undefinedRegisters = undefinedRule?.destination === 'undefined' ? c.u8() : 0;
  const registers = changed(seeded, seeded.slice(), c.u8(), () => c.u32());
  const base = Uint16Array.from(layout.segments, s => s.selector);
  const selectors = changed(base, base.slice(), c.u8(), () => c.u16());
  const x87 = changedX87(c, seededState);
  const sse = changedSse(c, seededSse);
  const eflags = seededFlags ^ c.varint();
  const memory = readRuns(c, layout.dataBase);
  const initial: VectorState = { registers, selectors, x87, sse, eip, eflags, code, memory };

  const vector = c.u8();
  const retired = vector === 0xff;
  const signal = retired ? 0 : c.u8();
  const errorCode = retired ? 0 : c.varint();
  const address = vector === 14 ? c.u32() : 0;
  const expected: VectorResult = {
    eip: (c.varint() ^ (retired ? eip + code.length : eip)) >>> 0,
    registers: changed(registers, registers.slice(), c.u8(), () => c.u32()),
    selectors: changed(selectors, selectors.slice(), c.u8(), () => c.u16()),
    x87: changedX87(c, x87),
    sse: changedSse(c, sse),
    eflags: eflags ^ c.varint(),
    memory: readRuns(c, layout.dataBase),
    exception: retired ? null : { vector, errorCode, address },
  };
  return { initial, expected, signal, undefined: undefinedRule, undefinedRegisters };
}

/** The forms of a vector file (gzip), one after the other. Throws when the file is not one, or has registers unknown here. */
export function* readVectors(file: string): Iterable<VectorForm> {
  const c = new Cursor(gunzipSync(readFileSync(file)));
  const layout = readHeader(c);
  while (!c.done) {
    const name = c.text();
    const rules = times(c.u8(), () => ({ flags: c.u32(), destination: DESTINATIONS[c.u8()], words: c.text() }));
    const seed = formSeed(layout.seed, name);
    yield { name, layout, vectors: times(c.u16(), i => readVector(c, layout, rules, seed + i)) };
  }
}

/** A fresh copy of all data bytes (from layout.dataBase on) as a case starts with them. */
export function dataImage(layout: VectorLayout, state: VectorState): Uint8Array {
  const image = layout.background.slice();
  for (const run of state.memory) image.set(run.bytes, run.address - layout.dataBase);
  return image;
}

/** Where two images of the data bytes differ: runs of the bytes in `after`, as VectorResult.memory has them. */
export function memoryRuns(layout: VectorLayout, before: Uint8Array, after: Uint8Array): MemoryRun[] {
  const runs: MemoryRun[] = [];
  for (let i = 0; i < before.length; i++) {
    if (before[i] === after[i]) continue;
    let end = i;
    while (end < before.length && before[end] !== after[end]) end++;
    runs.push({ address: layout.dataBase + i, bytes: after.slice(i, end) });
    i = end;
  }
  return runs;
}
