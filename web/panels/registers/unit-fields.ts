/**
 * The fields of MXCSR, of the x87's control and status words and of DR6 and DR7, from the highest bit down (SDM volume 1, 10.2.3, 8.1.5 and
 * 8.1.3; volume 3, 17.2.3 and 17.2.4).
 */
import { laterText } from '../../text/later.ts';
import type { Field } from './fields.ts';

export type UnitRegister = 'mxcsr' | 'fcw' | 'fsw' | 'dr6' | 'dr7';

const EXCEPTION_FLAGS = ['IE', 'DE', 'ZE', 'OE', 'UE', 'PE'] as const;
const EXCEPTION_MASKS = ['IM', 'DM', 'ZM', 'OM', 'UM', 'PM'] as const;
const BREAKPOINTS = [0, 1, 2, 3] as const;

/** From the top: what says of what, the field's name, its lowest bit, its width. */
type Place = readonly [name: string, low: number, bits: number, says: string];

function places(register: UnitRegister): readonly Place[] {
  const { unitFields: says, breakpointFields: breakpoint } = laterText;
  const one = (name: keyof typeof says, low: number, bits = 1): Place => [name, low, bits, says[name]];
  const flags = EXCEPTION_FLAGS.map((name, n) => one(name, n));
  const masks = (low: number) => EXCEPTION_MASKS.map((name, n) => one(name, low + n));
  switch (register) {
    case 'mxcsr':
      return [one('FZ', 15), one('RC', 13, 2), ...masks(7), one('DAZ', 6), ...flags];
    case 'fcw':
      return [one('RC', 10, 2), one('PC', 8, 2), ...masks(0)];
    case 'fsw':
      return [
        one('B', 15),
        one('C3', 14),
        one('TOP', 11, 3),
        one('C2', 10),
        one('C1', 9),
        one('C0', 8),
        one('ES', 7),
        one('SF', 6),
        ...flags,
      ];
    case 'dr6':
      return [
        one('BT', 15),
        one('BS', 14),
        one('BD', 13),
        ...BREAKPOINTS.map((n): Place => [`B${n}`, n, 1, breakpoint.met(n)]),
      ];
    case 'dr7':
      return [
        ...BREAKPOINTS.flatMap((n): Place[] => [
          [`LEN${n}`, 18 + 4 * n, 2, breakpoint.length(n)],
          [`R/W${n}`, 16 + 4 * n, 2, breakpoint.condition(n)],
          [`G${n}`, 1 + 2 * n, 1, breakpoint.global(n)],
          [`L${n}`, 2 * n, 1, breakpoint.local(n)],
        ]),
        one('GD', 13),
        one('GE', 9),
        one('LE', 8),
      ];
  }
}

const SECTIONS: Readonly<Record<UnitRegister, readonly ['manual' | 'manual1', string]>> = {
  mxcsr: ['manual1', '10.2.3'],
  fcw: ['manual1', '8.1.5'],
  fsw: ['manual1', '8.1.3'],
  dr6: ['manual', '17.2.3'],
  dr7: ['manual', '17.2.4'],
};

export function unitFields(register: UnitRegister): readonly Field[] {
  const [volume, section] = SECTIONS[register];
  return [...places(register)]
    .sort(([, a], [, b]) => b - a)
    .map(([name, low, bits, says]) => ({ name, low, bits, says, section: laterText.decoded[volume](section) }));
}

/** R/Wn of DR7: what breakpoint n waits for (SDM volume 3, 17.2.4). */
const CONDITIONS = ['execute', 'write', 'port', 'access'] as const;
/** LENn, in bytes; 8 bytes are those of other processors. */
const LENGTHS = [1, 2, 8, 4] as const;

/** What DR0 to DR3 are set to wait for; null for one that is off. */
export function breakpointOf(
  dr7: number,
  n: number,
): { readonly condition: (typeof CONDITIONS)[number]; readonly length: number } | null {
  if (((dr7 >>> (2 * n)) & 3) === 0) return null;
  return { condition: CONDITIONS[(dr7 >>> (16 + 4 * n)) & 3], length: LENGTHS[(dr7 >>> (18 + 4 * n)) & 3] };
}
