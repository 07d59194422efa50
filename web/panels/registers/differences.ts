/** Why the machine holds something else than what the guest believes to have. */
import type { Registers } from '../../../core/protocol/messages.ts';
import type { MonitorView } from '../../../core/protocol/monitor.ts';
import { text } from '../../text.ts';
import { type BitRegister, bitsOf, iopl, isSet } from './bits.ts';

/** What the machine holds, and where it stands; null where guest and machine are one. */
export interface MachineSide {
  readonly registers: Registers;
  readonly seat: MonitorView['seat'];
  readonly mode: MonitorView['setting']['mode'];
}

export function machineSide(view: MonitorView): MachineSide | null {
  const { machine: registers, seat, setting } = view;
  return registers === null ? null : { registers, seat, mode: setting.mode };
}

export type WordRegister = 'general' | 'eip' | 'eflags' | 'cr0' | 'cr2' | 'cr3' | 'cr4';

const IF = 9;

/** Names of the bits in which two values of a register differ. */
export function differing(register: BitRegister, a: number, b: number): string {
  const names = bitsOf(register)
    .filter(({ bit }) => isSet(a ^ b, bit))
    .map(({ name }) => name);
  if (register === 'eflags' && iopl(a) !== iopl(b)) names.push('IOPL');
  return names.join(text.units.comma);
}

/** Why a register differs; call it only where it does. */
export function whyWord(register: WordRegister, guest: number, side: MachineSide, machine: number): string {
  const { why } = text.believed;
  // A trap leaves the control registers as they are; a VM exit loads the monitor's, but for CR2 (SDM volume 3, 27.5.1).
  const isLoaded = side.mode === 'hardware' ? register !== 'cr2' : !register.startsWith('cr');
  if (side.seat.inMonitor && isLoaded) return why.monitor;
  switch (register) {
    case 'general':
      return why.lent;
    case 'eip':
      return why.eip;
    case 'eflags': {
      const bits = differing('eflags', guest, machine);
      return isSet(guest ^ machine, IF) ? why.interruptFlag : why.flags(bits);
    }
    case 'cr0':
    case 'cr4': {
      const bits = differing(register, guest, machine);
      return side.seat.nonRoot ? why.vmx(bits) : why.bits(bits);
    }
    case 'cr2':
      return why.cr2;
    case 'cr3':
      return why.shadowRoot;
  }
}

/** Order of Registers.segments. */
const CS = 1;
const SS = 2;
/** ES to GS. */
const DATA_SEGMENTS = 6;

type Segment = Registers['segments'][number];

/** Whether guest and machine have the same in a segment register. */
export function sameSegment(a: Segment, b: Segment): boolean {
  return a.selector === b.selector && a.base === b.base && a.limit === b.limit && a.description === b.description;
}

/** Why a segment register differs; call it only where it does. */
export function whySegment(index: number, guest: Segment, side: MachineSide): string {
  const { why } = text.believed;
  const machine = side.registers.segments[index];
  if (side.seat.inMonitor) return why.monitor;
  if (index >= DATA_SEGMENTS) return why.table;
  const guestRing = guest.selector & 3;
  const ring = machine.selector & 3;
  const reasons: string[] = [];
  if (ring !== guestRing && (index === CS || index === SS || machine.selector !== 0)) {
    reasons.push(why.ring(guestRing, ring));
  }
  if (machine.limit < guest.limit) reasons.push(why.limit);
  return reasons.length === 0 ? why.segment : reasons.join(text.units.gap);
}

/** Why GDTR or IDTR differs. */
export function whyTable(side: MachineSide): string {
  return side.seat.inMonitor ? text.believed.why.monitor : text.believed.why.table;
}
