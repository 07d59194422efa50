import { loadImage } from '../../core/guests/load.ts';
import { MachineStop } from '../../core/machine/cpu/fault.ts';
import { Pc } from '../../core/machine/pc.ts';
import { type Engine, translatorOf } from '../../core/machine/translate/translator.ts';

const MEMORY_BYTES = 128 << 20;
/** Steps in a virtual second: few, so that a byte on the serial line takes few. */
const RATE = 1e6;
const SLICE = 1e7;

/** Where the kernel looks for its tests: SCRIPT_AT in core/guests/fuzz/fuzz.h. */
const TESTS_AT = 0x0200_0000;

/** What runs the tests here. */
export interface Subject {
  readonly engine: Engine;
  /** Of the machine: a kernel that hangs does not come to its end. */
  readonly mostSteps: number;
}

/** Runs the kernel of random tests on a bare machine; returns what it printed. */
export function runHere(kernel: Uint8Array, tests: Uint8Array, commandLine: string, subject: Subject): string {
  const text: string[] = [];
  const pc = new Pc({
    memoryBytes: MEMORY_BYTES,
    startTime: 0,
    rate: RATE,
    translate: translatorOf(subject.engine),
    onConsole: byte => {
      if (byte !== 13) text.push(String.fromCharCode(byte));
    },
  });
  const plan = loadImage(kernel, { memoryBytes: MEMORY_BYTES, commandLine, initrd: null });
  pc.start({ ...plan, segments: [...plan.segments, { address: TESTS_AT, bytes: tests }] });
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
