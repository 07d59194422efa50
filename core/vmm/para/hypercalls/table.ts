import { ERRNO, HYPERCALL, type HypercallName, Refused } from '../abi.ts';
import type { Domain } from '../domain.ts';
import type { Arguments, Hypercall } from './call.ts';
import { setGdt, updateDescriptor } from './descriptors.ts';
import { eventChannelOp, eventChannelOpCompat } from './events.ts';
import { memoryOp } from './memory.ts';
import { mmuextOp, mmuUpdate, updateVaMapping, updateVaMappingOtherdomain } from './mmu.ts';
import { schedOp, schedOpCompat, setTimerOp, vcpuOp } from './schedule.ts';
import {
  callbackOp,
  fpuTaskswitch,
  getDebugreg,
  iret,
  nmiOp,
  setCallbacks,
  setDebugreg,
  setTrapTable,
  stackSwitch,
} from './traps.ts';
import { consoleIo, physdevOp, vmAssist, xenVersion } from './version.ts';

const MULTICALL_BYTES = 32;

/** Domain 0's business. */
const forbidden: Hypercall = () => {
  throw new Refused('EPERM', 'the guest does not manage the machine');
};

const absent: Hypercall = () => {
  throw new Refused('ENOSYS', 'this is not there');
};

/** A list of hypercalls, each with its result; what one of them answers does not stop the others. */
const multicall: Hypercall = (domain, [list, count]) => {
  if (domain.inMulticall) throw new Refused('EINVAL', 'a multicall must not be in a multicall');
  domain.inMulticall = true;
  try {
    for (let n = 0; n < count; n++) {
      domain.spend();
      const at = list + n * MULTICALL_BYTES;
      const { access } = domain;
      const word = (index: number) => access.word(at + index * 4);
      const result = perform(domain, word(0), [word(2), word(3), word(4), word(5), word(6), word(7)]);
      access.write(at + 4, 4, result);
      // A guest that waits or ends does so now.
      if (domain.wait !== null) break;
    }
  } finally {
    domain.inMulticall = false;
  }
  return 0;
};

const HANDLERS: { readonly [K in HypercallName]: Hypercall } = {
  set_trap_table: setTrapTable,
  mmu_update: mmuUpdate,
  set_gdt: setGdt,
  stack_switch: stackSwitch,
  set_callbacks: setCallbacks,
  fpu_taskswitch: fpuTaskswitch,
  sched_op_compat: schedOpCompat,
  platform_op: forbidden,
  set_debugreg: setDebugreg,
  get_debugreg: getDebugreg,
  update_descriptor: updateDescriptor,
  memory_op: memoryOp,
  multicall,
  update_va_mapping: updateVaMapping,
  set_timer_op: setTimerOp,
  event_channel_op_compat: eventChannelOpCompat,
  xen_version: xenVersion,
  console_io: consoleIo,
  physdev_op_compat: absent,
  // No memory of the guest's is shared with another domain yet.
  grant_table_op: absent,
  vm_assist: vmAssist,
  update_va_mapping_otherdomain: updateVaMappingOtherdomain,
  iret,
  vcpu_op: vcpuOp,
  mmuext_op: mmuextOp,
  xsm_op: absent,
  nmi_op: nmiOp,
  sched_op: schedOp,
  callback_op: callbackOp,
  event_channel_op: eventChannelOp,
  physdev_op: physdevOp,
  hvm_op: absent,
  sysctl: forbidden,
  domctl: forbidden,
};

function isName(name: string): name is HypercallName {
  return name in HYPERCALL;
}

const NAMES: ReadonlyMap<number, HypercallName> = new Map(
  Object.keys(HYPERCALL)
    .filter(isName)
    .map(name => [HYPERCALL[name], name]),
);

/** The name of a hypercall number, or null. */
export function hypercallName(number: number): HypercallName | null {
  return NAMES.get(number) ?? null;
}

/** Does a hypercall; answers what EAX is to be, an error number negated. Throws MachineStop if the guest ends by it. */
export function perform(domain: Domain, number: number, args: Arguments): number {
  const name = NAMES.get(number) ?? 'unknown';
  domain.counts.noteCall(name);
  if (domain.inMulticall) domain.access.forget();
  else domain.begin();
  try {
    return name === 'unknown' ? absent(domain, args) : HANDLERS[name](domain, args);
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    domain.counts.refused++;
    domain.lastRefusal = `${name}: ${thrown.message}`;
    return -ERRNO[thrown.errno];
  } finally {
    domain.rootMoved();
  }
}
