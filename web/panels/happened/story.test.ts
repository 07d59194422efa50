import { expect, test } from 'vitest';
import { happeningOf } from '../../testing/happening.ts';
import { causeOf } from './cause.ts';
import { kindOfHappening } from './instruction-kind.ts';
import { deedSentences, instructionOf, noteOf, savedValues, story } from './story.ts';

test('a trap of the kernel names the instruction, what was raised and why', () => {
  const trap = happeningOf();
  expect(story(trap)).toMatch(/may execute `cli`\. The machine runs it in ring 1, so the processor raised #GP\(0\)/);
  expect(deedSentences(trap, true)).toEqual([expect.stringMatching(/^Emulated/), 'IRET back to the guest.']);
  expect(deedSentences(trap, false)).toEqual([expect.stringMatching(/^Emulated/)]);
  expect(kindOfHappening(trap)).toBe('interruptFlag');
});

test('a page fault is told by what the monitor found', () => {
  const fault = { kind: 'pageFault', vector: 14, errorCode: 2, faultAddress: 0xc0200000 } as const;
  const hidden = happeningOf({ ...fault, deeds: [{ kind: 'hiddenFault', linear: 0xc0200000 }] });
  expect(story(hidden)).toMatch(/`c0200000`.*hidden page fault/);
  expect(kindOfHappening(hidden)).toBe('hiddenFault');
  const traced = happeningOf({ ...fault, deeds: [{ kind: 'tracedWrite', linear: 0xc0200000 }, { kind: 'emulated' }] });
  expect(story(traced)).toMatch(/one of the guest’s page tables/);
  expect(kindOfHappening(traced)).toBe('tracedWrite');
  const own = happeningOf({ ...fault, deeds: [{ kind: 'delivered', vector: 14, code: 2 }] });
  expect(story(own)).toMatch(/true page fault/);
  expect(deedSentences(own, true)[0]).toBe('Entered the guest’s own handler of #PF.');
});

test('an exit shows the control that made it, and fields that say something', () => {
  const exit = happeningOf({
    setting: { mode: 'hardware', paging: 'nested' },
    kind: 'instruction',
    reason: 'out',
    exitReason: 30,
    saved: [
      { name: 'exit reason', value: 30 },
      { name: 'exit qualification', value: 0x03f90000 },
      { name: 'interruption information', value: 0 },
      { name: 'guest EIP', value: 0 },
    ],
  });
  expect(causeOf(exit)).toBe('exit: I/O instruction');
  expect(savedValues(exit).map(({ name }) => name)).toEqual(['exit reason', 'exit qualification', 'guest EIP']);
  expect(savedValues(exit).map(value => noteOf(exit, value))).toEqual(['I/O instruction', 'to port 03f9, 1 B', null]);
  expect(deedSentences(exit, true).at(-1)).toBe('VMRESUME back to the guest.');
});

test('a hypercall is INT 82h, whatever stands behind it', () => {
  const call = happeningOf({
    setting: { mode: 'para', paging: 'nested' },
    kind: 'hypercall',
    reason: 'iret',
    deeds: [{ kind: 'hypercall', name: 'iret', result: 0 }],
  });
  expect(instructionOf(call)).toBe('int 0x82');
  expect(story(call)).toMatch(/hypercall `iret`/);
  expect(kindOfHappening(call)).toBe('iret');
});

test('what a guest meets without a monitor is told without one', () => {
  const delivered = happeningOf({
    setting: { mode: 'bare', paging: 'nested' },
    kind: 'delivered',
    reason: 'interrupt 32',
    vector: 32,
    errorCode: null,
    saved: [{ name: 'CS', value: 0x1b }],
  });
  expect(story(delivered)).toMatch(/^Interrupt 20h went through the guest’s own IDT, from ring 3/);
  expect(deedSentences(delivered, true)).toEqual([]);
});
