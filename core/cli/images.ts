import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import type { Guest } from '../session/session.ts';
import { type RunArguments, UsageError } from './arguments.ts';

/** Where built-in guests and made images lie, from the folder in which npm runs scripts: the project's. */
const GUESTS = 'public/guests';
const IMAGES = 'images';

const imageSchema = v.array(
  v.object({
    id: v.string(),
    kernel: v.string(),
    initrd: v.nullable(v.string()),
    commandLine: v.string(),
    memoryMib: v.number(),
  }),
);

const BUILT_IN = ['primer', 'vmxtest'];
/** Those that are there as a kernel for a machine and as one for the monitor's interface. */
const WITH_PARA = ['primer'];
const DEFAULT_MEMORY_MIB = 256;

function read(path: string, what: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
    throw new UsageError(`The ${what} ${path} cannot be read (${code}).`);
  }
}

/** Finds the image that the arguments name and reads its files. Throws UsageError. */
export function openGuest(options: RunArguments): Guest {
  const { image } = options;
  if (BUILT_IN.includes(image)) {
    if (options.mode === 'para' && !WITH_PARA.includes(image)) {
      throw new UsageError(`${image} has no kernel for the para mode: it tries the processor itself.`);
    }
    const file = options.mode === 'para' ? `${image}-para` : image;
    return {
      name: image,
      kernel: read(join(GUESTS, `${file}.elf`), 'built-in guest'),
      initrd: options.initrd === null ? null : read(options.initrd, 'initrd'),
      symbols: new TextDecoder().decode(read(join(GUESTS, `${file}.json`), 'symbol file')),
      commandLine: options.append ?? '',
      memoryMib: options.memoryMib ?? 32,
    };
  }
  const made = madeImages().find(entry => entry.id === image);
  if (made !== undefined) {
    const initrd = options.initrd ?? (made.initrd === null ? null : join(IMAGES, made.initrd));
    return {
      name: image,
      kernel: read(join(IMAGES, made.kernel), 'kernel'),
      initrd: initrd === null ? null : read(initrd, 'initrd'),
      symbols: null,
      commandLine: options.append ?? made.commandLine,
      memoryMib: options.memoryMib ?? made.memoryMib,
    };
  }
  if (!existsSync(image)) {
    const names = [...BUILT_IN, ...madeImages().map(entry => entry.id)].join(', ');
    throw new UsageError(`There is no file and no guest "${image}": known guests are ${names}.`);
  }
  return {
    name: basename(image),
    kernel: read(image, 'image'),
    initrd: options.initrd === null ? null : read(options.initrd, 'initrd'),
    symbols: null,
    commandLine: options.append ?? '',
    memoryMib: options.memoryMib ?? DEFAULT_MEMORY_MIB,
  };
}

/** What `npm run images` made; nothing if it has not run. */
function madeImages(): v.InferOutput<typeof imageSchema> {
  const list = join(IMAGES, 'images.json');
  if (!existsSync(list)) return [];
  const parsed = v.safeParse(imageSchema, JSON.parse(readFileSync(list, 'utf8')));
  if (!parsed.success) throw new UsageError(`${list} is not what npm run images writes: run it again.`);
  return parsed.output;
}
