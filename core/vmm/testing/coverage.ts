import { FLAG } from '../../ia32/flags.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import type { OperationName } from '../../ia32/operations.ts';
import { CR0, CR4, CS, LDTR } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { Watcher } from './subjects.ts';
import { CODE, CODE_BYTES, DIRECTORY, HANDLERS, PAE_TABLE } from './world.ts';

/** Groups of operations that count when they did not fault. */
const GROUPS: Readonly<Record<string, readonly OperationName[]>> = {
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
  'repeated strings': ['movs', 'stos', 'cmps', 'scas', 'lods'],
  POPF: ['popf'],
  CPUID: ['cpuid'],
};

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
const TABLES_END = PAE_TABLE + 4096;

interface State {
  readonly cpl: number;
  readonly eip: number;
  readonly cr0: number;
  readonly cr4: number;
  readonly esp: number;
}

function stateOf(cpu: Processor): State {
  const { i32 } = cpu;
  return { cpl: cpu.cpl, eip: cpu.linearEip, cr0: cpu.cr0, cr4: cpu.cr4, esp: i32[4] };
}

/** Counts what pieces of code really did: an instruction that faulted at once counts for nothing but its fault. */
export class Coverage implements Watcher {
  readonly counts: Record<string, number> = {};
  #instruction: Instruction | null = null;
  #before: State = { cpl: 0, eip: 0, cr0: 0, cr4: 0, esp: 0 };
  #sum = 0;
  #tables = 0;
  #traced = false;
  #isCode16 = false;

  #count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  /** A sum of the bytes in a stretch of physical memory. */
  #sumOf(cpu: Processor, from: number, to: number): number {
    let sum = 0;
    for (let at = (L.RAM + from) >> 2; at < (L.RAM + to) >> 2; at++) sum = (Math.imul(sum, 31) + cpu.i32[at]) | 0;
    return sum;
  }

  before(cpu: Processor, instruction: Instruction | null): void {
    this.#instruction = instruction;
    this.#before = stateOf(cpu);
    this.#traced = (cpu.i32[L.W_EFLAGS] & FLAG.TF) !== 0;
    this.#isCode16 = cpu.codeSize === 2;
    this.#sum = this.#sumOf(cpu, CODE, CODE + CODE_BYTES);
    this.#tables = this.#sumOf(cpu, DIRECTORY, TABLES_END);
  }

  after(cpu: Processor): void {
    const instruction = this.#instruction;
    const before = this.#before;
    const now = stateOf(cpu);
    const { operation } = instruction?.row ?? { operation: 'ud' as const };
    const inHandler = now.eip >= HANDLERS && now.eip < HANDLERS + 4096 && (now.eip & 15) === 0;
    const isCall = GROUPS['INT']?.includes(operation) || operation === 'callFar' || operation === 'sysenter';
    if (VMX.includes(operation)) this.#count('VMX instruction refused');
    if (inHandler && !isCall && operation !== 'iret') {
      this.#count(this.#traced && now.eip === HANDLERS + 16 ? 'single step' : `exception ${(now.eip - HANDLERS) >> 4}`);
      if (!this.#traced) return;
    }
    for (const [name, operations] of Object.entries(GROUPS)) if (operations.includes(operation)) this.#count(name);
    if (now.cpl < before.cpl) this.#count(`inward by ${operation}`);
    if (now.cpl > before.cpl) this.#count(`outward by ${operation}`);
    if (operation === 'callFar' && inHandler) this.#count('call gates');
    const changed = before.cr0 ^ now.cr0;
    if (changed < 0) this.#count('paging on or off');
    if ((changed & CR0.PE) !== 0) this.#count('protection on or off');
    if ((changed & ~(CR0.PG | CR0.PE)) !== 0) this.#count('CR0 bits');
    if ((before.cr4 ^ now.cr4) & CR4.PAE) this.#count('PAE on or off');
    if (before.cr4 !== now.cr4) this.#count('CR4 bits');
    if (this.#isCode16) this.#count('16-bit code');
    if (cpu.virtual8086) this.#count('virtual-8086 code');
    else if (now.cpl === 3 && before.cpl === 3) this.#count('ring 3 code');
    else if (now.cpl === 1 || now.cpl === 2) this.#count('ring 1 and 2 code');
    if ((cpu.selector(CS) & 4) !== 0) this.#count('code of the LDT');
    if ((cpu.selector(LDTR) & 0xfffc) === 0) this.#count('without an LDT');
    if (this.#sum !== this.#sumOf(cpu, CODE, CODE + CODE_BYTES)) this.#count('self-modifying');
    if (this.#tables !== this.#sumOf(cpu, DIRECTORY, TABLES_END)) this.#count('page-table entries');
  }
}
