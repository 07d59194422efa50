import type { CodeRow } from '../../../core/protocol/messages.ts';
import type { Happening } from '../../../core/protocol/monitor.ts';

/** Instructions and events that stand alike to the modes. */
export const KINDS = [
  'plain',
  'readControl',
  'readCr3',
  'writeControl',
  'writeCr3',
  'clts',
  'debug',
  'loadTable',
  'loadSystemSegment',
  'halt',
  'invlpg',
  'cache',
  'msr',
  'cpuid',
  'io',
  'interruptFlag',
  'pushf',
  'popf',
  'iret',
  'storeTable',
  'storeSystem',
  'probeSegment',
  'showSegment',
  'loadSegment',
  'farTransfer',
  'softwareInterrupt',
  'userPrivileged',
  'userSensitive',
  'hiddenFault',
  'tracedWrite',
  'trueFault',
  'device',
  'exception',
] as const;
export type Kind = (typeof KINDS)[number];

const BY_MNEMONIC: Readonly<Record<string, Kind>> = {
  clts: 'clts',
  lmsw: 'writeControl',
  lgdt: 'loadTable',
  lidt: 'loadTable',
  lldt: 'loadSystemSegment',
  ltr: 'loadSystemSegment',
  hlt: 'halt',
  invlpg: 'invlpg',
  invd: 'cache',
  wbinvd: 'cache',
  rdmsr: 'msr',
  wrmsr: 'msr',
  rdpmc: 'msr',
  cpuid: 'cpuid',
  in: 'io',
  out: 'io',
  cli: 'interruptFlag',
  sti: 'interruptFlag',
  iret: 'iret',
  iretd: 'iret',
  iretw: 'iret',
  sgdt: 'storeTable',
  sidt: 'storeTable',
  sldt: 'storeSystem',
  str: 'storeSystem',
  smsw: 'storeSystem',
  lar: 'probeSegment',
  lsl: 'probeSegment',
  verr: 'probeSegment',
  verw: 'probeSegment',
  int: 'softwareInterrupt',
  int3: 'softwareInterrupt',
  into: 'softwareInterrupt',
  retf: 'farTransfer',
};

const SEGMENT = /\b[cdefgs]s$/;

/** The mnemonic without prefixes, and the operands. */
function parse(text: string): readonly [mnemonic: string, operands: string] {
  const words = text.toLowerCase().replace(/^(?:(?:rep\w*|lock)\s+)+/, '');
  const [mnemonic, ...rest] = words.split(/\s+/);
  return [mnemonic, rest.join(' ')];
}

/** Of an instruction in the guest's kernel; null for one that nothing is said of, such as SYSENTER. */
function kernelKind({ text, class: privilege }: Pick<CodeRow, 'text' | 'class'>): Kind | null {
  const [mnemonic, operands] = parse(text);
  const known = BY_MNEMONIC[mnemonic];
  if (known !== undefined) return known;
  if (/^(in|out)s[bwd]?$/.test(mnemonic)) return 'io';
  if (/^pushf/.test(mnemonic)) return 'pushf';
  if (/^popf/.test(mnemonic)) return 'popf';
  const [to, from = ''] = operands.split(/,\s*/);
  if (mnemonic === 'mov') {
    if (to === 'cr3') return 'writeCr3';
    if (from === 'cr3') return 'readCr3';
    if (/^cr\d/.test(to)) return 'writeControl';
    if (/^cr\d/.test(from)) return 'readControl';
    if (/^dr\d/.test(to) || /^dr\d/.test(from)) return 'debug';
  }
  if (privilege === 'plain') return /^sys(enter|exit)/.test(mnemonic) ? null : 'plain';
  if (privilege !== 'sensitive') return null;
  if (/^(call|jmp|ret)/.test(mnemonic)) return 'farTransfer';
  if (mnemonic === 'push' || (mnemonic === 'mov' && SEGMENT.test(from))) return 'showSegment';
  if (mnemonic === 'pop' || /^l[defgs]s$/.test(mnemonic) || SEGMENT.test(to)) return 'loadSegment';
  return null;
}

const PRIVILEGED: readonly Kind[] = [
  'readControl',
  'readCr3',
  'writeControl',
  'writeCr3',
  'clts',
  'debug',
  'loadTable',
  'loadSystemSegment',
  'halt',
  'invlpg',
  'cache',
  'msr',
  'io',
  'interruptFlag',
];

/** Of an instruction that the guest's kernel, or one of its processes, executes. */
export function kindOf(row: Pick<CodeRow, 'text' | 'class'>, isUser: boolean): Kind | null {
  const kind = kernelKind(row);
  if (!isUser || kind === null || kind === 'plain' || kind === 'softwareInterrupt' || kind === 'cpuid') return kind;
  return PRIVILEGED.includes(kind) ? 'userPrivileged' : 'userSensitive';
}

/** Of what happened: page faults and other exceptions are no property of the instruction. */
export function kindOfHappening(happening: Happening): Kind | null {
  const { kind, deeds, instruction, user, vector } = happening;
  switch (kind) {
    case 'pageFault':
    case 'eptViolation':
      if (deeds.some(deed => deed.kind === 'hiddenFault')) return 'hiddenFault';
      if (deeds.some(deed => deed.kind === 'tracedWrite')) return 'tracedWrite';
      return deeds.some(deed => deed.kind === 'device') ? 'device' : 'trueFault';
    case 'protection':
    case 'instruction':
      return instruction === null ? null : kindOf(instruction, user);
    case 'callout':
      return instruction === null || deeds.some(deed => deed.kind === 'translated') ? null : kindOf(instruction, user);
    case 'exception':
      return 'exception';
    case 'delivered':
      if (vector === 14) return 'trueFault';
      if (instruction !== null && kindOf(instruction, user) === 'softwareInterrupt') return 'softwareInterrupt';
      return vector !== null && vector < 32 ? 'exception' : null;
    case 'hypercall':
      return HYPERCALLS[happening.reason] ?? null;
    case 'interrupt':
    case 'interruptWindow':
    case 'tripleFault':
    case 'entryFailure':
      return null;
  }
}

/** What an ordinary kernel would have done instead of a hypercall. */
const HYPERCALLS: Readonly<Record<string, Kind>> = {
  iret: 'iret',
  mmu_update: 'tracedWrite',
  update_va_mapping: 'tracedWrite',
  set_trap_table: 'loadTable',
  set_gdt: 'loadTable',
  stack_switch: 'loadSystemSegment',
  fpu_taskswitch: 'clts',
};
