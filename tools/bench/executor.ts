/**
 * The executor, or `interpret`, beside v86 without its JIT: the same ten-instruction register loop on both, in turns, in one Node process. Each
 * has a thread of its own, as in a page, so that neither changes what the JavaScript engine may assume for the other.
 * `npm run bench:loop -- [runs] [interpret]` prints both rates and their ratio; the medians count.
 */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { loadImage } from '../../core/guests/load.ts';
import { Pc } from '../../core/machine/pc.ts';
import { type Engine, translatorOf } from '../../core/machine/translate/translator.ts';
import { LOOP_INSTRUCTIONS, loopImage } from './loop-image.ts';

const TURNS = 10_000_000;
const MEMORY = 32 << 20;

/** Million instructions a second between B and E, in milliseconds. */
function rate(from: number, to: number): number {
  return (TURNS * LOOP_INSTRUCTIONS) / (to - from) / 1000;
}

async function ringside(engine: Engine): Promise<number> {
  let from = 0;
  let to = 0;
  const onConsole = (byte: number) => {
    if (byte === 0x42) from = performance.now();
    else to = performance.now();
  };
  const pc = new Pc({ memoryBytes: MEMORY, startTime: 0, rate: 1e8, onConsole, translate: translatorOf(engine) });
  pc.start(loadImage(loopImage(TURNS), { memoryBytes: MEMORY, commandLine: '', initrd: null }));
  while (to === 0) pc.run(10_000_000, Number.POSITIVE_INFINITY, false);
  return rate(from, to);
}

async function v86(): Promise<number> {
  const { V86 } = await import('v86');
  return new Promise(resolve => {
    let from = 0;
    const emulator = new V86({
      wasm_path: createRequire(fileURLToPath(import.meta.url)).resolve('v86/build/v86.wasm'),
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

/** One measurement on an engine's thread. */
async function measure(worker: Worker): Promise<number> {
  worker.postMessage('run');
  const [result]: unknown[] = await once(worker, 'message');
  return Number(result);
}

async function main(): Promise<void> {
  const runs = Number(process.argv[2] ?? 5);
  const file = fileURLToPath(import.meta.url);
  const ours = new Worker(file, { workerData: process.argv[3] === 'interpret' ? 'interpret' : 'execute' });
  const theirs = new Worker(file, { workerData: 'v86' });
  const pairs: [number, number][] = [];
  for (let run = 0; run <= runs; run++) {
    const a = await measure(ours);
    const b = await measure(theirs);
    // The first turn warms both up.
    if (run === 0) continue;
    pairs.push([a, b]);
    console.log(
      `run ${run}: Ringside ${a.toFixed(1)}, v86 without JIT ${b.toFixed(1)} M instructions/s, ratio ${(a / b).toFixed(2)}`,
    );
  }
  const a = median(pairs.map(pair => pair[0])).toFixed(1);
  const b = median(pairs.map(pair => pair[1])).toFixed(1);
  const ratio = median(pairs.map(pair => pair[0] / pair[1])).toFixed(2);
  console.log(`median: Ringside ${a}, v86 without JIT ${b} M instructions/s, ratio ${ratio}`);
  process.exit(0);
}

if (isMainThread) {
  await main();
} else {
  const engine: Engine | 'v86' = workerData;
  const measured = () => (engine === 'v86' ? v86() : ringside(engine));
  parentPort?.on('message', async () => parentPort?.postMessage(await measured()));
}
