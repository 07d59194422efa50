import { describe, expect, it } from 'vitest';
import { Random } from '../machine/testing/random.ts';
import { imm32, movImmediate, push, store } from './testing/encode.ts';
import { BareSubject, difference, MonitorSubject } from './testing/subjects.ts';
import { CODE, DATA, dress, type Paging, USER_CODE, USER_DATA, USER_STACK_TOP } from './testing/world.ts';

/** Code that random pieces had in them when a technique did something else than the bare machine, cut to what matters. */

const TECHNIQUES = [
  ['trap', 'nested'],
  ['translate', 'nested'],
  ['patch', 'nested'],
  ['hardware', 'nested'],
  ['hardware', 'shadow'],
] as const;

const HALT = [0xfa, 0xf4];
/** INT 30, whose handler halts. */
const END = [0xcd, 0x30];
/** PUSHF; OR DWORD [ESP], TF; POPF */
const SINGLE_STEP = [0x9c, 0x81, 0x0c, 0x24, ...imm32(0x100), 0x9d];
const NOWHERE = 0x12345678;
/** GDT selector of a small 16-bit stack of ring 3. */
const SMALL_STACK = 0xb3;
const NT = 0x4000;

function flipCr0(bits: number): number[] {
  return [0x0f, 0x20, 0xc0, 0x35, ...imm32(bits), 0x0f, 0x22, 0xc0];
}

interface Case {
  readonly name: string;
  readonly ring: 0 | 3;
  readonly paging: Paging;
  readonly code: readonly number[];
}

const CASES: readonly Case[] = [
  {
    name: 'a single-step trap whose stack lies where no memory is comes before the next instruction',
    ring: 0,
    paging: 'none',
    code: [...movImmediate(6, 1), ...SINGLE_STEP, ...movImmediate(4, NOWHERE), ...movImmediate(6, 2), ...HALT],
  },
  {
    name: 'a trap behind STI comes once',
    ring: 0,
    paging: 'pae',
    code: [...SINGLE_STEP, 0xfb, 0x90, ...HALT],
  },
  {
    name: 'a trap that POP SS holds off comes behind the next instruction, once',
    ring: 0,
    paging: '32-bit',
    code: [0x16, ...SINGLE_STEP, 0x17, 0xa1, ...imm32(DATA), ...HALT],
  },
  {
    name: 'SYSEXIT leaves data segments of ring 0 as they are',
    ring: 0,
    paging: 'pae',
    code: [
      ...[...push(0x202), 0x9d, ...movImmediate(1, USER_STACK_TOP - 64), ...movImmediate(2, CODE + 18), 0x0f, 0x35],
      ...[0x64, 0xa1, ...imm32(DATA), ...END],
    ],
  },
  {
    name: 'without CR0.NE a pending x87 exception raises no #MF',
    ring: 0,
    paging: '32-bit',
    // FNINIT; FLDCW [DATA] with everything unmasked; FLDZ; FLD1; FDIVRP; FLD1
    code: [
      ...[...flipCr0(0x20), ...store(DATA, 0x340), 0xdb, 0xe3, 0xd9, 0x2d, ...imm32(DATA)],
      ...[0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0xd9, 0xe8, ...HALT],
    ],
  },
  {
    name: 'the upper half of ESP survives on a 16-bit stack',
    ring: 3,
    paging: 'pae',
    // The read faults into the monitor on first use.
    code: [...movImmediate(4, 0x51000), ...movImmediate(0, SMALL_STACK), 0x8e, 0xd0, 0xa1, ...imm32(DATA), ...END],
  },
  {
    name: 'a return to the last byte of the address space faults there',
    ring: 3,
    paging: '32-bit',
    code: [...push(0xffffffff), 0xc3, ...END],
  },
  {
    name: 'a return to the monitor faults there',
    ring: 3,
    paging: 'pae',
    code: [...push(0xffc00000), 0xc2, 4, 0, ...END],
  },
  {
    name: 'IRET with NT set finds no task to go back to',
    ring: 3,
    paging: 'pae',
    code: [...push(USER_DATA), ...push(0x202), ...push(USER_CODE), ...push(CODE + 27), ...push(NT), 0x9d, 0xcf, ...END],
  },
  {
    name: 'a handler of real mode with 32-bit code',
    ring: 0,
    paging: 'none',
    code: [...flipCr0(1), 0xcd, 0x0d, ...HALT],
  },
];

describe.each(TECHNIQUES)('%s, %s', (mode, paging) => {
  const cases = CASES.filter(({ ring }) => ring === 3 || mode !== 'trap');
  it.each(cases)('$name', ({ ring, paging: tables, code }) => {
    const piece = dress(new Random(1), Uint8Array.from(code), ring, tables);
    const expected = new BareSubject().run(piece, 10_000);
    expect(expected.end).toMatch(/^(deadHalt|tripleFault)$/);
    expect(difference(expected, new MonitorSubject(mode, paging).run(piece, 10_000_000))).toEqual([]);
  });
});

describe('a guest that waits', () => {
  it('is taken off the machine with no interrupt in service, wherever its run was cut', () => {
    const subject = new MonitorSubject('trap', 'nested');
    // STI; HLT; JMP to the HLT
    const piece = dress(new Random(1), Uint8Array.from([0xfb, 0xf4, 0xeb, 0xfd]), 0, 'pae');
    for (let steps = 1; steps < 200; steps++) {
      subject.run(piece, steps);
      subject.monitor.interrupt();
      expect(JSON.stringify(subject.monitor.pc.save().devices), `${steps} steps`).toMatch(/"master":{[^}]*"isr":0,/);
    }
  });
});
