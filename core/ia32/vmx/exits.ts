/** Basic exit reasons: bits 15:0 of the exit-reason field (SDM volume 3, appendix C). */
export const EXIT = {
  exceptionOrNmi: 0,
  externalInterrupt: 1,
  tripleFault: 2,
  interruptWindow: 7,
  taskSwitch: 9,
  cpuid: 10,
  hlt: 12,
  invd: 13,
  invlpg: 14,
  rdpmc: 15,
  rdtsc: 16,
  vmcall: 18,
  vmclear: 19,
  vmlaunch: 20,
  vmptrld: 21,
  vmptrst: 22,
  vmread: 23,
  vmresume: 24,
  vmwrite: 25,
  vmxoff: 26,
  vmxon: 27,
  controlRegisterAccess: 28,
  movDebug: 29,
  ioInstruction: 30,
  rdmsr: 31,
  wrmsr: 32,
  entryInvalidGuestState: 33,
  entryMsrLoading: 34,
  monitorTrapFlag: 37,
  pause: 40,
  gdtrIdtrAccess: 46,
  ldtrTrAccess: 47,
  eptViolation: 48,
  eptMisconfiguration: 49,
  invept: 50,
  preemptionTimer: 52,
  invvpid: 53,
  wbinvd: 54,
} as const;

export type ExitName = keyof typeof EXIT;
export type ExitReason = (typeof EXIT)[ExitName];

/** Bit 31 of the exit-reason field: the VM entry itself failed. */
export const ENTRY_FAILURE = 0x80000000;

/** Names by number; undefined for reasons that this processor never gives. */
// Object.entries() forgets the names' type.
export const EXIT_NAMES: readonly (ExitName | undefined)[] = (Object.entries(EXIT) as [ExitName, ExitReason][]).reduce<
  (ExitName | undefined)[]
>((names, [name, reason]) => {
  names[reason] = name;
  return names;
}, []);

/** Type of an event, bits 10:8 of an interruption-information field (SDM volume 3, tables 24-13 and 24-15). */
export const EVENT_TYPE = {
  externalInterrupt: 0,
  nmi: 2,
  hardwareException: 3,
  softwareInterrupt: 4,
  /** INT1. */
  privilegedSoftwareException: 5,
  /** INT3 and INTO. */
  softwareException: 6,
  /** VM entry only: a pending monitor trap flag exit, with vector 0. */
  other: 7,
} as const;

/** Bits of the interruption-information fields (SDM volume 3, 24.8.3, 24.9.2, 24.9.3). */
export const INTERRUPTION = {
  vectorMask: 0xff,
  typeShift: 8,
  typeMask: 7 << 8,
  errorCodeValid: 1 << 11,
  /** Exit only, and in the qualification of an EPT violation: a fault in an IRET that had unblocked NMIs. */
  nmiUnblocking: 1 << 12,
  valid: 0x80000000,
} as const;

/** Exit qualification of an EPT violation (SDM volume 3, table 27-7). */
export const EPT_VIOLATION = {
  read: 1 << 0,
  write: 1 << 1,
  fetch: 1 << 2,
  /** What the EPT entries allow, all levels together. */
  readable: 1 << 3,
  writable: 1 << 4,
  executable: 1 << 5,
  /** The guest-linear address field is valid. */
  linearValid: 1 << 7,
  /** The access was to the translated address of that linear one, not to a paging structure on the way. */
  finalAddress: 1 << 8,
} as const;

/** Activity states (SDM volume 3, 24.4.2). */
export const ACTIVITY = { active: 0, hlt: 1, shutdown: 2, waitForSipi: 3 } as const;

/** Interruptibility-state bits (SDM volume 3, table 24-3). */
export const BLOCKING = { sti: 1, movSs: 2, smi: 4, nmi: 8 } as const;

/** VM-instruction error numbers (SDM volume 3, 30.4). */
export const INSTRUCTION_ERROR = {
  vmcallInRoot: 1,
  vmclearInvalidAddress: 2,
  vmclearVmxonPointer: 3,
  vmlaunchNotClear: 4,
  vmresumeNotLaunched: 5,
  vmresumeAfterVmxoff: 6,
  invalidControls: 7,
  invalidHostState: 8,
  vmptrldInvalidAddress: 9,
  vmptrldVmxonPointer: 10,
  vmptrldRevision: 11,
  unsupportedField: 12,
  vmwriteReadOnly: 13,
  vmxonInRoot: 15,
  entryBlockedByMovSs: 26,
  invalidOperand: 28,
} as const;
export type InstructionError = (typeof INSTRUCTION_ERROR)[keyof typeof INSTRUCTION_ERROR];
