import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { main } from './main.ts';

/** --trace on the command line. The runs end before primer prints anything. */

const folder = mkdtempSync(join(tmpdir(), 'ringside-'));
const SHORT = ['--max-instructions', '1000'];

afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs the command line; returns its exit code and what it wrote. */
async function run(...words: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation(text => {
    err += String(text);
    return true;
  });
  return { code: await main(['run', ...words]), out, err };
}

describe('--trace', () => {
  it.each(['bare', 'trap', 'hardware'])('writes a file that is JSON, --mode %s', async mode => {
    const path = join(folder, `${mode}.json`);
    expect(await run('primer', '--mode', mode, '--trace', path, ...SHORT)).toEqual({ code: 1, out: '', err: '' });
    const { traceEvents, otherData } = JSON.parse(readFileSync(path, 'utf8'));
    expect(otherData).toEqual({ time: 'virtual', cut: false });
    expect(traceEvents.length).toBeGreaterThan(3);
  });

  it('takes no part of --stats away', async () => {
    const path = join(folder, 'stats.json');
    const { out } = await run('primer', '--mode', 'trap', '--trace', path, '--stats', 'json', ...SHORT);
    const { traps } = JSON.parse(out);
    const events: readonly { cat?: string }[] = JSON.parse(readFileSync(path, 'utf8')).traceEvents;
    expect(events.filter(({ cat }) => cat === 'exit')).toHaveLength(traps);
  });

  it.each([
    ['in a folder that is not there', join(folder, 'none', 'x.json'), 'ENOENT'],
    ['that is a folder', folder, 'EISDIR'],
  ])('to a file %s is refused with a sentence before the run', async (_, path, code) => {
    const err = `ringside: The trace file ${path} cannot be written (${code}).\n`;
    expect(await run('primer', '--trace', path)).toEqual({ code: 2, out: '', err });
  });

  it.runIf(existsSync('/dev/full'))('to a disk that is full ends with a sentence', async () => {
    const { code, err } = await run('primer', '--trace', '/dev/full', ...SHORT);
    expect([code, err]).toEqual([2, 'ringside: The trace file /dev/full cannot be written (ENOSPC).\n']);
  });

  it('leaves no file behind for a guest that cannot be started', async () => {
    const path = join(folder, 'never.json');
    expect((await run('no-such-guest', '--trace', path)).code).toBe(2);
    expect((await run('package.json', '--trace', path)).code).toBe(2);
    expect(existsSync(path)).toBe(false);
  });

  it('needs a file', async () => {
    expect(await run('primer', '--trace')).toMatchObject({ code: 2, out: '' });
  });
});
