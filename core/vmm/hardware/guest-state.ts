import { CR0, CR4, ESP } from '../../ia32/registers.ts';
import { FIELD } from '../../ia32/vmx/fields.ts';
import * as L from '../../machine/cpu/layout.ts';
import { EFER, SYSENTER_CS, SYSENTER_EIP, SYSENTER_ESP } from '../../machine/cpu/msr-numbers.ts';
import type { VirtualProcessor } from '../vcpu.ts';

/** The guest's state between the virtual processor and the guest-state area of a VMCS (SDM volume 3, 24.4). */

type Fields = readonly (readonly [encoding: number, value: number])[];

/** Segments ES to GS, LDTR, TR: the encodings of each kind of field follow each other by two. */
const SEGMENTS = 8;
const UNUSABLE = 1 << 16;
const PRESENT = 0x80;

/** Bits that VMX operation fixes or that are the monitor's; the guest reads what it last wrote there. */
export const CR0_HELD = CR0.NE | CR0.CD | CR0.NW;
export const CR4_HELD = CR4.VMXE;

/** What the virtual processor holds, for the guest-state area. */
export function guestState(vcpu: VirtualProcessor): Fields {
  const { i32 } = vcpu;
  const fields: (readonly [number, number])[] = [
    [FIELD.guestCr0, (i32[L.W_CR0] & ~CR0_HELD) | CR0.NE],
    [FIELD.cr0Shadow, i32[L.W_CR0]],
    [FIELD.guestCr3, i32[L.W_CR3]],
    [FIELD.guestCr4, i32[L.W_CR4] | CR4.VMXE],
    [FIELD.cr4Shadow, i32[L.W_CR4]],
    [FIELD.guestDr7, i32[L.W_DR + 7]],
    [FIELD.guestEsp, i32[ESP]],
    [FIELD.guestEip, i32[L.W_EIP]],
    [FIELD.guestEflags, vcpu.eflags()],
    [FIELD.guestGdtrBase, i32[L.W_GDTR_BASE]],
    [FIELD.guestGdtrLimit, i32[L.W_GDTR_LIMIT]],
    [FIELD.guestIdtrBase, i32[L.W_IDTR_BASE]],
    [FIELD.guestIdtrLimit, i32[L.W_IDTR_LIMIT]],
    [FIELD.guestInterruptibility, i32[L.W_SHADOW]],
    [FIELD.guestActivity, 0],
    [FIELD.guestPendingDebugExceptions, 0],
    [FIELD.guestSysenterCs, i32[L.W_MSR + SYSENTER_CS]],
    [FIELD.guestSysenterEsp, i32[L.W_MSR + SYSENTER_ESP]],
    [FIELD.guestSysenterEip, i32[L.W_MSR + SYSENTER_EIP]],
    [FIELD.guestEfer, i32[L.W_MSR + EFER]],
    [FIELD.guestEfer + 1, i32[L.W_MSR + EFER + 1]],
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
  for (let n = 0; n < 4; n++) {
    fields.push([FIELD.guestPdpte0 + 2 * n, vcpu.pdpte(n)], [FIELD.guestPdpte0 + 2 * n + 1, vcpu.pdpteHigh(n)]);
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
] as const;

const PER_SEGMENT = [FIELD.guestEsSelector, FIELD.guestEsBase, FIELD.guestEsLimit, FIELD.guestEsAccessRights] as const;

/** Fields that a guest changes without an exit. */
export const GUEST_FIELDS: readonly number[] = [
  ...SAVED,
  ...Array.from({ length: SEGMENTS }, (_, n) => PER_SEGMENT.map(first => first + 2 * n)).flat(),
  ...Array.from({ length: 8 }, (_, n) => FIELD.guestPdpte0 + n),
];

/** Puts the values of GUEST_FIELDS into the virtual processor. */
export function takeGuestState(vcpu: VirtualProcessor, values: readonly number[]): void {
  const { i32 } = vcpu;
  const [cr0, cr3, cr4, esp, eip, eflags, gdtrBase, gdtrLimit, idtrBase, idtrLimit, interruptibility] = values;
  i32[L.W_CR0] = (cr0 & ~CR0_HELD) | (i32[L.W_CR0] & CR0_HELD);
  i32[L.W_CR3] = cr3;
  i32[L.W_CR4] = (cr4 & ~CR4_HELD) | (i32[L.W_CR4] & CR4_HELD);
  i32[ESP] = esp;
  i32[L.W_EIP] = eip;
  i32[L.W_GDTR_BASE] = gdtrBase;
  i32[L.W_GDTR_LIMIT] = gdtrLimit;
  i32[L.W_IDTR_BASE] = idtrBase;
  i32[L.W_IDTR_LIMIT] = idtrLimit;
  i32[L.W_SHADOW] = interruptibility & 3;
  let cpl = 0;
  for (let n = 0; n < SEGMENTS; n++) {
    const [selector, base, limit, rights] = values.slice(SAVED.length + 4 * n, SAVED.length + 4 * n + 4);
    const attributes = (rights & UNUSABLE) !== 0 ? 0 : rights & 0xf0ff;
    vcpu.setSegment(n, selector, base, limit, attributes);
    // The privilege level is that of SS (SDM volume 3, 24.4.1).
    if (n === 2) cpl = (rights >>> 5) & 3;
  }
  i32.set(values.slice(SAVED.length + 4 * SEGMENTS), L.W_PDPTE);
  vcpu.setCpl(cpl);
  vcpu.setEflags(eflags);
}
