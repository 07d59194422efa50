import { MODES, type ModeName } from '../../modes.ts';
import { laterText } from '../../text/later.ts';
import type { Kind } from './instruction-kind.ts';

/** What becomes of an instruction or event in a mode. */
export type Outcome = 'runs' | 'traps' | 'wrong' | 'replaced' | 'hypercall' | 'exits';

/** Why: a key of laterText.inMode.why. */
export type Reason = keyof typeof laterText.inMode.why;

type Cell = `${Outcome} ${Reason}`;
/** In the order of MODES. */
type Row = readonly [bare: Cell, trap: Cell, translate: Cell, patch: Cell, para: Cell, nested: Cell, shadow: Cell];

const SAME: Row = [
  'runs everywhere',
  'runs everywhere',
  'runs everywhere',
  'runs everywhere',
  'runs everywhere',
  'runs everywhere',
  'runs everywhere',
];

/**
 * The monitor in core/vmm is the authority: the rules of the translator and of the scanner, the VMCS that hardware assist sets up, the
 * hypercalls of primer's kernel.
 */
const TABLE: Readonly<Record<Kind, Row>> = {
  plain: SAME,
  readControl: [
    'runs ring0',
    'traps privileged',
    'replaced inline',
    'traps privileged',
    'traps notAsked',
    'runs readShadow',
    'runs readShadow',
  ],
  readCr3: [
    'runs ring0',
    'traps privileged',
    'replaced inline',
    'traps privileged',
    'traps notAsked',
    'runs ownCr3',
    'exits cr3Store',
  ],
  writeControl: [
    'runs ring0',
    'traps privileged',
    'replaced callout',
    'traps privileged',
    'traps notAsked',
    'runs mask',
    'exits heldBits',
  ],
  writeCr3: [
    'runs ring0',
    'traps privileged',
    'replaced callout',
    'traps privileged',
    'hypercall newBase',
    'runs ownCr3',
    'exits cr3Load',
  ],
  clts: [
    'runs ring0',
    'traps privileged',
    'replaced callout',
    'traps privileged',
    'hypercall fpuTaskswitch',
    'runs mask',
    'runs mask',
  ],
  debug: [
    'runs ring0',
    'traps privileged',
    'replaced callout',
    'traps privileged',
    'traps notAsked',
    'exits movDebug',
    'exits movDebug',
  ],
  loadTable: [
    'runs ring0',
    'traps privileged',
    'replaced callout',
    'traps privileged',
    'hypercall tables',
    'runs tablesNotHeld',
    'runs tablesNotHeld',
  ],
  loadSystemSegment: [
    'runs ring0',
    'traps privileged',
    'replaced callout',
    'traps privileged',
    'hypercall systemSegments',
    'runs tablesNotHeld',
    'runs tablesNotHeld',
  ],
  halt: [
    'runs halts',
    'traps privileged',
    'replaced callout',
    'traps privileged',
    'hypercall block',
    'exits hlt',
    'exits hlt',
  ],
  invlpg: [
    'runs ring0',
    'traps privileged',
    'replaced callout',
    'traps privileged',
    'hypercall invlpg',
    'runs ownTlb',
    'exits invlpgExiting',
  ],
  cache: [
    'runs ring0',
    'traps privileged',
    'replaced callout',
    'traps privileged',
    'traps notAsked',
    'exits caches',
    'exits caches',
  ],
  msr: [
    'runs ring0',
    'traps privileged',
    'replaced callout',
    'traps privileged',
    'traps notAsked',
    'exits noBitmap',
    'exits noBitmap',
  ],
  cpuid: [
    'runs everyRing',
    'wrong cpuid',
    'replaced callout',
    'replaced patch',
    'runs cpuidPrefix',
    'exits always',
    'exits always',
  ],
  io: [
    'runs iopl',
    'traps ioBitmap',
    'replaced callout',
    'traps ioBitmap',
    'traps ioPara',
    'exits ioExiting',
    'exits ioExiting',
  ],
  interruptFlag: [
    'runs iopl',
    'traps iopl1',
    'replaced virtualFlag',
    'traps iopl1',
    'replaced upcallMask',
    'runs ownFlag',
    'runs ownFlag',
  ],
  pushf: [
    'runs ring0',
    'wrong showsFlag',
    'replaced inline',
    'replaced patch',
    'replaced upcallMask',
    'runs ownFlag',
    'runs ownFlag',
  ],
  popf: [
    'runs ring0',
    'wrong losesFlag',
    'replaced callout',
    'replaced patch',
    'replaced upcallMask',
    'runs ownFlag',
    'runs ownFlag',
  ],
  iret: [
    'runs ring0',
    'wrong iretLoses',
    'replaced callout',
    'replaced patch',
    'hypercall iret',
    'runs ownFlag',
    'runs ownFlag',
  ],
  storeTable: [
    'runs everyRing',
    'wrong showsTable',
    'replaced callout',
    'replaced patch',
    'wrong knowsTable',
    'runs ownTables',
    'runs ownTables',
  ],
  storeSystem: [
    'runs everyRing',
    'wrong showsSystem',
    'replaced callout',
    'replaced patch',
    'wrong knowsTable',
    'runs ownTables',
    'runs ownTables',
  ],
  probeSegment: [
    'runs everyRing',
    'wrong probes',
    'replaced callout',
    'replaced patch',
    'wrong knowsTable',
    'runs ownTables',
    'runs ownTables',
  ],
  showSegment: [
    'runs everyRing',
    'wrong showsRing',
    'replaced inline',
    'replaced patch',
    'runs knowsRing',
    'runs ownRing',
    'runs ownRing',
  ],
  loadSegment: [
    'runs everyRing',
    'wrong checksRing',
    'replaced inline',
    'replaced patch',
    'runs knowsRing',
    'runs ownRing',
    'runs ownRing',
  ],
  farTransfer: [
    'runs everyRing',
    'wrong showsRing',
    'replaced callout',
    'replaced patch',
    'runs knowsRing',
    'runs ownRing',
    'runs ownRing',
  ],
  softwareInterrupt: [
    'runs ownGate',
    'traps gate',
    'traps gate',
    'traps gate',
    'runs directGate',
    'runs ownGate',
    'runs ownGate',
  ],
  userPrivileged: [
    'traps toKernel',
    'traps forKernel',
    'traps forKernel',
    'traps forKernel',
    'traps forKernel',
    'traps toKernelFirst',
    'traps toKernelFirst',
  ],
  userSensitive: [
    'runs everyRing',
    'wrong userHole',
    'wrong userHole',
    'wrong userHole',
    'wrong userHole',
    'runs ownTables',
    'runs ownTables',
  ],
  hiddenFault: [
    'runs noShadow',
    'traps shadowLacks',
    'traps shadowLacks',
    'traps shadowLacks',
    'runs directTables',
    'runs ept',
    'exits shadowLacks',
  ],
  tracedWrite: [
    'runs noShadow',
    'traps traced',
    'traps traced',
    'traps traced',
    'hypercall mmuUpdate',
    'runs ept',
    'exits traced',
  ],
  trueFault: [
    'traps toKernel',
    'traps forKernel',
    'traps forKernel',
    'traps forKernel',
    'traps forKernel',
    'traps notInBitmap',
    'exits inBitmap',
  ],
  device: [
    'runs realDevice',
    'traps notMapped',
    'traps notMapped',
    'traps notMapped',
    'traps notMapped',
    'exits eptViolation',
    'exits notMapped',
  ],
  exception: [
    'traps toKernel',
    'traps forKernel',
    'traps forKernel',
    'traps forKernel',
    'traps forKernel',
    'traps notInBitmap',
    'traps notInBitmap',
  ],
};

export interface InMode {
  readonly outcome: Outcome;
  /** One clause of why. */
  readonly why: string;
}

/** What becomes of an instruction, or of an event, in a mode. */
export function inMode(kind: Kind, mode: ModeName): InMode {
  const [outcome, reason] = TABLE[kind][MODES.indexOf(mode)].split(' ') as [Outcome, Reason];
  return { outcome, why: laterText.inMode.why[reason] };
}

/** Whether it is the same in every mode. */
export function isSameEverywhere(kind: Kind): boolean {
  return TABLE[kind] === SAME;
}

/** Where the manual says so (Intel SDM), or null where it is the monitor's doing alone. */
export function manualSection(kind: Kind, mode: ModeName, mnemonic: string): string | null {
  const { outcome } = inMode(kind, mode);
  const words = laterText.inMode.manual;
  switch (outcome) {
    case 'exits':
      if (kind === 'cpuid') return words.section('3', '25.1.2');
      if (kind === 'device' && mode === 'nested') return words.section('3', '28.2');
      return words.section(
        '3',
        kind === 'hiddenFault' || kind === 'tracedWrite' || kind === 'trueFault' ? '25.2' : '25.1.3',
      );
    case 'traps':
      return trapSection(kind, mnemonic);
    case 'wrong':
      return words.instruction(mnemonic);
    case 'runs':
      return kind === 'plain' || isFault(kind) ? null : words.instruction(mnemonic);
    case 'replaced':
    case 'hypercall':
      return null;
  }
}

function isFault(kind: Kind): boolean {
  return ['hiddenFault', 'tracedWrite', 'trueFault', 'device', 'exception'].includes(kind);
}

function trapSection(kind: Kind, mnemonic: string): string {
  const words = laterText.inMode.manual;
  if (kind === 'io') return words.section('1', '19.5.2');
  if (kind === 'interruptFlag') return words.instruction(mnemonic);
  if (kind === 'softwareInterrupt') return words.section('3', '6.12.1.1');
  if (kind === 'exception') return words.section('3', '6.15');
  return isFault(kind) ? words.section('3', '4.7') : words.section('3', '5.9');
}
