import { PORTS, Refused, VCPU_INFO } from '../abi.ts';
import type { Domain } from '../domain.ts';
import { type Hypercall, longOf } from './call.ts';

/** Waiting, ending and timers (sched.h, vcpu.h, xen.h: set_timer_op). */

const YIELD = 0;
const BLOCK = 1;
const SHUTDOWN = 2;
const POLL = 3;
const SHUTDOWN_CODE = 5;
const MOST_POLLED = 128;

const SHUTDOWN_REASON = { powerOff: 0, reboot: 1, suspend: 2, crash: 3, watchdog: 4, softReset: 5 } as const;

function shutdown(domain: Domain, reason: number): number {
  switch (reason) {
    case SHUTDOWN_REASON.powerOff:
      domain.end('powerOff');
      return 0;
    case SHUTDOWN_REASON.reboot:
    case SHUTDOWN_REASON.watchdog:
      domain.end('reset');
      return 0;
    case SHUTDOWN_REASON.suspend:
      // Nobody takes the guest elsewhere: it is told that the suspend was cancelled, and goes on.
      return 1;
    case SHUTDOWN_REASON.crash:
      return domain.traps.crash('it says so itself');
    default:
      throw new Refused('EINVAL', `there is no reason ${reason} to end`);
  }
}

/** Events are let through while the guest waits. */
function block(domain: Domain): number {
  domain.shared.upcallMask = 0;
  if (!domain.shared.upcallDue) domain.block({ ports: [], until: Number.POSITIVE_INFINITY });
  return 0;
}

function poll(domain: Domain, argument: number): number {
  const { access, shared } = domain;
  const list = access.word(argument);
  const count = access.word(argument + 4);
  const timeout = longOf(access.word(argument + 8), access.word(argument + 12));
  if (count > MOST_POLLED) throw new Refused('EINVAL', `at most ${MOST_POLLED} ports can be polled`);
  const ports = Array.from({ length: count }, (_, n) => access.word(list + n * 4));
  const wrong = ports.find(port => port >= PORTS);
  if (wrong !== undefined) throw new Refused('EINVAL', `there is no port ${wrong}`);
  if (ports.some(port => shared.isPending(port)) || shared.upcallDue) return 0;
  domain.block({ ports, until: timeout === 0 ? Number.POSITIVE_INFINITY : timeout });
  return 0;
}

export const schedOp: Hypercall = (domain, [command, argument]) => {
  switch (command) {
    case YIELD:
      return 0;
    case BLOCK:
      return block(domain);
    case SHUTDOWN:
      return shutdown(domain, domain.access.word(argument));
    case POLL:
      return poll(domain, argument);
    case SHUTDOWN_CODE:
      domain.access.word(argument);
      return 0;
    case 4:
    case 7:
      throw new Refused('EPERM', 'the guest has no say over other domains and processors');
    default:
      throw new Refused('ENOSYS', `there is no scheduler operation ${command}`);
  }
};

/** The old form has the reason in the register. */
export const schedOpCompat: Hypercall = (domain, [command, argument]) => {
  if (command === YIELD) return 0;
  if (command === BLOCK) return block(domain);
  if (command === SHUTDOWN) return shutdown(domain, argument);
  throw new Refused('ENOSYS', `there is no scheduler operation ${command}`);
};

export const setTimerOp: Hypercall = ({ time }, [low, high]) => {
  const at = longOf(low, high);
  time.setSingleShot(at === 0 ? Number.POSITIVE_INFINITY : at);
  return 0;
};

const LEAST_PERIOD = 1_000_000;
const SINGLE_SHOT_FUTURE = 1;

type VcpuOp = (domain: Domain, argument: number) => number;

const VCPU_OPERATIONS: ReadonlyMap<number, VcpuOp> = new Map<number, VcpuOp>([
  /** initialise, up: the one processor is both. */
  [0, () => refuse('EEXIST', 'the processor runs already')],
  [1, () => 0],
  [2, () => refuse('EBUSY', 'the guest has no other processor')],
  [3, () => 1],
  [4, (domain, argument) => runstate(domain, argument)],
  [
    5,
    (domain, argument) => {
      // The area is filled once: the guest is taken to run always.
      runstate(domain, domain.access.word(argument));
      return 0;
    },
  ],
  [
    6,
    ({ access, time }, argument) => {
      const period = access.long(argument);
      if (period < LEAST_PERIOD) throw new Refused('EINVAL', 'a period has at least a millisecond');
      time.setPeriod(period);
      return 0;
    },
  ],
  [
    7,
    ({ time }) => {
      time.setPeriod(0);
      return 0;
    },
  ],
  [
    8,
    ({ access, time }, argument) => {
      const at = access.long(argument);
      const isFuture = (access.word(argument + 8) & SINGLE_SHOT_FUTURE) !== 0;
      if (isFuture && at < time.now()) throw new Refused('ETIME', 'the time is over already');
      time.setSingleShot(at);
      return 0;
    },
  ],
  [
    9,
    ({ time }) => {
      time.setSingleShot(Number.POSITIVE_INFINITY);
      return 0;
    },
  ],
  [10, registerVcpuInfo],
]);

function refuse(errno: 'EEXIST' | 'EBUSY', why: string): never {
  throw new Refused(errno, why);
}

/** struct vcpu_runstate_info: running, since the start. */
function runstate({ access, time }: Domain, at: number): number {
  const bytes = new Uint8Array(44);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(12, BigInt(Math.floor(time.now())), true);
  access.putBytes(at, bytes);
  return 0;
}

/** The guest places struct vcpu_info in a frame of its own, once. */
function registerVcpuInfo(domain: Domain, argument: number): number {
  const { access, tables, shared } = domain;
  const frame = access.word(argument);
  const offset = access.word(argument + 8);
  if (access.word(argument + 4) !== 0 || frame >= tables.frames.size)
    throw new Refused('EINVAL', 'there is no such frame');
  if (offset > 4096 - VCPU_INFO.size || (offset & 3) !== 0) {
    throw new Refused('EINVAL', 'the structure must lie within a page, at a multiple of 4');
  }
  if (shared.hasMoved) throw new Refused('EINVAL', 'the structure is placed once');
  // It stays writable for good: the monitor writes there.
  tables.frames.take(frame, 'writable');
  shared.moveVcpuInfo(frame * 4096 + offset);
  return 0;
}

export const vcpuOp: Hypercall = (domain, [command, vcpu, argument]) => {
  if (vcpu !== 0) throw new Refused('ENOENT', `there is no processor ${vcpu}`);
  const operation = VCPU_OPERATIONS.get(command);
  if (operation === undefined) throw new Refused('ENOSYS', `there is no processor operation ${command}`);
  return operation(domain, argument);
};
