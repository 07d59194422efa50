import { CR0 } from '../../ia32/registers.ts';
import { FIELD } from '../../ia32/vmx/fields.ts';
import * as L from '../../machine/cpu/layout.ts';
import { EFER_NXE } from '../../machine/cpu/msr-numbers.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import { readField } from '../../machine/cpu/vmx/vmcs.ts';
import { createWalk, type PagingRegisters, type Walk, type WordReader, walkTables } from '../../machine/mmu/walk.ts';
import type { Pc } from '../../machine/pc.ts';
import type { PhysicalMemory } from '../../machine/physical.ts';
import type { ShadowNote, TableKind } from '../../protocol/monitor.ts';
import { HardwareAssist } from '../../vmm/hardware/technique.ts';
import { MONITOR_BASE } from '../../vmm/host/layout.ts';
import { FRAME_SIZE } from '../../vmm/memory/frames.ts';
import { type GuestMemory, NO_FRAME } from '../../vmm/memory/guest-memory.ts';
import type { Monitor } from '../../vmm/monitor.ts';

/**
 * Whose page tables there are, for those who look: the machine's own, or the guest's and what the processor walks in their place. Nothing
 * here touches anything: no accessed bits, no TLB, no devices, no counts.
 */

/** Page tables and how to read them. */
export interface Space {
  readonly tables: Exclude<TableKind, 'nested'>;
  readonly registers: PagingRegisters;
  readonly memory: WordReader;
}

export interface Spaces {
  readonly machine: Processor;
  /** The processor as the guest believes it has it. */
  readonly guest: Processor;
  readonly monitor: Monitor | null;
  /** The guest's privilege is ring 3. */
  readonly user: boolean;
  /** The tables that the guest has set up; null while it has paging off. */
  readonly own: Space | null;
  readonly shadow: Space | null;
  /** EPT pointer; 0 without nested paging. */
  readonly eptPointer: number;
  readonly machineMemory: WordReader;
}

/** Reads RAM only; elsewhere all ones, as where nobody answers. */
function onlyRam(memory: PhysicalMemory): WordReader {
  return {
    read: address => {
      const word = (n: number) => memory.peekByte(address + n) & 0xff;
      return word(0) | (word(1) << 8) | (word(2) << 16) | (word(3) << 24);
    },
  };
}

/** Machine-physical address of a guest-physical one; null where no RAM is. */
export function machineAddress(memory: GuestMemory, address: number): number | null {
  const frame = memory.frameAt(address);
  return frame === NO_FRAME ? null : frame * FRAME_SIZE + (address & (FRAME_SIZE - 1));
}

/** Pseudo-physical address of what a paravirtualized guest has at one of the machine's; null in other modes, and for what is not in its memory. */
export function pseudoAddress({ monitor }: Spaces, address: number | null): number | null {
  if (monitor === null || monitor.mode !== 'para' || address === null) return null;
  const page = monitor.vm.memory.pageOfFrame.get(address >>> 12);
  return page === undefined ? null : page * FRAME_SIZE + (address & (FRAME_SIZE - 1));
}

/** Whether the processor is in non-root operation, so that its own registers are the guest's. */
function isNonRoot({ i32 }: Processor): boolean {
  return i32[L.W_VMX_OPERATION] === L.VMX_NON_ROOT;
}

/** A field of the current VMCS, which is in memory while the monitor runs; 0 without one. */
function field(cpu: Processor, name: Parameters<typeof readField>[1]): number {
  return cpu.i32[L.W_VMCS_POINTER] === L.NO_VMCS ? 0 : readField(cpu, name);
}

/** What the processor walks for a guest of the hardware technique without EPT, also while it is in the monitor. */
function shadowRegisters(cpu: Processor, memory: WordReader): PagingRegisters | null {
  if (isNonRoot(cpu)) return cpu;
  const cr3 = field(cpu, FIELD.guestCr3);
  // Not entered yet.
  if (cr3 === 0) return null;
  const pointers = (cr3 & 0xffffffe0) >>> 0;
  return {
    cr0: field(cpu, FIELD.guestCr0),
    cr3,
    cr4: field(cpu, FIELD.guestCr4),
    nxe: (field(cpu, FIELD.guestEfer) & EFER_NXE) !== 0,
    // VM entry loads them from there (SDM volume 3, 26.3.2.4).
    pdpte: index => memory.read(pointers + 8 * index, 4),
    pdpteHigh: index => memory.read(pointers + 8 * index + 4, 4),
  };
}

/** All address spaces of the moment. `guest`: the processor as the guest believes it has it. */
export function spacesOf({ cpu }: Pc, monitor: Monitor | null, guest: Processor): Spaces {
  const machineMemory = onlyRam(cpu.physical);
  const isPaged = (guest.i32[L.W_CR0] & CR0.PG) !== 0;
  const common = { machine: cpu, guest, monitor, user: guest.cpl === 3, machineMemory };
  if (monitor === null || monitor.mode === 'para') {
    const own: Space = { tables: 'machine', registers: cpu, memory: machineMemory };
    return { ...common, own: isPaged || monitor !== null ? own : null, shadow: null, eptPointer: 0 };
  }
  const own: Space = { tables: 'guest', registers: guest, memory: onlyRam(monitor.vm.memory) };
  const spaces = { ...common, own: isPaged ? own : null };
  if (monitor.mode !== 'hardware') {
    return { ...spaces, shadow: { tables: 'shadow', registers: cpu, memory: machineMemory }, eptPointer: 0 };
  }
  if (monitor.technique instanceof HardwareAssist && monitor.technique.paging === 'nested') {
    const eptPointer = isNonRoot(cpu) ? cpu.i32[L.W_EPT_POINTER] : field(cpu, FIELD.eptPointer);
    return { ...spaces, shadow: null, eptPointer };
  }
  const registers = shadowRegisters(cpu, machineMemory);
  const shadow: Space | null = registers && { tables: 'shadow', registers, memory: machineMemory };
  return { ...spaces, shadow, eptPointer: 0 };
}

/** Whether a linear address is the monitor's in every address space that it makes. */
export function isMonitors({ monitor }: Spaces, linear: number): boolean {
  if (monitor === null || monitor.mode === 'hardware') return false;
  return linear >>> 0 >= MONITOR_BASE;
}

/** How guest and shadow differ at a linear address; `guest` and `shadow` are walked into. */
export function createNoter(spaces: Spaces): (linear: number) => ShadowNote | null {
  const { own, shadow, monitor } = spaces;
  const inGuest = createWalk();
  const inShadow = createWalk();
  return linear => {
    if (isMonitors(spaces, linear)) return 'monitor';
    if (shadow === null || monitor === null) return null;
    const walk = (space: Space, to: Walk) => walkTables(space.memory, space.registers, linear, 'read', false, to);
    let physical = linear >>> 0;
    if (own !== null) {
      walk(own, inGuest);
      if (inGuest.physical === -1) return null;
      physical = inGuest.physical;
    }
    const memory = monitor.vm.memory;
    if (memory.frameAt(physical) === NO_FRAME) return 'device';
    walk(shadow, inShadow);
    if (inShadow.physical === -1) return 'missing';
    if (inShadow.writable || (own !== null && !inGuest.writable)) return null;
    const page = ((physical & memory.addressMask) >>> 0) >>> 12;
    return memory.isTraced(page) ? 'traced' : 'clean';
  };
}
