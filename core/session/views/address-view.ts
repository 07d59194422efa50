import { CR4 } from '../../ia32/registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import { EPT, type EptLevel, type EptWalk } from '../../machine/mmu/ept.ts';
import { createNestedWalk, createNestedWalker, type NestedWalk } from '../../machine/mmu/nested.ts';
import {
  createWalk,
  type Level,
  PAGE,
  type PagingRegisters,
  type Walk,
  type WalkStep,
  walkTables,
} from '../../machine/mmu/walk.ts';
import type {
  AddressView,
  EntryBits,
  TableKind,
  TableLevel,
  WalkFault,
  WalkReference,
  WalkView,
} from '../../protocol/monitor.ts';
import { createNoter, machineAddress, pseudoAddress, type Space, type Spaces } from './address-spaces.ts';

export const EPT_LEVELS: Readonly<Record<EptLevel, TableLevel>> = {
  PML4: 'EPT PML4',
  'page directory pointer': 'EPT page directory pointer',
  'page directory': 'EPT page directory',
  'page table': 'EPT page table',
};

/** Bits of an entry of the classical tables (SDM volume 3, 4.3 and 4.4). A PDPTE has none but that it is present. */
export function entryBits(level: Level, low: number, high: number): EntryBits {
  const isPointer = level === 'page directory pointer';
  const has = (bit: number) => (low & bit) !== 0;
  return {
    present: has(PAGE.present),
    readable: true,
    writable: isPointer || has(PAGE.writable),
    user: isPointer || has(PAGE.user),
    executable: high >= 0,
    accessed: !isPointer && has(PAGE.accessed),
    dirty: !isPointer && has(PAGE.dirty),
    large: level === 'page directory' && has(PAGE.large),
    global: !isPointer && has(PAGE.global),
  };
}

/** Bits of an EPT entry (SDM volume 3, 28.2.2). */
export function eptBits(level: EptLevel, low: number): EntryBits {
  const has = (bit: number) => (low & bit) !== 0;
  return {
    present: has(EPT.permissions),
    readable: has(EPT.read),
    writable: has(EPT.write),
    user: true,
    executable: has(EPT.execute),
    accessed: has(EPT.accessed),
    dirty: has(EPT.dirty),
    large: level === 'page directory' && has(EPT.large),
    global: false,
  };
}

function isPae(registers: PagingRegisters): boolean {
  return (registers.cr4 & CR4.PAE) !== 0;
}

/** A walk of classical tables as the page shows it. */
function walkView(space: Space, spaces: Spaces, linear: number): WalkView {
  const walk = createWalk();
  walkTables(space.memory, space.registers, linear, 'read', spaces.user, walk);
  const memory = space.tables === 'guest' ? spaces.monitor?.vm.memory : undefined;
  const machine = (address: number) => (memory === undefined ? null : machineAddress(memory, address));
  let number = 0;
  const references = walk.steps.slice(0, walk.count).map(step => {
    const isRegister = step.level === 'page directory pointer';
    return reference(
      step,
      space.tables,
      isRegister ? null : ++number,
      isRegister ? null : machine(step.address),
      spaces,
    );
  });
  const { physical, error } = walk;
  return {
    ...combined(space.tables, space.registers, walk),
    references,
    physical: physical === -1 ? null : physical,
    fault: physical === -1 ? { kind: 'page fault', errorCode: error } : null,
  };
}

function combined(tables: TableKind, registers: PagingRegisters, walk: Walk) {
  const { pageSize, writable, user, executable } = walk;
  return { tables, pae: isPae(registers), pageSize, writable, user, executable };
}

function reference(
  step: WalkStep,
  tables: TableKind,
  number: number | null,
  machine: number | null,
  spaces: Spaces,
): WalkReference {
  const { level, index, low, high } = step;
  const address = number === null ? null : step.address;
  return {
    number,
    tables,
    level,
    index,
    address,
    machine,
    pseudo: pseudoAddress(spaces, address),
    translates: null,
    low,
    high,
    bits: entryBits(level, low, high),
  };
}

/** The two-dimensional walk: before each entry of the guest's, those that translate its address (SDM volume 3, 28.2.2). */
function nestedView(spaces: Spaces, linear: number): WalkView {
  const { guest, machineMemory, eptPointer, user } = spaces;
  const nested = createNestedWalk();
  createNestedWalker(machineMemory, nested)(guest, eptPointer, linear, 'read', user);
  const references: WalkReference[] = [];
  let number = 0;
  const translate = (walk: EptWalk): void => {
    for (const { level, address, index, low, high } of walk.steps.slice(0, walk.count)) {
      references.push({
        number: ++number,
        tables: 'nested',
        level: EPT_LEVELS[level],
        index,
        address,
        machine: null,
        pseudo: null,
        translates: walk.guestPhysical,
        low,
        high,
        bits: eptBits(level, low),
      });
    }
  };
  let translated = 0;
  for (const step of nested.guest.steps.slice(0, nested.guest.count)) {
    if (step.level === 'page directory pointer') {
      references.push(reference(step, 'guest', null, null, spaces));
      continue;
    }
    const translation = nested.translations[translated++];
    translate(translation);
    references.push(reference(step, 'guest', ++number, translation.physical, spaces));
  }
  // That of the page, or of the entry whose address led nowhere.
  for (const walk of nested.translations.slice(translated, nested.count)) translate(walk);
  const last = nested.count === 0 ? null : nested.translations[nested.count - 1];
  const ofPage = nested.fault === null ? last : null;
  const view = combined('nested', guest, nested.guest);
  return {
    ...view,
    references,
    physical: nested.physical === -1 ? null : nested.physical,
    fault: nestedFault(nested),
    pageSize: Math.min(view.pageSize, ofPage?.pageSize ?? view.pageSize),
    writable: view.writable && (ofPage === null || (ofPage.permissions & EPT.write) !== 0),
    executable: view.executable && (ofPage === null || (ofPage.permissions & EPT.execute) !== 0),
  };
}

function nestedFault({ fault, guest, translations, count }: NestedWalk): WalkFault | null {
  if (fault === null) return null;
  if (fault === 'page fault') return { kind: 'page fault', errorCode: guest.error };
  const last = translations[count - 1];
  const kind = last.fault === 'misconfiguration' ? 'EPT misconfiguration' : 'EPT violation';
  return { kind, guestPhysical: last.guestPhysical };
}

/** What the machine's TLB holds for a page. */
function tlbView({ machine: { tlb }, user }: Spaces, linear: number): AddressView['tlb'] {
  const at = (linear >>> 12) + (user ? L.USER_TABLES : 0);
  const entries = [L.W_TLB, L.W_TLB_WRITE, L.W_TLB_EXECUTE].map(table => tlb.entry(table + at));
  const [read, write, execute] = entries.map(entry => entry !== L.INVALID);
  const valid = entries.find(entry => entry !== L.INVALID);
  // A host offset less the linear address, with marks in the low bits.
  const physical = valid === undefined ? null : ((linear + (valid & ~L.PROTECTED)) >>> 0) - L.RAM;
  return { read, write, execute, physical };
}

/** Everything about a linear address: each walk that the processor or the guest would make for a read, and what it comes to. */
export function addressView(spaces: Spaces, address: number): AddressView {
  const linear = address >>> 0;
  const { own, shadow, eptPointer, monitor, user } = spaces;
  const walks: WalkView[] = [];
  if (own !== null) walks.push(walkView(own, spaces, linear));
  const reached = own === null ? linear : walks[0].physical;
  if (shadow !== null) walks.push(walkView(shadow, spaces, linear));
  if (eptPointer !== 0) walks.push(nestedView(spaces, linear));
  const common = { linear, paged: own !== null, user, walks, tlb: tlbView(spaces, linear) };
  if (monitor === null) return { ...common, guestPhysical: null, machinePhysical: reached, note: null };
  const { memory } = monitor.vm;
  if (monitor.mode === 'para') {
    return { ...common, guestPhysical: pseudoAddress(spaces, reached), machinePhysical: reached, note: null };
  }
  return {
    ...common,
    guestPhysical: reached,
    machinePhysical: reached === null ? null : machineAddress(memory, reached),
    note: createNoter(spaces)(linear),
  };
}
