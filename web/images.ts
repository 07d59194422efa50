/** The images that `npm run images` makes. */
import * as v from 'valibot';
import type { PageGuest } from './guests.ts';

const plainName = v.pipe(v.string(), v.regex(/^[\w.+-]+$/));
const Images = v.array(
  v.object({
    id: v.string(),
    name: v.string(),
    description: v.string(),
    kernel: plainName,
    initrd: v.nullable(plainName),
    commandLine: v.string(),
    memoryMib: v.pipe(v.number(), v.integer(), v.minValue(4), v.maxValue(2048)),
    // Earlier versions made none.
    booted: v.optional(v.nullable(plainName), null),
  }),
);

/** What `npm run images` has made, or null when there is nothing. */
export async function fetchImages(): Promise<readonly PageGuest[] | null> {
  try {
    const response = await fetch('images/images.json');
    if (!response.ok) return null;
    const images = v.parse(Images, await response.json());
    return images.map(image => ({
      ...image,
      kernel: `images/${image.kernel}`,
      initrd: image.initrd === null ? null : `images/${image.initrd}`,
      booted: image.booted === null ? null : `images/${image.booted}`,
      symbols: null,
      start: 'run',
      para: null,
    }));
  } catch {
    // Absent, unreadable or of another shape: the picker says how to make them.
    return null;
  }
}
