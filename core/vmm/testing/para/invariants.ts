import { PAGE } from '../../../machine/mmu/walk.ts';
import type { FrameTable, FrameType } from '../../para/frames.ts';
import { FIRST_HOLE_ENTRY, type PageTables, type Words } from '../../para/page-tables.ts';

/** One use of a frame: as a type, or (null) just a name for it. */
interface Use {
  readonly frame: number;
  readonly type: FrameType | null;
}

/** Uses of frames that no table shows: pages that the monitor holds for the guest. */
export type Held = readonly Use[];

function entries(memory: Words, frame: number, count: number): { low: number; high: number }[] {
  return Array.from({ length: count }, (_, n) => ({
    low: memory.read(frame * 4096 + n * 8, 4),
    high: memory.read(frame * 4096 + n * 8 + 4, 4),
  }));
}

/** What the entries of a table stand for, as the interface has it; said anew, so that it does not share the code's mistakes. */
function usesOf(memory: Words, frame: number, type: FrameType, wrong: string[]): Use[] {
  const complain = (index: number, what: string) => wrong.push(`${type} ${frame.toString(16)}[${index}]: ${what}`);
  const uses: Use[] = [];
  const count = { l1: 512, l2: 512, l2Top: FIRST_HOLE_ENTRY, l3: 4 };
  if (type !== 'l1' && type !== 'l2' && type !== 'l2Top' && type !== 'l3') return uses;
  entries(memory, frame, count[type]).forEach(({ low, high }, index) => {
    if ((low & PAGE.present) === 0) {
      if (type === 'l3' && index === 3) complain(index, 'the way into the monitor is gone');
      return;
    }
    const target = low >>> 12;
    if ((high & 0x7fffffff) !== 0) complain(index, 'a frame beyond 4 GB');
    if (type === 'l1') {
      uses.push({ frame: target, type: (low & PAGE.writable) !== 0 ? 'writable' : null });
    } else if (type === 'l3') {
      if ((low & (PAGE.writable | PAGE.user)) !== 0 || high !== 0)
        complain(index, 'bits that an L3 entry does not have');
      uses.push({ frame: target, type: index === 3 ? 'l2Top' : 'l2' });
    } else {
      if ((low & PAGE.large) !== 0) complain(index, 'a large page');
      uses.push({ frame: target, type: 'l1' });
    }
  });
  return uses;
}

/**
 * Counts from scratch what pins, the root and `held` reach, and compares it with what the frame table says. Answers what is wrong: nothing, if
 * all is well.
 */
export function findWrong(memory: Words, tables: PageTables, held: Held): string[] {
  const { frames } = tables;
  const wrong: string[] = [];
  const typeCounts = new Map<number, number>();
  const types = new Map<number, FrameType>();
  const references = new Map<number, number>();
  const waiting: Use[] = [...held];
  const pinned = (type: FrameType) => (type === 'l2Top' ? 'l2' : type);
  for (let frame = 0; frame < frames.size; frame++) {
    if (frames.isPinned(frame)) waiting.push({ frame, type: pinned(frames.type(frame)) });
  }
  if (tables.root >= 0) waiting.push({ frame: tables.root, type: 'l3' });
  for (let use = waiting.pop(); use !== undefined; use = waiting.pop()) {
    const { frame, type } = use;
    references.set(frame, (references.get(frame) ?? 0) + 1);
    if (!frames.isVisible(frame)) wrong.push(`frame ${frame.toString(16)} is used as ${type} and not the guest's`);
    if (type === null) continue;
    const before = types.get(frame);
    typeCounts.set(frame, (typeCounts.get(frame) ?? 0) + 1);
    if (before === undefined) {
      types.set(frame, type);
      waiting.push(...usesOf(memory, frame, type, wrong));
    } else if (before !== type) {
      wrong.push(`frame ${frame.toString(16)} is used as ${before} and as ${type}`);
    }
  }
  for (let frame = 0; frame < frames.size; frame++) compare(frame, frames, types, typeCounts, references, wrong);
  return wrong;
}

function compare(
  frame: number,
  frames: FrameTable,
  types: ReadonlyMap<number, FrameType>,
  typeCounts: ReadonlyMap<number, number>,
  references: ReadonlyMap<number, number>,
  wrong: string[],
): void {
  const say = (what: string, is: unknown, should: unknown) => {
    if (is !== should) wrong.push(`frame ${frame.toString(16)}: ${what} ${is}, should be ${should}`);
  };
  say('type', frames.type(frame), types.get(frame) ?? 'none');
  say('type count', frames.typeCount(frame), typeCounts.get(frame) ?? 0);
  say('references', frames.references(frame), references.get(frame) ?? 0);
}
