import { type Instruction, KIND, type Operand } from '../../../ia32/instruction.ts';
import type { OpcodeRow } from '../../../ia32/opcode.ts';
import * as L from '../../cpu/layout.ts';
import type { FunctionBody } from '../code.ts';
import type { Kind } from '../flags.ts';
import { meaningOf } from '../graph.ts';
import { type Premises, segmentKind } from '../premises.ts';
import { Maker } from './maker.ts';
import { addressForm } from './stored.ts';

/** What instructions have in common that one function does: whatever of them is not in their records. */
export interface Shape {
  /** Of its function in the table of functions, or of the one that refuses until there is one. */
  index: number;
  /** Null: it is the executor's. */
  readonly body: FunctionBody | null;
  /** Of what kind the flags are behind it; null: that is not known, undefined: as before. */
  readonly after: Kind | null | undefined;
  /** Records that wait for the function. */
  waiting: number[];
}

/** Where an instruction is met. */
export interface Setting {
  readonly i: Instruction;
  readonly premises: Premises;
  /** Of what kind the flags are before it; null: that is not known. */
  readonly before: Kind | null;
}

/** What the code of a shape may depend on beside what every shape is of. */
const TRAITS = {
  dstRegister: ({ i }: Setting) => i.dst.register,
  dstValue: ({ i }: Setting) => i.dst.value,
  srcRegister: ({ i }: Setting) => i.src.register,
  srcValue: ({ i }: Setting) => i.src.value,
  thirdRegister: ({ i }: Setting) => i.third.register,
  thirdValue: ({ i }: Setting) => i.third.value,
  base: ({ i }: Setting) => i.memory.base,
  index: ({ i }: Setting) => i.memory.index,
  scale: ({ i }: Setting) => i.memory.scale,
  displacement: ({ i }: Setting) => i.memory.displacement,
  condition: ({ i }: Setting) => i.condition,
  repeat: ({ i }: Setting) => i.repeat,
  lock: ({ i }: Setting) => Number(i.lock),
  segment: ({ i }: Setting) => i.segment,
  modrm: ({ i }: Setting) => i.modrm,
  premises: ({ premises }: Setting) => premises.word,
  before: ({ before: kind }: Setting) =>
    kind === null ? -1 : kind.kind | (kind.size << 3) | (kind.chained ? 1 << 6 : 0),
} as const satisfies Readonly<Record<string, (setting: Setting) => number>>;
type Trait = keyof typeof TRAITS;

/** A shape, or what there is by the value of the next trait. */
type Branch = Shape | Map<number, Branch>;

/** Shapes of the same row, sizes, kinds of operands and of address. */
interface Family {
  /** What of the instructions that were seen mattered. */
  readonly traits: Trait[];
  /** By their values, one after the other. */
  shapes: Branch | undefined;
}

function shapeOf({ traits, shapes }: Family, setting: Setting): Shape | undefined {
  let branch = shapes;
  for (const trait of traits) {
    if (!(branch instanceof Map)) return undefined;
    branch = branch.get(TRAITS[trait](setting));
  }
  return branch instanceof Map ? undefined : branch;
}

/** A branch with a shape beyond those of these traits. */
function grown(branch: Branch | undefined, traits: readonly Trait[], setting: Setting, shape: Shape): Branch {
  if (traits.length === 0) return shape;
  const [trait, ...others] = traits;
  const value = TRAITS[trait](setting);
  const map = branch instanceof Map ? branch : new Map<number, Branch>();
  return map.set(value, grown(map.get(value), others, setting, shape));
}

type Note = (trait: Trait) => void;

function noticed({ kind, size, register, value }: Operand, name: 'dst' | 'src' | 'third', note: Note): Operand {
  return {
    kind,
    size,
    get register() {
      note(`${name}Register`);
      return register;
    },
    get value() {
      note(`${name}Value`);
      return value;
    },
  };
}

/** The same instruction, which tells what of it is asked for. */
function noticedInstruction(i: Instruction, note: Note): Instruction {
  const { row, operandSize, addressSize, memory } = i;
  return {
    row,
    operandSize,
    addressSize,
    dst: noticed(i.dst, 'dst', note),
    src: noticed(i.src, 'src', note),
    third: noticed(i.third, 'third', note),
    memory: {
      segment: memory.segment,
      mask: memory.mask,
      get base() {
        note('base');
        return memory.base;
      },
      get index() {
        note('index');
        return memory.index;
      },
      get scale() {
        note('scale');
        return memory.scale;
      },
      get displacement() {
        note('displacement');
        return memory.displacement;
      },
    },
    // Where the next one is, the record says.
    length: 0,
    get condition() {
      note('condition');
      return i.condition;
    },
    get repeat() {
      note('repeat');
      return i.repeat;
    },
    get lock() {
      note('lock');
      return i.lock;
    },
    get segment() {
      note('segment');
      return i.segment;
    },
    get modrm() {
      note('modrm');
      return i.modrm;
    },
  };
}

function noticedPremises(premises: Premises, note: Note): Premises {
  const ask = <T>(value: T): T => {
    note('premises');
    return value;
  };
  return {
    get word() {
      return ask(premises.word);
    },
    get readTable() {
      return ask(premises.readTable);
    },
    get writeTable() {
      return ask(premises.writeTable);
    },
    get executeTable() {
      return ask(premises.executeTable);
    },
    get stackMask() {
      return ask(premises.stackMask);
    },
    get codeBase() {
      return ask(premises.codeBase);
    },
    get codeLimit() {
      return ask((premises.word & L.PREMISE.flatCode) !== 0 ? -1 : 0);
    },
  };
}

const IN_MEMORY: ReadonlySet<number> = new Set([KIND.m8, KIND.m16, KIND.m32, KIND.memory, KIND.aligned]);

function familyKey({ i, premises }: Setting): number {
  const { dst, src, third, memory, operandSize, addressSize } = i;
  const kinds = (((dst.kind << 5) | src.kind) << 5) | third.kind;
  const isMemory = IN_MEMORY.has(dst.kind) || IN_MEMORY.has(src.kind);
  const kind = isMemory ? segmentKind(premises, memory.segment) : 0;
  const segment = kind === L.SEGMENT_CHECKED || i.row.format !== null ? 2 + memory.segment : kind;
  const sizes = (operandSize >> 2) | ((addressSize >> 2) << 1);
  return (((((kinds << 2) | addressForm(i)) << 2) | sizes) << 3) | segment;
}

/** Finds the shapes of instructions, and has functions made for those that are new. */
export class Shapes {
  readonly #families = new Map<OpcodeRow, Map<number, Family>>();
  readonly #onNew: (shape: Shape) => void;
  readonly #refuses: number;
  #left: number;

  /** `most`: how many functions there are at most: what is of further shapes is the executor's; `refuses`: index of that which says so. */
  constructor(most: number, refuses: number, onNew: (shape: Shape) => void) {
    this.#refuses = refuses;
    this.#left = most;
    this.#onNew = onNew;
  }

  find(setting: Setting): Shape {
    const { row } = setting.i;
    let families = this.#families.get(row);
    if (families === undefined) {
      families = new Map();
      this.#families.set(row, families);
    }
    const key = familyKey(setting);
    let family = families.get(key);
    if (family === undefined) {
      family = { traits: [], shapes: undefined };
      families.set(key, family);
    }
    return shapeOf(family, setting) ?? this.#make(family, setting);
  }

  #make(family: Family, setting: Setting): Shape {
    const { traits } = family;
    const before = traits.length;
    const note = (trait: Trait) => {
      if (!traits.includes(trait)) traits.push(trait);
    };
    const made = this.#left > 0 ? make(setting, note) : null;
    if (made !== null) this.#left--;
    const shape: Shape = { index: this.#refuses, body: null, after: null, ...made, waiting: [] };
    // Others are found by more from now on, and made again where they are met.
    if (traits.length > before) family.shapes = undefined;
    family.shapes = grown(family.shapes, traits, setting, shape);
    this.#onNew(shape);
    return shape;
  }
}

function make({ i, premises, before }: Setting, note: Note): Pick<Shape, 'body' | 'after'> | null {
  const maker = new Maker(noticedPremises(premises, note), addressForm(i), before, () => note('before'));
  const meaning = meaningOf(i.row);
  const asked = noticedInstruction(i, note);
  if (maker.translateOther(asked)) return { body: maker.whole(), after: maker.after };
  if (meaning === null) return null;
  maker.translate(meaning, asked, 0, 1);
  return { body: maker.whole(), after: maker.after };
}
