/** Each engine runs the benchmark's guest to its end and tells how long what took. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadImage } from '../../core/guests/load.ts';
import { Pc } from '../../core/machine/pc.ts';
import { type Engine, translatorOf } from '../../core/machine/translate/translator.ts';
import { type Guest, GuestError } from './guest.ts';
import { type Figure, Lines } from './lines.ts';

const MEMORY = 256 << 20;
/** Steps between looks whether the guest is done. */
const CHUNK = 5_000_000;
/** A run that takes longer has gone wrong. */
const MOST_SECONDS = 1200;

/** The engines of Ringside, and its peers. */
export const MACHINES = ['regions', 'blocks', 'execute', 'v86', 'v86-interpreter', 'qemu'] as const;
export type MachineName = (typeof MACHINES)[number];

export interface Outcome {
  readonly figures: readonly Figure[];
  /** Instructions retired, if the engine counts them. */
  readonly instructions: number | null;
}

/** Runs a guest to its end. Throws GuestError if it does not come there. */
export async function run(name: MachineName, guest: Guest): Promise<Outcome> {
  switch (name) {
    case 'v86':
    case 'v86-interpreter':
      return v86(guest, name === 'v86-interpreter');
    case 'qemu':
      return qemu(guest);
    default:
      return ringside(guest, name);
  }
}

function lost(lines: Lines): GuestError {
  return new GuestError(`The guest did not come to its end. Its last lines: ${lines.tail.slice(-400)}`);
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
    if (end === 'deadHalt' || performance.now() > last) throw lost(lines);
  }
  return { figures: lines.figures, instructions: pc.cpu.count };
}

/** Where Debian's package seabios puts what v86 starts a kernel with. */
const FIRMWARE = '/usr/share/seabios';

async function v86(guest: Guest, isInterpreter: boolean): Promise<Outcome> {
  const files = [`${FIRMWARE}/bios.bin`, `${FIRMWARE}/vgabios-stdvga.bin`];
  for (const file of files) {
    if (!existsSync(file)) throw new GuestError(`v86 needs ${file}: install Debian's package seabios.`);
  }
  const [bios, vga] = files.map(file => ({ buffer: Uint8Array.from(readFileSync(file)).buffer }));
  const { V86 } = await import('v86');
  const lines = new Lines(performance.now());
  const emulator = new V86({
    wasm_path: createRequire(fileURLToPath(import.meta.url)).resolve('v86/build/v86.wasm'),
    memory_size: MEMORY,
    vga_memory_size: 2 << 20,
    bios,
    vga_bios: vga,
    bzimage: { buffer: Uint8Array.from(guest.kernel).buffer },
    initrd: { buffer: Uint8Array.from(guest.initrd).buffer },
    cmdline: guest.commandLine,
    autostart: true,
    disable_jit: isInterpreter,
    disable_keyboard: true,
    disable_speaker: true,
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(lost(lines)), 1000 * MOST_SECONDS);
    emulator.add_listener('serial0-output-byte', (byte: number) => {
      lines.feed(String.fromCharCode(byte), performance.now());
      if (!lines.done) return;
      clearTimeout(timer);
      void emulator.destroy();
      resolve({ figures: lines.figures, instructions: null });
    });
  });
}

async function qemu({ kernel, initrd, commandLine }: Guest): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-qemu-'));
  try {
    writeFileSync(join(folder, 'kernel'), kernel);
    writeFileSync(join(folder, 'initrd'), initrd);
    const words = ['-accel', 'tcg', '-nographic', '-m', String(MEMORY >> 20), '-no-reboot', '-net', 'none'];
    const lines = new Lines(performance.now());
    const files = ['-kernel', join(folder, 'kernel'), '-initrd', join(folder, 'initrd'), '-append', commandLine];
    const child = spawn('qemu-system-i386', [...words, ...files], { stdio: ['ignore', 'pipe', 'inherit'] });
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => child.kill(), 1000 * MOST_SECONDS);
      child.on('error', () => reject(new GuestError("QEMU is not there: install Debian's package qemu-system-x86.")));
      child.on('exit', () => {
        clearTimeout(timer);
        if (lines.done) resolve({ figures: lines.figures, instructions: null });
        else reject(lost(lines));
      });
      child.stdout.on('data', (bytes: Buffer) => {
        for (const byte of bytes) lines.feed(String.fromCharCode(byte), performance.now());
        if (lines.done) child.kill();
      });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
