/** Word offsets of model-specific registers in the processor state, from W_MSR; each has a low and a high word. */
export const EFER = 0;
/** EFER.NXE (SDM volume 3, 2.2.1). */
export const EFER_NXE = 1 << 11;
export const SYSENTER_CS = 2;
export const SYSENTER_ESP = 4;
export const SYSENTER_EIP = 6;
export const PAT = 8;
/** IA32_FEATURE_CONTROL. */
export const FEATURE_CONTROL = 10;
/** What WRMSR to the time-stamp counter added to it. */
export const TSC_OFFSET = 12;
export const MISC_ENABLE = 14;
export const MTRR_DEFAULT = 16;
/** Eight variable ranges, base and mask: 32 words. */
export const MTRR_VARIABLE = 18;
/** Eleven fixed ranges: 22 words. */
export const MTRR_FIXED = 50;
export const DEBUG_CONTROL = 72;
