import { EAX, EBX, ECX, EDI, EDX, ESI } from '../../../ia32/registers.ts';
import { Pc } from '../../../machine/pc.ts';
import type { DomainPlan } from '../../../xen/domain-plan.ts';
import { MONITOR_MEMORY, Monitor } from '../../monitor.ts';
import { HYPERCALL, HYPERCALL_VECTOR, type HypercallName } from '../../para/abi.ts';

/** Small kernels for tests: code at a known place, and a domain around it. */

export const MEMORY_BYTES = 8 << 20;
export const BASE = 0xc0000000;
export const CODE_PAGE = 0x100;
export const DATA_PAGE = 0x104;
export const HYPERCALL_PAGE = 0x10f;
export const TABLES_PAGE = 0x123;
export const STACK_PAGE = 0x130;
/** Pages that the tables map: 4 MB. */
export const MAPPED_PAGES = 0x400;

export const PLAN: DomainPlan = {
  virtualBase: BASE,
  mappedPages: MAPPED_PAGES,
  entry: BASE + CODE_PAGE * 4096,
  hypercallPage: BASE + HYPERCALL_PAGE * 4096,
  stackTop: BASE + (STACK_PAGE + 1) * 4096,
  frameList: 0x110,
  frameListPages: 2,
  startInfo: 0x120,
  store: 0x121,
  console: 0x122,
  tables: TABLES_PAGE,
  tablePages: 4,
  commandLine: 'quiet',
  module: null,
};

export const CODE = BASE + CODE_PAGE * 4096;
export const DATA = BASE + DATA_PAGE * 4096;

export const FOREVER = Number.POSITIVE_INFINITY;
/** Part of the code page. */
export const HANDLER = CODE + 0x400;

/** A word's bytes. */
export function little(value: number): readonly number[] {
  return [0, 8, 16, 24].map(shift => (value >>> shift) & 0xff);
}

/** MOV r32, imm32. */
export function move(register: number, value: number): readonly number[] {
  return [0xb8 + register, ...little(value)];
}

const ARGUMENTS = [EBX, ECX, EDX, ESI, EDI] as const;

/** A hypercall by INT, with constant arguments. */
export function call(name: HypercallName, ...args: readonly number[]): readonly number[] {
  return [
    ...args.flatMap((value, n) => move(ARGUMENTS[n], value)),
    ...move(EAX, HYPERCALL[name]),
    0xcd,
    HYPERCALL_VECTOR,
  ];
}

/** JMP to itself. */
export const SPIN: readonly number[] = [0xeb, 0xfe];

export function bytesOf(...parts: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flat());
}

export interface World {
  readonly pc: Pc;
  readonly monitor: Monitor;
  /** What the guest printed. */
  output(): string;
}

/** A machine with a domain whose kernel is `code`, with `data` beside it. */
export function startWorld(code: Uint8Array, data: Uint8Array = new Uint8Array(0)): World {
  let printed = '';
  const onConsole = (byte: number) => {
    printed += String.fromCharCode(byte);
  };
  const pc = new Pc({ memoryBytes: MEMORY_BYTES + MONITOR_MEMORY, startTime: 0, rate: 1e8, onConsole });
  const start = {
    segments: [
      { address: CODE_PAGE * 4096, bytes: code },
      { address: DATA_PAGE * 4096, bytes: data },
    ],
    registers: { eip: 0, codeSelector: 8, dataSelector: 16 },
    domain: PLAN,
  };
  const options = {
    mode: 'para',
    paging: 'shadow',
    memoryBytes: MEMORY_BYTES,
    startTime: 1_000_000_000,
    onConsole,
  } as const;
  const monitor = new Monitor(pc, options, start);
  return { pc, monitor, output: () => printed };
}

/** An ASCII string's bytes. */
export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
