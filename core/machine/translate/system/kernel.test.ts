import { describe, expect, it } from 'vitest';
import { decode } from '../../../ia32/decoder.ts';
import { FLAG } from '../../../ia32/flags.ts';
import { CR0, CR4, CS, DS, EAX, ECX, EDI, EDX, ES, ESI, ESP, FS, GS, SS, TR } from '../../../ia32/registers.ts';
import { PROCESSOR } from '../../../ia32/vmx/controls.ts';
import { handlerOf } from '../../cpu/handlers.ts';
import * as L from '../../cpu/layout.ts';
import { SYSENTER_CS, SYSENTER_EIP, SYSENTER_ESP } from '../../cpu/msr-numbers.ts';
import { Processor } from '../../cpu/processor.ts';
import { PhysicalMemory } from '../../physical.ts';
import { Random } from '../../testing/random.ts';
import { makeRuntime } from '../runtime.ts';
import { COMPARED } from './data.ts';
import { makeSystemKernel, type SystemName } from './kernel.ts';

/**
 * Short ways compared with the executor: where one says that it has done all, registers, memory and what follows from them are as the executor leaves them;
 * where it refuses, nothing has changed. Descriptors change behind the memo's back. What one run finds, its seed finds again.
 */

const SEED = Number(process.env['SEED'] ?? 1);
const ROUNDS = Number(process.env['ROUNDS'] ?? 1500);

const RAM_BYTES = 1 << 17;
const PAGES = RAM_BYTES >> 12;
const [GDT, IDT, TSS, STACKS] = [0x1000, 0x2000, 0x3000, 0x8000];
const VECTOR = 0x80;
const EIP = 0x5000;

const physical = new PhysicalMemory(RAM_BYTES);
const cpu = new Processor(physical);
const { i32, u8, view } = cpu;
const runtime = makeRuntime(physical.memory);
cpu.timeStamp = () => i32[L.W_BUDGET] * 0x10000001;
const kernel = makeSystemKernel(cpu, runtime.statusFlags);

interface State {
  readonly words: Int32Array;
  readonly ram: Uint8Array;
}

function save(): State {
  return { words: i32.slice(0, L.STATE_BYTES >> 2), ram: u8.slice(L.RAM, L.RAM + RAM_BYTES) };
}

function restore({ words, ram }: State): void {
  i32.set(words);
  u8.set(ram, L.RAM);
  cpu.setCpl(i32[L.W_CPL]);
  cpu.updateAlignment();
}

/** The TLB has every page, for everybody. */
function fillTlb(): void {
  for (let page = 0; page < PAGES; page++) {
    for (const user of [false, true]) {
      cpu.reach(page << 12, 'read', user);
      cpu.reach(page << 12, 'write', user);
    }
  }
}

const put = (at: number, value: number) => view.setInt32(L.RAM + at, value, true);

function putDescriptor(index: number, base: number, limit: number, attributes: number): void {
  put(GDT + 8 * index, (limit & 0xffff) | (base << 16));
  put(GDT + 8 * index + 4, ((base >>> 16) & 0xff) | (attributes << 8) | (limit & 0xf0000) | (base & 0xff000000));
}

/** Flat segments of both rings, and some that are not. */
const SEGMENTS = [
  [0, 0xfffff, 0xc09b],
  [0, 0xfffff, 0xc093],
  [0, 0xfffff, 0xc0fb],
  [0, 0xfffff, 0xc0f3],
  [0x1234, 0xfffff, 0xc093],
  [0x4000, 0xfff, 0x40f3],
  [0, 0xfffff, 0xc0ff],
  [0, 0xfffff, 0xc0b3],
] as const;
const SELECTORS = [0x08, 0x10, 0x1b, 0x23, 0x28, 0x33, 0x38, 0x43, 0, 3] as const;

/** A kernel's tables, with something wrong in them now and then, and a processor in ring 0 or 3. */
function setUp(random: Random): void {
  i32.fill(0, 0, L.STATE_BYTES >> 2);
  u8.fill(0, L.RAM, L.RAM + RAM_BYTES);
  SEGMENTS.forEach(([base, limit, attributes], n) => {
    const odd = random.once(12) ? 1 << random.below(16) : 0;
    putDescriptor(n + 1, base, limit, attributes ^ odd);
  });
  const gate = random.pick([0xee00, 0xef00, 0x8e00, 0xee00, 0xef00, 0x6e00, 0xe600]);
  put(IDT + 8 * VECTOR, (random.pick([0x08, 0x08, 0x08, 0x0b, 0x1b, 0x38]) << 16) | 0x6000);
  put(IDT + 8 * VECTOR + 4, gate);
  const top = STACKS + 0x1000 * random.below(4) + random.pick([0, 8, 20, 0x800]);
  put(TSS + 4, top);
  put(TSS + 8, random.pick([0x10, 0x10, 0x10, 0x10, 0x13, 0x08, 0]));
  i32[L.W_CR0] = CR0.PE;
  const isUser = random.once(3);
  cpu.setSegment(CS, isUser ? 0x1b : 0x08, 0, -1, isUser ? 0xc0fb : 0xc09b);
  cpu.setSegment(SS, isUser ? 0x23 : 0x10, 0, -1, isUser ? 0xc0f3 : 0xc093);
  for (const index of [DS, ES, FS, GS]) {
    if (random.below(3) === 0) cpu.setSegment(index, 0, 0, 0, 0);
    else cpu.setSegment(index, random.pick([0x23, 0x10]), 0, -1, random.once(8) ? 0xc093 : 0xc0f3);
  }
  cpu.setSegment(TR, 0x50, TSS, 0x67, random.once(20) ? 0x83 : 0x8b);
  i32.set([GDT, random.once(12) ? 8 * random.below(10) : 0x7f, IDT, random.once(12) ? 0x80 : 0x7ff], L.W_GDTR_BASE);
  cpu.setCpl(isUser ? 3 : 0);
  for (let n = 0; n < 8; n++) i32[L.W_GENERAL + n] = random.word();
  i32[L.W_GENERAL + ESP] = STACKS + 0x5000 + random.pick([0, 4, 8, 0x14, 0x100, 0x801]);
  i32[L.W_EFLAGS] = FLAG.ONE | random.pick([FLAG.IF, 0]) | (random.once(15) ? random.pick([FLAG.NT, FLAG.AC]) : 0);
  i32[L.W_FLAGS_KIND] = random.below(7);
  i32[L.W_FLAGS_SIZE] = random.pick([1, 2, 4]);
  for (const word of [L.W_FLAGS_A, L.W_FLAGS_B, L.W_FLAGS_R]) i32[word] = random.word();
  i32[L.W_MSR + SYSENTER_CS] = random.pick([0x08, 0x08, 0x0b, 0]);
  i32[L.W_MSR + SYSENTER_ESP] = STACKS;
  i32[L.W_MSR + SYSENTER_EIP] = 0x7000;
  i32[L.W_EIP] = EIP;
  i32[L.W_BUDGET] = 1000;
  if (random.once(25)) i32[L.W_SHADOW] = L.SHADOW_STI;
  if (random.once(25)) i32[L.W_NMI_BLOCKED] = 1;
  if (random.once(25)) i32[L.W_DR + 7] = 1;
  if (random.once(25)) i32[L.W_BUDGET] = 1;
  if (random.once(25)) i32[L.W_CR0] |= CR0.AM;
  cpu.updateAlignment();
}

/** What IRET finds on its stack. */
function putFrame(random: Random): void {
  const at = i32[L.W_GENERAL + ESP];
  const flags = random.word() & (FLAG.CF | FLAG.ZF | FLAG.IF | FLAG.DF | FLAG.IOPL | FLAG.ID);
  const odd = random.once(15) ? 1 << random.below(22) : 0;
  put(at, 0x6000);
  put(at + 4, random.pick([0x08, 0x1b, 0x1b, 0x43, 0x18, 0]));
  put(at + 8, flags | FLAG.ONE | odd | (random.once(4) ? FLAG.RF : 0));
  put(at + 12, random.word());
  put(at + 16, random.pick([0x23, 0x23, 0x23, 0x33, 0x10, 0]));
}

/** One instruction and the short way for it, the same in both. */
interface Trial {
  readonly name: SystemName;
  readonly bytes: readonly number[];
  /** Null: the steps that are left behind the instruction. */
  readonly parameters: readonly (number | null)[];
  readonly prepare: (random: Random) => void;
}

const NOTHING = () => {};
const END = EIP + 2;

/** Flat segments, no checks of alignment, and the registers of a repeated string instruction. */
function prepareString(count: number, from: number, to: number): void {
  for (const index of [DS, ES]) cpu.setSegment(index, 0x23, 0, -1, 0xc0f3);
  i32[L.W_EFLAGS] &= ~FLAG.AC;
  cpu.updateAlignment();
  i32[L.W_GENERAL + ECX] = count;
  i32[L.W_GENERAL + ESI] = from;
  i32[L.W_GENERAL + EDI] = to;
}

function trial(random: Random): Trial {
  const kind = random.below(10);
  switch (kind) {
    case 0:
      return { name: 'interrupt', bytes: [0xcd, VECTOR], parameters: [VECTOR, END], prepare: NOTHING };
    case 1:
      return { name: 'interruptReturn', bytes: [0xcf], parameters: [], prepare: putFrame };
    case 2:
      return { name: 'sysenter', bytes: [0x0f, 0x34], parameters: [], prepare: NOTHING };
    case 3:
      return { name: 'sysexit', bytes: [0x0f, 0x35], parameters: [], prepare: NOTHING };
    case 4: {
      const register = random.pick([ES, DS, FS, GS]);
      const selector = random.pick(SELECTORS);
      const prepare = () => {
        i32[L.W_GENERAL] = selector;
      };
      return { name: 'loadSegment', bytes: [0x8e, 0xc0 | (register << 3)], parameters: [register, selector], prepare };
    }
    case 5: {
      const prepare = () => {
        if (random.once(8)) i32[L.W_CR4] |= CR4.TSD;
        if (random.once(8)) i32[L.W_VMX_PROCESSOR] = random.pick([PROCESSOR.rdtscExiting, PROCESSOR.pauseExiting]);
      };
      return { name: 'timeStamp', bytes: [0x0f, 0x31], parameters: [null], prepare };
    }
    case 6:
    case 7:
      return comparison(random, kind === 6);
    default: {
      const size = random.pick([1, 4]);
      const count = random.pick([1, 2, 7, 15, 16, 17, 100, 1024, 1025, 4096, 4097, 0]);
      const near = () => STACKS + random.below(0x3000);
      const [from, to] = random.once(3) ? [near(), near()] : [0x9000, 0x9000 + random.below(40) - 20];
      const prepare = () => {
        prepareString(count, from, to);
        for (let at = 0x8000; at < 0xd000; at += 4) put(at, random.word());
      };
      const [opcode, name] = kind === 8 ? [0xa4, 'copy' as const] : [0xaa, 'fill' as const];
      const value = random.pick([0, -1, 0x01010101, random.word()]);
      return {
        name,
        bytes: [0xf3, opcode | (size >> 2)],
        parameters: name === 'copy' ? [count, from, to, size] : [count, to, value, size],
        prepare: () => {
          prepare();
          i32[L.W_GENERAL] = value;
        },
      };
    }
  }
}

/** REPE or REPNE SCAS or CMPS over memory where most is the same, or all from some place on. */
function comparison(random: Random, isScan: boolean): Trial {
  const size = random.pick([1, 4]);
  const count = random.pick([0, 1, 2, 7, 100, 1024, 4096, 4097, -1]);
  const near = () => STACKS + random.below(0x3000);
  const [from, to] = [near(), random.once(4) ? 0x9ff0 + random.below(16) : near()];
  const whileEqual = random.below(2);
  const [common, sought] = [random.pick([0, -1, 0x01010101]), random.pick([0, 1, -1, 0x01010101])];
  const prepare = () => {
    prepareString(count, from, to);
    i32[L.W_GENERAL + EAX] = sought;
    for (let at = 0x8000; at < 0xd000; at += 4) put(at, common);
    for (let n = random.below(6); n > 0; n--) u8[L.RAM + to + random.pick([0, 1, 5, 8, 90, 1000])] ^= random.below(256);
  };
  const a = isScan ? (size === 1 ? sought & 0xff : sought) : from;
  return {
    name: isScan ? 'scanAll' : 'compareBoth',
    bytes: [whileEqual === 1 ? 0xf3 : 0xf2, (isScan ? 0xae : 0xa6) | (size >> 2)],
    parameters: [count, a, to, size, whileEqual],
    prepare,
  };
}

/** Lets the executor carry it out. Returns whether it came to its end. */
function carryOut(bytes: readonly number[]): boolean {
  const instruction = decode({ byte: n => bytes[n] ?? 0x90 }, 0, 4);
  i32[L.W_EIP] = EIP + instruction.length;
  i32[L.W_BUDGET]--;
  try {
    handlerOf(instruction.row)(cpu, instruction);
    return true;
  } catch (thrown) {
    if (thrown !== cpu.fault) throw thrown;
    return false;
  }
}

/** Returns whether it has done all. */
function runShort(name: SystemName, parameters: readonly (number | null)[]): boolean {
  const isDone = kernel[name](...parameters.map(parameter => parameter ?? i32[L.W_BUDGET] - 1)) === 1;
  if (isDone && (name === 'scanAll' || name === 'compareBoth')) {
    const size = parameters[3] ?? 0;
    const [a, b, count] = [i32[COMPARED.a], i32[COMPARED.b], i32[COMPARED.count]];
    for (const register of name === 'scanAll' ? [EDI] : [ESI, EDI]) i32[L.W_GENERAL + register] += count * size;
    i32[L.W_GENERAL + ECX] -= count;
    cpu.flagsSub(size, a, b, cpu.zeroExtend(a - b, size));
  }
  if (isDone && name === 'timeStamp') {
    i32[L.W_GENERAL + EAX] = i32[L.SCRATCH >> 2];
    i32[L.W_GENERAL + EDX] = i32[(L.SCRATCH >> 2) + 1];
  }
  return isDone;
}

/** The kernel leaves these to the code around it. */
const LEFT: Partial<Record<SystemName, readonly number[]>> = {
  copy: [L.W_GENERAL + ECX, L.W_GENERAL + ESI, L.W_GENERAL + EDI, L.W_EIP, L.W_BUDGET],
  fill: [L.W_GENERAL + ECX, L.W_GENERAL + EDI, L.W_EIP, L.W_BUDGET],
  scanAll: [L.W_EIP, L.W_BUDGET],
  compareBoth: [L.W_EIP, L.W_BUDGET],
  loadSegment: [L.W_EIP, L.W_BUDGET],
  timeStamp: [L.W_EIP],
};

/** Flags as what they mean; RF, which IRET sets for one instruction, is as if that had been. */
function meant(): void {
  i32[L.W_EFLAGS] = cpu.eflags() & ~FLAG.RF;
  i32.fill(0, L.W_FLAGS_KIND, L.W_FLAGS_R + 1);
}

describe('short ways', () => {
  const taken = new Map<string, number>();

  it(`are the executor's, ${ROUNDS} rounds from seed ${SEED}`, () => {
    for (let round = 0; round < ROUNDS; round++) {
      const random = new Random(SEED * 1_000_003 + round);
      setUp(random);
      const { name, bytes, parameters, prepare } = trial(random);
      prepare(random);
      const made = save();
      fillTlb();
      carryOut(bytes);
      restore(made);
      // Behind the memo's back.
      if (random.once(5)) put(GDT + 4 * random.below(18), random.word());
      if (random.once(8)) u8[L.RAM + GDT + 8 + random.below(0x40)] ^= 1 << random.below(8);
      fillTlb();
      if (random.once(10)) cpu.flushPage(random.pick([GDT, IDT, TSS, STACKS, STACKS + 0x4000, STACKS + 0x5000]));
      const before = save();
      const memo = u8.slice(L.MEMO, L.MEMO + 32 * L.MEMO_SLOTS);
      const isDone = runShort(name, parameters);
      const isSeen = i32[L.W_DR + 7] !== 0 || before.words[L.W_BUDGET] < 2;
      const key = cpu.linkKey;
      const words = LEFT[name] ?? [];
      const what = `${name}, round ${round}`;
      const same = (ram: Uint8Array, other: Uint8Array) =>
        expect(Buffer.from(ram.buffer).equals(Buffer.from(other.buffer)), `${what}, RAM`).toBe(true);
      if (!isDone) {
        const after = save();
        expect(after.words, `${what}, refused`).toEqual(before.words);
        same(after.ram, before.ram);
        continue;
      }
      taken.set(name, (taken.get(name) ?? 0) + 1);
      meant();
      const short = save();
      restore(before);
      u8.set(memo, L.MEMO);
      expect(carryOut(bytes), `${what}, faults`).toBe(true);
      if (isSeen) expect(i32[L.W_EFLAGS] & FLAG.RF, `${what}, RF`).toBe(0);
      meant();
      const long = save();
      for (const word of words) short.words[word] = long.words[word];
      same(short.ram, long.ram);
      expect(short.words, what).toEqual(long.words);
      expect(key, `${what}, link key`).toBe(cpu.linkKey);
    }
    for (const name of [
      'interrupt',
      'interruptReturn',
      'sysenter',
      'sysexit',
      'loadSegment',
      'timeStamp',
      'copy',
      'fill',
      'scanAll',
      'compareBoth',
    ])
      expect(taken.get(name) ?? 0, name).toBeGreaterThan(ROUNDS / 100);
  });

  it('tells who looks, at once with RF as it is', () => {
    const told: string[] = [];
    cpu.probe = {
      delivered: (vector, source, code) => told.push(`${vector} ${source} ${code}`),
      transferred: by => told.push(by),
    };
    for (let round = 0; told.length < 64 && round < ROUNDS; round++) {
      const random = new Random(SEED + round);
      setUp(random);
      const { name, bytes, parameters, prepare } = trial(random);
      if (LEFT[name] !== undefined) continue;
      prepare(random);
      const made = save();
      fillTlb();
      carryOut(bytes);
      const resumes = i32[L.W_EFLAGS] & FLAG.RF;
      restore(made);
      fillTlb();
      const before = told.pop();
      const isDone = runShort(name, parameters);
      if (isDone) expect([told.at(-1), i32[L.W_EFLAGS] & FLAG.RF]).toEqual([before, resumes]);
    }
    cpu.probe = null;
    expect(told.length).toBeGreaterThan(0);
  });
});
