import { FLAG } from '../../ia32/flags.ts';
import { CR0, CS, DS, ES, ESP, FS, GS, LDTR, SS, TR } from '../../ia32/registers.ts';
import { BLOCKING } from '../../ia32/vmx/exits.ts';
import { FIELD } from '../../ia32/vmx/fields.ts';
import { BREAKPOINT_ENABLED, DR6 } from '../../machine/cpu/debug-registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import { SYSENTER_CS, SYSENTER_EIP, SYSENTER_ESP } from '../../machine/cpu/msr-numbers.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { VirtualProcessor } from '../vcpu.ts';

/** The guest's state between the virtual processor and the guest-state area of a VMCS (SDM volume 3, 24.4). */

export type Fields = readonly (readonly [encoding: number, value: number])[];

/** Segments ES to GS, LDTR, TR: the encodings of each kind of field follow each other by two. */
const SEGMENTS = 8;
const UNUSABLE = 1 << 16;
/** BS among the pending debug exceptions (table 24-4). */
const SINGLE_STEP = 1 << 14;
/** B0 to B3 there, and the bit that says that one is enabled. */
const PENDING_BREAKPOINTS = DR6.breakpoints | BREAKPOINT_ENABLED;
const PRESENT = 0x80;

/** The shadow's numbers are those of the field (table 24-3). */
function blockingOf({ i32 }: Processor): number {
  return i32[L.W_SHADOW] | (i32[L.W_NMI_BLOCKED] !== 0 ? BLOCKING.nmi : 0);
}

/** What the virtual processor holds, for the guest-state area; what CR0, CR3, CR4 and EFER truly are is an affair of paging. */
export function guestState(vcpu: VirtualProcessor): Fields {
  const { i32 } = vcpu;
  // A trap that an interrupt shadow holds off must be told (26.3.1.5).
  const waits = i32[L.W_SHADOW] !== 0 && (i32[L.W_EFLAGS] & FLAG.TF) !== 0;
  const fields: (readonly [number, number])[] = [
    [FIELD.cr0Shadow, i32[L.W_CR0]],
    [FIELD.cr4Shadow, i32[L.W_CR4]],
    [FIELD.guestDr7, i32[L.W_DR + 7]],
    [FIELD.guestEsp, i32[ESP]],
    [FIELD.guestEip, i32[L.W_EIP]],
    [FIELD.guestEflags, vcpu.eflags()],
    [FIELD.guestGdtrBase, i32[L.W_GDTR_BASE]],
    [FIELD.guestGdtrLimit, i32[L.W_GDTR_LIMIT]],
    [FIELD.guestIdtrBase, i32[L.W_IDTR_BASE]],
    [FIELD.guestIdtrLimit, i32[L.W_IDTR_LIMIT]],
    [FIELD.guestInterruptibility, blockingOf(vcpu)],
    [FIELD.guestActivity, 0],
    [FIELD.guestPendingDebugExceptions, (waits ? SINGLE_STEP : 0) | (i32[L.W_PENDING_DEBUG] & PENDING_BREAKPOINTS)],
    [FIELD.guestSysenterCs, i32[L.W_MSR + SYSENTER_CS]],
    [FIELD.guestSysenterEsp, i32[L.W_MSR + SYSENTER_ESP]],
    [FIELD.guestSysenterEip, i32[L.W_MSR + SYSENTER_EIP]],
  ];
  for (let n = 0; n < SEGMENTS; n++) {
    const attributes = vcpu.segment(n, L.S_ATTRIBUTES);
    fields.push(
      [FIELD.guestEsSelector + 2 * n, vcpu.selector(n)],
      [FIELD.guestEsBase + 2 * n, vcpu.base(n)],
      [FIELD.guestEsLimit + 2 * n, vcpu.segment(n, L.S_LIMIT)],
      [FIELD.guestEsAccessRights + 2 * n, (attributes & PRESENT) === 0 ? UNUSABLE : attributes],
    );
  }
  return fields;
}

const SAVED = [
  FIELD.guestCr0,
  FIELD.guestCr3,
  FIELD.guestCr4,
  FIELD.guestEsp,
  FIELD.guestEip,
  FIELD.guestEflags,
  FIELD.guestGdtrBase,
  FIELD.guestGdtrLimit,
  FIELD.guestIdtrBase,
  FIELD.guestIdtrLimit,
  FIELD.guestInterruptibility,
  // The single step in it follows from the flags and the shadow.
  FIELD.guestPendingDebugExceptions,
] as const;

const PER_SEGMENT = [FIELD.guestEsSelector, FIELD.guestEsBase, FIELD.guestEsLimit, FIELD.guestEsAccessRights] as const;

/** Fields that a guest changes without an exit. */
export const GUEST_FIELDS: readonly number[] = [
  ...SAVED,
  ...Array.from({ length: SEGMENTS }, (_, n) => PER_SEGMENT.map(first => first + 2 * n)).flat(),
  ...Array.from({ length: 8 }, (_, n) => FIELD.guestPdpte0 + n),
];

/** What an exit would save now: the values of GUEST_FIELDS on the machine while it is in the guest. */
export function liveGuestState(cpu: Processor): readonly number[] {
  const { i32 } = cpu;
  const fixed: Readonly<Record<(typeof SAVED)[number], number>> = {
    [FIELD.guestCr0]: i32[L.W_CR0],
    [FIELD.guestCr3]: i32[L.W_CR3],
    [FIELD.guestCr4]: i32[L.W_CR4],
    [FIELD.guestEsp]: i32[ESP],
    [FIELD.guestEip]: i32[L.W_EIP],
    [FIELD.guestEflags]: cpu.eflags(),
    [FIELD.guestGdtrBase]: i32[L.W_GDTR_BASE],
    [FIELD.guestGdtrLimit]: i32[L.W_GDTR_LIMIT],
    [FIELD.guestIdtrBase]: i32[L.W_IDTR_BASE],
    [FIELD.guestIdtrLimit]: i32[L.W_IDTR_LIMIT],
    [FIELD.guestInterruptibility]: blockingOf(cpu),
    [FIELD.guestPendingDebugExceptions]: i32[L.W_PENDING_DEBUG],
  };
  const segments = Array.from({ length: SEGMENTS }, (_, n) => {
    const attributes = cpu.segment(n, L.S_ATTRIBUTES);
    const rights = (attributes & PRESENT) === 0 ? UNUSABLE : attributes;
    const level = n === SS ? (rights & ~0x60) | (cpu.cpl << 5) : rights;
    return [cpu.selector(n), cpu.base(n), cpu.segment(n, L.S_LIMIT), level];
  });
  return [...SAVED.map(field => fixed[field]), ...segments.flat(), ...i32.subarray(L.W_PDPTE, L.W_PDPTE + 8)];
}

/** What of the control registers in a VMCS is not the guest's. */
interface HeldRegisters {
  readonly cr0Held: number;
  readonly cr4Held: number;
  readonly ownsCr3: boolean;
}

/** Puts the values of GUEST_FIELDS into the virtual processor. */
export function takeGuestState(vcpu: Processor, values: readonly number[], held: HeldRegisters): void {
  const { i32 } = vcpu;
  const [cr0, cr3, cr4, esp, eip, eflags, gdtrBase, gdtrLimit, idtrBase, idtrLimit, interruptibility, pendingDebug] =
    values;
  i32[L.W_CR0] = (cr0 & ~held.cr0Held) | (i32[L.W_CR0] & held.cr0Held);
  i32[L.W_CR4] = (cr4 & ~held.cr4Held) | (i32[L.W_CR4] & held.cr4Held);
  if (held.ownsCr3) {
    i32[L.W_CR3] = cr3;
    i32.set(values.slice(SAVED.length + 4 * SEGMENTS), L.W_PDPTE);
  }
  i32[ESP] = esp;
  i32[L.W_EIP] = eip;
  i32[L.W_GDTR_BASE] = gdtrBase;
  i32[L.W_GDTR_LIMIT] = gdtrLimit;
  i32[L.W_IDTR_BASE] = idtrBase;
  i32[L.W_IDTR_LIMIT] = idtrLimit;
  i32[L.W_SHADOW] = interruptibility & (BLOCKING.sti | BLOCKING.movSs);
  i32[L.W_NMI_BLOCKED] = (interruptibility & BLOCKING.nmi) !== 0 ? 1 : 0;
  i32[L.W_PENDING_DEBUG] = (pendingDebug & BREAKPOINT_ENABLED) !== 0 ? pendingDebug & PENDING_BREAKPOINTS : 0;
  i32[L.W_VMX_WATCH] = i32[L.W_PENDING_DEBUG] === 0 ? 0 : L.WATCH_DEBUG;
  let cpl = 0;
  for (let n = 0; n < SEGMENTS; n++) {
    const [selector, base, limit, rights] = values.slice(SAVED.length + 4 * n, SAVED.length + 4 * n + 4);
    const attributes = (rights & UNUSABLE) !== 0 ? 0 : rights & 0xf0ff;
    vcpu.setSegment(n, selector, base, limit, attributes);
    // The privilege level is that of SS (SDM volume 3, 24.4.1).
    if (n === 2) cpl = (rights >>> 5) & 3;
  }
  vcpu.setCpl(cpl);
  vcpu.setEflags(eflags);
}

const CODE_SEGMENT = 0x18;
const ACCESSED = 1;
const MOST_NON_CONFORMING = 11;

/**
 * Whether a processor without unrestricted guests takes this state (SDM volume 3, 26.3.1.2): protected mode, with segments that are loaded as it
 * loads them. Between the MOV to CR0 that enters it and the last segment load they are not, and real mode never is.
 */
export function isEnterable(vcpu: VirtualProcessor): boolean {
  if ((vcpu.i32[L.W_CR0] & CR0.PE) === 0) return false;
  if (!vcpu.usesDescriptors) return [ES, CS, SS, DS, FS, GS].every(n => isVirtual8086Segment(vcpu, n));
  const rights = (n: number) => vcpu.segment(n, L.S_ATTRIBUTES);
  const dpl = (n: number) => (rights(n) >>> 5) & 3;
  const rpl = (n: number) => vcpu.selector(n) & 3;
  if ((rights(CS) & (PRESENT | CODE_SEGMENT | ACCESSED)) !== (PRESENT | CODE_SEGMENT | ACCESSED)) return false;
  if (rpl(CS) !== rpl(SS) || dpl(SS) !== rpl(SS)) return false;
  if (
    (rights(TR) & (PRESENT | 2)) !== (PRESENT | 2) ||
    (vcpu.selector(TR) & 4) !== 0 ||
    (vcpu.selector(LDTR) & 4) !== 0
  )
    return false;
  return [ES, DS, FS, GS].every(n => {
    if ((rights(n) & PRESENT) === 0 || (rights(n) & 15) > MOST_NON_CONFORMING) return true;
    return dpl(n) >= rpl(n);
  });
}

function isVirtual8086Segment(vcpu: VirtualProcessor, n: number): boolean {
  const isPlain = vcpu.base(n) === vcpu.selector(n) << 4 && vcpu.segment(n, L.S_LIMIT) === 0xffff;
  return isPlain && vcpu.segment(n, L.S_ATTRIBUTES) === 0xf3;
}
