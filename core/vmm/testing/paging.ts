import type { Random } from '../../machine/testing/random.ts';
import { imm32, type Kind, movImmediate, store } from './encode.ts';
import {
  CODE,
  DATA,
  DIRECTORY,
  KERNEL_STACK_TOP,
  PAE_DIRECTORY,
  PAE_TABLE,
  type Paging,
  POINTERS,
  TABLE,
  USER_STACK_TOP,
  WORLD_PAGES,
} from './world.ts';

/** Changes of page tables, and of the registers that say how they are used. */

/** MOV EAX, CR3; MOV CR3, EAX */
const RELOAD = [0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8];
const USER_WRITABLE = 7;
const LARGE = 0x80;

/** MOV EAX, CRn; XOR EAX, bits; MOV CRn, EAX */
function flip(register: 0 | 4, bits: number): number[] {
  const modrm = 0xc0 | (register << 3);
  return [0x0f, 0x20, modrm, 0x35, ...imm32(bits), 0x0f, 0x22, modrm];
}

/** An entry that maps some page of the world, mostly; or anything. */
function entry(random: Random): number {
  if (random.once(6)) return random.word();
  return (random.below(WORLD_PAGES) << 12) | (random.word() & 0x67) | (random.once(8) ? 0 : 1);
}

/** One entry, mostly with the flush that the processor must be given before anything depends on the change, and a look at the page. */
export function tables(random: Random, paging: Paging): number[] {
  const isPae = paging === 'pae';
  const page = random.once(2) ? DATA / 4096 + random.below(2) : random.below(0x20);
  const at = isPae ? PAE_TABLE + page * 8 : TABLE + page * 4;
  const value = entry(random);
  const change = [...store(at, value)];
  if (isPae && random.once(6)) change.push(...store(at + 4, random.once(2) ? 0x80000000 | 0 : random.word()));
  const linear = page * 4096 + random.below(1024) * 4;
  if (random.once(10)) return change;
  const flush = random.once(2) ? RELOAD : [0x0f, 0x01, 0x3d, ...imm32(linear)];
  const look = random.pick<readonly number[]>([[], [0xa1, ...imm32(linear)], [0x01, 0x05, ...imm32(linear)]]);
  return [...change, ...flush, ...look];
}

/** The directory: large pages, other tables, and what maps high addresses. */
export function directories(random: Random, paging: Paging): number[] {
  const isPae = paging === 'pae';
  const table = isPae ? PAE_TABLE : TABLE;
  const directory = isPae ? PAE_DIRECTORY : DIRECTORY;
  const index = random.once(2) ? 0 : random.below(4);
  const value = random.pick([table | USER_WRITABLE, table | 5, table | 3, LARGE | USER_WRITABLE, LARGE | 0x101 | 6, 0]);
  const linear = index * (isPae ? 0x200000 : 0x400000) + DATA + random.below(1024) * 4;
  const look = [random.pick([0xa1, 0xa3]), ...imm32(linear)];
  return [...store(directory + index * (isPae ? 8 : 4), value), ...RELOAD, ...look];
}

/** CR0 and CR4, keeping protection and paging. */
export const controls: Kind = random =>
  random.once(2)
    ? flip(0, random.pick([8, 2, 4, 0x10000, 0x20, 0x40000, 0x60000000]))
    : flip(4, random.pick([4, 8, 0x80, 0x10, 0x200, 0x40, 0x2000]));

/** Paging off and on; from one kind to the other; protection off, which real mode with 32-bit segments is, and on. */
export function modes(random: Random, paging: Paging): number[] {
  const toggle = flip(0, 0x80000000);
  const loadCr3 = (value: number) => [...movImmediate(0, value), 0x0f, 0x22, 0xd8];
  const off = paging === 'none' ? [] : toggle;
  switch (random.below(4)) {
    case 0:
      return toggle;
    case 1:
      return [...toggle, random.pick([0x90, 0x40, 0x50]), ...toggle];
    case 2: {
      const next = paging === 'pae' ? DIRECTORY : POINTERS;
      return [...off, ...flip(4, 0x20), ...loadCr3(next), ...toggle];
    }
    default: {
      const inside = random.pick<readonly number[]>([
        [],
        [0x40],
        [0xa1, ...imm32(DATA)],
        [0x50, 0x5b],
        [0x8c, 0xd8],
        [0x8e, 0xdb],
        [0xcd, 0x80],
        [0x9c],
      ]);
      return [...off, ...flip(0, 1), ...inside, ...flip(0, 1)];
    }
  }
}

/** The entry of the code's own page, which stays present, or of a stack's; with the flush. */
export function ownPages(random: Random, paging: Paging): number[] {
  const isCode = random.once(3);
  const page = (isCode ? CODE : random.pick([KERNEL_STACK_TOP, USER_STACK_TOP]) - 4096) >>> 12;
  const bits = random.pick([1, 3, 5, 7, 0x67, isCode ? 1 : 0]);
  return [...store(paging === 'pae' ? PAE_TABLE + page * 8 : TABLE + page * 4, (page << 12) | bits), ...RELOAD];
}
