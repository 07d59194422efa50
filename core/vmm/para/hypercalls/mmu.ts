import { FRAME_SIZE } from '../../memory/frames.ts';
import { DOMID_IO, DOMID_XEN, HOLE_START, Refused } from '../abi.ts';
import { type Domain, isSelf } from '../domain.ts';
import { name } from '../frames.ts';
import type { Hypercall } from './call.ts';

/** Page tables (xen.h: mmu_update, mmuext_op, update_va_mapping). */

const NORMAL_UPDATE = 0;
const MACHPHYS_UPDATE = 1;
const PRESERVE_AD_UPDATE = 2;
const NO_TRANSLATE_UPDATE = 3;
const UPDATE_BYTES = 16;
const MMUEXT_BYTES = 12;

const FLUSH_ALL_ENTRIES = 1;
const FLUSH_ONE_ENTRY = 2;
const FLUSH_TYPE = 3;

/** Whose frames an operation is about: this domain's, or none that it may name. */
function checkForeign(domain: number): void {
  if (isSelf(domain)) return;
  if (domain === DOMID_IO || domain === DOMID_XEN) {
    throw new Refused('EPERM', 'the guest must not map devices or the monitor');
  }
  throw new Refused('ESRCH', `there is no domain ${domain}`);
}

/** Machine address in two words: the frame must exist; the offset is aligned by the caller. */
function frameOf(low: number, high: number): number {
  if (high !== 0) throw new Refused('EINVAL', 'there is no memory beyond 4 GB');
  return low >>> 12;
}

function update(domain: Domain, request: number): void {
  const { access, tables } = domain;
  const pointer = access.word(request);
  const pointerHigh = access.word(request + 4);
  const low = access.read(request + 8, 4);
  const high = access.read(request + 12, 4);
  const frame = frameOf(pointer, pointerHigh);
  switch (pointer & 3) {
    case NORMAL_UPDATE:
    case NO_TRANSLATE_UPDATE:
    case PRESERVE_AD_UPDATE:
      if ((pointer & 4) !== 0) throw new Refused('EINVAL', 'an entry has 8 bytes');
      tables.update(frame, pointer & 0xff8, low, high, (pointer & 3) === PRESERVE_AD_UPDATE);
      if (tables.rootChanged) domain.rootMoved();
      return;
    case MACHPHYS_UPDATE:
      if (!tables.frames.isOwned(frame)) throw new Refused('EINVAL', `frame ${name(frame)} is not the guest's`);
      domain.physical.set(frame, low);
      return;
  }
}

/** Does `one` for each of `count` items; how many were done goes to the guest even if one is refused. */
function each(domain: Domain, count: number, done: number, one: (n: number) => void): number {
  let n = 0;
  try {
    for (; n < count; n++) {
      domain.spend();
      one(n);
    }
  } finally {
    if (done !== 0) domain.access.write(done, 4, n);
  }
  return 0;
}

export const mmuUpdate: Hypercall = (domain, [requests, count, done, foreign]) => {
  checkForeign(foreign & 0xffff);
  // The upper half names the owner of the tables, plus one.
  if (foreign >>> 16 !== 0) checkForeign((foreign >>> 16) - 1);
  return each(domain, count, done, n => update(domain, requests + n * UPDATE_BYTES));
};

export const updateVaMapping: Hypercall = (domain, [linear, low, high, flags]) => {
  if (linear >= HOLE_START) throw new Refused('EINVAL', "the address is the monitor's");
  const entry = domain.tables.entryOf(linear);
  if (entry < 0) throw new Refused('EINVAL', `there is no table for ${linear.toString(16)}`);
  domain.tables.update(Math.floor(entry / FRAME_SIZE), entry % FRAME_SIZE, low | 0, high | 0, false);
  domain.access.forget();
  // Beyond the type of flush the flags name processors; there is one.
  switch (flags & FLUSH_TYPE) {
    case FLUSH_ALL_ENTRIES:
      domain.flush();
      break;
    case FLUSH_ONE_ENTRY:
      domain.ring.invalidate(linear);
      break;
    case FLUSH_TYPE:
      throw new Refused('EINVAL', 'there is no such flush');
  }
  return 0;
};

export const updateVaMappingOtherdomain: Hypercall = (domain, args) => {
  checkForeign(args[4]);
  return updateVaMapping(domain, args);
};

type Extended = (domain: Domain, argument1: number, argument2: number) => void;

function pin(type: 'l1' | 'l2' | 'l3'): Extended {
  return (domain, frame) => domain.tables.pin(frame, type);
}

/** A frame that the guest could write to: then the monitor may do it for it. */
function whileWritable(domain: Domain, frame: number, act: () => void): void {
  const { frames } = domain.tables;
  if (frame >= frames.size) throw new Refused('EINVAL', `there is no frame ${name(frame)}`);
  frames.take(frame, 'writable');
  act();
  frames.put(frame);
}

const flushEverything: Extended = domain => domain.flush();
const invalidate: Extended = (domain, linear) => {
  // Addresses of the monitor's are none of the guest's business, and harmless.
  if (linear < HOLE_START) domain.ring.invalidate(linear);
};
const nothing: Extended = () => {};

/** By command number (enum mmuext_cmd). */
const EXTENDED: ReadonlyMap<number, Extended> = new Map<number, Extended>([
  [0, pin('l1')],
  [1, pin('l2')],
  [2, pin('l3')],
  [4, (domain, frame) => domain.tables.unpin(frame)],
  [
    5,
    (domain, frame) => {
      domain.tables.setRoot(frame);
      domain.rootMoved();
    },
  ],
  [6, flushEverything],
  [7, invalidate],
  [8, flushEverything],
  [9, invalidate],
  [10, flushEverything],
  [11, invalidate],
  // The machine has no cache to write back.
  [12, nothing],
  [13, (domain, linear, entries) => domain.descriptors.setLdt(linear, entries)],
  [16, (domain, frame) => whileWritable(domain, frame, () => domain.host.memory.clear(frame))],
  [
    17,
    (domain, frame, source) => {
      if (!domain.tables.frames.isOwned(source))
        throw new Refused('EINVAL', `frame ${name(source)} is not the guest's`);
      const { memory } = domain.host;
      whileWritable(domain, frame, () => {
        for (let at = 0; at < FRAME_SIZE; at += 4) {
          memory.write(frame * FRAME_SIZE + at, 4, memory.read(source * FRAME_SIZE + at, 4));
        }
      });
    },
  ],
  [18, nothing],
]);

export const mmuextOp: Hypercall = (domain, [operations, count, done, foreign]) => {
  checkForeign(foreign & 0xffff);
  return each(domain, count, done, n => {
    const at = operations + n * MMUEXT_BYTES;
    const command = domain.access.word(at);
    // Four levels are the 64-bit interface's.
    if (command === 3 || command === 15) throw new Refused('EINVAL', 'a PAE guest has three levels of tables');
    const operation = EXTENDED.get(command);
    if (operation === undefined) throw new Refused('ENOSYS', `there is no extended operation ${command}`);
    operation(domain, domain.access.word(at + 4), domain.access.word(at + 8));
  });
};
