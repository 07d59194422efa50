/**
 * The executor beside v86 without its JIT, in one process: the same ten-instruction register loop on both, in turns.
 * `npm run bench -- [runs]` prints both rates and their ratio; the medians count.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { V86 } from 'v86';
import { loadImage } from '../../core/guests/load.ts';
import { Pc } from '../../core/machine/pc.ts';
import { LOOP_INSTRUCTIONS, loopImage } from './loop-image.ts';

const TURNS = 8_000_000;
const MEMORY = 32 << 20;

const wasm = createRequire(fileURLToPath(import.meta.url)).resolve('v86/build/v86.wasm');

/** Million instructions a second between B and E. */
function rate(from: number, to: number): number {
  return (TURNS * LOOP_INSTRUCTIONS) / (to - from) / 1000;
}

function ringside(): number {
  let from = 0;
  let to = 0;
  const onConsole = (byte: number) => {
    if (byte === 0x42) from = performance.now();
    else to = performance.now();
  };
  const pc = new Pc({ memoryBytes: MEMORY, startTime: 0, rate: 1e8, onConsole });
  pc.start(loadImage(loopImage(TURNS), { memoryBytes: MEMORY, commandLine: '', initrd: null }));
  while (to === 0) pc.run(10_000_000, Number.POSITIVE_INFINITY, false);
  return rate(from, to);
}

function peer(): Promise<number> {
  return new Promise(resolve => {
    let from = 0;
    const emulator = new V86({
      wasm_path: wasm,
      memory_size: MEMORY,
      vga_memory_size: 2 << 20,
      multiboot: { buffer: new Uint8Array(loopImage(TURNS)).buffer },
      autostart: true,
      disable_jit: true,
      disable_keyboard: true,
      disable_speaker: true,
    });
    emulator.add_listener('serial0-output-byte', (byte: number) => {
      if (byte === 0x42) {
        from = performance.now();
        return;
      }
      const result = rate(from, performance.now());
      void emulator.destroy();
      resolve(result);
    });
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

const runs = Number(process.argv[2] ?? 5);
const ours: number[] = [];
const theirs: number[] = [];
for (let run = 0; run <= runs; run++) {
  const a = ringside();
  const b = await peer();
  // The first turn warms both up.
  if (run === 0) continue;
  ours.push(a);
  theirs.push(b);
  console.log(
    `run ${run}: Ringside ${a.toFixed(1)}, v86 without JIT ${b.toFixed(1)} M instructions/s, ratio ${(a / b).toFixed(2)}`,
  );
}
const ratios = ours.map((value, run) => value / theirs[run]);
console.log(
  `median: Ringside ${median(ours).toFixed(1)}, v86 without JIT ${median(theirs).toFixed(1)} M instructions/s, ratio ${median(ratios).toFixed(2)}`,
);
process.exit(0);
