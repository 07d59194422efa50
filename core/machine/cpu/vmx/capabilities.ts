import { CR0 } from '../../../ia32/registers.ts';
import { ENTRY_CONTROL, EXIT_CONTROL, PIN, PROCESSOR, SECONDARY } from '../../../ia32/vmx/controls.ts';
import { VMX_MSR } from '../../../ia32/vmx/msrs.ts';
import { REVISION } from './vmcs.ts';

/** What VMX of this processor can do, as its capability MSRs tell (SDM volume 3, appendix A). */

/** Controls: bits that must be 1, bits that may be 1, and the class that software without the TRUE registers must set to 1. */
interface Allowed {
  readonly must: number;
  readonly may: number;
  readonly default1: number;
}

function allowed(default1: number, canBeClear: number, bits: Readonly<Record<string, number>>): Allowed {
  const may = Object.values(bits).reduce((all, bit) => all | bit, default1);
  return { must: default1 & ~canBeClear, may, default1 };
}

export const ALLOWED = {
  // There are no virtual NMIs.
  pin: allowed(0x16, 0, PIN),
  processor: allowed(0x0401e172, PROCESSOR.cr3LoadExiting | PROCESSOR.cr3StoreExiting, PROCESSOR),
  secondary: allowed(0, 0, SECONDARY),
  exit: allowed(0x36dff, EXIT_CONTROL.saveDebugControls, EXIT_CONTROL),
  entry: allowed(0x11ff, ENTRY_CONTROL.loadDebugControls, ENTRY_CONTROL),
} as const;

/** Whether controls have every bit as it must be. */
export function isAllowed(controls: number, { must, may }: Allowed): boolean {
  return (controls & must) === must && (controls & ~may) === 0;
}

/** Bits of CR0 that must be 1 in VMX operation; PE and PG need not for an unrestricted guest. */
export const CR0_FIXED = CR0.PE | CR0.NE | CR0.PG;

/** CR3-target values (appendix A.6). */
export const CR3_TARGETS = 4;
/** The VMX-preemption timer counts every 2^n-th step. */
export const TIMER_SHIFT = 0;

/** IA32_VMX_BASIC, high word: regions of 4 KB, 32-bit addresses, write-back, information about INS and OUTS, TRUE registers. */
const BASIC_HIGH = 0x1000 | (1 << 16) | (6 << 18) | (1 << 22) | (1 << 23);
/**
 * IA32_VMX_MISC: exits keep the "IA-32e mode guest" control equal to EFER.LMA, which here is always 0, as every processor with
 * unrestricted guest says; HLT and shutdown as activity states, CR3-target values, lists of up to 512 MSRs.
 */
const MISC = TIMER_SHIFT | (1 << 5) | (1 << 6) | (1 << 7) | (CR3_TARGETS << 16);
/** Highest index of a field (bits 9:1 of an encoding): the preemption timer's. */
const ENUMERATION = 0x2e;

/** IA32_VMX_EPT_VPID_CAP, low word. */
export const EPT_CAPABILITIES =
  (1 << 0) | // execute-only
  (1 << 6) | // four levels
  (1 << 8) | // uncacheable
  (1 << 14) | // write-back
  (1 << 16) | // 2 MB pages
  (1 << 20) | // INVEPT
  (1 << 21) | // accessed and dirty flags
  (1 << 25) | // INVEPT of one context
  (1 << 26); // INVEPT of all contexts
/** High word: INVVPID and its four types. */
const VPID_CAPABILITIES = 1 | (15 << 8);

type Value = readonly [low: number, high: number];

/** CR4 bits that exist outside of VMX too are told by control.ts. */
export function vmxMsr(number: number, cr4Allowed: number, cr4Fixed: number): Value | null {
  switch (number) {
    case VMX_MSR.basic:
      return [REVISION, BASIC_HIGH];
    case VMX_MSR.pinControls:
      return [ALLOWED.pin.default1, ALLOWED.pin.may];
    case VMX_MSR.processorControls:
      return [ALLOWED.processor.default1, ALLOWED.processor.may];
    case VMX_MSR.exitControls:
      return [ALLOWED.exit.default1, ALLOWED.exit.may];
    case VMX_MSR.entryControls:
      return [ALLOWED.entry.default1, ALLOWED.entry.may];
    case VMX_MSR.misc:
      return [MISC, 0];
    case VMX_MSR.cr0Fixed0:
      return [CR0_FIXED, 0];
    case VMX_MSR.cr0Fixed1:
      return [-1, 0];
    case VMX_MSR.cr4Fixed0:
      return [cr4Fixed, 0];
    case VMX_MSR.cr4Fixed1:
      return [cr4Allowed, 0];
    case VMX_MSR.vmcsEnumeration:
      return [ENUMERATION, 0];
    case VMX_MSR.secondaryControls:
      return [ALLOWED.secondary.must, ALLOWED.secondary.may];
    case VMX_MSR.eptVpidCapabilities:
      return [EPT_CAPABILITIES, VPID_CAPABILITIES];
    case VMX_MSR.truePinControls:
      return [ALLOWED.pin.must, ALLOWED.pin.may];
    case VMX_MSR.trueProcessorControls:
      return [ALLOWED.processor.must, ALLOWED.processor.may];
    case VMX_MSR.trueExitControls:
      return [ALLOWED.exit.must, ALLOWED.exit.may];
    case VMX_MSR.trueEntryControls:
      return [ALLOWED.entry.must, ALLOWED.entry.may];
    default:
      return null;
  }
}
