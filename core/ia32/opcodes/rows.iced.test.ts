import { FlowControl, type OpCodeInfo } from 'iced-x86';
import { beforeAll, describe, expect, it } from 'vitest';
import { KIND } from '../instruction.ts';
import type { OpcodeRow } from '../opcode.ts';
import { everyEncoding, isUndefined, sideBySide } from './testing/iced.ts';

/** Every row with what iced-x86 knows about an encoding that it stands for. */
interface Witness {
  readonly row: OpcodeRow;
  readonly name: string;
  readonly info: OpCodeInfo;
  readonly flow: FlowControl;
  readonly memory: boolean;
}

const witnesses: Witness[] = [];

beforeAll(() => {
  const seen = new Set<string>();
  for (const size of [2, 4] as const) {
    sideBySide(everyEncoding([]), size, ({ ours, iced, facts }) => {
      const memory =
        ours.dst.kind === KIND.memory || [KIND.m8, KIND.m16, KIND.m32].some(kind => ours.dst.kind === kind);
      const key = `${facts.name} ${ours.row.mnemonic} ${memory}`;
      if (isUndefined(ours) || !facts.ours || seen.has(key)) return;
      seen.add(key);
      witnesses.push({ row: ours.row, name: facts.name, info: facts.info, flow: iced.flowControl, memory });
    });
  }
});

/** Names of the encodings for which the row and iced-x86 say different things. */
function disagreements(ours: (w: Witness) => boolean, theirs: (w: Witness) => boolean): string[] {
  return [...new Set(witnesses.filter(w => ours(w) !== theirs(w)).map(w => w.name))];
}

/**
 * Exits that are not the instruction's own: exceptions (by the exception bitmap) and task switches (far transfers). SMSW reads the
 * CR0 shadow without an exit (SDM volume 3, 25.3).
 */
const OTHER_EXITS: ReadonlySet<string> = new Set([
  'ud',
  'bound',
  'int',
  'int1',
  'int3',
  'into',
  'callFar',
  'jmpFar',
  'iret',
  'smsw',
]);

/** Exempt from exits by VMCS shadowing, which this processor does not have. */
const BY_SHADOW_VMCS: ReadonlySet<string> = new Set(['vmread', 'vmwrite']);

type Claim = readonly [about: string, ours: (w: Witness) => boolean, theirs: (w: Witness) => boolean];

const CLAIMS: readonly Claim[] = [
  ['privilege', w => w.row.checks.includes('cpl0'), w => w.info.mustBeCpl0],
  ['real mode', w => w.row.checks.includes('protected'), w => !w.info.realMode],
  ['LOCK', w => w.row.lock && w.memory, w => w.info.canUseLockPrefix && w.memory],
  [
    'x87 instructions that do not wait',
    w => w.row.checks.includes('fpuNoWait') || w.row.checks.includes('fxsr'),
    w => w.info.isFpuNoWait,
  ],
  ['port input and output', w => w.row.intercept === 'io', w => w.info.isInputOutput],
  [
    'VM exits',
    w => w.row.intercept !== null,
    w => (w.info.intelVmExit || w.info.intelMayVmExit) && !OTHER_EXITS.has(w.row.operation),
  ],
  [
    'unconditional VM exits',
    w => w.row.intercept === 'always' || (w.row.intercept === 'vmx' && !BY_SHADOW_VMCS.has(w.row.operation)),
    w => w.info.intelVmExit && !OTHER_EXITS.has(w.row.operation),
  ],
];

describe('the rows agree with iced-x86', () => {
  it('sees the whole table', () => {
    expect(new Set(witnesses.map(w => w.name)).size).toBeGreaterThan(600);
  });

  it.each(CLAIMS)('on %s', (_, ours, theirs) => {
    expect(disagreements(ours, theirs)).toEqual([]);
    expect(witnesses.some(ours)).toBe(true);
  });

  it('on control transfers: they end a block', () => {
    const transfers = witnesses.filter(w => w.flow !== FlowControl.Next && !w.row.endsBlock);
    expect(transfers.map(w => w.name)).toEqual([]);
  });
});
