/** A file, and words in it that are there only because it tests the form. */
interface Spec {
  readonly file: string;
  readonly says: string;
}

const in_ =
  (file: string) =>
  (says: string): Spec => ({ file, says });
const system = in_('core/machine/cpu/system.test.ts');
const segmentation = in_('core/machine/cpu/segmentation.test.ts');
const ports = in_('core/machine/cpu/io.test.ts');
const gates = in_('core/machine/cpu/gates.test.ts');
const interrupts = in_('core/machine/cpu/interrupts.test.ts');
const debug = in_('core/machine/cpu/debug-registers.test.ts');
const exits = in_('core/machine/cpu/vmx/exits.test.ts');
const vmx = in_('core/machine/cpu/vmx/instructions.test.ts');

const TELLS = segmentation('SGDT, SIDT, SLDT, STR and SMSW tell ring 3 what ring 0 set');
const THREE_SIZES = ports('by DX and by an immediate, in three sizes');
const REPEATED = ports('REP INS and OUTS move memory in the direction of DF');
const NEXT = gates('the return address of INT3, INTO and INT n is the next instruction');

/**
 * Forms that no vector in user mode comes to the end of, and the specs that test them. Most of them the random tests try too, on Bochs and here
 * (tools/fuzz); the report finds that out by itself.
 */
export const NOT_ON_SILICON: Readonly<Record<string, readonly Spec[]>> = {
  'sldt RvMw': [TELLS],
  'str RvMw': [TELLS],
  'smsw RvMw': [TELLS],
  'sgdt Ms': [TELLS],
  'sidt Ms': [TELLS],
  'lgdt Ms': [TELLS],
  'lidt Ms': [TELLS],
  'lldt Ew': [segmentation('LLDT: %s')],
  'ltr Ew': [segmentation("describe('LTR'")],
  'verr Ew': [segmentation('VERR and VERW: %s')],
  'verw Ew': [segmentation('VERR and VERW: %s')],
  'lar Gv Ew': [segmentation('LAR and LSL: %s')],
  'lsl Gv Ew': [segmentation('LAR and LSL: %s')],
  clts: [system('CLTS clears TS')],
  invd: [exits('INVD raises #GP there')],
  'mov Rd Cd': [system("x('0f 20 c3')")],
  'mov Cd Rd': [system("x('0f 22 e0')")],
  'call Ap': [segmentation('CALL pushes the return address, RET comes back')],
  'call Mp': [segmentation('CALL pushes the return address, RET comes back')],
  'jmp Ap': [segmentation("describe('far jumps'")],
  'jmp Mp': [segmentation("describe('far jumps'")],
  retf: [gates("describe('RETF'")],
  'retf Iw': [gates('RETF n releases the parameters on both stacks')],
  iret: [gates("describe('IRET'")],
  int3: [NEXT],
  'int Ib': [NEXT],
  int1: [in_('core/machine/cpu/exceptions.test.ts')('INT1, which any ring may execute')],
  cli: [interrupts('not while IF is clear')],
  sti: [interrupts('not while IF is clear')],
  'arpl Ew Gw': [segmentation('ARPL %i by %i')],
  'lmsw Ew': [system('LMSW changes PE, MP, EM and TS only')],
  'invlpg M': [in_('core/machine/cpu/paging.test.ts')('INVLPG of any address in a 4 MB page drops all of it')],
  wbinvd: [exits('WBINVD exits by a secondary control')],
  'mov Rd Dd': [debug("x('0f 21 f0')")],
  'mov Dd Rd': [debug('count from the next instruction on when MOV DR7 enables them')],
  wrmsr: [system('WRMSR sets it')],
  rdmsr: [system('RDTSC and RDMSR read it')],
  rdtsc: [system('RDTSC and RDMSR read it')],
  rdpmc: [exits('RDPMC without its control raises #GP: there are no counters')],
  sysenter: [system('SYSENTER works in ring 0, too')],
  sysexit: [system('SYSEXIT outside of ring 0 as well')],
  cpuid: [system("describe('CPUID'")],
  rsm: [system('RSM is #UD in every ring')],
  'ins Yb': [REPEATED],
  'ins Yv': [REPEATED],
  'outs Xb': [REPEATED],
  'outs Xv': [REPEATED],
  'in AL DX': [THREE_SIZES],
  'in eAX DX': [THREE_SIZES],
  'out DX eAX': [THREE_SIZES],
  'in AL Ib': [THREE_SIZES],
  'in eAX Ib': [THREE_SIZES],
  'out Ib AL': [THREE_SIZES],
  'out Ib eAX': [THREE_SIZES],
  'out DX AL': [THREE_SIZES],
  hlt: [debug('HLT that is traced wakes for its trap')],
  'vmread Ed Gd': [vmx('VMREAD')],
  'vmwrite Gd Ed': [vmx('VMWRITE')],
  vmcall: [vmx('VMCALL')],
  vmlaunch: [vmx('VMLAUNCH')],
  vmresume: [vmx('VMRESUME')],
  vmxoff: [vmx('VMXOFF')],
  'vmxon Mq': [vmx('VMXON')],
  'vmptrld Mq': [vmx('VMPTRLD')],
  'vmptrst Mq': [vmx('VMPTRST')],
  'vmclear Mq': [vmx('VMCLEAR')],
  'invept Gd Mdq': [vmx('INVEPT')],
  'invvpid Gd Mdq': [vmx('INVVPID')],
};
