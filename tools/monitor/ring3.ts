import { FLAG } from '../../core/ia32/flags.ts';
import { ECX, EDX, ESI, ESP } from '../../core/ia32/registers.ts';
import { VECTOR_NAMES } from '../../core/ia32/vectors.ts';
import * as L from '../../core/machine/cpu/layout.ts';
import type { Pc } from '../../core/machine/pc.ts';

/** primer's flat segments: the operands of its own experiments. */
const KERNEL_CODE = 0x08;
const KERNEL_DATA = 0x10;
const USER_CODE = 0x1b;
/** Places in the page of the stack. */
const STACK = 0x800;
const DATA = 0x100;
const MOST_STEPS = 10_000_000;

/** A process of primer's in ring 3 of the bare machine, whose next instructions are written by us as a debugger does. */
class Process {
  readonly #pc: Pc;
  readonly #state: ReturnType<Pc['save']>;
  readonly #code: number;
  readonly #page: number;

  /** Runs on until a process runs. */
  constructor(pc: Pc) {
    for (let n = 0; pc.cpu.cpl !== 3; n++) {
      if (n > MOST_STEPS) throw new Error('primer runs no process');
      pc.run(1, Number.POSITIVE_INFINITY, true);
    }
    this.#pc = pc;
    this.#state = pc.save();
    const { i32 } = pc.cpu;
    this.#code = i32[L.W_EIP] & ~0xfff;
    this.#page = i32[ESP] & ~0xfff;
  }

  get data(): number {
    return this.#page + DATA;
  }

  get code(): number {
    return this.#code;
  }

  register(register: number): number {
    return this.#pc.cpu.i32[register] >>> 0;
  }

  flag(flag: number): number {
    return (this.#pc.cpu.eflags() & flag) === 0 ? 0 : 1;
  }

  read(linear: number, size: number): number {
    let value = 0;
    for (let n = 0; n < size; n++) value |= this.#pc.cpu.peekByte((linear + n) | 0) << (8 * n);
    return value >>> 0;
  }

  top(above = 0): number {
    return this.read(this.register(ESP) + above, 4);
  }

  #write(linear: number, bytes: readonly number[]): void {
    bytes.forEach((byte, n) => {
      this.#pc.cpu.writePhysical(this.#pc.cpu.lookUp((linear + n) | 0), 1, byte);
    });
  }

  /**
   * Executes instructions of these lengths with ECX, words on the stack (the first on top) and IF as given; ESI leads to data. Returns the
   * exception that one of them raised, or null.
   */
  execute(
    code: readonly (readonly number[])[],
    { ecx = 0, stack = [] as readonly number[], interrupts = true } = {},
  ): string | null {
    const { cpu } = this.#pc;
    this.#pc.restore(this.#state);
    this.#write(this.#code, code.flat());
    this.#write(
      this.#page + STACK,
      stack.flatMap(word => [0, 8, 16, 24].map(shift => (word >>> shift) & 0xff)),
    );
    cpu.i32[ECX] = ecx;
    cpu.i32[ESI] = this.data;
    cpu.i32[ESP] = this.#page + STACK;
    cpu.i32[L.W_EIP] = this.#code;
    cpu.setEflags(interrupts ? cpu.eflags() | FLAG.IF : cpu.eflags() & ~FLAG.IF);
    for (const _ of code) {
      cpu.run(1, true);
      if (cpu.cpl === 3) continue;
      const { vector, code: error } = cpu.fault;
      return `${VECTOR_NAMES[vector]}${error === null ? '' : `(${hex(error, 4)})`}`;
    }
    return null;
  }
}

function hex(value: number, digits: number): string {
  return (value >>> 0).toString(16).padStart(digits, '0');
}

type Experiment = (process: Process) => string;

/** What the stored table register holds. */
function table(p: Process, modrm: number): string {
  return p.execute([[0x0f, 0x01, modrm]]) ?? `base ${hex(p.read(p.data + 2, 4), 8)} limit ${hex(p.read(p.data, 2), 4)}`;
}

function selector(p: Process, modrm: number): string {
  return p.execute([[0x0f, 0x00, modrm]]) ?? hex(p.read(p.data, 2), 4);
}

/** Whether POPF or IRET sets IF and clears it; `words` are the stack for some flags. */
function flags(p: Process, opcode: number, words: (flags: number) => readonly number[]): string {
  const plain = FLAG.ONE;
  const first = p.execute([[opcode]], { stack: words(plain | FLAG.IF), interrupts: false });
  if (first !== null) return first;
  const sets = p.flag(FLAG.IF) === 1;
  p.execute([[opcode]], { stack: words(plain), interrupts: true });
  return `IF ${sets ? 'set' : 'not set'}, IF ${p.flag(FLAG.IF) === 0 ? 'cleared' : 'not cleared'}`;
}

/** By the names of primer's experiments in its kernel, with the same operands. */
const EXPERIMENTS: Readonly<Record<string, Experiment>> = {
  sgdt: p => table(p, 0x06),
  sidt: p => table(p, 0x0e),
  sldt: p => selector(p, 0x06),
  str: p => selector(p, 0x0e),
  smsw: p => p.execute([[0x0f, 0x01, 0xe1]]) ?? hex(p.register(ECX), 8),
  pushf: p => {
    const show = (interrupts: boolean) => p.execute([[0x9c]], { interrupts }) ?? p.top();
    const off = Number(show(false));
    const on = Number(show(true));
    return `IF=${(off >>> 9) & 1} when off, IF=${(on >>> 9) & 1} when on, IOPL=${(on >>> 12) & 3}`;
  },
  popf: p => flags(p, 0x9d, image => [image]),
  iret: p => flags(p, 0xcf, image => [p.code, USER_CODE, image]),
  lar: p => {
    const fault = p.execute([[0x0f, 0x02, 0xd1]], { ecx: KERNEL_CODE });
    return fault ?? (p.flag(FLAG.ZF) === 0 ? 'CS: no rights' : `CS: rights ${hex(p.register(EDX), 8)}`);
  },
  lsl: p => {
    const fault = p.execute([[0x0f, 0x03, 0xd1]], { ecx: KERNEL_DATA });
    return fault ?? (p.flag(FLAG.ZF) === 0 ? 'SS: no limit' : `SS: limit ${hex(p.register(EDX), 8)}`);
  },
  verr: p => {
    const fault = p.execute([[0x0f, 0x00, 0xe1]], { ecx: KERNEL_CODE });
    return fault ?? `CS: ${p.flag(FLAG.ZF) === 0 ? 'not readable' : 'readable'}`;
  },
  verw: p => {
    const fault = p.execute([[0x0f, 0x00, 0xe9]], { ecx: KERNEL_DATA });
    return fault ?? `SS: ${p.flag(FLAG.ZF) === 0 ? 'not writable' : 'writable'}`;
  },
  push: p => p.execute([[0x0e], [0x16]]) ?? `CS=${hex(p.top(4) & 0xffff, 4)} SS=${hex(p.top() & 0xffff, 4)}`,
  mov: p =>
    p.execute([
      [0x8c, 0xc9],
      [0x8c, 0xd2],
    ]) ?? `CS=${hex(p.register(ECX) & 0xffff, 4)} SS=${hex(p.register(EDX) & 0xffff, 4)}`,
  'mov ss': p => p.execute([[0x8e, 0xd1]], { ecx: KERNEL_DATA }) ?? `takes ${hex(KERNEL_DATA, 4)}`,
  'pop ss': p => p.execute([[0x17]], { stack: [KERNEL_DATA] }) ?? `takes ${hex(KERNEL_DATA, 4)}`,
  call: p => p.execute([[0xff, 0x1c, 0x24]], { stack: [p.code, KERNEL_CODE] }) ?? 'goes there',
  jmp: p => p.execute([[0xff, 0x2c, 0x24]], { stack: [p.code, KERNEL_CODE] }) ?? 'goes there',
  ret: p => p.execute([[0xcb]], { stack: [p.code, KERNEL_CODE] }) ?? 'goes there',
  int: p => p.execute([[0xcd, 0x81]]) ?? 'goes there',
};

/** What ring 3 of the bare machine sees of each instruction, by the names of primer's experiments. */
export function ring3(pc: Pc): Map<string, string> {
  const process = new Process(pc);
  return new Map(Object.entries(EXPERIMENTS).map(([name, experiment]) => [name, experiment(process)]));
}
