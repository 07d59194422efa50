/** Each engine runs the benchmark's guest to its end and tells how long what took, in any worker. */
import { loadImage } from '../../core/guests/load.ts';
import { Pc } from '../../core/machine/pc.ts';
import { type Engine, translatorOf } from '../../core/machine/translate/translator.ts';
import { Lines } from './lines.ts';
import { type Guest, type Outcome, RunError, type ScriptTask, type V86Files } from './task.ts';

export const MEMORY = 256 << 20;
/** Steps between looks whether the guest is done. */
const CHUNK = 5_000_000;
/** A run that takes longer has gone wrong. */
export const MOST_SECONDS = 1200;

/** Runs a guest to its end. Throws RunError if it does not come there. */
export async function run(task: ScriptTask): Promise<Outcome> {
  switch (task.machine) {
    case 'v86':
    case 'v86-interpreter':
      return v86(task.guest, task.files, task.machine === 'v86-interpreter');
    default:
      return ringside(task.guest, task.machine);
  }
}

/** Why there is no outcome. */
export function lost({ panic, tail }: Lines): RunError {
  if (panic !== null) return new RunError(`The guest's kernel gave up: ${panic}`);
  return new RunError(`The guest did not come to its end. Its last lines: ${tail.slice(-400)}`);
}

function ringside(guest: Guest, engine: Engine): Outcome {
  const lines = new Lines(performance.now());
  const pc = new Pc({
    memoryBytes: MEMORY,
    startTime: 0,
    rate: 1e8,
    onConsole: byte => lines.feed(String.fromCharCode(byte), performance.now()),
    translate: translatorOf(engine),
  });
  const { kernel, initrd, commandLine } = guest;
  pc.start(loadImage(kernel, { memoryBytes: MEMORY, commandLine, initrd }));
  const last = performance.now() + 1000 * MOST_SECONDS;
  while (!lines.done) {
    const end = pc.run(CHUNK, Number.POSITIVE_INFINITY, false);
    if (end === 'deadHalt' || lines.panic !== null || performance.now() > last) throw lost(lines);
  }
  return { figures: lines.figures, instructions: pc.cpu.count };
}

async function v86(guest: Guest, { wasm, bios, vgaBios }: V86Files, isInterpreter: boolean): Promise<Outcome> {
  const { V86 } = await import('v86');
  const buffer = (bytes: Uint8Array) => ({ buffer: Uint8Array.from(bytes).buffer });
  const lines = new Lines(performance.now());
  const emulator = new V86({
    // It would find its files by addresses of its own, other ones in Node and in a browser.
    wasm_fn: async imports => (await WebAssembly.instantiate(Uint8Array.from(wasm), imports)).instance.exports,
    memory_size: MEMORY,
    vga_memory_size: 2 << 20,
    bios: buffer(bios),
    vga_bios: buffer(vgaBios),
    bzimage: buffer(guest.kernel),
    initrd: buffer(guest.initrd),
    cmdline: guest.commandLine,
    autostart: true,
    disable_jit: isInterpreter,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
  });
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer);
      void emulator.destroy();
      settle();
    };
    const timer = setTimeout(() => end(() => reject(lost(lines))), 1000 * MOST_SECONDS);
    emulator.add_listener('serial0-output-byte', (byte: number) => {
      lines.feed(String.fromCharCode(byte), performance.now());
      if (lines.done) end(() => resolve({ figures: lines.figures, instructions: null }));
      else if (lines.panic !== null) end(() => reject(lost(lines)));
    });
  });
}
