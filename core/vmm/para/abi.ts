/**
 * Numbers and layouts of Xen's public interface for x86_32 PAE guests (xen/include/public: xen.h, arch-x86/xen.h,
 * arch-x86/xen-x86_32.h, and the headers that the groups of hypercalls name). Offsets in bytes.
 */

/** Hypercall numbers, which are also the stubs' places in the hypercall page. */
export const HYPERCALL = {
  set_trap_table: 0,
  mmu_update: 1,
  set_gdt: 2,
  stack_switch: 3,
  set_callbacks: 4,
  fpu_taskswitch: 5,
  sched_op_compat: 6,
  platform_op: 7,
  set_debugreg: 8,
  get_debugreg: 9,
  update_descriptor: 10,
  memory_op: 12,
  multicall: 13,
  update_va_mapping: 14,
  set_timer_op: 15,
  event_channel_op_compat: 16,
  xen_version: 17,
  console_io: 18,
  physdev_op_compat: 19,
  grant_table_op: 20,
  vm_assist: 21,
  update_va_mapping_otherdomain: 22,
  iret: 23,
  vcpu_op: 24,
  mmuext_op: 26,
  xsm_op: 27,
  nmi_op: 28,
  sched_op: 29,
  callback_op: 30,
  event_channel_op: 32,
  physdev_op: 33,
  hvm_op: 34,
  sysctl: 35,
  domctl: 36,
} as const;
export type HypercallName = keyof typeof HYPERCALL;

/** Error numbers, which hypercalls answer negated (errno.h). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  ENXIO: 6,
  E2BIG: 7,
  ENOMEM: 12,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  ENOSPC: 28,
  ENOSYS: 38,
  ETIME: 62,
  EOPNOTSUPP: 95,
} as const;
export type Errno = keyof typeof ERRNO;

/** The hypercall is not done, and answers an error number. Nothing that it has not reported has changed. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly errno: Errno;

  /** `why` is one clause for a reader of the page. */
  constructor(errno: Errno, why: string) {
    super(why);
    this.errno = errno;
  }
}

/** INT 0x82 from ring 1 is a hypercall. */
export const HYPERCALL_VECTOR = 0x82;
/** Bytes of a stub in the hypercall page. */
export const STUB_BYTES = 32;

/** Linear addresses from here on are the monitor's in every address space of a PAE guest. */
export const HOLE_START = 0xf5800000;
/** The machine-to-physical table: a word for each machine frame. */
export const M2P_START = 0xf5800000;
export const M2P_END = 0xf6800000;
/** What the tables hold where a frame is nobody's. */
export const INVALID_ENTRY = 0xffffffff;

/** Selectors that every guest finds ready (arch-x86/xen-x86_32.h). */
export const FLAT = { ring1Code: 0xe019, ring1Data: 0xe021, ring3Code: 0xe02b, ring3Data: 0xe033 } as const;
/** Pages of a GDT that are the guest's. */
export const GDT_PAGES = 14;
export const GDT_ENTRIES = GDT_PAGES * 512;

/** This domain's own number; the one beside it is domain 0, whose back ends the monitor plays. */
export const DOMAIN = 1;
export const DOMAIN_0 = 0;
export const DOMID_SELF = 0x7ff0;
export const DOMID_IO = 0x7ff1;
export const DOMID_XEN = 0x7ff2;

/** struct vcpu_info: 64 bytes. */
export const VCPU_INFO = {
  upcallPending: 0,
  upcallMask: 1,
  pendingSelector: 4,
  cr2: 8,
  time: 32,
  size: 64,
} as const;

/** struct vcpu_time_info. */
export const TIME_INFO = { version: 0, timeStamp: 8, systemTime: 16, multiplier: 24, shift: 28, flags: 29 } as const;

/** struct shared_info. */
export const SHARED_INFO = {
  vcpuInfo: 0,
  pending: 0x800,
  mask: 0x880,
  wallVersion: 0x900,
  wallSeconds: 0x904,
  wallNanoseconds: 0x908,
  maxPfn: 0x90c,
} as const;

/** struct start_info. */
export const START_INFO = {
  magic: 0,
  pages: 32,
  sharedInfo: 36,
  flags: 40,
  storeFrame: 44,
  storePort: 48,
  consoleFrame: 52,
  consolePort: 56,
  tables: 60,
  tableFrames: 64,
  frameList: 68,
  moduleStart: 72,
  moduleLength: 76,
  commandLine: 80,
  commandLineBytes: 1024,
  firstListPage: 1104,
  listPages: 1108,
  size: 1112,
} as const;
export const MAGIC = 'xen-3.0-x86_32p';

/** Event channels of the two-level interface: 32 words of 32 bits. */
export const PORTS = 1024;
/** Virtual interrupts (xen.h). */
export const VIRQ = { timer: 0, debug: 1, xenoprof: 7, count: 24 } as const;

/** struct xencons_interface (io/console.h): rings and their indexes, which run freely. */
export const CONSOLE_RING = {
  in: 0,
  inBytes: 1024,
  out: 1024,
  outBytes: 2048,
  inConsumed: 3072,
  inProduced: 3076,
  outConsumed: 3080,
  outProduced: 3084,
} as const;

/** Features (features.h) as bits of XENVER_get_features: page-table updates that keep A and D, MMUEXT_CLEAR_PAGE and COPY_PAGE. */
export const FEATURES = (1 << 5) | (1 << 6);
/** XENVER_version: major and minor. */
export const VERSION = (4 << 16) | 2;
