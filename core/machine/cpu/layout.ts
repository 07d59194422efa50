/**
 * Where things lie in the one WebAssembly.Memory: processor state, TLB, RAM. Translated code will address the same
 * bytes as constants. Word offsets (W_) index an Int32Array over the memory.
 */

/** General registers, eight words, then one word that is always 0 (the base or index of an address that has none). */
export const W_GENERAL = 0;
export const W_EIP = 16;
/** EFLAGS; the six status flags in it count only as far as W_FLAGS_KIND says. */
export const W_EFLAGS = 17;
/** Lazy status flags: how to compute them from operands and result (LAZY), and the operand size in bytes. */
export const W_FLAGS_KIND = 18;
export const W_FLAGS_SIZE = 19;
export const W_FLAGS_A = 20;
export const W_FLAGS_B = 21;
export const W_FLAGS_R = 22;
/** Instructions left until the run loop looks up. */
export const W_BUDGET = 23;
export const W_CPL = 24;
/** First word of the TLB tables that the current privilege level uses. */
export const W_READ_TABLE = 25;
export const W_WRITE_TABLE = 26;
export const W_EXECUTE_TABLE = 27;
/** -1 or 0xFFFF: width of the stack pointer. */
export const W_STACK_MASK = 28;
/** Offsets in CS are cut to this: the limit check of near jumps, -1 when CS is flat. */
export const W_CODE_LIMIT = 29;
/** The activity state (SDM volume 3, 24.4.2): 0 active, 1 while HLT waits for an interrupt, 2 in shutdown. */
export const W_HALTED = 30;
export const SHUTDOWN = 2;
/** Not 0 after STI, MOV SS or POP SS: the next instruction runs before an interrupt is taken (SDM volume 3, 6.8.3). */
export const W_SHADOW = 31;
export const SHADOW_STI = 1;
/** After a load of SS; it holds off the single-step trap as well. */
export const SHADOW_STACK = 2;
/** 1 while CR0.AM, EFLAGS.AC and CPL 3 ask for alignment checks. */
export const W_ALIGNMENT = 32;

/** 1 when the run loop must look up after this instruction: see attend(). */
export const W_ATTEND = 33;

/**
 * What translated code takes for granted of privilege and segmentation, in one word; State keeps it up to date. Bit 0: CPL 3. Bit 1: code of 32
 * bits. Bit 2: a stack pointer of 32 bits. Bit 3: CS has base 0 and no limit. From bit 4 on two bits each of ES to GS: SEGMENT_.
 */
export const W_PREMISES = 34;
export const PREMISE = { user: 1, code32: 2, stack32: 4, flatCode: 8 } as const;
export const PREMISE_SEGMENTS = 4;
/** A segment of all 4 GB that can be read and written; one that can only be read. */
export const SEGMENT_FLAT = 0;
export const SEGMENT_FLAT_READ_ONLY = 1;
/** Anything else: S_PLAIN says more. */
export const SEGMENT_CHECKED = 2;

/** Segments ES CS SS DS FS GS LDTR TR, eight words each. */
export const W_SEGMENTS = 40;
export const SEGMENT_WORDS = 8;
export const S_SELECTOR = 0;
export const S_BASE = 1;
/** Effective limit in bytes, inclusive. */
export const S_LIMIT = 2;
/** Descriptor bits 8..23 shifted down to 0..15: type, S, DPL, P, then AVL, L, D/B, G in bits 12..15; 0 when unusable. */
export const S_ATTRIBUTES = 3;
/** Bit 0: a read needs checks or a base; bit 1: a write does. 0 for a flat read/write segment. */
export const S_CHECKED = 4;
/** 0 where all from the base up to the limit can be read and written, else 1. */
export const S_PLAIN = 5;

export const W_GDTR_BASE = 104;
export const W_GDTR_LIMIT = 105;
export const W_IDTR_BASE = 106;
export const W_IDTR_LIMIT = 107;
export const W_CR0 = 108;
export const W_CR2 = 110;
export const W_CR3 = 111;
export const W_CR4 = 112;
/** DR0 to DR7. */
export const W_DR = 116;
/** The four page-directory-pointer entries that PAE paging loads with CR3, low and high words. */
export const W_PDPTE = 124;
/** Memory type ranges, SYSENTER and the other model-specific registers, low and high words; see msr.ts. */
export const W_MSR = 132;
export const MSR_WORDS = 80;

/** x87: words of control, status, full tag word, last opcode, instruction and data pointers; see x87/state.ts. */
export const W_X87 = 256;
/** x87 registers R0 to R7 (physical numbers), 16 bytes each: mantissa low, high, sign and exponent. */
export const W_X87_REGISTERS = 272;

/** MXCSR, behind the x87's words, and XMM0 to XMM7, four words each. The MMX registers are the x87's (SDM volume 1, 9.2). */
export const W_MXCSR = 264;
export const W_XMM = 320;

/** VMX: not in VMX operation, in VMX root operation (the monitor), in VMX non-root operation (its guest). */
export const W_VMX_OPERATION = 304;
export const VMX_OFF = 0;
export const VMX_ROOT = 1;
export const VMX_NON_ROOT = 2;
/** Physical addresses of the VMXON region and of the current VMCS; NO_VMCS where there is none. */
export const W_VMXON_POINTER = 305;
export const W_VMCS_POINTER = 306;
export const NO_VMCS = -1;
/** VM-execution controls in effect; 0 outside of non-root operation. */
export const W_VMX_PIN = 307;
export const W_VMX_PROCESSOR = 308;
export const W_VMX_SECONDARY = 309;
/** Low word of the EPT pointer; 0 where guest-physical addresses are not translated. */
export const W_EPT_POINTER = 310;
/** What must be looked at between instructions of a guest (WATCH_); 0 outside of non-root operation. */
export const W_VMX_WATCH = 311;
export const WATCH_TIMER = 1;
export const WATCH_WINDOW = 2;
/** Monitor trap flag: an exit follows each instruction. */
export const WATCH_TRAP = 4;
/** That exit is due now. */
export const WATCH_TRAPPED = 8;
/** W_PENDING_DEBUG is not 0. */
export const WATCH_DEBUG = 16;
/** Step at which the VMX-preemption timer reaches 0: low and high word. */
export const W_TIMER_END = 312;
/** Debug exceptions that wait for delivery, as in the VMCS field (SDM volume 3, table 24-4). */
export const W_PENDING_DEBUG = 314;
/** 1 after an NMI, until IRET. */
export const W_NMI_BLOCKED = 315;
/** 1 when an NMI has come that was not taken yet. */
export const W_NMI_PENDING = 316;

/** Bytes of processor state, all of which a snapshot carries. */
export const STATE_BYTES = 2048;

/** Where vector operands from memory are fetched to and results are made, 16 bytes each: no state, between instructions nothing. */
export const SCRATCH = STATE_BYTES + 16;
export const FETCHED = SCRATCH - 16;
/** Two operands and a result of x87 arithmetic, 16 bytes each as the registers: no state either. */
export const X87_SCRATCH = SCRATCH + 64;

/** Beside the state, and in no snapshot, as it follows from what is elsewhere: Translation.linkKey, interruptPending, whether there is a probe. */
export const W_LINK_KEY = 640;
export const W_INTERRUPT = 641;
export const W_PROBED = 642;
/** Values of W_PROBED, 0 without a probe: it hears of everything at once, or of some transfers later (transfer-log.ts). */
export const TOLD_AT_ONCE = 1;
export const TOLD_LATER = 2;
/** Steps granted to the run that W_BUDGET does not show. */
export const W_RESERVE = 643;
/** Transfers that wait to be told; LOG_ENTRIES at most, of four words each, from byte LOG on. */
export const W_LOGGED = 644;
/** Linear address of the access for which translated code was left last. */
export const W_MISSED = 645;
/** What the interpreter's function did there that has left the instruction to the executor (MISSED_); 0 if it was not for an access. */
export const W_MISSED_ACCESS = 646;
export const MISSED_READ = 1;
export const MISSED_WRITE = 2;

/** Descriptors as they were loaded last (descriptor-memo.ts): where they lie, in bytes, and how many, eight words each. */
export const MEMO = 4096;
export const MEMO_SLOTS = 64;
export const M_KEY = 0;
/** The descriptor's two words. */
export const M_LOW = 1;
/** What a segment register has then, from its base on: in the order of S_BASE to S_PLAIN. */
export const M_HIDDEN = 3;

/** Transfers in the order in which they came: what, CPL and linear address that they led to, and the steps of the run that were left then. */
export const LOG = 8192;
export const LOG_ENTRIES = 1024;
export const LOG_WORDS = 4;

/** TLB: three flat tables (read, write, execute) for supervisor and for user accesses, a word for each linear page. */
export const TABLE_WORDS = 1 << 20;
/** Where the first one lies, that of supervisor reads. */
export const W_TLB = 0x10000 >> 2;
/** Word offset of the other tables; those for user accesses come USER_TABLES later. */
export const W_TLB_WRITE = W_TLB + TABLE_WORDS;
export const W_TLB_EXECUTE = W_TLB + 2 * TABLE_WORDS;
export const USER_TABLES = 3 * TABLE_WORDS;
export const W_TLB_END = W_TLB + 6 * TABLE_WORDS;
/**
 * A TLB entry is (address in this memory - linear address) with low bits 0; an invalid one is INVALID. So
 * ((linear | entry) & 0xFFF) > 4096 - size tests validity and page crossing at once, for all sizes but one byte, where bit 0
 * of the entry must be looked at.
 */
export const INVALID = 0xfff;
/** These bits are set in a valid entry for writes to a page with code: it is found slowly, without a walk. */
export const PROTECTED = 0xfff;

/** Byte offset of the room for decoded code as the interpreter has it (translate/interpret/record.ts): below RAM, so that no sign is in the way. */
export const RECORDS = W_TLB_END << 2;
const RECORDS_BYTES = 8 << 20;

/** Byte offset of physical address 0. */
export const RAM = RECORDS + RECORDS_BYTES;

/**
 * Where the translation of the code at a linear address is found: CODE_SLOTS places of four words, four of which a hash of the linear address
 * chooses: linear address, entry of the execute table, premises, index in the table of functions. Behind them, in REGION_RAN, the index that was
 * entered last, and by index a counter (REGION_RUNS), which goes down with each entry. In BLOCK_TABLE there are as many places for blocks of the
 * interpreter's, whose byte offsets are no index, as they are from REGION_FUNCTIONS on; they have counters of their own.
 */
export const CODE_SLOTS = 1 << 16;
const TABLE_BYTES = CODE_SLOTS * 16;
export const REGION_RAN = TABLE_BYTES;
/** A line of the host's cache further, so that places that belong together do not lie in two. */
export const REGION_RUNS = REGION_RAN + 64;
/** Functions that the table of functions has at most. */
export const REGION_FUNCTIONS = 1 << 14;
export const BLOCK_TABLE = REGION_RUNS + 4 * REGION_FUNCTIONS;
export const REGION_BYTES = BLOCK_TABLE + TABLE_BYTES;
export const R_LINEAR = 0;
export const R_ENTRY = 1;
export const R_PREMISES = 2;
export const R_INDEX = 3;

/** How lazy flags are computed (W_FLAGS_KIND). Zero: all are in EFLAGS. */
export const LAZY_NONE = 0;
export const LAZY_ADD = 1;
export const LAZY_SUB = 2;
export const LAZY_LOGIC = 3;
/** CF in EFLAGS, the rest from the result. */
export const LAZY_INCREMENT = 4;
export const LAZY_DECREMENT = 5;
/** CF, OF and AF in EFLAGS; ZF, SF and PF from the result. */
export const LAZY_RESULT = 6;
