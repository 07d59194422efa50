/** A small kernel for Xen, made by hand, field by field after xen/include/public/elfnote.h. */
import { concat, ELF_CONTENT, type ElfPart, makeElf, words } from './images.ts';

/** Contents of notes by their type: a number is a word, a text ends in a zero byte, undefined is no note. */
export type Notes = Readonly<Record<number, number | string | undefined>>;

/** A kernel at 1 MB of memory that is mapped from 0xc0000000 on, with its hypercall page in its second page. */
export const XEN_NOTES: Notes = {
  1: 0xc0100010,
  2: 0xc0101000,
  3: 0xc0000000,
  4: 0,
  5: 'xen-3.0',
  6: 'test',
  8: 'generic',
  9: 'yes',
  10: 'pae_pgdir_above_4gb',
  12: 0xf5800000,
};

export function note(name: string, type: number, content: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(name);
  return concat([words(text.length, content.length, type), padded(text), padded(content)]);
}

function padded(bytes: Uint8Array): Uint8Array {
  return concat([bytes, new Uint8Array(-bytes.length & 3)]);
}

/** An ELF kernel with a PT_NOTE program header behind those of its parts; `others` are bytes before its own notes. */
export function makeXenElf(
  notes: Notes,
  parts: readonly ElfPart[],
  others: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const own = Object.entries(notes).flatMap(([type, content]) => {
    if (content === undefined) return [];
    const bytes = typeof content === 'number' ? words(content) : new TextEncoder().encode(`${content}\0`);
    return [note('Xen\0', Number(type), bytes)];
  });
  const table = concat([others, ...own]);
  const file = makeElf(0xc0100000, [...parts, { virtualAddress: 0, physicalAddress: 0, bytes: table, memorySize: 0 }]);
  const header = new DataView(file.buffer).getUint32(28, true) + parts.length * 32;
  const view = new DataView(file.buffer);
  view.setUint32(header, 4, true); // PT_NOTE
  view.setUint32(header + 4, ELF_CONTENT + concat(parts.map(part => part.bytes)).length, true);
  return file;
}
