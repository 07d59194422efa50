import { decode } from '../../ia32/decoder.ts';
import { FLAG } from '../../ia32/flags.ts';
import type { Instruction } from '../../ia32/instruction.ts';
import type { OperationName } from '../../ia32/operations.ts';
import { CR0, EAX, EBX, ECX, EDX } from '../../ia32/registers.ts';
import { cpuid } from '../../machine/cpu/cpuid.ts';
import * as L from '../../machine/cpu/layout.ts';
import { rdmsr } from '../../machine/cpu/msr.ts';
import { FRAME_SIZE } from '../memory/frames.ts';
import { HYPERCALL, HYPERCALL_VECTOR, Refused, STUB_BYTES, VERSION } from './abi.ts';
import type { Domain } from './domain.ts';
import { GUEST_CR4 } from './ring.ts';

/**
 * Privileged instructions that a paravirtualized kernel may still execute: each traps, and the monitor does what it means for this guest.
 * Everything else that a kernel wants it asks for by hypercalls.
 */

/** UD2 and "xen" in front of CPUID: the guest asks for the monitor's answer (arch-x86/xen.h). */
const EMULATE_PREFIX: readonly number[] = [0x0f, 0x0b, 0x78, 0x65, 0x6e];
/** Leaves that tell of the monitor. */
const MONITOR_LEAVES = 0x40000000;
const LAST_MONITOR_LEAF = MONITOR_LEAVES + 2;
/** WRMSR of this fills the hypercall page whose machine frame it is given. */
const HYPERCALL_PAGE_MSR = 0x40000000;

/** Leaf 1 EDX: PSE, MCE, SEP, MTRR, PGE, MCA and PAT are the monitor's. */
const HIDDEN_FEATURES = (1 << 3) | (1 << 7) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 14) | (1 << 16);
/** Leaf 1 ECX: a hypervisor is present. */
const HYPERVISOR_PRESENT = 1 << 31;

/** Does an instruction; false if the guest may not. The EIP behind it is the caller's. */
type Emulation = (domain: Domain, i: Instruction) => boolean;

function readControl({ vcpu, shared }: Domain, register: number): number | null {
  switch (register) {
    case 0:
      return vcpu.i32[L.W_CR0];
    case 2:
      return shared.cr2;
    // Frames beyond 4 GB would have their upper bits in the lower ones (xen_pfn_to_cr3).
    case 3:
      return vcpu.i32[L.W_CR3];
    case 4:
      return vcpu.i32[L.W_CR4];
    default:
      return null;
  }
}

function writeControl(domain: Domain, register: number, value: number): boolean {
  const { vcpu } = domain;
  switch (register) {
    case 0:
      // Only TS is the guest's.
      if (((value ^ vcpu.i32[L.W_CR0]) & ~CR0.TS) !== 0) return false;
      vcpu.i32[L.W_CR0] = value;
      return true;
    case 2:
      domain.shared.cr2 = value;
      return true;
    case 3:
      return !isRefused(() => {
        domain.tables.setRoot(((value >>> 12) | (value << 20)) >>> 0);
        domain.rootMoved();
      });
    case 4:
      if (((value ^ vcpu.i32[L.W_CR4]) & ~GUEST_CR4) !== 0) return false;
      vcpu.i32[L.W_CR4] = value;
      return true;
    default:
      return false;
  }
}

function isRefused(act: () => void): boolean {
  try {
    act();
    return false;
  } catch (thrown) {
    if (thrown instanceof Refused) return true;
    throw thrown;
  }
}

/** A port of the machine's, of which the guest has none: reads all ones, and what is written is lost, once it has I/O privilege. */
function io(domain: Domain): boolean {
  return domain.iopl >= (domain.vcpu.cpl === 3 ? 3 : 1);
}

const PRIVILEGED: Partial<Record<OperationName, Emulation>> = {
  movFromControl: (domain, i) => {
    const value = readControl(domain, i.src.register);
    if (value === null) return false;
    domain.vcpu.i32[i.dst.register] = value;
    return true;
  },
  movToControl: (domain, i) => writeControl(domain, i.dst.register, domain.vcpu.i32[i.src.register]),
  movFromDebug: ({ vcpu }, i) => {
    const { register } = i.src;
    vcpu.i32[i.dst.register] = vcpu.i32[L.W_DR + (register === 4 || register === 5 ? register + 2 : register)];
    return true;
  },
  clts: ({ vcpu }) => {
    vcpu.i32[L.W_CR0] &= ~CR0.TS;
    return true;
  },
  wbinvd: () => true,
  rdmsr: ({ vcpu }) => {
    try {
      rdmsr(vcpu, NO_INSTRUCTION);
      return true;
    } catch (thrown) {
      if (thrown !== vcpu.fault) throw thrown;
      return false;
    }
  },
  wrmsr: domain => {
    const { vcpu } = domain;
    if (vcpu.i32[ECX] >>> 0 !== HYPERCALL_PAGE_MSR) return false;
    const frame = vcpu.i32[EAX] >>> 12;
    const { frames } = domain.tables;
    return !isRefused(() => {
      if (frame >= frames.size) throw new Refused('EINVAL', 'there is no such frame');
      frames.take(frame, 'writable');
      domain.host.memory.load(frame * FRAME_SIZE, hypercallPage());
      frames.put(frame);
    });
  },
  in: (domain, i) => {
    if (!io(domain)) return false;
    const size = i.dst.size;
    if (size === 4) domain.vcpu.i32[EAX] = -1;
    else domain.vcpu.i32[EAX] |= size === 2 ? 0xffff : 0xff;
    return true;
  },
  out: io,
  // The mask of events is the interrupt flag; with I/O privilege these do nothing.
  cli: io,
  sti: io,
};

/** Instructions that ring 3 may execute too, if the kernel gave it the privilege. */
const UNPRIVILEGED: readonly OperationName[] = ['in', 'out', 'cli', 'sti'];

/** The instruction at the guest's EIP, `skip` bytes on, or null if its bytes cannot be read. */
function instructionAt(domain: Domain, skip: number): Instruction | null {
  const { access, vcpu } = domain;
  const start = vcpu.address + skip;
  try {
    return decode({ byte: index => access.read(start + index, 1) }, 0, vcpu.codeSize);
  } catch (thrown) {
    if (thrown instanceof Refused) return null;
    throw thrown;
  }
}

/** RDMSR and CPUID read nothing of their encoding. */
const NO_INSTRUCTION = decode({ byte: () => 0x90 }, 0, 4);

/** After #GP: emulates what the guest's kernel may execute. False: the guest must see the fault. */
export function emulatePrivileged(domain: Domain): boolean {
  const { vcpu } = domain;
  domain.access.forget();
  const i = instructionAt(domain, 0);
  if (i === null) return false;
  const { operation } = i.row;
  if (vcpu.cpl === 3 && !UNPRIVILEGED.includes(operation)) return false;
  const emulation = PRIVILEGED[operation];
  if (emulation === undefined || !emulation(domain, i)) return false;
  finish(domain, i.length);
  return true;
}

/** After #UD: CPUID behind the prefix. False: the guest must see the fault. */
export function emulateForced(domain: Domain): boolean {
  const { vcpu, access } = domain;
  access.forget();
  try {
    if (EMULATE_PREFIX.some((byte, n) => access.read(vcpu.address + n, 1) !== byte)) return false;
  } catch (thrown) {
    if (thrown instanceof Refused) return false;
    throw thrown;
  }
  const i = instructionAt(domain, EMULATE_PREFIX.length);
  if (i === null || i.row.operation !== 'cpuid') return false;
  identify(domain);
  finish(domain, EMULATE_PREFIX.length + i.length);
  return true;
}

function finish({ vcpu }: Domain, length: number): void {
  vcpu.i32[L.W_EIP] = (vcpu.i32[L.W_EIP] + length) | 0;
  vcpu.setEflags(vcpu.eflags() & ~FLAG.RF);
}

function word(text: string, at: number): number {
  return [0, 1, 2, 3].reduce((value, n) => value | (text.charCodeAt(at + n) << (8 * n)), 0);
}

/** CPUID as the guest is to see it: without what the monitor keeps, and with leaves that tell of it. */
function identify({ vcpu }: Domain): void {
  const { i32 } = vcpu;
  const leaf = i32[EAX] >>> 0;
  const answer = (eax: number, ebx: number, ecx: number, edx: number) => {
    i32[EAX] = eax;
    i32[EBX] = ebx;
    i32[ECX] = ecx;
    i32[EDX] = edx;
  };
  const signature = 'XenVMMXenVMM';
  switch (leaf) {
    case MONITOR_LEAVES:
      answer(LAST_MONITOR_LEAF, word(signature, 0), word(signature, 4), word(signature, 8));
      return;
    case MONITOR_LEAVES + 1:
      answer(VERSION, 0, 0, 0);
      return;
    case MONITOR_LEAVES + 2:
      answer(1, HYPERCALL_PAGE_MSR, 0, 0);
      return;
    default:
      cpuid(vcpu);
      if (leaf !== 1) return;
      i32[EDX] &= ~HIDDEN_FEATURES;
      i32[ECX] |= HYPERVISOR_PRESENT;
  }
}

/**
 * The stubs through which the guest calls: MOV EAX, number; INT 0x82; RET, 32 bytes each. The one for `iret` is jumped to and does not return, so it
 * saves EAX for the monitor to restore. What lies between traps.
 */
export function hypercallPage(): Uint8Array {
  const page = new Uint8Array(FRAME_SIZE).fill(0xcc);
  for (let number = 0; number < FRAME_SIZE / STUB_BYTES; number++) {
    const load = [0xb8, number, 0, 0, 0, 0xcd, HYPERCALL_VECTOR];
    page.set(number === HYPERCALL.iret ? [0x50, ...load] : [...load, 0xc3], number * STUB_BYTES);
  }
  return page;
}
