import { Refused } from '../abi.ts';
import { DescriptorTables } from '../descriptor-tables.ts';
import { checkDescriptor } from '../descriptors.ts';
import { name } from '../frames.ts';
import type { Hypercall } from './call.ts';

/** Descriptor tables (arch-x86/xen.h). */

export const setGdt: Hypercall = ({ access, descriptors }, [list, entries]) => {
  const count = DescriptorTables.framesFor(entries);
  const frames = Array.from({ length: count }, (_, n) => access.word(list + n * 4));
  descriptors.setGdt(frames);
  return 0;
};

/** Writes one descriptor at a machine address, into a table or into a page that could become one. */
export const updateDescriptor: Hypercall = ({ host, tables }, [addressLow, addressHigh, low, high]) => {
  const { frames } = tables;
  const frame = addressLow >>> 12;
  if (addressHigh !== 0 || (addressLow & 7) !== 0 || frame >= frames.size || !frames.isOwned(frame)) {
    throw new Refused('EINVAL', 'a descriptor lies in a frame of the guest, at a multiple of 8');
  }
  const type = frames.type(frame);
  if (type !== 'descriptors' && type !== 'writable' && type !== 'none') {
    throw new Refused('EINVAL', `frame ${name(frame)} is in use as ${type}`);
  }
  const [checkedLow, checkedHigh] = checkDescriptor(low | 0, high | 0);
  host.memory.write(addressLow, 4, checkedLow);
  host.memory.write(addressLow + 4, 4, checkedHigh);
  return 0;
};
