import { expect, test } from 'vitest';
import { Lines } from './lines.ts';

/** The text of a guest, and when its lines end: one second after the other. */
function read(...text: readonly string[]): Lines {
  const lines = new Lines(0);
  text.forEach((line, n) => {
    for (const character of `${line}\r\n`) lines.feed(character, 1000 * (n + 1));
  });
  return lines;
}

test('each result has its time from where it began, and all that was printed between as its check', () => {
  const lines = read(
    'RINGSIDE-READY',
    'BEGIN int',
    'RESULT int 30 x 1a2b',
    'BEGIN gzip',
    'd41d8  -',
    'RESULT gzip 1 run',
  );
  expect(lines.figures).toEqual([
    { name: 'boot', units: 1, seconds: 1, check: '' },
    { name: 'int', units: 30, seconds: 1, check: '1a2b' },
    { name: 'gzip', units: 1, seconds: 2, check: 'd41d8  - run' },
  ]);
  expect([lines.done, lines.panic]).toEqual([false, null]);
  expect(read('RINGSIDE-DONE').done).toBe(true);
});

test('a kernel that gives up is told by its own line', () => {
  const line = '[    1.5] Kernel panic - not syncing: No working init found.';
  const lines = read('[    1.4] Run /init as init process', line, '[    1.6] CPU: 0 PID: 1');
  expect([lines.done, lines.panic]).toEqual([false, line]);
});
