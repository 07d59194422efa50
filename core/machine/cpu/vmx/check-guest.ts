import { FLAG } from '../../../ia32/flags.ts';
import { CR0, CS, LDTR, SS, TR } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import { ENTRY_CONTROL, SECONDARY } from '../../../ia32/vmx/controls.ts';
import { ACTIVITY, BLOCKING, EVENT_TYPE, INTERRUPTION } from '../../../ia32/vmx/exits.ts';
import { FIELD } from '../../../ia32/vmx/fields.ts';
import type { Executor } from '../executor.ts';
import { CR0_FIXED } from './capabilities.ts';
import { hasEntryControl, secondaryControls } from './check-controls.ts';
import { isCr4, isEferField, isPatField } from './check-host.ts';
import { GUEST_SEGMENTS, type SegmentFields, UNUSABLE } from './segments.ts';
import { REVISION, readField, readHigh } from './vmcs.ts';

/** Checks of the guest-state area by VM entry (SDM volume 3, 26.3.1). PDPTEs are checked where they are loaded. */

/** Exit qualifications of an entry that fails so (26.7). */
export const INVALID = { other: 0, pdptes: 2, nmi: 3, linkPointer: 4 } as const;

/** What many checks depend on. */
interface Guest {
  readonly cpu: Executor;
  readonly isUnrestricted: boolean;
  readonly cr0: number;
  readonly flags: number;
  readonly isVirtual8086: boolean;
  /** The event to inject, or 0. */
  readonly event: number;
}

function checkControlRegisters({ cpu, isUnrestricted, cr0 }: Guest): boolean {
  const fixed = isUnrestricted ? CR0.NE : CR0_FIXED;
  if ((fixed & ~cr0) !== 0) return false;
  if ((cr0 & CR0.PG) !== 0 && (cr0 & CR0.PE) === 0) return false;
  if (!isCr4(readField(cpu, FIELD.guestCr4))) return false;
  const hasDebug = hasEntryControl(cpu, ENTRY_CONTROL.loadDebugControls);
  // Every bit of IA32_DEBUGCTL is reserved here.
  if (hasDebug && (readField(cpu, FIELD.guestDebugControl) | readHigh(cpu, FIELD.guestDebugControl)) !== 0)
    return false;
  if (hasEntryControl(cpu, ENTRY_CONTROL.loadPat) && !isPatField(cpu, FIELD.guestPat)) return false;
  return !hasEntryControl(cpu, ENTRY_CONTROL.loadEfer) || isEferField(cpu, FIELD.guestEfer);
}

// Segments

const PRESENT = 128;
const SEGMENT = 16;
/** Bits 11:8 and 31:17 of access rights. */
const RESERVED_RIGHTS = 0xfffe0f00;
const GRANULAR = 1 << 15;

interface Segment {
  readonly index: number;
  readonly selectorValue: number;
  readonly baseValue: number;
  readonly limitValue: number;
  readonly rightsValue: number;
}

function segmentOf(cpu: Executor, fields: SegmentFields): Segment {
  return {
    index: fields.index,
    selectorValue: readField(cpu, fields.selector),
    baseValue: readField(cpu, fields.base),
    limitValue: readField(cpu, fields.limit),
    rightsValue: readField(cpu, fields.rights),
  };
}

const typeOf = (s: Segment): number => s.rightsValue & 15;
const dplOf = (s: Segment): number => (s.rightsValue >> 5) & 3;
const isUsable = (s: Segment): boolean => (s.rightsValue & UNUSABLE) === 0;

/** P, reserved bits, and a limit that the granularity can say. */
function isWellFormed({ rightsValue, limitValue }: Segment): boolean {
  if ((rightsValue & PRESENT) === 0 || (rightsValue & RESERVED_RIGHTS) !== 0) return false;
  const isGranular = (rightsValue & GRANULAR) !== 0;
  if ((limitValue & 0xfff) !== 0xfff && isGranular) return false;
  return (limitValue & 0xfff00000) === 0 || isGranular;
}

/** In virtual-8086 mode (26.3.1.2) all six are as that mode has them. */
function isVirtual8086Segment(s: Segment): boolean {
  return s.baseValue === s.selectorValue << 4 && s.limitValue === 0xffff && s.rightsValue === 0xf3;
}

/** CS is checked whether it is usable or not: the bit that says so counts for nothing there. */
function checkCode(guest: Guest, s: Segment, stack: Segment): boolean {
  if ((s.rightsValue & SEGMENT) === 0 || !isWellFormed(s)) return false;
  const dpl = dplOf(s);
  switch (typeOf(s)) {
    case 3:
      return guest.isUnrestricted && dpl === 0;
    case 9:
    case 11:
      return dpl === dplOf(stack);
    case 13:
    case 15:
      return dpl <= dplOf(stack);
    default:
      return false;
  }
}

function checkStack(guest: Guest, s: Segment, code: Segment): boolean {
  const dpl = dplOf(s);
  if (!guest.isUnrestricted && dpl !== (s.selectorValue & 3)) return false;
  if ((typeOf(code) === 3 || (guest.cr0 & CR0.PE) === 0) && dpl !== 0) return false;
  if (!isUsable(s)) return true;
  const isStack = typeOf(s) === 3 || typeOf(s) === 7;
  return isStack && (s.rightsValue & SEGMENT) !== 0 && isWellFormed(s);
}

function checkData(guest: Guest, s: Segment): boolean {
  if (!isUsable(s)) return true;
  const type = typeOf(s);
  const isReadable = (type & 8) === 0 || (type & 2) !== 0;
  if ((type & 1) === 0 || !isReadable || (s.rightsValue & SEGMENT) === 0 || !isWellFormed(s)) return false;
  return guest.isUnrestricted || type > 11 || dplOf(s) >= (s.selectorValue & 3);
}

function checkSystem(s: Segment, types: readonly number[]): boolean {
  return (s.selectorValue & 4) === 0 && types.includes(typeOf(s)) && (s.rightsValue & SEGMENT) === 0 && isWellFormed(s);
}

function checkSegments(guest: Guest): boolean {
  const segments = GUEST_SEGMENTS.map(fields => segmentOf(guest.cpu, fields));
  const [code, stack] = [segments[CS], segments[SS]];
  const isSameRpl = ((code.selectorValue ^ stack.selectorValue) & 3) === 0;
  if (!guest.isVirtual8086 && !guest.isUnrestricted && !isSameRpl) return false;
  for (const s of segments) {
    if (s.index === TR) {
      if (!isUsable(s) || !checkSystem(s, [3, 11])) return false;
    } else if (s.index === LDTR) {
      if (isUsable(s) && !checkSystem(s, [2])) return false;
    } else if (guest.isVirtual8086) {
      if (!isVirtual8086Segment(s)) return false;
    } else if (s.index === CS) {
      if (!checkCode(guest, s, stack)) return false;
    } else if (s.index === SS) {
      if (!checkStack(guest, s, code)) return false;
    } else if (!checkData(guest, s)) return false;
  }
  return true;
}

function checkTables({ cpu }: Guest): boolean {
  return ((readField(cpu, FIELD.guestGdtrLimit) | readField(cpu, FIELD.guestIdtrLimit)) & 0xffff0000) === 0;
}

/** Bits 31:22, 15, 5 and 3 are 0, bit 1 is 1 (26.3.1.4). */
function checkFlags({ flags, cr0, isVirtual8086, event }: Guest): boolean {
  if ((flags & 0xffc08028) !== 0 || (flags & FLAG.ONE) === 0) return false;
  if (isVirtual8086 && (cr0 & CR0.PE) === 0) return false;
  const isExternal = event !== 0 && (event & INTERRUPTION.typeMask) === 0;
  return !isExternal || (flags & FLAG.IF) !== 0;
}

// Non-register state (26.3.1.5)

/** Whether an event may be injected into a processor that is not active. */
function wakes(activity: number, event: number): boolean {
  if (event === 0) return true;
  const vector = event & INTERRUPTION.vectorMask;
  const type = (event & INTERRUPTION.typeMask) >> INTERRUPTION.typeShift;
  const isMachineCheck = type === EVENT_TYPE.hardwareException && vector === VECTOR.MC;
  if (activity === ACTIVITY.shutdown) return type === EVENT_TYPE.nmi || isMachineCheck;
  const isDebug = type === EVENT_TYPE.hardwareException && vector === VECTOR.DB;
  const isInterrupt = type === EVENT_TYPE.externalInterrupt || type === EVENT_TYPE.nmi;
  return isInterrupt || isMachineCheck || isDebug || type === EVENT_TYPE.other;
}

function checkActivity({ cpu, event }: Guest, blocking: number): boolean {
  const activity = readField(cpu, FIELD.guestActivity);
  if (activity === ACTIVITY.active) return true;
  if (activity !== ACTIVITY.hlt && activity !== ACTIVITY.shutdown) return false;
  const isInner = ((readField(cpu, FIELD.guestSsAccessRights) >> 5) & 3) === 0;
  if (activity === ACTIVITY.hlt && !isInner) return false;
  return (blocking & (BLOCKING.sti | BLOCKING.movSs)) === 0 && wakes(activity, event);
}

function checkInterruptibility({ flags, event }: Guest, blocking: number): boolean {
  const { sti, movSs, nmi } = BLOCKING;
  if ((blocking & ~(sti | movSs | nmi)) !== 0 || (blocking & (sti | movSs)) === (sti | movSs)) return false;
  if ((blocking & sti) !== 0 && (flags & FLAG.IF) === 0) return false;
  if (event === 0) return true;
  const type = (event & INTERRUPTION.typeMask) >> INTERRUPTION.typeShift;
  if (type === EVENT_TYPE.externalInterrupt) return (blocking & (sti | movSs)) === 0;
  return type !== EVENT_TYPE.nmi || (blocking & movSs) === 0;
}

/** Pending debug exceptions: BS waits behind a shadow, or a HLT, exactly when TF is set. */
const BS = 1 << 14;
/** B3 to B0, the enabled-breakpoint bit, BS. */
const PENDING_BITS = 15 | (1 << 12) | BS;

function checkPendingDebug({ cpu, flags }: Guest, blocking: number): boolean {
  const pending = readField(cpu, FIELD.guestPendingDebugExceptions);
  if ((pending & ~PENDING_BITS) !== 0) return false;
  const waits =
    (blocking & (BLOCKING.sti | BLOCKING.movSs)) !== 0 || readField(cpu, FIELD.guestActivity) === ACTIVITY.hlt;
  return !waits || ((pending & BS) !== 0) === ((flags & FLAG.TF) !== 0);
}

function isLinkPointer(cpu: Executor): boolean {
  const low = readField(cpu, FIELD.vmcsLinkPointer);
  const high = readHigh(cpu, FIELD.vmcsLinkPointer);
  if (low === -1 && high === -1) return true;
  return (low & 0xfff) === 0 && high === 0 && cpu.physical.read(low >>> 0, 4) === REVISION;
}

/** null if the guest state is valid; otherwise the qualification of exit 33. */
export function checkGuestState(cpu: Executor): number | null {
  const information = readField(cpu, FIELD.entryInterruptionInformation);
  const flags = readField(cpu, FIELD.guestEflags);
  const guest: Guest = {
    cpu,
    isUnrestricted: (secondaryControls(cpu) & SECONDARY.unrestrictedGuest) !== 0,
    cr0: readField(cpu, FIELD.guestCr0),
    flags,
    isVirtual8086: (flags & FLAG.VM) !== 0,
    event: (information & INTERRUPTION.valid) !== 0 ? information : 0,
  };
  const blocking = readField(cpu, FIELD.guestInterruptibility);
  const isValid =
    checkControlRegisters(guest) &&
    checkSegments(guest) &&
    checkTables(guest) &&
    checkFlags(guest) &&
    checkActivity(guest, blocking) &&
    checkInterruptibility(guest, blocking) &&
    checkPendingDebug(guest, blocking);
  if (!isValid) return INVALID.other;
  return isLinkPointer(cpu) ? null : INVALID.linkPointer;
}
