import { HOLE_START, Refused, VERSION } from '../abi.ts';
import type { Domain } from '../domain.ts';
import type { Hypercall } from './call.ts';

/** What the monitor says of itself, its own console, and small things (version.h, xen.h: console_io, vm_assist; physdev.h). */

const EXTRA_VERSION = '.ringside';
const CAPABILITIES = 'xen-3.0-x86_32p ';

/** A string in a field of fixed size. */
function text(value: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes.set(new TextEncoder().encode(value).subarray(0, size - 1));
  return bytes;
}

function put(domain: Domain, at: number, bytes: Uint8Array): number {
  domain.access.putBytes(at, bytes);
  return 0;
}

type VersionOp = (domain: Domain, argument: number) => number;

/** By XENVER_*. */
const VERSIONS: readonly VersionOp[] = [
  () => VERSION,
  (domain, at) => put(domain, at, text(EXTRA_VERSION, 16)),
  /** Compiler, by whom, in which domain, when. */
  (domain, at) => {
    put(domain, at, text('TypeScript', 64));
    put(domain, at + 64, text('', 16));
    put(domain, at + 80, text('', 32));
    return put(domain, at + 112, text('', 32));
  },
  (domain, at) => put(domain, at, text(CAPABILITIES, 1024)),
  (domain, at) => put(domain, at, text('unavailable', 64)),
  /** platform_parameters: where the monitor begins. */
  ({ access }, at) => {
    access.write(at, 4, HOLE_START | 0);
    return 0;
  },
  (domain, at) => {
    const index = domain.access.word(at);
    if (index !== 0) throw new Refused('EINVAL', 'there are 32 features');
    domain.access.write(at + 4, 4, domain.features);
    return 0;
  },
  () => 4096,
  /** guest_handle: a UUID that nobody gave. */
  (domain, at) => put(domain, at, new Uint8Array(16)),
  /** commandline: the monitor's own. */
  () => {
    throw new Refused('EPERM', "the monitor's command line is not the guest's");
  },
];

export const xenVersion: Hypercall = (domain, [command, argument]) => {
  const operation = VERSIONS[command];
  if (operation === undefined) throw new Refused('ENOSYS', `there is no version item ${command}`);
  return operation(domain, argument);
};

const WRITE = 0;
const READ = 1;

export const consoleIo: Hypercall = (domain, [command, count, buffer]) => {
  switch (command) {
    case WRITE:
      domain.access.check(buffer, count);
      for (let n = 0; n < count; n++) {
        domain.spend();
        domain.sink(domain.access.read(buffer + n, 1));
      }
      return 0;
    case READ:
      // Who types has the guest's own console.
      domain.access.check(buffer, count);
      return 0;
    default:
      throw new Refused('ENOSYS', `there is no console operation ${command}`);
  }
};

const ENABLE = 0;
const DISABLE = 1;
/** Segments of 4 GB, and the notice of their use, are not simulated; what else there is can be on or off. */
const ASSISTS = { pageTables: 2, extendedCr3: 3, iopl: 4, runstate: 5 } as const;
const KNOWN_ASSISTS: readonly number[] = Object.values(ASSISTS);

export const vmAssist: Hypercall = (domain, [command, type]) => {
  if (!KNOWN_ASSISTS.includes(type)) throw new Refused('EINVAL', `there is no assist ${type}`);
  if (command === ENABLE) domain.assists |= 1 << type;
  else if (command === DISABLE) domain.assists &= ~(1 << type);
  else throw new Refused('ENOSYS', `there is no command ${command} for assists`);
  return 0;
};

const SET_IOPL = 6;
const SET_IOBITMAP = 7;

/** Devices of the machine are not the guest's; what it believes of I/O privilege is. */
export const physdevOp: Hypercall = (domain, [command, argument]) => {
  switch (command) {
    case SET_IOPL: {
      const iopl = domain.access.word(argument);
      if (iopl > 3) throw new Refused('EINVAL', 'there are four privilege levels');
      domain.iopl = iopl;
      return 0;
    }
    case SET_IOBITMAP:
      domain.access.word(argument);
      return 0;
    default:
      throw new Refused('ENOSYS', `there is no device operation ${command} for the guest`);
  }
};
