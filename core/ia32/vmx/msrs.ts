/** Numbers of the model-specific registers of VMX (SDM volume 3, appendix A). */
export const VMX_MSR = {
  featureControl: 0x3a,
  basic: 0x480,
  pinControls: 0x481,
  processorControls: 0x482,
  exitControls: 0x483,
  entryControls: 0x484,
  misc: 0x485,
  cr0Fixed0: 0x486,
  cr0Fixed1: 0x487,
  cr4Fixed0: 0x488,
  cr4Fixed1: 0x489,
  vmcsEnumeration: 0x48a,
  secondaryControls: 0x48b,
  eptVpidCapabilities: 0x48c,
  truePinControls: 0x48d,
  trueProcessorControls: 0x48e,
  trueExitControls: 0x48f,
  trueEntryControls: 0x490,
} as const;

/** IA32_FEATURE_CONTROL (SDM volume 3, 23.7): bits that this processor, without SMX, has. */
export const FEATURE_CONTROL = {
  lock: 1 << 0,
  vmxOutsideSmx: 1 << 2,
} as const;
