import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TestBoard } from './testing/board.ts';
import { parseRecordings } from './testing/port-script.ts';

/** What QEMU's PC answered to scripts of port accesses (testing/record.ts makes the file). */
const recordings = parseRecordings(readFileSync(new URL('testing/recordings.txt', import.meta.url), 'utf8'));

describe('the board answers as another PC did', () => {
  test.each(recordings)('$name', ({ steps, answers }) => {
    const board = new TestBoard();
    let read = 0;
    steps.forEach((step, i) => {
      const answer = board.step(step);
      if (answer === undefined) return;
      const before = JSON.stringify(steps.slice(Math.max(0, i - 12), i + 1));
      expect(answer.toString(16), `step ${i}: ${before}`).toBe(answers[read++].toString(16));
    });
    expect(read).toBe(answers.length);
  });
});
