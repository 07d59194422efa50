/**
 * Reads the notes by which an ELF kernel tells a Xen domain builder what it is (xen/include/public/elfnote.h). A note has three
 * words, the length of its name, the length of its content and its type, and then both, each padded to 4 bytes (System V ABI,
 * chapter 5).
 */
import { ImageError } from './boot.ts';
import { isElf, readElf, readElfSections } from './elf.ts';
import { checkInFile } from './placement.ts';

/** Types of notes. Content is a text that ends in a zero byte, or a number. */
const NOTE = {
  entry: 1,
  hypercallPage: 2,
  virtualBase: 3,
  physicalOffset: 4,
  xenVersion: 5,
  guestName: 6,
  guestVersion: 7,
  loader: 8,
  paeMode: 9,
  features: 10,
  monitorStart: 12,
} as const;

type Numbers = 'entry' | 'hypercallPage' | 'virtualBase' | 'physicalOffset' | 'monitorStart';
type Texts = Exclude<keyof typeof NOTE, Numbers>;

/** What the notes say; null for each that is missing. Addresses are linear, unsigned. */
export interface XenNotes extends Readonly<Record<Numbers, number | null>>, Readonly<Record<Texts, string | null>> {}

const PT_NOTE = 4;
const SHT_NOTE = 7;
const PROGRAM_HEADER_SIZE = 32;
const NOTE_HEADER_SIZE = 12;
/** "Xen" and a zero byte, as a little-endian word. */
const NAME = 0x006e6558;

/** Null for an image that has no notes for Xen. Throws ImageError for an ELF file that is no linked x86 program, or has damaged notes. */
export function readXenNotes(bytes: Uint8Array): XenNotes | null {
  if (!isElf(bytes)) return null;
  readElf(bytes);
  const notes = new Map<number, Uint8Array>();
  for (const [start, end] of noteRanges(bytes)) collect(bytes, start, end, notes);
  if (notes.size === 0) return null;
  const text = (type: number) => textOf(notes.get(type));
  const number = (type: number) => numberOf(notes.get(type), type);
  return {
    entry: number(NOTE.entry),
    hypercallPage: number(NOTE.hypercallPage),
    virtualBase: number(NOTE.virtualBase),
    physicalOffset: number(NOTE.physicalOffset),
    monitorStart: number(NOTE.monitorStart),
    xenVersion: text(NOTE.xenVersion),
    guestName: text(NOTE.guestName),
    guestVersion: text(NOTE.guestVersion),
    loader: text(NOTE.loader),
    paeMode: text(NOTE.paeMode),
    features: text(NOTE.features),
  };
}

/** Where notes lie in the file: by program headers, or, where those have none for Xen, by sections. */
function noteRanges(bytes: Uint8Array): readonly (readonly [number, number])[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const table = view.getUint32(28, true);
  const ranges: (readonly [number, number])[] = [];
  for (let index = 0; index < view.getUint16(44, true); index++) {
    const header = table + index * PROGRAM_HEADER_SIZE;
    if (view.getUint32(header, true) !== PT_NOTE) continue;
    const start = view.getUint32(header + 4, true);
    const end = start + view.getUint32(header + 16, true);
    checkInFile(`program header ${index} of the ELF file`, end, bytes.length);
    ranges.push([start, end]);
  }
  if (ranges.length > 0) return ranges;
  const sections = (readElfSections(bytes) ?? []).filter(section => section.type === SHT_NOTE);
  return sections.map(({ offset, size }) => [offset, offset + size] as const).filter(([, end]) => end <= bytes.length);
}

/** Of several notes of one type the first counts. Notes of others, such as the linker's, are passed over. */
function collect(bytes: Uint8Array, start: number, end: number, notes: Map<number, Uint8Array>): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const padded = (length: number) => Math.ceil(length / 4) * 4;
  for (let at = start; at + NOTE_HEADER_SIZE <= end; ) {
    const nameLength = view.getUint32(at, true);
    const length = view.getUint32(at + 4, true);
    const type = view.getUint32(at + 8, true);
    const content = at + NOTE_HEADER_SIZE + padded(nameLength);
    if (content + length > end) {
      throw new ImageError('This ELF file is damaged: one of its notes is longer than the place for notes.');
    }
    const isXen = nameLength === 4 && view.getUint32(at + NOTE_HEADER_SIZE, true) === NAME;
    if (isXen && !notes.has(type)) notes.set(type, bytes.subarray(content, content + length));
    at = content + padded(length);
  }
}

/** What a note says goes into sentences for people: a short line of printable characters. */
function textOf(content: Uint8Array | undefined): string | null {
  if (content === undefined) return null;
  const end = content.indexOf(0);
  const bytes = content.subarray(0, Math.min(end < 0 ? content.length : end, 256));
  return String.fromCharCode(...bytes).replaceAll(/[^ -~]/g, '?');
}

/** A number has 4 or 8 bytes; a 32-bit kernel's fit into 4. */
function numberOf(content: Uint8Array | undefined, type: number): number | null {
  if (content === undefined) return null;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const isNumber = content.length === 4 || (content.length === 8 && view.getUint32(4, true) === 0);
  if (!isNumber) throw new ImageError(`This kernel's notes for Xen are damaged: note ${type} is not a 32-bit number.`);
  return view.getUint32(0, true);
}
