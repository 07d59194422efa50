/**
 * Plays the scripts on QEMU's PC and writes its answers to recordings.txt. Needs qemu-system-i386 and nasm:
 *
 *     npx tsx core/machine/devices/testing/record.ts
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatRecordings, type PortRecording, type PortStep } from './port-script.ts';
import { SCRIPTS } from './scripts.ts';

const OPERATIONS = { out: 1, in: 2, out4: 3, in4: 4, us: 5 } as const;
const SCRIPT_AT = 0x1000;
const RECORD = 7;

function play(rom: Buffer, steps: readonly PortStep[], folder: string): number[] {
  const image = Buffer.from(rom);
  if (SCRIPT_AT + (steps.length + 1) * RECORD > 0xfff0) throw new Error(`${steps.length} steps do not fit.`);
  steps.forEach((step, i) => {
    const at = SCRIPT_AT + i * RECORD;
    image.writeUInt8(OPERATIONS[step[0]], at);
    image.writeUInt16LE(step[0] === 'us' ? 0 : step[1], at + 1);
    image.writeUInt32LE(step[0] === 'us' ? step[1] : (step[2] ?? 0), at + 3);
  });
  writeFileSync(join(folder, 'rom'), image);
  const answers = join(folder, 'answers');
  const run = spawnSync(
    'qemu-system-i386',
    [
      ...[
        '-M',
        'pc',
        '-nodefaults',
        '-display',
        'none',
        '-serial',
        'null',
        '-rtc',
        'clock=vm',
        '-icount',
        'shift=3,sleep=off',
      ],
      ...['-bios', join(folder, 'rom'), '-debugcon', `file:${answers}`],
      ...['-device', 'isa-debug-exit,iobase=0x501,iosize=2'],
    ],
    { timeout: 60_000 },
  );
  if (run.status === null || run.status % 2 === 0) throw new Error(`QEMU ended with ${run.status}: ${run.stderr}`);
  const bytes = readFileSync(answers);
  let at = 0;
  const values = steps.flatMap(step => {
    if (step[0] === 'in') return [bytes[at++] & (step[2] ?? 0xff)];
    if (step[0] !== 'in4') return [];
    at += 4;
    return [bytes.readUInt32LE(at - 4)];
  });
  if (at !== bytes.length) throw new Error(`QEMU answered ${bytes.length} bytes instead of ${at}.`);
  return values;
}

const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), 'ports-'));
try {
  const rom = join(folder, 'empty');
  execFileSync('nasm', ['-f', 'bin', '-o', rom, join(here, 'port-script.asm')]);
  const recordings: PortRecording[] = Object.entries(SCRIPTS).map(([name, make]) => {
    const steps = make();
    return { name, steps, answers: play(readFileSync(rom), steps, folder) };
  });
  writeFileSync(join(here, 'recordings.txt'), formatRecordings(recordings));
  for (const { name, steps, answers } of recordings)
    console.log(`${name}: ${steps.length} steps, ${answers.length} answers`);
} finally {
  rmSync(folder, { recursive: true });
}
