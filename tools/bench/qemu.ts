import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lines } from './lines.ts';
import { lost, MEMORY, MOST_SECONDS } from './machines.ts';
import { type Guest, type Outcome, RunError } from './task.ts';

/** Runs a guest in QEMU, which is a process of its own. Throws RunError. */
export async function runQemu({ kernel, initrd, commandLine }: Guest): Promise<Outcome> {
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
      child.on('error', () => reject(new RunError("QEMU is not there: install Debian's package qemu-system-x86.")));
      child.on('exit', () => {
        clearTimeout(timer);
        if (lines.done) resolve({ figures: lines.figures, instructions: null });
        else reject(lost(lines));
      });
      child.stdout.on('data', (bytes: Buffer) => {
        for (const byte of bytes) lines.feed(String.fromCharCode(byte), performance.now());
        if (lines.done || lines.panic !== null) child.kill();
      });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
