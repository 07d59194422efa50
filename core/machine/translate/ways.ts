import { changedBy } from './changes.ts';
import { type Graph, type GraphBlock, meaningOf, predecessorsOf } from './graph.ts';

/** Not even the TLB may be as it was. */
export const FORGOTTEN = 1 << 8;

/** General registers that may change in a block, a bit each, or FORGOTTEN and more. */
function changedIn({ instructions }: GraphBlock): number {
  let changed = 0;
  for (const i of instructions) {
    const { operation } = i.row;
    const isDivision = (operation === 'div' || operation === 'idiv') && i.dst.size === 4;
    // What has no meaning here may be called out, and the executor fills the TLB.
    changed |= meaningOf(i.row) !== null || isDivision ? changedBy(i) : FORGOTTEN;
  }
  return changed;
}

/** The ways through a graph, and what may change on them. */
export class Ways {
  readonly #graph: Graph;
  readonly #predecessors: readonly (readonly number[])[];
  /** By block: what changes in it, and on the ways to it. */
  readonly #changedIn = new Map<number, number>();
  readonly #changedBefore = new Map<number, number>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#predecessors = predecessorsOf(graph.blocks);
  }

  /** General registers that may change on ways from the end of a block's immediate dominator to its beginning, a bit each, or FORGOTTEN. */
  changedBefore(to: number): number {
    let changed = this.#changedBefore.get(to);
    if (changed === undefined) {
      changed = this.#findBefore(to);
      this.#changedBefore.set(to, changed);
    }
    return changed;
  }

  #findBefore(to: number): number {
    const seen = new Set([this.#graph.dominators[to]]);
    const waiting = [...this.#predecessors[to]];
    let changed = 0;
    for (let n = waiting.pop(); n !== undefined; n = waiting.pop()) {
      if (seen.has(n)) continue;
      seen.add(n);
      changed |= this.#blockChanges(n);
      if (changed >= FORGOTTEN) return FORGOTTEN;
      waiting.push(...this.#predecessors[n]);
    }
    return changed;
  }

  #blockChanges(n: number): number {
    let changed = this.#changedIn.get(n);
    if (changed === undefined) {
      changed = changedIn(this.#graph.blocks[n]);
      this.#changedIn.set(n, changed);
    }
    return changed;
  }
}
