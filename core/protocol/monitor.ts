/**
 * What the page shows of a guest under the monitor: who runs where, what took the processor into the monitor and what it did there, page tables
 * and walks, the account of exits. Types only. Addresses are unsigned, times virtual seconds since the guest was opened.
 */
import type { CodeRow, Registers } from './messages.ts';
import type { StretchColumns } from './stretches.ts';

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

/** What running under the monitor has cost since the present mode was chosen. */
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
  /** EPT only; true in others. */
  readonly readable: boolean;
  readonly writable: boolean;
  /** True under EPT, which does not tell user from supervisor. */
  readonly user: boolean;
  readonly executable: boolean;
  readonly accessed: boolean;
  readonly dirty: boolean;
  readonly large: boolean;
  readonly global: boolean;
}

/**
 * `guest`: what the guest set up and believes in. The others are walked by the processor: `machine` what belongs to a guest without a monitor, or to a
 * paravirtualized one; `shadow` what the monitor made of the guest's; `nested` the extended page tables.
 */
export type TableKind = 'guest' | 'shadow' | 'nested' | 'machine';

export type TableLevel =
  | 'page directory pointer'
  | 'page directory'
  | 'page table'
  | 'EPT PML4'
  | 'EPT page directory pointer'
  | 'EPT page directory'
  | 'EPT page table';

/** One entry that a walk meets. */
export interface WalkReference {
  /** Counts memory references from 1 over the whole walk, in the order of the processor; null for a PDPTE register, which is none. */
  readonly number: number | null;
  /** Whose entry it is: a walk under EPT has the guest's and the nested ones. */
  readonly tables: TableKind;
  readonly level: TableLevel;
  readonly index: number;
  /** Physical address of the entry: guest-physical for the guest's tables, else the machine's. Null: a PDPTE register. */
  readonly address: number | null;
  /** Where a guest's entry lies in the machine's memory; null for others, and where it lies nowhere. */
  readonly machine: number | null;
  /**
   * Under `para`, where `address` is the machine's: the pseudo-physical address of the entry, by the guest's own numbering of the frames that it was
   * given. Null elsewhere, and for what is not in its memory.
   */
  readonly pseudo: number | null;
  /** Under EPT: the guest-physical address that is being translated by it. */
  readonly translates: number | null;
  readonly low: number;
  readonly high: number;
  readonly bits: EntryBits;
}

/** Why a walk leads nowhere. */
export type WalkFault =
  | { readonly kind: 'page fault'; readonly errorCode: number }
  /** Of this guest-physical address: no entry allows the access, or an entry means nothing. */
  | { readonly kind: 'EPT violation' | 'EPT misconfiguration'; readonly guestPhysical: number };

/** A walk of one kind of tables for a linear address, from the pure walker's steps, for a read at the guest's privilege level. */
export interface WalkView {
  readonly tables: TableKind;
  /** Three levels of entries of eight bytes; else two of four bytes. */
  readonly pae: boolean;
  /** Empty for the guest's part of a walk under EPT while the guest has paging off. */
  readonly references: readonly WalkReference[];
  /** Physical address that was reached (guest-physical for the guest's own tables under the monitor), or null for a fault. */
  readonly physical: number | null;
  readonly fault: WalkFault | null;
  /** Bytes of the page; of the smaller one under EPT. */
  readonly pageSize: number;
  /** What all levels allow together. */
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

/** How the guest's own tables and the shadow of them differ at an address. */
export type ShadowNote =
  /** The guest maps it, the shadow does not yet: the first use is a page fault that the guest never sees. */
  | 'missing'
  /** Part of what one entry of the guest's maps is in the shadow. */
  | 'partial'
  /** Read-only because the guest's page holds page tables, or code that the monitor watches. */
  | 'traced'
  /** Read-only because the guest's entry is not dirty yet: the monitor sets that bit at the first write. */
  | 'clean'
  /** The guest maps guest-physical memory that is not RAM: a device, or nobody. */
  | 'device'
  /** Pages of the monitor's own, beyond the limits of the guest's segments. */
  | 'monitor';

/** Everything about one linear address. */
export interface AddressView {
  readonly linear: number;
  /** Whether the guest has paging on. */
  readonly paged: boolean;
  /** The guest's present privilege is ring 3. */
  readonly user: boolean;
  /** In the order in which they matter: guest, then shadow or nested; without a monitor, and under `para`, the machine's alone. */
  readonly walks: readonly WalkView[];
  /** The guest-physical address meant (pseudo-physical under `para`), and where it lies in the machine; null without one. */
  readonly guestPhysical: number | null;
  readonly machinePhysical: number | null;
  /** Between guest and shadow; null where they agree, or there is no shadow. */
  readonly note: ShadowNote | null;
  /** The machine's TLB has an entry for it, for reading, writing, executing at the guest's privilege, and the physical address in it. */
  readonly tlb: {
    readonly read: boolean;
    readonly write: boolean;
    readonly execute: boolean;
    readonly physical: number | null;
  };
}

/** Entries of a table that follow each other and say the same: `count` of them, from `index`, mapping from `linear`. */
export interface TableRun {
  readonly index: number;
  readonly count: number;
  /** Under EPT: guest-physical. */
  readonly linear: number;
  /** Bytes that all of them map. */
  readonly bytes: number;
  /** Physical address of the first one's page or table; the others' follow without a gap. */
  readonly target: number;
  /** Under `para`, where `target` is the machine's: the same by the guest's own numbering, without a gap too; null elsewhere. */
  readonly pseudo: number | null;
  readonly bits: EntryBits;
  readonly note: ShadowNote | null;
  /** The table below, which can be opened; null for pages. */
  readonly opens: TableName | null;
}

/** Names a table that the page wants to see. It counts which, not where it lies: that changes with each address space. */
export interface TableName {
  readonly tables: TableKind;
  readonly level: TableLevel;
  /** First linear (or, nested, guest-physical) address that it maps. */
  readonly linear: number;
}

export interface TableView {
  readonly name: TableName;
  /** Physical address of the table (the guest's for the guest's tables under the monitor); null for the PDPTE registers. */
  readonly address: number | null;
  /** Entries of the table, present or not. */
  readonly entries: number;
  /** Runs of entries that are present; others are left out. */
  readonly runs: readonly TableRun[];
}

/** The stretch that goes on at the moment: its columns' values. */
export interface OpenStretch {
  readonly start: number;
  readonly lane: number;
  readonly kind: number;
  readonly name: number;
  readonly address: number;
  readonly step: number;
}

/** What came to the timeline since the last view. */
export interface TimelinePart extends StretchColumns {
  /** All names so far; sent when it has grown. */
  readonly names: readonly string[] | null;
  /** The machine went back to this time: what ends after it is no more. Null: it did not. */
  readonly cut: number | null;
  /** The present: virtual seconds and steps since the guest was opened. */
  readonly now: number;
  readonly nowStep: number;
  /** Null before the first step that was looked at. */
  readonly open: OpenStretch | null;
}

/** How a guest instruction was translated: copied, replaced by others, replaced by a call of the monitor, or a jump that stays in the cache. */
export type PairKind = 'ident' | 'inline' | 'callout' | 'control';

/** A guest instruction and the machine's instructions that stand for it. */
export interface TranslationPair {
  readonly guest: CodeRow;
  readonly kind: PairKind;
  /** In the translation cache; none where the instruction vanished. */
  readonly cache: readonly CodeRow[];
}

/** A piece of kernel code beside its translation. Addresses are linear, ends exclusive. */
export interface TranslationUnit {
  readonly guest: { readonly start: number; readonly end: number };
  readonly cache: { readonly start: number; readonly end: number };
  readonly pairs: readonly TranslationPair[];
}

/** What of the present function is translated, beside its source. */
export interface TranslationView {
  /** In the order of the guest's addresses; that of the present instruction is among them once it is made. */
  readonly units: readonly TranslationUnit[];
  /** Addresses of the machine's and the guest's next instruction. */
  readonly machineNext: number;
  readonly guestNext: number;
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
  /** The last happening, whole; null if there was none, while it runs, or when nobody looks. */
  readonly happening: Happening | null;
  /** Null: keep what you have. */
  readonly account: Account | null;
  readonly address: AddressView | null;
  /** Roots first, each open table behind the one that it was opened from. */
  readonly tables: readonly TableView[] | null;
  readonly timeline: TimelinePart | null;
  readonly translation: TranslationView | null;
}
