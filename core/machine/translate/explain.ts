import type { Instruction } from '../../ia32/instruction.ts';
import * as L from '../cpu/layout.ts';
import type { Processor } from '../cpu/processor.ts';
import type { Import } from './code.ts';
import type { Part, Purpose } from './draft.ts';
import type { Extent } from './graph.ts';
import { hasCodeAt, hostOf, type Region, type Repeated } from './region.ts';
import { wasmText } from './wasm-text.ts';

/** What the translator says of itself, for who looks. Nothing changes by it, and nothing of it is kept: the text is made when somebody asks. */

/** What there is to look at (Translator). */
export interface Insight {
  /** Regions that are alive; those without an index wait for their module. */
  readonly regions: ReadonlySet<Region>;
  entriesOf(region: Region): number;
  heatOf(host: number): Heat;
  /** Whether the interpreter runs the block at a byte offset in the machine's memory, where there is no region; else it is the executor's. */
  isInterpreted(host: number): boolean;
  repeat(region: Region): Repeated | null;
}

/** How often a block was executed lately, and how often it has to be before it is translated. */
export interface Heat {
  readonly executed: number;
  readonly needed: number;
}

/** A region in figures. Addresses are linear. */
export interface RegionFacts {
  readonly extent: Extent;
  /** Where control comes in; the first is where it began to be translated. */
  readonly entrances: readonly number[];
  /** Physical address of the first entrance. */
  readonly physical: number;
  /** From the first byte to the one behind the last; there may be others between. */
  readonly start: number;
  readonly end: number;
  readonly blocks: number;
  readonly instructions: number;
  /** Of WebAssembly. */
  readonly bytes: number;
  /** How often control came in. A loop inside is one entry, however often it goes round. */
  readonly entered: number;
  /** For ring 3. */
  readonly user: boolean;
  /** Its module is not made yet: nothing of it has run. */
  readonly waits: boolean;
}

/** What runs the code at an address. */
export type Explanation =
  | { readonly kind: 'region'; readonly region: Region; readonly facts: RegionFacts }
  /** Somebody wants to stop in its page, or watches such instructions: the executor tells. */
  | { readonly kind: 'stop' | 'watched' }
  /** No region can begin with the instruction. */
  | { readonly kind: 'left'; readonly isInterpreted: boolean }
  /** It has not been executed often enough. */
  | ({ readonly kind: 'cold'; readonly isInterpreted: boolean } & Heat);

/** A piece of a region's code. */
export interface TextPart {
  readonly kind: Purpose['kind'];
  /** Linear address of the block or instruction; that of the region for the rest. */
  readonly address: number;
  /** Null where it is none's. */
  readonly instruction: Instruction | null;
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Counts of all that can run, and the regions that were entered most, the first one most. */
export interface Overview {
  readonly alive: number;
  readonly instructions: number;
  readonly bytes: number;
  readonly hottest: readonly RegionFacts[];
}

/** What runs the code at a linear address, which lies at a physical one now. */
export function explain(cpu: Processor, insight: Insight, linear: number, physical: number): Explanation {
  const host = (L.RAM + physical) >>> 0;
  const found = [...insight.regions]
    .filter(region => isIn(region, linear | 0, host))
    .map(region => ({ region, facts: factsOf(insight, region) }))
    .sort((a, b) => b.facts.entered - a.facts.entered);
  if (found.length > 0) return { kind: 'region', ...found[0] };
  if (cpu.stopsIn(linear >>> 12)) return { kind: 'stop' };
  const block = cpu.blocks.around(host);
  if (block === null) return { kind: 'cold', ...insight.heatOf(host), executed: 0, isInterpreted: false };
  if (cpu.blocks.isWatched(block.instructions[0].row)) return { kind: 'watched' };
  const isInterpreted = insight.isInterpreted(block.host);
  return block.isUntranslatable
    ? { kind: 'left', isInterpreted }
    : { kind: 'cold', ...insight.heatOf(block.host), isInterpreted };
}

/** Whether the byte at an address, which lies there in the machine's memory, is one of a region's. */
function isIn(region: Region, linear: number, host: number): boolean {
  const isAt = region.pages.some(({ page, entry }) => page === linear >>> 12 && (linear + entry) >>> 0 === host);
  return isAt && hasCodeAt(region, linear);
}

function factsOf(insight: Insight, region: Region): RegionFacts {
  const { extent, entrances, spans, instructions, bytes, premises, index } = region;
  const ends = spans.filter((_, n) => n % 2 === 1).map(end => (end - 1) >>> 0);
  return {
    extent,
    entrances: entrances.map(({ linear }) => linear >>> 0),
    physical: (hostOf(entrances[0]) - L.RAM) >>> 0,
    start: Math.min(...spans.filter((_, n) => n % 2 === 0).map(start => start >>> 0)),
    end: Math.max(...ends) + 1,
    blocks: spans.length / 2,
    instructions,
    bytes,
    entered: insight.entriesOf(region),
    user: (premises.word & L.PREMISE.user) !== 0,
    waits: index < 0,
  };
}

export function overview(insight: Insight, most: number): Overview {
  const all = [...insight.regions].filter(({ index }) => index >= 0);
  const sum = (of: (region: Region) => number) => all.reduce((total, region) => total + of(region), 0);
  return {
    alive: all.length,
    instructions: sum(({ instructions }) => instructions),
    bytes: sum(({ bytes }) => bytes),
    hottest: all
      .map(region => ({ region, entered: insight.entriesOf(region) }))
      .filter(({ entered }) => entered > 0)
      .sort((one, other) => other.entered - one.entered)
      .slice(0, most)
      .map(({ region }) => factsOf(insight, region)),
  };
}

/** A region's guest instructions with the text of their WebAssembly, in its order; null if it cannot be had. */
export function textOf(insight: Insight, region: Region, imports: readonly Import[]): readonly TextPart[] | null {
  const repeated = insight.repeat(region);
  if (repeated === null) return null;
  const parts = joined(repeated.parts);
  const { codeBase } = region.premises;
  const texts = wasmText(
    repeated.code,
    parts.map(({ at }) => at),
    imports,
  );
  return parts.map(({ purpose: { kind, offset } }, n) => {
    const instruction = kind === 'instruction' ? (repeated.instructions.get(offset) ?? null) : null;
    const isPlace = kind === 'instruction' || kind === 'block';
    const address = isPlace ? (codeBase + offset) >>> 0 : region.entrances[0].linear >>> 0;
    const bytes = Uint8Array.from({ length: instruction?.length ?? 0 }, (_, index) => repeated.byteAt(address + index));
    return { kind, address, instruction, bytes, text: texts[n] };
  });
}

/** Parts without those that are empty, except for instructions, and alike neighbours as one. */
function joined(parts: readonly Part[]): readonly Part[] {
  const list: Part[] = [];
  parts.forEach(({ purpose, at }, n) => {
    const isEmpty = parts[n + 1]?.at === at;
    if (isEmpty && purpose.kind !== 'instruction') return;
    const last = list.at(-1)?.purpose;
    if (last === undefined || last.kind !== purpose.kind || last.offset !== purpose.offset) list.push({ purpose, at });
  });
  return list;
}
