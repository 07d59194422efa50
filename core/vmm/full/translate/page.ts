/**
 * Byte offsets in the VCPU page: what translated code finds of the virtual processor through GS. Words of 32 bits. The first four are
 * written by translated code, the others by the monitor before it lets the guest go.
 */
export const PAGE = {
  /** The virtual IF: 0 or FLAG.IF. */
  interruptFlag: 0,
  /** The guest's ECX and EDX while a sequence uses the registers. */
  ecx: 4,
  edx: 8,
  /** Guest EIP that an indirect transfer is on its way to. */
  target: 12,
  /** Not 0 when an interrupt waits for IF. */
  pending: 16,
  /** What PUSHF shows beyond the machine's own flags and IF: IOPL, VIF, VIP, less the machine's IF, which is always set. */
  flags: 20,
  /** Not 0 when the machine's time-stamp counter, read in ring 1, would not give the guest's. */
  hasOwnTime: 24,
  /** Selectors as ring 0 has them. */
  cs: 28,
  ss: 32,
  gs: 36,
  /** What a selector in GS is to be added to for 0, if loading it would change nothing; else a number that gives no 0. */
  lessGs: 40,
  cr0: 44,
  cr2: 48,
  cr3: 52,
  cr4: 56,
} as const;
export type PageWord = (typeof PAGE)[keyof typeof PAGE];

/** Software interrupt by which translated code calls the monitor; its gate lets ring 1 through, but not ring 3. */
export const CALLOUT_VECTOR = 0xf0;
