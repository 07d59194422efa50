import { stateOf } from '../../core/machine/compare.ts';
import { MachineStop } from '../../core/machine/cpu/fault.ts';
import { type MachineStart, Pc, type RunEnd } from '../../core/machine/pc.ts';
import { Random } from '../../core/machine/testing/random.ts';
import { type Engine, translatorOf } from '../../core/machine/translate/translator.ts';

/** One run of a guest on a bare machine, with or without saves on the way. */

/** What is run, and how long. */
export interface Subject {
  readonly start: MachineStart;
  readonly memoryBytes: number;
  /** Steps in a virtual second. */
  readonly rate: number;
  /** Limit in steps. */
  readonly steps: number;
  readonly engine: Engine;
  /** The board has what suites expect of QEMU. */
  readonly hasTestDevices?: boolean;
  /** A machine of this kind to take in place of a new one, for guests without a console. */
  readonly open?: () => Pc;
  /** Before the first step. */
  readonly prepare?: (pc: Pc) => void;
  /** Typed on the serial console when it has shown `after`. */
  readonly input?: { readonly after: string; readonly text: string };
  /** The run ends when the console shows this. */
  readonly until?: string;
}

export interface Outcome {
  readonly end: RunEnd | 'seen' | 'stopped' | 'waiting';
  /** What the guest gave to isa-debug-exit. */
  readonly code: number | null;
  readonly console: string;
  readonly steps: number;
  /** A sum over all of the machine: processor, devices, memory, and how often it walked page tables. */
  readonly sum: number;
  readonly pc: Pc;
}

/** Steps between looks at the console. */
const SLICE = 1_000_000;
/** So long does a halted guest wait for something to happen, in nanoseconds of its time. */
const LONGEST_WAIT = 10e9;

/** Runs to the end. At each of `saves`, steps in ascending order, the machine is saved, and a new one goes on from there. */
export function run(subject: Subject, saves: readonly number[] = []): Outcome {
  const shown: string[] = [];
  let tail = '';
  let code: number | null = null;
  const openNew = () =>
    new Pc({
      memoryBytes: subject.memoryBytes,
      startTime: 0,
      rate: subject.rate,
      translate: translatorOf(subject.engine),
      onConsole: byte => {
        const letter = String.fromCharCode(byte);
        shown.push(letter);
        tail = (tail + letter).slice(-256);
      },
      ...(subject.hasTestDevices ? { onTestExit: (value: number) => (code = value) } : {}),
    });
  const open = subject.open ?? openNew;
  let pc = open();
  pc.start(subject.start);
  subject.prepare?.(pc);
  let typed: Uint8Array = new TextEncoder().encode(subject.input?.text ?? '');
  let isAsked = false;
  let next = 0;
  const drive = (): Outcome['end'] => {
    for (;;) {
      const at = pc.cpu.count;
      if (at >= subject.steps) return 'steps';
      const slice = SLICE - (at % SLICE);
      const most = Math.min(slice, (saves[next] ?? Infinity) - at, subject.steps - at);
      const end = pc.run(most, pc.clock.now() + LONGEST_WAIT, false);
      if (end !== 'steps') return end;
      if (pc.cpu.count === at) return 'waiting';
      if (pc.cpu.count === saves[next]) {
        const state = structuredClone(pc.save());
        pc = open();
        pc.restore(state);
        next++;
      }
      if (pc.cpu.count % SLICE !== 0) continue;
      if (subject.until !== undefined && tail.includes(subject.until)) return 'seen';
      isAsked ||= subject.input !== undefined && tail.includes(subject.input.after);
      if (isAsked && typed.length > 0) typed = typed.subarray(pc.input(typed));
    }
  };
  let end: Outcome['end'];
  try {
    end = drive();
  } catch (error) {
    if (!(error instanceof MachineStop)) throw error;
    shown.push(`\nstopped: ${error.message}\n`);
    end = 'stopped';
  }
  return { end, code, console: shown.join(''), steps: pc.cpu.count, sum: sumOf(pc), pc };
}

function sumOf(pc: Pc): number {
  const { processor: _words, pages, bytes, tlb: _tlb, ...rest } = pc.save();
  let sum = 0;
  const add = (values: ArrayLike<number>): void => {
    for (let n = 0; n < values.length; n++) sum = Math.imul(sum ^ values[n], 0x01000193) ^ (sum >>> 15);
  };
  // What was walked for tells of the TLB as well.
  add(new TextEncoder().encode(JSON.stringify(rest)));
  // Lazy flags count as what they mean.
  add(new TextEncoder().encode(stateOf(pc)));
  add(pages);
  add(new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2));
  return sum >>> 0;
}

/** As many steps of a run, chosen by a seed, ascending and different. */
export function randomSteps(seed: number, count: number, steps: number): readonly number[] {
  const random = new Random(seed);
  const chosen = new Set(Array.from({ length: count }, () => 1 + random.below(steps - 1)));
  return [...chosen].sort((a, b) => a - b);
}

/** What is different in a run that was saved and restored on the way, or null. */
export function difference(whole: Outcome, cut: Outcome): string | null {
  if (cut.console !== whole.console) {
    let at = 0;
    while (cut.console[at] === whole.console[at]) at++;
    return `its output differs from character ${at} on: ${JSON.stringify(cut.console.slice(at, at + 60))}`;
  }
  if (cut.end !== whole.end || cut.code !== whole.code) return `it ends with ${cut.end}, not ${whole.end}`;
  if (cut.steps !== whole.steps) return `it takes ${cut.steps} steps, not ${whole.steps}`;
  return cut.sum === whole.sum ? null : 'the machine is another one at the end';
}
