/**
 * Where the monitor lies in linear memory: the top 4 MB, behind the truncated limits of every guest segment.
 */

/** First linear address that no guest segment reaches. */
export const MONITOR_BASE = 0xffc00000;
/** First entry of the topmost page directory that the monitor keeps in a guest's address space, by what of the monitor it has. */
export const MONITOR_ENTRY = { stubs: 510, nothing: 512 } as const;
export type MonitorEntry = (typeof MONITOR_ENTRY)[keyof typeof MONITOR_ENTRY];

/** 64 KB: what the guest's selectors find. Its last two pages are the monitor's own descriptors. */
export const GDT = MONITOR_BASE + 0;
export const GDT_SIZE = 0x10000;
export const LDT = MONITOR_BASE + 0x10000;
export const LDT_SIZE = 0x10000;
export const IDT = MONITOR_BASE + 0x20000;
export const TSS = MONITOR_BASE + 0x21000;
/** Machine code: the stubs of 256 vectors, and the snippets. */
export const CODE = MONITOR_BASE + 0x22000;
export const CODE_SIZE = 0x2000;
export const STACK = MONITOR_BASE + 0x24000;
export const STACK_SIZE = 0x2000;
export const STACK_TOP = STACK + STACK_SIZE;
/** State of the virtual processor that translated code reaches through GS. */
export const VCPU = MONITOR_BASE + 0x26000;
export const VCPU_SIZE = 0x1000;
/** VMXON region and VMCS of the hardware technique are reached by physical address only. */
/** Guest address -> translation: the table that translated returns and indirect jumps look into. */
export const LOOKUP = MONITOR_BASE + 0x80000;
export const LOOKUP_SIZE = 0x80000;
/** The translation cache. */
export const CACHE = MONITOR_BASE + 0x100000;
export const CACHE_SIZE = 0x200000;

/**
 * Selectors of the monitor's own descriptors. The first seven thousand belong to the guest; these numbers are those that Xen's public
 * interface gives a guest of its own (xen/include/public/arch-x86/xen-x86_32.h), so that every technique can share one table.
 */
export const SELECTOR = {
  /** Ring 0, flat: the monitor. */
  monitorCode: 0xe008,
  monitorData: 0xe010,
  /** Flat, limits truncated below the monitor. */
  ring1Code: 0xe019,
  ring1Data: 0xe021,
  ring3Code: 0xe02b,
  ring3Data: 0xe033,
  task: 0xe038,
  ldt: 0xe040,
  /** Ring 1 code that covers the translation cache; no data segment of the guest does. */
  cacheCode: 0xe049,
  /** Ring 1 data: the VCPU page, GS of translated code. */
  vcpuData: 0xe051,
} as const;

/** First descriptor that a guest cannot have. */
export const FIRST_RESERVED_SELECTOR = 0xe000;
