import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from './main.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-run-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => void vi.restoreAllMocks());

/** A multiboot file that is loaded at 1 MB and begins with this code. */
function image(name: string, code: readonly number[]): string {
  const base = 0x100000;
  const words = [0x1badb002, 0x10000, -(0x1badb002 + 0x10000), base, base, 0, 0, base + 32];
  const path = join(folder, name);
  writeFileSync(path, Uint8Array.from([...new Uint8Array(Int32Array.from(words).buffer), ...code]));
  return path;
}

/** Runs the command line; returns its exit code. */
function run(...words: readonly string[]): Promise<number> {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  return main(['run', ...words, '--memory', '2']);
}

// mov al, 0x25; out 0xf4, al; cli; hlt
const EXIT = [0xb0, 0x25, 0xe6, 0xf4, 0xfa, 0xf4];

describe('--testdev', () => {
  it('a guest ends the run with its own code', async () => {
    expect(await run(image('exit', EXIT), '--testdev')).toBe(0x25);
  });

  it('so it does in a virtual machine', async () => {
    expect(await run(image('exit', EXIT), '--testdev', '--mode', 'hardware')).toBe(0x25);
  });

  it('unless it is given the port is nobody', async () => {
    expect(await run(image('exit', EXIT))).toBe(1);
  });
});

it('--timeout ends a guest that waits while a timer ticks whose interrupt is masked', async () => {
  // The PIT in mode 2, all interrupts masked; then STI and HLT.
  const code = [0xb0, 0x34, 0xe6, 0x43, 0xb0, 0, 0xe6, 0x40, 0xe6, 0x40, 0xb0, 0xff, 0xe6, 0x21, 0xfb, 0xf4];
  expect(await run(image('wait', code), '--timeout', '0.2')).toBe(1);
});
