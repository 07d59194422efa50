import { FLAG } from '../../../ia32/flags.ts';
import { CR0, CS, EAX, ESP, SS } from '../../../ia32/registers.ts';
import * as L from '../../../machine/cpu/layout.ts';
import { HOLE_START, Refused } from '../abi.ts';
import { isGuestCode, kernelSelector } from '../descriptors.ts';
import { crash, type Domain } from '../domain.ts';
import type { Handler } from '../traps.ts';
import type { Hypercall } from './call.ts';

/** How the monitor enters the guest, and how the guest leaves its handlers (arch-x86/xen.h, callback.h). */

const TRAP_BYTES = 8;
const VECTORS = 256;
const DPL = 3;
const MASKS = 4;

/** set_trap_table: an array that ends with address 0; a null pointer clears the table. */
export const setTrapTable: Hypercall = (domain, [table]) => {
  const { access, traps } = domain;
  if (table === 0) {
    for (let vector = 0; vector < VECTORS; vector++) traps.setTrap(vector, undefined);
    domain.ring.setDirectCall();
    return 0;
  }
  // A table has at most an entry for each vector.
  for (let n = 0; n <= VECTORS; n++) {
    const at = table + n * TRAP_BYTES;
    const eip = access.word(at + 4);
    if (eip === 0) break;
    if (n === VECTORS) throw new Refused('EINVAL', 'the trap table has no end');
    const flags = access.read(at + 1, 1);
    const cs = kernelSelector(access.read(at + 2, 2));
    traps.setTrap(access.read(at, 1), { cs, eip, dpl: flags & DPL, masks: (flags & MASKS) !== 0 });
  }
  domain.ring.setDirectCall();
  return 0;
};

function handler(cs: number, eip: number): Handler {
  return { cs: kernelSelector(cs), eip };
}

export const setCallbacks: Hypercall = ({ traps }, [eventCs, eventEip, failsafeCs, failsafeEip]) => {
  traps.event = handler(eventCs, eventEip);
  traps.failsafe = handler(failsafeCs, failsafeEip);
  return 0;
};

const REGISTER = 0;
const UNREGISTER = 1;
const EVENT = 0;
const FAILSAFE = 1;
const MASK_EVENTS = 1;

export const callbackOp: Hypercall = ({ access, traps }, [command, argument]) => {
  if (command !== REGISTER && command !== UNREGISTER)
    throw new Refused('ENOSYS', 'there is no such callback operation');
  const type = access.read(argument, 2);
  if (type !== EVENT && type !== FAILSAFE) throw new Refused('ENOSYS', `there is no callback of type ${type}`);
  if (command === UNREGISTER) throw new Refused('EINVAL', 'this callback cannot be taken back');
  const callback = handler(access.word(argument + 4), access.word(argument + 8));
  if (type === EVENT) {
    traps.event = callback;
  } else {
    traps.failsafeMasks = (access.read(argument + 2, 2) & MASK_EVENTS) !== 0;
    traps.failsafe = callback;
  }
  return 0;
};

export const stackSwitch: Hypercall = ({ traps, ring }, [ss, esp]) => {
  traps.kernelSs = kernelSelector(ss);
  traps.kernelEsp = esp;
  ring.setKernelStack();
  return 0;
};

export const fpuTaskswitch: Hypercall = ({ vcpu }, [set]) => {
  if (set !== 0) vcpu.i32[L.W_CR0] |= CR0.TS;
  else vcpu.i32[L.W_CR0] &= ~CR0.TS;
  return 0;
};

/** Debug registers 4 and 5 are no others than 6 and 7 (SDM volume 3, 17.2.2). */
function debugRegister(number: number): number {
  if (number > 7) throw new Refused('EINVAL', `there is no debug register ${number}`);
  return number === 4 || number === 5 ? number + 2 : number;
}

export const setDebugreg: Hypercall = ({ vcpu }, [number, value]) => {
  const register = debugRegister(number);
  if (register < 4 && value >= HOLE_START) throw new Refused('EPERM', "the address is the monitor's");
  vcpu.i32[L.W_DR + register] = value;
  return 0;
};

export const getDebugreg: Hypercall = ({ vcpu }, [number]) => vcpu.i32[L.W_DR + debugRegister(number)];

/** Flags that the guest cannot give itself. */
const KEPT_FLAGS = FLAG.IOPL | FLAG.VM;

/**
 * Leaves a handler: pops EAX, EIP, CS, EFLAGS and, for ring 3, ESP and SS, and takes the mask of events from EFLAGS.IF. Answers the EAX that was
 * popped.
 */
export const iret: Hypercall = domain => {
  const { vcpu, access, traps, shared } = domain;
  const { i32 } = vcpu;
  try {
    const base = vcpu.base(SS);
    const pop = (n: number) => access.read((base + i32[ESP] + n * 4) >>> 0, 4);
    const [eax, eip, cs, flags] = [pop(0), pop(1), pop(2) & 0xffff, pop(3)];
    if (!isGuestCode(cs) || (cs & 3) === 0) crash(`it returns to code at ${cs.toString(16)}`);
    const toUser = (cs & 3) > 1;
    const esp = toUser ? pop(4) : (i32[ESP] + 16) | 0;
    if (toUser) traps.loadSegment(SS, pop(5) & 0xffff);
    i32[EAX] = eax;
    i32[L.W_EIP] = eip;
    i32[ESP] = esp;
    traps.loadSegment(CS, cs);
    vcpu.setCpl(cs & 3);
    vcpu.setEflags((flags & ~KEPT_FLAGS) | FLAG.IF);
    shared.upcallMask = (flags & FLAG.IF) !== 0 ? 0 : 1;
    return eax;
  } catch (thrown) {
    if (thrown instanceof Refused) crash(`it returns by a stack that cannot be read: ${thrown.message}`);
    throw thrown;
  }
};

/** Only the domain that owns the machine hears of its NMIs. */
export const nmiOp: Hypercall = (_domain: Domain) => {
  throw new Refused('EINVAL', "the machine's NMI is not the guest's");
};
