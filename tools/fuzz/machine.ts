import { loadImage } from '../../core/guests/load.ts';
import { MachineStop } from '../../core/machine/cpu/fault.ts';
import { Pc } from '../../core/machine/pc.ts';

const MEMORY_BYTES = 32 << 20;
/** Steps in a virtual second: few, so that a byte on the serial line takes few. */
const RATE = 1e6;
const SLICE = 1e7;

/** Runs the kernel of random tests on a bare machine; returns what it printed. Throws if it stops without its last line. */
export function runHere(kernel: Uint8Array, commandLine: string, steps: number): string {
  const text: string[] = [];
  const pc = new Pc({
    memoryBytes: MEMORY_BYTES,
    startTime: 0,
    rate: RATE,
    onConsole: byte => {
      if (byte !== 13) text.push(String.fromCharCode(byte));
    },
  });
  pc.start(loadImage(kernel, { memoryBytes: MEMORY_BYTES, commandLine, initrd: null }));
  try {
    while (pc.cpu.count < steps) {
      if (pc.run(SLICE, Number.POSITIVE_INFINITY, false) !== 'steps') break;
    }
  } catch (error) {
    if (!(error instanceof MachineStop)) throw error;
    text.push(`stopped: ${error.message}\n`);
  }
  return text.join('');
}
