import type { PackedOperation, SseOperation } from './sse/operations.ts';
import type { X87Operation } from './x87/operations.ts';

/**
 * What an instruction means, by name. An opcode-table row names one operation; the two unions say who carries it out.
 */

/** Operations with one generic semantics function, in semantics/: the executor runs it, a translator compiles it. */
export type SemanticsName =
  // move
  | 'mov'
  | 'movzx'
  | 'movsx'
  | 'lea'
  | 'xchg'
  | 'bswap'
  | 'cmov'
  | 'setcc'
  | 'xlat'
  | 'cbw'
  | 'cwd'
  // arithmetic
  | 'add'
  | 'adc'
  | 'sub'
  | 'sbb'
  | 'cmp'
  | 'inc'
  | 'dec'
  | 'neg'
  | 'cmpxchg'
  | 'cmpxchg8b'
  | 'xadd'
  | 'mul'
  | 'imulWide'
  | 'imul'
  | 'aaa'
  | 'aas'
  | 'aam'
  | 'aad'
  | 'daa'
  | 'das'
  // logic, shifts, bits
  | 'and'
  | 'or'
  | 'xor'
  | 'not'
  | 'test'
  | 'rol'
  | 'ror'
  | 'rcl'
  | 'rcr'
  | 'shl'
  | 'shr'
  | 'sar'
  | 'shld'
  | 'shrd'
  | 'bt'
  | 'bts'
  | 'btr'
  | 'btc'
  | 'bsf'
  | 'bsr'
  // stack
  | 'push'
  | 'pop'
  | 'pusha'
  | 'popa'
  | 'leave'
  // near control transfer
  | 'jmp'
  | 'jmpIndirect'
  | 'jcc'
  | 'call'
  | 'callIndirect'
  | 'ret'
  | 'loop'
  | 'loope'
  | 'loopne'
  | 'jcxz'
  | 'nop'
  // flags
  | 'clc'
  | 'stc'
  | 'cmc'
  | 'cld'
  | 'std'
  | 'lahf'
  | 'sahf'
  | 'salc'
  | 'cli'
  // segments
  | 'movFromSegment'
  | 'pushSegment'
  // strings
  | 'movs'
  | 'stos'
  | 'lods'
  | 'scas'
  | 'cmps'
  | PackedOperation;

/** VMX instructions (SDM volume 3, chapter 30). */
export type VmxOperation =
  | 'vmxon'
  | 'vmxoff'
  | 'vmclear'
  | 'vmptrld'
  | 'vmptrst'
  | 'vmread'
  | 'vmwrite'
  | 'vmlaunch'
  | 'vmresume'
  | 'vmcall'
  | 'invept'
  | 'invvpid';

/** Operations that are plain functions on the processor, in machine/cpu/: every engine calls the same one. */
export type SystemOperation =
  // segments and far transfers
  | 'movToSegment'
  | 'popSegment'
  | 'les'
  | 'lds'
  | 'lss'
  | 'lfs'
  | 'lgs'
  | 'jmpFar'
  | 'callFar'
  | 'retFar'
  | 'int'
  | 'int3'
  | 'into'
  | 'int1'
  | 'iret'
  | 'bound'
  | 'sysenter'
  | 'sysexit'
  // flags and interrupts
  | 'pushf'
  | 'popf'
  | 'sti'
  | 'hlt'
  // input and output
  | 'in'
  | 'out'
  | 'ins'
  | 'outs'
  // repeated strings
  | 'repMovs'
  | 'repStos'
  | 'repLods'
  | 'repScas'
  | 'repCmps'
  // descriptor tables
  | 'lgdt'
  | 'lidt'
  | 'sgdt'
  | 'sidt'
  | 'lldt'
  | 'sldt'
  | 'ltr'
  | 'str'
  | 'lar'
  | 'lsl'
  | 'verr'
  | 'verw'
  | 'arpl'
  // control
  | 'lmsw'
  | 'smsw'
  | 'clts'
  | 'movFromControl'
  | 'movToControl'
  | 'movFromDebug'
  | 'movToDebug'
  | 'invlpg'
  | 'invd'
  | 'wbinvd'
  | 'rdmsr'
  | 'wrmsr'
  | 'rdtsc'
  | 'rdpmc'
  | 'cpuid'
  // virtual-machine extensions
  | VmxOperation
  // divide and the rest
  | 'div'
  | 'idiv'
  | 'enter'
  | 'ud'
  /** Longer than 15 bytes: #GP(0) (SDM volume 2, 2.3.11). */
  | 'tooLong'
  | 'unimplemented'
  | X87Operation
  | SseOperation;

export type OperationName = SemanticsName | SystemOperation;
