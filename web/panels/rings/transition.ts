import type { Registers } from '../../../core/protocol/messages.ts';
import type { Happening, Seat } from '../../../core/protocol/monitor.ts';
import { modeOf } from '../../modes.ts';
import { causeOf } from '../happened/cause.ts';
import { guestPlace, isSame, monitorPlace, type Place, placeOf, type RingNumber, type Transition } from './seats.ts';

/** The privilege that a saved selector of CS had (SDM volume 3, 5.5). */
function savedRing({ saved }: Happening): RingNumber {
  const cs = saved.find(({ name }) => name === 'CS')?.value ?? 0;
  return ([0, 1, 2, 3] as const)[cs & 3];
}

/** How a happening led from ring to ring; null where it did not. `seat`: where the processor is now, null when that is of another time. */
export function ofHappening(happening: Happening, seat: Seat | null, cpl: Registers['cpl']): Transition | null {
  const mode = modeOf(happening.setting);
  const cause = causeOf(happening);
  const monitor = monitorPlace(mode);
  if (monitor === null) {
    const from: Place = { operation: 'only', ring: savedRing(happening) };
    const to: Place = { operation: 'only', ring: seat === null ? 0 : cpl };
    return isSame(from, to) ? null : { from, to, cause, back: false };
  }
  const back = seat !== null && !isSame(placeOf(mode, seat), monitor);
  return { from: guestPlace(mode, happening.user), to: monitor, cause, back };
}
