/**
 * What the page asks once, and what the worker answers: for panels that need something now and then, and for the console of verbs. Types only.
 * Nothing of it changes the machine.
 */
import type { CodeRow, MemoryWindow, SegmentView } from './messages.ts';
import type { AddressView } from './monitor.ts';

export type DescriptorTable = 'gdt' | 'ldt' | 'idt';

export type Question =
  /** At most 4096 bytes. */
  | {
      readonly kind: 'memory';
      readonly space: MemoryWindow['space'];
      readonly address: number;
      readonly length: number;
    }
  /** At most 256 instructions. */
  | { readonly kind: 'code'; readonly address: number; readonly count: number }
  | { readonly kind: 'walk'; readonly address: number }
  /** What the machine's TLB holds. */
  | { readonly kind: 'tlb' }
  /** Registers that few programs use: x87 and MMX, SSE, debug registers, as the guest believes to have them. */
  | { readonly kind: 'units' }
  /** The VMCS that the guest runs by, field by field. */
  | { readonly kind: 'vmcs' }
  /** `whose`: as the guest set it up, or as the machine's processor has it. */
  | { readonly kind: 'descriptors'; readonly table: DescriptorTable; readonly whose: 'guest' | 'machine' }
  /** The value of an expression, as a breakpoint's condition has it. */
  | { readonly kind: 'value'; readonly expression: string }
  /** By what the machine runs code, and the regions that were entered most: so many, at most 64. */
  | { readonly kind: 'engine'; readonly count: number }
  /** What runs the guest's code at a linear address; `text`: with the WebAssembly that it became. */
  | { readonly kind: 'region'; readonly address: number; readonly text: boolean }
  /** Who changed these four bytes last, found by replaying the past; takes as long as going back there. */
  | { readonly kind: 'lastWrite'; readonly space: MemoryWindow['space']; readonly address: number };

/** Pages that follow each other in the TLB, linear and physical alike. */
export interface TlbRun {
  readonly linear: number;
  readonly physical: number;
  readonly pages: number;
  /** By whom it can be used without a walk. */
  readonly user: boolean;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
  readonly global: boolean;
}

export type VmcsArea = 'guest state' | 'host state' | 'control' | 'exit information';

export interface VmcsField {
  /** The manual's name, appendix B of volume 3. */
  readonly name: string;
  readonly encoding: number;
  readonly area: VmcsArea;
  /** 64-bit fields: the upper half; else 0. */
  readonly high: number;
  readonly low: number;
  readonly bits: 16 | 32 | 64;
  /** What it says, if that can be said shortly: names of the bits that are set, the exit's reason. */
  readonly meaning: string;
}

/** An entry of a descriptor table that is present or not empty. */
export interface DescriptorView {
  readonly index: number;
  /** Eight bytes. */
  readonly low: number;
  readonly high: number;
  readonly segment: SegmentView | null;
  /** A gate's target; null for segments. */
  readonly gate: { readonly selector: number; readonly offset: number } | null;
  readonly dpl: 0 | 1 | 2 | 3;
  readonly present: boolean;
  /** "code 32 execute/read", "interrupt gate 32", "task gate". */
  readonly description: string;
}

/** A register of the x87: 64 bits of mantissa, which are MM0 to MM7, and sign and exponent. */
export interface X87Register {
  readonly low: number;
  readonly high: number;
  readonly exponent: number;
}

export interface Units {
  readonly x87: {
    readonly control: number;
    /** TOP in bits 13 to 11 says which of the registers is ST(0). */
    readonly status: number;
    /** A bit for each of R0 to R7, set when it is empty. */
    readonly empty: number;
    /** R0 to R7. */
    readonly registers: readonly X87Register[];
  };
  readonly mxcsr: number;
  /** XMM0 to XMM7, four words each, the lowest first. */
  readonly xmm: Uint32Array;
  /** DR0 to DR3, DR6, DR7. */
  readonly debug: readonly number[];
  /** Those of the machine; null where the guest's are the machine's. */
  readonly machineDebug: readonly number[] | null;
}

/** How instructions are run: each by the executor, or what is hot as WebAssembly, by single blocks or by regions. */
export type EngineName = 'execute' | 'blocks' | 'regions';

/** Code that was translated as a whole. Addresses are linear ones of the machine's. */
export interface RegionView {
  /** Where it was begun, with its name, and where the guest's code is that it stands for: null where it is the monitor's own. */
  readonly address: number;
  readonly symbol: string | null;
  readonly guest: number | null;
  /** From its first byte to the one behind its last; there may be other code between. */
  readonly start: number;
  readonly end: number;
  /** A procedure alone, the rest of one from somewhere in its midst, or one with those that it calls. */
  readonly extent: 'procedure' | 'rest' | 'calls';
  /** Places where control comes in. */
  readonly entrances: number;
  readonly blocks: number;
  readonly instructions: number;
  /** Of WebAssembly. */
  readonly bytes: number;
  /** How often control came in. A loop inside is one entry, however often it goes round. */
  readonly entered: number;
  readonly user: boolean;
  /** Its module is not made yet: the executor still runs it. */
  readonly waits: boolean;
}

/** A piece of a region's WebAssembly, in its order. Where two ways part, the code of the first may stand between what belongs to one instruction. */
export interface RegionPart {
  /** What it is for: to come in, to choose between entrances, to begin a block, an instruction, to leave. */
  readonly kind: 'enter' | 'choose' | 'block' | 'instruction' | 'leave';
  /** Of the block or instruction. */
  readonly address: number;
  /** Null where it is none's. */
  readonly row: CodeRow | null;
  readonly text: string;
}

/** What runs the code at an address. */
export type RunBy =
  | {
      readonly by: 'region';
      readonly region: RegionView;
      /** Null if it was not asked for, or cannot be had. */
      readonly parts: readonly RegionPart[] | null;
    }
  /** Instruction by instruction: nothing is translated; no code is there; somebody wants to stop in this page or watches such instructions. */
  | { readonly by: 'executor'; readonly why: 'engine' | 'unmapped' | 'stop' | 'watched' }
  /** No translation begins with the instruction. */
  | { readonly by: 'executor' | 'interpreter'; readonly why: 'left' }
  /** It is not hot: its block was executed so often lately, and has to be so often. */
  | {
      readonly by: 'executor' | 'interpreter';
      readonly why: 'cold';
      readonly executed: number;
      readonly needed: number;
    };

export type Answer =
  | ({ readonly kind: 'units' } & Units)
  | { readonly kind: 'memory'; readonly bytes: Int16Array }
  | { readonly kind: 'code'; readonly rows: readonly CodeRow[] }
  | { readonly kind: 'walk'; readonly address: AddressView }
  | { readonly kind: 'tlb'; readonly runs: readonly TlbRun[]; readonly dropped: number }
  | { readonly kind: 'vmcs'; readonly fields: readonly VmcsField[] }
  | {
      readonly kind: 'descriptors';
      readonly base: number;
      readonly limit: number;
      readonly entries: readonly DescriptorView[];
    }
  | { readonly kind: 'value'; readonly value: number }
  | {
      readonly kind: 'engine';
      readonly engine: EngineName;
      /** Since the machine was made: regions, and the modules that they came in. */
      readonly made: number;
      readonly modules: number;
      /** Regions that are alive; their guest instructions and bytes of WebAssembly. */
      readonly alive: number;
      readonly instructions: number;
      readonly bytes: number;
      /** The first one most. */
      readonly hottest: readonly RegionView[];
    }
  | {
      readonly kind: 'region';
      /** Where the machine has it, if that is elsewhere: in the monitor's translation cache. */
      readonly place: number | null;
      readonly run: RunBy;
    }
  | {
      readonly kind: 'lastWrite';
      /** Steps since the guest was opened, before the instruction that did it: `goTo` goes there. */
      readonly step: number;
      /** The instruction, or null where it was not one of the guest's: the person at the page, the monitor. */
      readonly row: CodeRow | null;
      readonly before: number;
      readonly after: number;
    }
  /** It cannot be answered: one clear sentence. */
  | { readonly kind: 'none'; readonly message: string };
