/** The emulated processor as a driver of the vectors: flat user mode over an identity-mapped sandbox, exceptions through the IDT. */

import { CR0, CR4, CS, DS, ES, FS, GS, LDTR, SS, TR } from '../../core/ia32/registers.ts';
import * as L from '../../core/machine/cpu/layout.ts';
import { Processor } from '../../core/machine/cpu/processor.ts';
import * as X87 from '../../core/machine/cpu/x87/state.ts';
import { PhysicalMemory } from '../../core/machine/physical.ts';
import {
  dataImage,
  memoryRuns,
  type SseState,
  type VectorLayout,
  type VectorResult,
  type VectorState,
  type X87State,
} from './read.ts';
import type { Driver } from './run.ts';

const PAGE = 4096;
const RAM_BYTES = 0x200000;

// Physical pages behind the sandbox, which lies where its linear addresses say.
const DIRECTORY = 0x100000;
const LOW_TABLE = 0x101000;
const SYSTEM_TABLE = 0x102000;
const SYSTEM = 0x103000;

/** Linear address of GDT, IDT, TSS and the stack of ring 0: far from what the vectors touch, for the supervisor only. */
const SYSTEM_LINEAR = 0xe1234000;
const GDT = 0;
/** The vectors' GDT has sixteen entries. */
const GDT_LIMIT = 0x7f;
const TSS = 0x100;
const TSS_LIMIT = 0x67;
const IDT = 0x800;
const STACK_TOP = 0x800;
const KERNEL_CODE = 0x08;
const KERNEL_DATA = 0x10;
const KERNEL_TSS = 0x18;

/** The handler of vector n starts here plus n; none is ever executed, so nothing is mapped. */
const HANDLERS = 0xd0000000;

const CODE_ATTRIBUTES = 0xc09b;
const DATA_ATTRIBUTES = 0xc093;
const USER_CODE_ATTRIBUTES = 0xc0fb;
const USER_DATA_ATTRIBUTES = 0xc0f3;
const RF = 1 << 16;
const INT3 = 0xcc;

/** Exceptions that push an error code (SDM volume 3, table 6-1). */
const WITH_ERROR_CODE: readonly number[] = [8, 10, 11, 12, 13, 14, 17];
const PAGE_FAULT = 14;

/** Vectors whose gates user mode may call: INT3 and INTO. */
const OPEN_TO_USER: readonly number[] = [3, 4];

/** Whether the instruction is a repeated one, which the processor may cut into steps. */
function isRepeated(code: Uint8Array): boolean {
  for (const byte of code) {
    if (byte === 0xf2 || byte === 0xf3) return true;
    if (![0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0].includes(byte)) return false;
  }
  return false;
}

class ProcessorDriver implements Driver {
  readonly #layout: VectorLayout;
  readonly #cpu: Processor;
  readonly #memory: DataView;
  readonly #code: { readonly base: number; readonly size: number };
  readonly #segments: ReadonlyMap<number, { readonly base: number; readonly limit: number; readonly isCode: boolean }>;

  constructor(layout: VectorLayout, cpu: Processor) {
    this.#layout = layout;
    this.#cpu = cpu;
    this.#memory = new DataView(cpu.physical.memory.buffer, L.RAM, RAM_BYTES);
    const code = layout.regions.find(r => r.executable);
    if (code === undefined) throw new Error('the layout has no code');
    this.#code = code;
    this.#segments = new Map(
      layout.segments.map(({ selector, base, limit }, index) => [selector, { base, limit, isCode: index === CS }]),
    );
    this.#makePages();
    this.#makeTables();
  }

  #makePages(): void {
    const memory = this.#memory;
    memory.setUint32(DIRECTORY, LOW_TABLE | 7, true);
    memory.setUint32(DIRECTORY + (SYSTEM_LINEAR >>> 22) * 4, SYSTEM_TABLE | 3, true);
    memory.setUint32(SYSTEM_TABLE + ((SYSTEM_LINEAR >>> 12) & 0x3ff) * 4, SYSTEM | 3, true);
    memory.setUint32(SYSTEM_TABLE + (((SYSTEM_LINEAR >>> 12) & 0x3ff) + 1) * 4, (SYSTEM + PAGE) | 3, true);
    for (const { base, size, writable } of this.#layout.regions) {
      for (let page = base; page < base + size; page += PAGE) {
        memory.setUint32(LOW_TABLE + (page >>> 12) * 4, page | (writable ? 7 : 5), true);
      }
    }
  }

  #descriptor(selector: number, base: number, limit: number, attributes: number): void {
    const granular = limit > 0xfffff;
    const pages = granular ? limit >>> 12 : limit;
    const at = SYSTEM + GDT + (selector & 0xfff8);
    const flags = granular ? attributes : attributes & ~0x8000;
    this.#memory.setUint32(at, (base << 16) | (pages & 0xffff), true);
    this.#memory.setUint32(
      at + 4,
      (base & 0xff000000) | (pages & 0xf0000) | (flags << 8) | ((base >>> 16) & 0xff),
      true,
    );
  }

  #makeTables(): void {
    const memory = this.#memory;
    this.#descriptor(KERNEL_CODE, 0, 0xffffffff, CODE_ATTRIBUTES);
    this.#descriptor(KERNEL_DATA, 0, 0xffffffff, DATA_ATTRIBUTES);
    for (const [selector, { base, limit, isCode }] of this.#segments) {
      if (selector > 3) this.#descriptor(selector, base, limit, isCode ? USER_CODE_ATTRIBUTES : USER_DATA_ATTRIBUTES);
    }
    memory.setUint32(SYSTEM + TSS + 4, SYSTEM_LINEAR + PAGE + STACK_TOP, true);
    memory.setUint32(SYSTEM + TSS + 8, KERNEL_DATA, true);
    // No I/O permission map: its base lies behind the limit.
    memory.setUint16(SYSTEM + TSS + 0x66, TSS_LIMIT + 1, true);
    for (let vector = 0; vector < 256; vector++) {
      const handler = HANDLERS + vector;
      const dpl = OPEN_TO_USER.includes(vector) ? 3 : 0;
      memory.setUint32(SYSTEM + IDT + vector * 8, (KERNEL_CODE << 16) | (handler & 0xffff), true);
      memory.setUint32(SYSTEM + IDT + vector * 8 + 4, (handler & 0xffff0000) | 0x8e00 | (dpl << 13), true);
    }
  }

  run(initial: VectorState): VectorResult {
    const cpu = this.#cpu;
    const before = dataImage(this.#layout, initial);
    this.#place(initial, before);
    const repeated = isRepeated(initial.code);
    do {
      cpu.run(1, true);
    } while (repeated && cpu.cpl === 3 && cpu.i32[L.W_EIP] === (initial.eip | 0));
    const after = this.#data();
    return { ...this.#result(initial), memory: memoryRuns(this.#layout, before, after) };
  }

  #data(): Uint8Array {
    const { dataBase, background } = this.#layout;
    return this.#cpu.u8.subarray(L.RAM + dataBase, L.RAM + dataBase + background.length);
  }

  /** Memory, registers and tables as the case starts; nothing of the case before is left. */
  #place(initial: VectorState, data: Uint8Array): void {
    const cpu = this.#cpu;
    const { i32, u8 } = cpu;
    const { base, size } = this.#code;
    this.#data().set(data);
    u8.fill(INT3, L.RAM + base, L.RAM + base + size);
    u8.set(initial.code.subarray(0, base + size - initial.eip), L.RAM + initial.eip);
    cpu.noticeWrite(base, size);
    cpu.flushGlobal();

    i32[L.W_CR0] = CR0.PE | CR0.MP | CR0.ET | CR0.NE | CR0.WP | CR0.AM | CR0.PG;
    i32[L.W_CR3] = DIRECTORY;
    i32[L.W_CR4] = initial.sse ? CR4.OSFXSR | CR4.OSXMMEXCPT : 0;
    i32[L.W_GDTR_BASE] = SYSTEM_LINEAR + GDT;
    i32[L.W_GDTR_LIMIT] = GDT_LIMIT;
    i32[L.W_IDTR_BASE] = SYSTEM_LINEAR + IDT;
    i32[L.W_IDTR_LIMIT] = 0x7ff;
    cpu.setSegment(LDTR, 0, 0, 0, 0);
    cpu.setSegment(TR, KERNEL_TSS, SYSTEM_LINEAR + TSS, TSS_LIMIT, 0x8b);
    for (const index of [ES, CS, SS, DS, FS, GS]) {
      const selector = initial.selectors[index];
      const segment = this.#segments.get(selector);
      if (segment === undefined || selector <= 3) {
        cpu.setSegment(index, selector, 0, 0, 0);
      } else {
        const attributes = segment.isCode ? USER_CODE_ATTRIBUTES : USER_DATA_ATTRIBUTES;
        cpu.setSegment(index, selector, segment.base, segment.limit, attributes);
      }
    }
    cpu.setCpl(3);
    i32.set(initial.registers, L.W_GENERAL);
    i32[L.W_EIP] = initial.eip;
    i32[L.W_HALTED] = 0;
    i32[L.W_SHADOW] = 0;
    i32[L.W_ATTEND] = 0;
    cpu.setEflags(initial.eflags);
    if (initial.x87) placeX87(cpu, initial.x87);
    if (initial.sse) placeSse(cpu, initial.sse);
  }

  /** All but memory. In ring 0 an exception was delivered, and its frame has what user mode had. */
  #result(initial: VectorState): Omit<VectorResult, 'memory'> {
    const cpu = this.#cpu;
    const registers = Uint32Array.from(cpu.i32.subarray(L.W_GENERAL, L.W_GENERAL + 8));
    const selectors = Uint16Array.from([ES, CS, SS, DS, FS, GS], index => cpu.selector(index));
    const eip = cpu.i32[L.W_EIP] >>> 0;
    const x87 = initial.x87 && x87Of(cpu);
    const sse = initial.sse && sseOf(cpu);
    if (cpu.cpl === 3) return { registers, selectors, eip, eflags: cpu.eflags(), x87, sse, exception: null };

    const vector = eip - HANDLERS;
    const hasCode = WITH_ERROR_CODE.includes(vector);
    const frame = registers[4] - SYSTEM_LINEAR + SYSTEM;
    const word = (n: number) => this.#memory.getUint32(frame + 4 * n, true);
    const first = hasCode ? 1 : 0;
    registers[4] = word(first + 3);
    selectors[CS] = word(first + 1);
    selectors[SS] = word(first + 4);
    const traced = initial.eflags & 0x100;
    return {
      registers,
      selectors,
      eip: word(first),
      eflags: (word(first + 2) & ~RF) | traced,
      x87,
      sse,
      exception: {
        vector,
        errorCode: hasCode ? word(0) : 0,
        address: vector === PAGE_FAULT ? cpu.i32[L.W_CR2] >>> 0 : 0,
      },
    };
  }
}

/** Words of the emulated x87 in the order of X87State.words; the tag word, number 2, is computed. */
const X87_WORDS = [
  X87.W_CONTROL,
  X87.W_STATUS,
  null,
  X87.W_OPCODE,
  X87.W_INSTRUCTION,
  X87.W_INSTRUCTION_SELECTOR,
  X87.W_DATA,
  X87.W_DATA_SELECTOR,
] as const;
const TAG = 2;

function placeX87(cpu: Processor, { registers, words }: X87State): void {
  for (const [i, word] of X87_WORDS.entries()) if (word !== null) cpu.i32[word] = words[i];
  X87.setTagWord(cpu, words[TAG]);
  for (let i = 0; i < 8; i++) cpu.u8.set(registers.subarray(i * 10, i * 10 + 10), (L.W_X87_REGISTERS + 4 * i) << 2);
}

function x87Of(cpu: Processor): X87State {
  const registers = new Uint8Array(80);
  for (let i = 0; i < 8; i++) {
    const at = (L.W_X87_REGISTERS + 4 * i) << 2;
    registers.set(cpu.u8.subarray(at, at + 10), i * 10);
  }
  return { registers, words: Uint32Array.from(X87_WORDS, word => (word === null ? X87.tagWord(cpu) : cpu.i32[word])) };
}

function placeSse(cpu: Processor, { xmm, mxcsr }: SseState): void {
  cpu.u8.set(xmm, L.W_XMM << 2);
  cpu.i32[L.W_MXCSR] = mxcsr;
}

function sseOf(cpu: Processor): SseState {
  return { xmm: cpu.u8.slice(L.W_XMM << 2, (L.W_XMM << 2) + 128), mxcsr: cpu.i32[L.W_MXCSR] };
}

/** Opens a driver for a file's layout on a processor of `create`, which stays the driver's. */
export function openProcessor(
  layout: VectorLayout,
  create: (physical: PhysicalMemory) => Processor = physical => new Processor(physical),
): Driver {
  return new ProcessorDriver(layout, create(new PhysicalMemory(RAM_BYTES)));
}
