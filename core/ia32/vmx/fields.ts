/**
 * Fields of the virtual-machine control structure by name, with their encodings for VMREAD and VMWRITE (SDM volume 3, appendix B).
 * Only those that this processor has: a field that belongs to a control that is not offered does not exist (24.11.2).
 */
export const FIELD = {
  // 16 bits: control, guest state, host state
  vpid: 0x0000,
  guestEsSelector: 0x0800,
  guestCsSelector: 0x0802,
  guestSsSelector: 0x0804,
  guestDsSelector: 0x0806,
  guestFsSelector: 0x0808,
  guestGsSelector: 0x080a,
  guestLdtrSelector: 0x080c,
  guestTrSelector: 0x080e,
  hostEsSelector: 0x0c00,
  hostCsSelector: 0x0c02,
  hostSsSelector: 0x0c04,
  hostDsSelector: 0x0c06,
  hostFsSelector: 0x0c08,
  hostGsSelector: 0x0c0a,
  hostTrSelector: 0x0c0c,

  // 64 bits: control. The odd encoding that follows each one names its high word.
  ioBitmapA: 0x2000,
  ioBitmapB: 0x2002,
  msrBitmaps: 0x2004,
  exitMsrStoreAddress: 0x2006,
  exitMsrLoadAddress: 0x2008,
  entryMsrLoadAddress: 0x200a,
  executiveVmcsPointer: 0x200c,
  tscOffset: 0x2010,
  eptPointer: 0x201a,
  // 64 bits: exit information
  guestPhysicalAddress: 0x2400,
  // 64 bits: guest state, host state
  vmcsLinkPointer: 0x2800,
  guestDebugControl: 0x2802,
  guestPat: 0x2804,
  guestEfer: 0x2806,
  guestPdpte0: 0x280a,
  guestPdpte1: 0x280c,
  guestPdpte2: 0x280e,
  guestPdpte3: 0x2810,
  hostPat: 0x2c00,
  hostEfer: 0x2c02,

  // 32 bits: control
  pinControls: 0x4000,
  processorControls: 0x4002,
  exceptionBitmap: 0x4004,
  pageFaultErrorCodeMask: 0x4006,
  pageFaultErrorCodeMatch: 0x4008,
  cr3TargetCount: 0x400a,
  exitControls: 0x400c,
  exitMsrStoreCount: 0x400e,
  exitMsrLoadCount: 0x4010,
  entryControls: 0x4012,
  entryMsrLoadCount: 0x4014,
  entryInterruptionInformation: 0x4016,
  entryExceptionErrorCode: 0x4018,
  entryInstructionLength: 0x401a,
  secondaryControls: 0x401e,
  // 32 bits: exit information
  instructionError: 0x4400,
  exitReason: 0x4402,
  exitInterruptionInformation: 0x4404,
  exitInterruptionErrorCode: 0x4406,
  idtVectoringInformation: 0x4408,
  idtVectoringErrorCode: 0x440a,
  exitInstructionLength: 0x440c,
  exitInstructionInformation: 0x440e,
  // 32 bits: guest state, host state
  guestEsLimit: 0x4800,
  guestCsLimit: 0x4802,
  guestSsLimit: 0x4804,
  guestDsLimit: 0x4806,
  guestFsLimit: 0x4808,
  guestGsLimit: 0x480a,
  guestLdtrLimit: 0x480c,
  guestTrLimit: 0x480e,
  guestGdtrLimit: 0x4810,
  guestIdtrLimit: 0x4812,
  guestEsAccessRights: 0x4814,
  guestCsAccessRights: 0x4816,
  guestSsAccessRights: 0x4818,
  guestDsAccessRights: 0x481a,
  guestFsAccessRights: 0x481c,
  guestGsAccessRights: 0x481e,
  guestLdtrAccessRights: 0x4820,
  guestTrAccessRights: 0x4822,
  guestInterruptibility: 0x4824,
  guestActivity: 0x4826,
  guestSmbase: 0x4828,
  guestSysenterCs: 0x482a,
  preemptionTimer: 0x482e,
  hostSysenterCs: 0x4c00,

  // Natural width, which is 32 bits on a processor without Intel 64: control
  cr0Mask: 0x6000,
  cr4Mask: 0x6002,
  cr0Shadow: 0x6004,
  cr4Shadow: 0x6006,
  cr3Target0: 0x6008,
  cr3Target1: 0x600a,
  cr3Target2: 0x600c,
  cr3Target3: 0x600e,
  // Natural width: exit information
  exitQualification: 0x6400,
  ioRcx: 0x6402,
  ioRsi: 0x6404,
  ioRdi: 0x6406,
  ioRip: 0x6408,
  guestLinearAddress: 0x640a,
  // Natural width: guest state, host state
  guestCr0: 0x6800,
  guestCr3: 0x6802,
  guestCr4: 0x6804,
  guestEsBase: 0x6806,
  guestCsBase: 0x6808,
  guestSsBase: 0x680a,
  guestDsBase: 0x680c,
  guestFsBase: 0x680e,
  guestGsBase: 0x6810,
  guestLdtrBase: 0x6812,
  guestTrBase: 0x6814,
  guestGdtrBase: 0x6816,
  guestIdtrBase: 0x6818,
  guestDr7: 0x681a,
  guestEsp: 0x681c,
  guestEip: 0x681e,
  guestEflags: 0x6820,
  guestPendingDebugExceptions: 0x6822,
  guestSysenterEsp: 0x6824,
  guestSysenterEip: 0x6826,
  hostCr0: 0x6c00,
  hostCr3: 0x6c02,
  hostCr4: 0x6c04,
  hostFsBase: 0x6c06,
  hostGsBase: 0x6c08,
  hostTrBase: 0x6c0a,
  hostGdtrBase: 0x6c0c,
  hostIdtrBase: 0x6c0e,
  hostSysenterEsp: 0x6c10,
  hostSysenterEip: 0x6c12,
  hostEsp: 0x6c14,
  hostEip: 0x6c16,
} as const;

export type FieldName = keyof typeof FIELD;
/** Encoding of a field that this processor has. */
export type FieldEncoding = (typeof FIELD)[FieldName];

export type FieldWidth = 16 | 32 | 64 | 'natural';
export type FieldArea = 'control' | 'exit information' | 'guest state' | 'host state';

const WIDTHS: readonly FieldWidth[] = [16, 64, 32, 'natural'];
const AREAS: readonly FieldArea[] = ['control', 'exit information', 'guest state', 'host state'];

export interface Field {
  readonly name: FieldName;
  readonly encoding: FieldEncoding;
  readonly width: FieldWidth;
  readonly area: FieldArea;
  /** Exit information: VMWRITE to it fails (error 13), since IA32_VMX_MISC[29] is 0. */
  readonly readOnly: boolean;
}

/** Bits 14:13 of an encoding (SDM volume 3, table 24-17). */
export function fieldWidth(encoding: number): FieldWidth {
  return WIDTHS[(encoding >> 13) & 3];
}

/** Bits 11:10 of an encoding. */
export function fieldArea(encoding: number): FieldArea {
  return AREAS[(encoding >> 10) & 3];
}

/** Every field, in the order of the manual's tables. */
// Object.entries() forgets the names' type.
export const FIELDS: readonly Field[] = (Object.entries(FIELD) as [FieldName, FieldEncoding][]).map(
  ([name, encoding]) => {
    const area = fieldArea(encoding);
    return { name, encoding, width: fieldWidth(encoding), area, readOnly: area === 'exit information' };
  },
);
