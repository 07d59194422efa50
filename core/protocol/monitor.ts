/**
 * What the page shows of a guest under the monitor: who runs where, what took the processor into the monitor and what it did there, page tables
 * and walks, the account of exits. Types only. Addresses are unsigned, times virtual seconds since the guest was opened.
 */
import type { CodeRow, Registers } from './messages.ts';

/** How the guest is run: for itself on the machine, or under the monitor by one of its techniques. */
export type Mode = 'bare' | 'trap' | 'translate' | 'patch' | 'para' | 'hardware';
export type Paging = 'shadow' | 'nested';

/** A mode with what belongs to it; `paging` counts for `hardware` only. */
export interface Setting {
  readonly mode: Mode;
  readonly paging: Paging;
}

/** Where the processor is. */
export interface Seat {
  /** Privilege level of the machine's processor. */
  readonly ring: 0 | 1 | 2 | 3;
  /** VMX non-root operation. */
  readonly nonRoot: boolean;
  /** The monitor's own code runs, or the monitor waits on the guest's behalf. */
  readonly inMonitor: boolean;
  /** The privilege level that the guest believes in. */
  readonly guestRing: 0 | 1 | 2 | 3;
  /** Translated kernel code runs, from the translation cache. */
  readonly translated: boolean;
}

/** What kind of thing happened: an exit's kind, or what a guest without a monitor meets. */
export type HappeningKind =
  | 'interrupt'
  | 'pageFault'
  | 'exception'
  | 'protection'
  | 'callout'
  | 'hypercall'
  | 'instruction'
  | 'eptViolation'
  | 'interruptWindow'
  | 'tripleFault'
  | 'entryFailure'
  /** Bare: an interrupt, exception or INT n went through the guest's IDT. */
  | 'delivered';

/** What the monitor did about it, in order. */
export type Deed =
  /** Emulated the instruction, through the same decoder and semantics as the machine's. */
  | { readonly kind: 'emulated' }
  /** Raised an exception in the guest, or gave it an interrupt. */
  | { readonly kind: 'delivered'; readonly vector: number; readonly code: number | null }
  /** The shadow tables lacked an entry that the guest's own tables have: made it; the guest notices nothing. */
  | { readonly kind: 'hiddenFault'; readonly linear: number }
  /** The guest wrote to a page table: carried out the write, and dropped what the shadow had made of the old entry. */
  | { readonly kind: 'tracedWrite'; readonly linear: number }
  /** No memory is there: a device was asked, or nobody. */
  | { readonly kind: 'device'; readonly linear: number }
  /** Translated the code that the guest goes on with. */
  | { readonly kind: 'translated'; readonly address: number }
  /** Served a hypercall; `result` is what EAX got. */
  | { readonly kind: 'hypercall'; readonly name: string; readonly result: number }
  /** Served the machine's own timer or console, which the guest does not see. */
  | { readonly kind: 'machineInterrupt'; readonly vector: number };

export interface NamedValue {
  readonly name: string;
  readonly value: number;
}

export interface ChangedValue {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/** One trap, exit, hypercall or delivery, whole. */
export interface Happening {
  /** Counts happenings since the guest was opened. */
  readonly serial: number;
  readonly time: number;
  /** Steps since the guest was opened. */
  readonly step: number;
  readonly setting: Setting;
  readonly kind: HappeningKind;
  /** The mnemonic of the instruction, the name of the exception or hypercall: as it is counted. */
  readonly reason: string;
  /** Guest-linear address of the instruction. */
  readonly address: number;
  /** The instruction there, or null where nothing can be read. */
  readonly instruction: CodeRow | null;
  /** The guest's ring 3 ran. */
  readonly user: boolean;
  readonly vector: number | null;
  readonly errorCode: number | null;
  /** CR2, or the guest-physical address of an EPT violation. */
  readonly faultAddress: number | null;
  /** VMX: exit reason number and qualification. */
  readonly exitReason: number | null;
  readonly qualification: number | null;
  /** What the processor itself saved on its way: the trap frame on the monitor's stack, or fields of the VMCS. */
  readonly saved: readonly NamedValue[];
  readonly deeds: readonly Deed[];
  /** What is different for the guest when it goes on. */
  readonly changed: readonly ChangedValue[];
  /** Instructions and memory references that the monitor spent. */
  readonly cost: number;
}

/** One row of the account of exits. */
export interface ExitRow {
  readonly reason: string;
  readonly kind: HappeningKind;
  readonly count: number;
  /** Instructions and memory references of the monitor for them. */
  readonly monitor: number;
}

/** What running under the monitor has cost so far. */
export interface Account {
  /** Guest instructions that the machine ran itself, and that the monitor emulated, by the guest's ring. */
  readonly user: { readonly direct: number; readonly emulated: number };
  readonly kernel: { readonly direct: number; readonly emulated: number };
  readonly monitor: number;
  readonly injected: number;
  /** The most frequent first. */
  readonly exits: readonly ExitRow[];
}

/** Bits of a paging-structure entry that the page shows. */
export interface EntryBits {
  readonly present: boolean;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
  readonly accessed: boolean;
  readonly dirty: boolean;
  readonly large: boolean;
  readonly global: boolean;
}

export type TableKind = 'guest' | 'shadow' | 'nested' | 'machine';

export type TableLevel =
  | 'page directory pointer'
  | 'page directory'
  | 'page table'
  | 'EPT PML4'
  | 'EPT page directory pointer'
  | 'EPT page directory'
  | 'EPT page table';

/** One memory reference of a walk. */
export interface WalkReference {
  /** Counts from 1 over the whole walk, in the order of the processor. */
  readonly number: number;
  readonly level: TableLevel;
  readonly index: number;
  /** Physical address of the entry: the guest's for the guest's tables, else the machine's. Null: a PDPTE register. */
  readonly address: number | null;
  readonly low: number;
  readonly high: number;
  readonly bits: EntryBits;
}

/** A walk of one kind of tables for a linear address, from the pure walker's steps. */
export interface WalkView {
  readonly tables: TableKind;
  readonly references: readonly WalkReference[];
  /** Physical address that was reached (guest-physical for the guest's own tables under the monitor), or null for a fault. */
  readonly physical: number | null;
  /** Error code of the page fault that a read would get; null without one. */
  readonly errorCode: number | null;
  readonly pageSize: number;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

/** Everything about one linear address. */
export interface AddressView {
  readonly linear: number;
  readonly paged: boolean;
  readonly pae: boolean;
  /** In the order in which they matter: guest, then shadow or nested; bare has the machine's own. */
  readonly walks: readonly WalkView[];
  /** The machine's TLB has an entry for it: for reading, writing, executing at the present privilege. */
  readonly tlb: { readonly read: boolean; readonly write: boolean; readonly execute: boolean };
}

/** Entries of a table that follow each other and say the same: `count` of them, from `index`, mapping from `linear`. */
export interface TableRun {
  readonly index: number;
  readonly count: number;
  readonly linear: number;
  /** Physical address of the first one's page or table. */
  readonly target: number;
  readonly bits: EntryBits;
  /** The table below, which can be opened; null for pages. */
  readonly opens: TableName | null;
}

/** Names a table that the page wants to see: the root has no address. */
export interface TableName {
  readonly tables: TableKind;
  readonly level: TableLevel;
  /** Physical address of the table; -1 for the PDPTE registers. */
  readonly address: number;
  /** First linear (or, nested, guest-physical) address that it maps. */
  readonly linear: number;
}

export interface TableView {
  readonly name: TableName;
  /** Runs of entries that are present; others are left out. */
  readonly runs: readonly TableRun[];
}

/** What stretches of the timeline are made of: columns of equal length. Ends are exclusive. */
export interface TimelinePart {
  /** Virtual seconds. */
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** Index into LANES of the page and of core/vmm/trace.ts. */
  readonly lane: Uint8Array;
  /** Index into `names`. */
  readonly name: Uint16Array;
  /** Steps since the guest was opened at the start. */
  readonly step: Float64Array;
  /** All names so far; sent when it has grown. */
  readonly names: readonly string[] | null;
  /** Stretches that were left out because there were too many. */
  readonly dropped: number;
}

/** A translation of kernel code beside its source. */
export interface TranslationView {
  readonly guest: { readonly start: number; readonly end: number };
  readonly rows: readonly {
    readonly row: CodeRow;
    /** Guest instruction that it belongs to. */
    readonly guest: number;
    /** The machine's processor stands here. */
    readonly isNext: boolean;
  }[];
}

/** Which of this the page shows at the moment: nothing else is recorded or sent. */
export interface MonitorWindows {
  readonly happened: boolean;
  readonly account: boolean;
  readonly timeline: boolean;
  readonly translation: boolean;
  /** Linear address whose walk is shown, or null. */
  readonly address: number | null;
  /** Tables that are open in the tree; roots are always listed while `tables` is true. */
  readonly tables: boolean;
  readonly open: readonly TableName[];
}

/** The part of a View that is about mode and monitor. */
export interface MonitorView {
  readonly setting: Setting;
  readonly seat: Seat;
  /** What the machine's processor holds; null where that is what the guest believes (bare). */
  readonly machine: Registers | null;
  /** The last happening, whole; null if there was none, or nobody looks. */
  readonly happening: Happening | null;
  /** Null: keep what you have. */
  readonly account: Account | null;
  readonly address: AddressView | null;
  readonly tables: readonly TableView[] | null;
  readonly timeline: TimelinePart | null;
  readonly translation: TranslationView | null;
}
