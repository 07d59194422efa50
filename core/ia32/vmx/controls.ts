/** Control bits of the VMCS that this processor has (SDM volume 3, 24.6 to 24.8). */

/** Pin-based VM-execution controls. */
export const PIN = {
  externalInterruptExiting: 1 << 0,
  nmiExiting: 1 << 3,
  preemptionTimer: 1 << 6,
} as const;

/** Primary processor-based VM-execution controls. */
export const PROCESSOR = {
  interruptWindowExiting: 1 << 2,
  tscOffsetting: 1 << 3,
  hltExiting: 1 << 7,
  invlpgExiting: 1 << 9,
  rdpmcExiting: 1 << 11,
  rdtscExiting: 1 << 12,
  cr3LoadExiting: 1 << 15,
  cr3StoreExiting: 1 << 16,
  movDebugExiting: 1 << 23,
  unconditionalIoExiting: 1 << 24,
  ioBitmaps: 1 << 25,
  monitorTrapFlag: 1 << 27,
  msrBitmaps: 1 << 28,
  pauseExiting: 1 << 30,
  secondaryControls: 1 << 31,
} as const;

/** Secondary processor-based VM-execution controls. */
export const SECONDARY = {
  ept: 1 << 1,
  descriptorTableExiting: 1 << 2,
  vpid: 1 << 5,
  wbinvdExiting: 1 << 6,
  unrestrictedGuest: 1 << 7,
} as const;

/** VM-exit controls. */
export const EXIT_CONTROL = {
  saveDebugControls: 1 << 2,
  acknowledgeInterrupt: 1 << 15,
  savePat: 1 << 18,
  loadPat: 1 << 19,
  saveEfer: 1 << 20,
  loadEfer: 1 << 21,
  savePreemptionTimer: 1 << 22,
} as const;

/** VM-entry controls. */
export const ENTRY_CONTROL = {
  loadDebugControls: 1 << 2,
  loadPat: 1 << 14,
  loadEfer: 1 << 15,
} as const;

/** Extended-page-table pointer: low word (SDM volume 3, 24.6.11). */
export const EPT_POINTER = {
  memoryTypeMask: 7,
  uncacheable: 0,
  writeBack: 6,
  /** Page-walk length minus one, in bits 5:3; it must be 3. */
  walkLengthMask: 7 << 3,
  fourLevels: 3 << 3,
  /** Accessed and dirty flags are kept. */
  accessedDirty: 1 << 6,
} as const;
