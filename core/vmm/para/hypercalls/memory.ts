import { DOMID_SELF, M2P_END, M2P_START, Refused } from '../abi.ts';
import { type Domain, isSelf } from '../domain.ts';
import type { Arguments, Hypercall } from './call.ts';

/** The guest's memory (memory.h). */

const INCREASE = 0;
const DECREASE = 1;
const MAXIMUM_RAM_PAGE = 2;
const CURRENT = 3;
const MAXIMUM = 4;
const MACHPHYS_LIST = 5;
const POPULATE = 6;
const MEMORY_MAP = 9;
const MACHPHYS_MAPPING = 12;
const MAXIMUM_PAGE = 14;

/** An entry of the memory map: base, size, type (as INT 15h, AX=E820h gives it). */
const MAP_ENTRY_BYTES = 20;
const USABLE = 1;

function checkOther(domain: number): void {
  if (isSelf(domain)) return;
  throw new Refused(domain < DOMID_SELF ? 'ESRCH' : 'EPERM', `there is no domain ${domain} for the guest`);
}

/** Answers how many extents were done before the first one that could not be. */
function reserve(
  domain: Domain,
  argument: number,
  act: (list: number, isListed: boolean, frame: (at: number) => number) => void,
): number {
  const { access } = domain;
  const list = access.word(argument);
  const count = access.word(argument + 4);
  const order = access.word(argument + 8);
  checkOther(access.read(argument + 16, 2));
  // Extents of more than a frame are for drivers of real devices.
  if (order !== 0) throw new Refused('EPERM', 'extents are single frames');
  let done = 0;
  try {
    for (; done < count; done++) {
      domain.spend();
      act(list === 0 ? 0 : list + done * 4, list !== 0, at => access.word(at));
    }
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    domain.lastRefusal = thrown.message;
  }
  domain.access.forget();
  return done;
}

type MemoryOp = (domain: Domain, argument: number) => number;

const OPERATIONS: ReadonlyMap<number, MemoryOp> = new Map<number, MemoryOp>([
  [
    INCREASE,
    (domain, argument) =>
      reserve(domain, argument, (at, isListed) => {
        if (isListed) domain.access.target(at);
        const frame = domain.reservation.extend(null);
        if (isListed) domain.access.write(at, 4, frame);
      }),
  ],
  [DECREASE, (domain, argument) => reserve(domain, argument, (at, _, frame) => domain.reservation.giveBack(frame(at)))],
  [
    POPULATE,
    (domain, argument) =>
      reserve(domain, argument, (at, _, page) => {
        const wanted = page(at);
        domain.access.target(at);
        domain.access.write(at, 4, domain.reservation.extend(wanted));
      }),
  ],
  [MAXIMUM_RAM_PAGE, domain => domain.tables.frames.size - 1],
  [CURRENT, (domain, argument) => ofDomain(domain, argument, domain.reservation.current)],
  [MAXIMUM, (domain, argument) => ofDomain(domain, argument, domain.reservation.maximum)],
  [MAXIMUM_PAGE, (domain, argument) => ofDomain(domain, argument, domain.reservation.maximum - 1)],
  [MEMORY_MAP, memoryMap],
  [
    MACHPHYS_MAPPING,
    ({ access, physical }, argument) => {
      access.write(argument, 4, M2P_START | 0);
      access.write(argument + 4, 4, M2P_END | 0);
      access.write(argument + 8, 4, physical.size - 1);
      return 0;
    },
  ],
  [
    MACHPHYS_LIST,
    ({ access }, argument) => {
      // The table is not made of large frames: there is a gap instead of each.
      const most = access.word(argument);
      const list = access.word(argument + 4);
      const count = Math.min(most, 1);
      for (let n = 0; n < count; n++) access.write(list + n * 4, 4, 0);
      access.write(argument + 8, 4, count);
      return 0;
    },
  ],
]);

function ofDomain(domain: Domain, argument: number, answer: number): number {
  checkOther(domain.access.read(argument, 2));
  return answer;
}

/** One region: all pseudo-physical memory is alike. */
function memoryMap({ access, reservation }: Domain, argument: number): number {
  const room = access.word(argument);
  const buffer = access.word(argument + 4);
  if (room === 0) throw new Refused('EINVAL', 'the memory map has one entry');
  const bytes = new Uint8Array(MAP_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, reservation.maximum * 4096, true);
  view.setUint32(16, USABLE, true);
  access.putBytes(buffer, bytes);
  access.write(argument, 4, 1);
  return 0;
}

export const memoryOp: Hypercall = (domain, [command, argument]: Arguments) => {
  const operation = OPERATIONS.get(command);
  if (operation === undefined) throw new Refused('ENOSYS', `there is no memory operation ${command}`);
  return operation(domain, argument);
};
