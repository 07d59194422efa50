import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { BootPlan } from '../../core/guests/boot.ts';
import { loadImage } from '../../core/guests/load.ts';
import type { OpcodeRow } from '../../core/ia32/opcode.ts';
import { CS } from '../../core/ia32/registers.ts';
import { MachineStop } from '../../core/machine/cpu/fault.ts';
import { Pc } from '../../core/machine/pc.ts';
import { type Engine, translatorOf } from '../../core/machine/translate/translator.ts';

export const MEMORY_BYTES = 128 << 20;
/** Steps in a virtual second: few, so that a byte on the serial line takes few. */
const RATE = 1e6;
const SLICE = 1e7;

/** Where the kernel looks for its tests: SCRIPT_AT in core/guests/fuzz/fuzz.h. */
const TESTS_AT = 0x0200_0000;

/** Its own code segment. */
const KERNEL_CODE = 8;

/** What runs the tests here. */
export interface Subject {
  readonly engine: Engine;
  /** Of the machine: a kernel that hangs does not come to its end. */
  readonly mostSteps: number;
}

/** The kernel and the tests whose sums are kept. */
export function recorded(): { readonly kernel: Uint8Array; readonly tests: Uint8Array } {
  return {
    kernel: readFileSync('tools/fuzz/recorded/fuzz.elf'),
    tests: gunzipSync(readFileSync('tools/fuzz/recorded/tests.gz')),
  };
}

/** The kernel with its tests in memory. */
export function planOf(kernel: Uint8Array, tests: Uint8Array, commandLine: string): BootPlan {
  const plan = loadImage(kernel, { memoryBytes: MEMORY_BYTES, commandLine, initrd: null });
  return { ...plan, segments: [...plan.segments, { address: TESTS_AT, bytes: tests }] };
}

function start(kernel: Uint8Array, tests: Uint8Array, commandLine: string, engine: Engine, text: string[]): Pc {
  const pc = new Pc({
    memoryBytes: MEMORY_BYTES,
    startTime: 0,
    rate: RATE,
    translate: translatorOf(engine),
    onConsole: byte => {
      if (byte !== 13) text.push(String.fromCharCode(byte));
    },
  });
  pc.start(planOf(kernel, tests, commandLine));
  return pc;
}

/** Runs the kernel of random tests on a bare machine; returns what it printed. */
export function runHere(kernel: Uint8Array, tests: Uint8Array, commandLine: string, subject: Subject): string {
  const text: string[] = [];
  const pc = start(kernel, tests, commandLine, subject.engine, text);
  try {
    while (pc.cpu.count < subject.mostSteps) {
      if (pc.run(SLICE, Number.POSITIVE_INFINITY, false) !== 'steps') break;
    }
  } catch (error) {
    if (!(error instanceof MachineStop)) throw error;
    text.push(`stopped: ${error.message}\n`);
  }
  return text.join('');
}

/** Rows of the opcode table of which these tests, and not the kernel itself, come to the end. */
export function rowsOf(kernel: Uint8Array, tests: Uint8Array): ReadonlySet<OpcodeRow> {
  const rows = new Set<OpcodeRow>();
  const pc = start(kernel, tests, 'sums', 'execute', []);
  pc.cpu.blocks.watch({
    has: () => true,
    begins: () => pc.cpu.selector(CS) !== KERNEL_CODE,
    retires: i => rows.add(i.row),
  });
  while (pc.run(SLICE, Number.POSITIVE_INFINITY, false) === 'steps');
  return rows;
}
