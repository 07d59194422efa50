import { CS } from '../../ia32/registers.ts';
import type { Access } from '../cpu/access.ts';
import type { Block } from '../cpu/blocks.ts';
import { TABLE_WORDS, W_EIP } from '../cpu/layout.ts';
import { makeModule } from './code.ts';
import { type Region, translateRegion } from './region.ts';
import { IMPORTS, makeRuntime } from './runtime.ts';

/** How often a block is executed before it is translated, unless said. */
const HOT = 200;
/** Blocks of one region: larger ones are compiled too slowly. */
const MOST_BLOCKS = 100;
/** Regions that are kept. */
const MOST_REGIONS = 4000;

/** How instructions are run: each by the executor, or what is hot translated, by single blocks, or with the loops and jumps between them. */
export type Engine = 'execute' | 'blocks' | 'regions';

/** How a machine gets its translator for an engine (PcOptions). */
export function translatorOf(engine: Engine): ((cpu: Access) => Translator) | undefined {
  return engine === 'execute' ? undefined : cpu => new Translator(cpu, engine);
}

/** Translates what is executed often. */
export class Translator {
  readonly #cpu: Access;
  readonly #env: Readonly<Record<string, WebAssembly.Imported>>;
  /** By the place of their first byte in the memory and its linear page; the oldest first. */
  readonly #regions = new Map<number, Region>();
  /** Regions made since the machine was. */
  translated = 0;

  readonly #mostBlocks: number;
  readonly #hot: number;

  constructor(cpu: Access, engine: Exclude<Engine, 'execute'>, hot = HOT) {
    const { memory } = cpu.physical;
    this.#cpu = cpu;
    this.#hot = hot;
    this.#mostBlocks = engine === 'blocks' ? 1 : MOST_BLOCKS;
    this.#env = { memory, ...makeRuntime(memory) };
  }

  /** The translation that can be entered at this block, which is at CS:EIP; null: it is to be executed. */
  at(block: Block): Region | null {
    if (block.heat < this.#hot) {
      block.heat++;
      return null;
    }
    if (!block.isCached) return null;
    const cpu = this.#cpu;
    const key = block.host * TABLE_WORDS + (((cpu.base(CS) + cpu.i32[W_EIP]) | 0) >>> 12);
    const region = this.#regions.get(key);
    if (region?.holds(cpu) === true) return region;
    // It comes again for other premises, but not at once.
    block.heat = 0;
    const made = translateRegion(cpu, this.#mostBlocks);
    if (made === null) {
      block.heat = Number.NEGATIVE_INFINITY;
      return null;
    }
    this.#instantiate(made);
    this.#regions.delete(key);
    this.#regions.set(key, made);
    if (this.#regions.size > MOST_REGIONS) {
      for (const [oldest] of this.#regions) {
        this.#regions.delete(oldest);
        break;
      }
    }
    block.heat = this.#hot;
    return made;
  }

  #instantiate(region: Region): void {
    const bytes = makeModule([{ parameters: 0, results: 0, ...region.function }], IMPORTS);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: this.#env });
    const run = exports['0'];
    region.run = () => run();
    this.translated++;
  }
}
