import { FLAG } from '../../ia32/flags.ts';
import { type Instruction, KIND } from '../../ia32/instruction.ts';
import type { OperationName } from '../../ia32/operations.ts';
import { CR0, CR4, CS, LDTR } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { DR6 } from '../../machine/cpu/debug-registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import { PAGE } from '../../machine/mmu/walk.ts';
import type { Watcher } from './subjects.ts';
import { CODE, CODE_BYTES, DIRECTORY, HANDLERS, PAE_TABLE, TASKS } from './world.ts';

/** Groups of operations that count when they did not fault. */
const GROUPS = {
  'segment loads': ['movToSegment', 'popSegment', 'lds', 'les', 'lss', 'lfs', 'lgs'],
  LLDT: ['lldt'],
  LTR: ['ltr'],
  LGDT: ['lgdt'],
  LIDT: ['lidt'],
  'far JMP': ['jmpFar'],
  'far CALL': ['callFar'],
  'far RET': ['retFar'],
  INT: ['int', 'int3', 'into', 'int1'],
  IRET: ['iret'],
  SYSENTER: ['sysenter'],
  SYSEXIT: ['sysexit'],
  INVLPG: ['invlpg'],
  CLTS: ['clts'],
  'control registers': ['movToControl', 'lmsw'],
  'debug registers': ['movToDebug', 'movFromDebug'],
  WRMSR: ['wrmsr'],
  'port I/O': ['in', 'out'],
  'string I/O': ['ins', 'outs'],
  'repeated strings': ['repMovs', 'repStos', 'repCmps', 'repScas', 'repLods'],
  POPF: ['popf'],
  CPUID: ['cpuid'],
} as const satisfies Readonly<Record<string, readonly OperationName[]>>;

/** The other things that are counted, which are no matter of the operation alone. */
const EVENTS = [
  'VMX instruction refused',
  'task switch',
  'task switch refused',
  'breakpoint',
  'single step',
  'call gate',
  'inward',
  'outward',
  'paging on or off',
  'protection on or off',
  'CR0 bits',
  'PAE on or off',
  'CR4 bits',
  '16-bit code',
  'virtual-8086 code',
  'ring 3 code',
  'ring 1 and 2 code',
  'code of the LDT',
  'without an LDT',
  'self-modifying code',
  'page-table entries',
  'page faults',
  'protection faults',
  'other exceptions',
] as const;

export type Feature = keyof typeof GROUPS | (typeof EVENTS)[number];
const OF_GROUPS = Object.keys(GROUPS) as (keyof typeof GROUPS)[];

/** What code of ring 3 cannot do. */
const NOT_OF_USER: readonly Feature[] = [
  'task switch',
  'LLDT',
  'LTR',
  'LGDT',
  'LIDT',
  'SYSEXIT',
  'INVLPG',
  'CLTS',
  'control registers',
  'debug registers',
  'WRMSR',
  'port I/O',
  'string I/O',
  'paging on or off',
  'protection on or off',
  'CR0 bits',
  'PAE on or off',
  'CR4 bits',
  'virtual-8086 code',
  'ring 1 and 2 code',
  'without an LDT',
  'page-table entries',
  // It would show the machine's.
  'CPUID',
];

/** What a campaign should have done and has not, by its counts. */
export function missing(counts: Readonly<Record<string, number>>, kind: 'kernel' | 'user'): Feature[] {
  const all: Feature[] = [...OF_GROUPS, ...EVENTS];
  return all.filter(name => (counts[name] ?? 0) === 0 && (kind === 'kernel' || !NOT_OF_USER.includes(name)));
}

const VMX: readonly OperationName[] = [
  'vmxon',
  'vmxoff',
  'vmclear',
  'vmptrld',
  'vmptrst',
  'vmread',
  'vmwrite',
  'vmlaunch',
  'vmresume',
  'vmcall',
  'invept',
  'invvpid',
];
/** These enter handlers by themselves, or through a gate. */
const ENTERS: readonly OperationName[] = [...GROUPS.INT, 'callFar', 'jmpFar', 'retFar', 'sysenter', 'iret'];
const FAULTS: Readonly<Record<number, Feature>> = {
  [VECTOR.PF]: 'page faults',
  [VECTOR.GP]: 'protection faults',
};
const TABLES_END = PAE_TABLE + 4096;

/** A far transfer to a task gate or a task. */
function isTaskSwitch(instruction: Instruction | null): boolean {
  return instruction?.dst.kind === KIND.farPointer && TASKS.includes(instruction.dst.register & ~7);
}

interface State {
  readonly cpl: number;
  readonly eip: number;
  readonly cr0: number;
  readonly cr4: number;
}

function stateOf(cpu: Processor): State {
  return { cpl: cpu.cpl, eip: cpu.linearEip, cr0: cpu.cr0, cr4: cpu.cr4 };
}

/** Counts what pieces of code really did: an instruction that faulted at once counts for nothing but its fault. */
export class Coverage implements Watcher {
  readonly counts: Partial<Record<Feature, number>> = {};
  #instruction: Instruction | null = null;
  #before: State = { cpl: 0, eip: 0, cr0: 0, cr4: 0 };
  #sum = 0;
  #tables = 0;
  #traced = false;
  #isCode16 = false;

  #count(name: Feature): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  /** A sum of a stretch of physical memory, but for some bits of every word. */
  #sumOf(cpu: Processor, from: number, to: number, ignored: number): number {
    let sum = 0;
    const end = (L.RAM + to) >> 2;
    for (let at = (L.RAM + from) >> 2; at < end; at++) sum = (Math.imul(sum, 31) + (cpu.i32[at] & ~ignored)) | 0;
    return sum;
  }

  /** The processor itself sets the accessed and dirty bits of page-table entries. */
  #sumOfTables(cpu: Processor): number {
    return this.#sumOf(cpu, DIRECTORY, TABLES_END, PAGE.accessed | PAGE.dirty);
  }

  before(cpu: Processor, instruction: Instruction | null): void {
    this.#instruction = instruction;
    this.#before = stateOf(cpu);
    this.#traced = (cpu.i32[L.W_EFLAGS] & FLAG.TF) !== 0;
    this.#isCode16 = cpu.codeSize === 2;
    this.#sum = this.#sumOf(cpu, CODE, CODE + CODE_BYTES, 0);
    this.#tables = this.#sumOfTables(cpu);
  }

  after(cpu: Processor): void {
    const instruction = this.#instruction;
    const before = this.#before;
    const now = stateOf(cpu);
    const operation = instruction?.row.operation ?? 'ud';
    const at = now.eip - HANDLERS;
    const inHandler = at >= 0 && at < 4096 && (at & 15) === 0;
    const vector = at >> 4;
    if (VMX.includes(operation)) this.#count('VMX instruction refused');
    if (isTaskSwitch(instruction)) this.#count(inHandler ? 'task switch refused' : 'task switch');
    if (inHandler && vector === VECTOR.DB && (cpu.i32[L.W_DR + 6] & DR6.breakpoints) !== 0) this.#count('breakpoint');
    if (inHandler && !ENTERS.includes(operation)) {
      if (this.#traced && vector === VECTOR.DB) this.#count('single step');
      else this.#count(FAULTS[vector] ?? 'other exceptions');
      if (!this.#traced) return;
    }
    for (const name of OF_GROUPS) {
      const operations: readonly OperationName[] = GROUPS[name];
      if (operations.includes(operation)) this.#count(name);
    }
    if (now.cpl < before.cpl) this.#count('inward');
    if (now.cpl > before.cpl) this.#count('outward');
    if (operation === 'callFar' && inHandler) this.#count('call gate');
    const cr0 = before.cr0 ^ now.cr0;
    const cr4 = before.cr4 ^ now.cr4;
    if ((cr0 & CR0.PG) !== 0) this.#count('paging on or off');
    if ((cr0 & CR0.PE) !== 0) this.#count('protection on or off');
    if ((cr0 & ~(CR0.PG | CR0.PE)) !== 0) this.#count('CR0 bits');
    if ((cr4 & CR4.PAE) !== 0) this.#count('PAE on or off');
    if ((cr4 & ~CR4.PAE) !== 0) this.#count('CR4 bits');
    this.#countCode(cpu, now.cpl, before.cpl);
    if (this.#sum !== this.#sumOf(cpu, CODE, CODE + CODE_BYTES, 0)) this.#count('self-modifying code');
    if (this.#tables !== this.#sumOfTables(cpu)) this.#count('page-table entries');
  }

  /** What kind of code it was, or is now. */
  #countCode(cpu: Processor, cpl: number, before: number): void {
    if (cpu.virtual8086) this.#count('virtual-8086 code');
    else if (this.#isCode16) this.#count('16-bit code');
    else if (cpl === 3 && before === 3) this.#count('ring 3 code');
    else if (cpl === 1 || cpl === 2) this.#count('ring 1 and 2 code');
    if ((cpu.selector(CS) & 4) !== 0 && cpu.usesDescriptors) this.#count('code of the LDT');
    if ((cpu.selector(LDTR) & 0xfffc) === 0) this.#count('without an LDT');
  }
}
