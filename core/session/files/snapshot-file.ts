import { gunzipSync, gzipSync } from 'fflate';
import * as v from 'valibot';
import * as L from '../../machine/cpu/layout.ts';
import type { DeviceState } from '../../machine/devices/device.ts';
import type { MachineState } from '../../machine/pc.ts';
import { type Guest, MAX_MEMORY_MIB } from '../session.ts';
import { crc32 } from './crc32.ts';

/**
 * A snapshot as a file, gzipped: MAGIC, the header's length (32 bits, little end first), the header as JSON, then the blobs in the
 * order and of the sizes that the header names. It holds the guest too, so that a reset works after a restore.
 */
const MAGIC = 'RINGSIDE1\n';

const BLOBS = [
  'kernel',
  'initrd',
  'symbols',
  'processor',
  'localWords',
  'localEntries',
  'globalWords',
  'globalEntries',
  'largeRegions',
  'spaces',
  'pages',
  'bytes',
] as const;
type Blob = (typeof BLOBS)[number];

/** Where RAM began in the first versions of the machine's memory, whose files do not say it. */
const FIRST_RAM = 0x1810000;

const size = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_MEMORY_MIB * 1048576));
const finite = v.pipe(v.number(), v.finite(), v.minValue(0));

/** Devices check their own state when they take it. */
const devices = v.custom<DeviceState>(value => typeof value === 'object' && value !== null && !Array.isArray(value));

const headerSchema = v.object({
  name: v.string(),
  commandLine: v.string(),
  memoryMib: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_MEMORY_MIB)),
  count: v.pipe(finite, v.integer()),
  walks: v.pipe(finite, v.integer()),
  // Files of earlier versions do not have these.
  walkReferences: v.optional(v.pipe(finite, v.integer()), 0),
  nestedWalks: v.optional(v.pipe(finite, v.integer()), 0),
  nestedReferences: v.optional(v.pipe(finite, v.integer()), 0),
  clock: v.object({ rate: v.pipe(finite, v.minValue(1)), baseTime: finite, baseCount: finite }),
  a20: v.boolean(),
  /** Where RAM lay in the memory that the TLB's entries point into. */
  ram: v.optional(v.pipe(finite, v.integer()), FIRST_RAM),
  devices,
  sizes: v.object({
    kernel: size,
    initrd: v.nullable(size),
    symbols: v.nullable(size),
    processor: size,
    localWords: size,
    localEntries: size,
    globalWords: size,
    globalEntries: size,
    largeRegions: size,
    // Files of earlier versions do not have it.
    spaces: v.optional(size, 0),
    pages: size,
    bytes: size,
  }),
});

function raw(array: Int32Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Writes a snapshot file. */
export function writeSnapshot(guest: Guest, state: MachineState): Uint8Array {
  const blobs: Readonly<Record<Blob, Uint8Array | null>> = {
    kernel: guest.kernel,
    initrd: guest.initrd,
    symbols: guest.symbols === null ? null : new TextEncoder().encode(guest.symbols),
    processor: state.processor,
    localWords: raw(state.tlb.local.words),
    localEntries: raw(state.tlb.local.entries),
    globalWords: raw(state.tlb.global.words),
    globalEntries: raw(state.tlb.global.entries),
    largeRegions: state.tlb.largeRegions,
    spaces: raw(state.tlb.spaces),
    pages: raw(state.pages),
    bytes: state.bytes,
  };
  const sizes = Object.fromEntries(BLOBS.map(name => [name, blobs[name]?.length ?? null]));
  const { name, commandLine, memoryMib } = guest;
  const { count, walks, walkReferences, nestedWalks, nestedReferences, clock, a20, devices } = state;
  const figures = { walks, walkReferences, nestedWalks, nestedReferences };
  const header = new TextEncoder().encode(
    JSON.stringify({ name, commandLine, memoryMib, count, ...figures, clock, a20, ram: L.RAM, devices, sizes }),
  );
  const parts = [new TextEncoder().encode(MAGIC), raw(Uint32Array.of(header.length)), header];
  for (const blob of BLOBS) parts.push(blobs[blob] ?? new Uint8Array(0));
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  // Without a date: the same machine gives the same file.
  return gzipSync(file, { level: 1, mtime: 0 });
}

/** Unpacked, a snapshot is at most its memory, its images and a little more. */
export const LARGEST_SNAPSHOT = (MAX_MEMORY_MIB + 1024) * 1048576;

function isUnpacked(file: Uint8Array): boolean {
  return new TextDecoder().decode(file.subarray(0, MAGIC.length)) === MAGIC;
}

/** Reads a snapshot file, or one that is unpacked already. Throws an Error with one sentence if it is none, or not whole. */
export function readSnapshot(given: Uint8Array): { readonly guest: Guest; readonly state: MachineState } {
  const file = isUnpacked(given) ? given : unpack(given);
  if (!isUnpacked(file)) throw new Error('This file is not a Ringside snapshot.');
  const start = MAGIC.length + 4;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerLength = file.length >= start ? view.getUint32(MAGIC.length, true) : 0;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(file.subarray(start, start + headerLength)));
  } catch {
    throw new Error('The snapshot is damaged: its header cannot be read.');
  }
  const parsed = v.safeParse(headerSchema, value);
  if (!parsed.success) throw new Error('The snapshot is damaged, or of another version of Ringside.');
  const header = parsed.output;
  let at = start + headerLength;
  const blobs = new Map<Blob, Uint8Array>();
  for (const name of BLOBS) {
    const length = header.sizes[name];
    if (length === null) continue;
    if (at + length > file.length) throw new Error('The snapshot is cut off: a part of it is missing.');
    blobs.set(name, file.slice(at, at + length));
    at += length;
  }
  const bytes = (name: Blob): Uint8Array => blobs.get(name) ?? new Uint8Array(0);
  const words = (name: Blob): Int32Array => {
    const blob = bytes(name);
    if (blob.length % 4 !== 0) throw new Error('The snapshot is damaged: a table is not whole.');
    return new Int32Array(blob.buffer);
  };
  const moved = L.RAM - header.ram;
  const entries = (name: Blob): Int32Array =>
    words(name).map(entry => (entry === L.INVALID ? entry : (entry + moved) | 0));
  const symbols = blobs.get('symbols');
  const pages = words('pages');
  return {
    guest: {
      name: header.name,
      kernel: bytes('kernel'),
      initrd: blobs.get('initrd') ?? null,
      symbols: symbols === undefined ? null : new TextDecoder().decode(symbols),
      commandLine: header.commandLine,
      memoryMib: header.memoryMib,
    },
    state: {
      memoryBytes: header.memoryMib * 1048576,
      count: header.count,
      walks: header.walks,
      walkReferences: header.walkReferences,
      nestedWalks: header.nestedWalks,
      nestedReferences: header.nestedReferences,
      clock: header.clock,
      processor: bytes('processor'),
      tlb: {
        local: { words: words('localWords'), entries: entries('localEntries') },
        global: { words: words('globalWords'), entries: entries('globalEntries') },
        largeRegions: bytes('largeRegions'),
        // They may be forgotten.
        spaces: moved === 0 ? words('spaces') : new Int32Array(0),
      },
      a20: header.a20,
      devices: header.devices,
      pages: new Uint32Array(pages.buffer),
      bytes: bytes('bytes'),
    },
  };
}

/** Gzip ends with a CRC and the length, which is checked before memory is taken for it. */
function unpack(packed: Uint8Array): Uint8Array {
  const isGzip = packed.length > 18 && packed[0] === 0x1f && packed[1] === 0x8b;
  if (!isGzip) throw new Error('This file is not a Ringside snapshot.');
  const trailer = new DataView(packed.buffer, packed.byteOffset + packed.length - 8, 8);
  const length = trailer.getUint32(4, true);
  if (length > LARGEST_SNAPSHOT) throw new Error('The snapshot is larger than any that Ringside writes.');
  const damaged = new Error('The snapshot is damaged: it cannot be unpacked.');
  let file: Uint8Array;
  try {
    file = gunzipSync(packed, { out: new Uint8Array(length) });
  } catch {
    throw damaged;
  }
  if (crc32(file) !== trailer.getUint32(0, true)) throw damaged;
  return file;
}
