/** What the list of a region says. */
import type { RegionPart } from '../../../core/protocol/questions.ts';

export interface Row {
  readonly part: RegionPart;
  /** Of its instruction, in the order in which they come first; 0 for what is none's. */
  readonly number: number;
  /** Its instruction had a part before: it goes on behind what one of its ways leads to. */
  readonly isAgain: boolean;
}

/** The parts of a region with the numbers of their instructions. */
export function rowsOf(parts: readonly RegionPart[]): readonly Row[] {
  const numbers = new Map<number, number>();
  return parts.map(part => {
    if (part.kind !== 'instruction') return { part, number: 0, isAgain: false };
    const known = numbers.get(part.address);
    const number = known ?? numbers.size + 1;
    numbers.set(part.address, number);
    return { part, number, isAgain: known !== undefined };
  });
}
