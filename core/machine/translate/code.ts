/**
 * Bytes of WebAssembly in the making (WebAssembly Core Specification 2.0, chapter 5). Only what translated code needs.
 */

/** Value types. */
export const I32 = 0x7f;
export const I64 = 0x7e;
export type ValueType = typeof I32 | typeof I64;
/** The block type without results. */
export const EMPTY = 0x40;

/** Opcodes (section 5.4). */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  load32: 0x28,
  load64: 0x29,
  load8u: 0x2d,
  load16u: 0x2f,
  store32: 0x36,
  store64: 0x37,
  store8: 0x3a,
  store16: 0x3b,
  constant32: 0x41,
  constant64: 0x42,
  eqz: 0x45,
  eq: 0x46,
  ne: 0x47,
  ltS: 0x48,
  ltU: 0x49,
  gtU: 0x4b,
  leS: 0x4c,
  leU: 0x4d,
  geS: 0x4e,
  geU: 0x4f,
  eqz64: 0x50,
  eq64: 0x51,
  ne64: 0x52,
  ltS64: 0x53,
  ltU64: 0x54,
  gtU64: 0x56,
  clz: 0x67,
  popcnt: 0x69,
  add: 0x6a,
  sub: 0x6b,
  mul: 0x6c,
  divU: 0x6e,
  and: 0x71,
  or: 0x72,
  xor: 0x73,
  shl: 0x74,
  shrS: 0x75,
  shrU: 0x76,
  clz64: 0x79,
  add64: 0x7c,
  sub64: 0x7d,
  mul64: 0x7e,
  divS64: 0x7f,
  divU64: 0x80,
  and64: 0x83,
  or64: 0x84,
  xor64: 0x85,
  shl64: 0x86,
  shrU64: 0x88,
  sqrtDouble: 0x9f,
  wrap64: 0xa7,
  extendS64: 0xac,
  extendU64: 0xad,
  truncateDoubleU64: 0xb1,
  convertU64Double: 0xba,
  extend8S: 0xc0,
  extend16S: 0xc1,
} as const;
export type Op = (typeof OP)[keyof typeof OP];

/** Instructions for stretches of memory: their numbers behind BULK_PREFIX, and how many memories each names. */
export const BULK = { copy: { number: 10, memories: 2 }, fill: { number: 11, memories: 1 } } as const;
export type BulkOp = (typeof BULK)[keyof typeof BULK];
const BULK_PREFIX = 0xfc;

/** A growing piece of code. */
export class Code {
  #bytes = new Uint8Array(1024);
  #length = 0;
  /** The last set(): where it begins, which local it sets, and where it ends. */
  #lastSet = -1;
  #lastLocal = 0;
  #behindSet = -1;

  get length(): number {
    return this.#length;
  }

  /** Forgets all, but not the room that it took. */
  clear(): void {
    this.#length = 0;
    this.#behindSet = -1;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  #grow(room: number): void {
    const larger = new Uint8Array(2 * (this.#length + room));
    larger.set(this.bytes);
    this.#bytes = larger;
  }

  append(other: Uint8Array): void {
    if (this.#length + other.length > this.#bytes.length) this.#grow(other.length);
    this.#bytes.set(other, this.#length);
    this.#length += other.length;
  }

  /** LEB128, unsigned (section 5.2.2). */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** LEB128 of a signed 32-bit number. */
  signed(value: number): void {
    let rest = value | 0;
    while (rest < -0x40 || rest > 0x3f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  /** LEB128 of a signed 64-bit number. */
  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    while (rest < -0x40n || rest > 0x3fn) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest & 0x7fn));
  }

  /** A name or other vector of bytes. */
  text(value: string): void {
    this.unsigned(value.length);
    for (let n = 0; n < value.length; n++) this.byte(value.charCodeAt(n));
  }

  op(op: Op): void {
    this.byte(op);
  }

  /** Right behind its set() the two become one instruction. */
  get(local: number): void {
    if (this.#length === this.#behindSet && this.#lastLocal === local) {
      this.#bytes[this.#lastSet] = OP.localTee;
      this.#behindSet = -1;
      return;
    }
    this.byte(OP.localGet);
    this.unsigned(local);
  }

  set(local: number): void {
    this.#lastSet = this.#length;
    this.#lastLocal = local;
    this.byte(OP.localSet);
    this.unsigned(local);
    this.#behindSet = this.#length;
  }

  /** What follows is not joined with what was before. */
  fence(): void {
    this.#behindSet = -1;
  }

  tee(local: number): void {
    this.byte(OP.localTee);
    this.unsigned(local);
  }

  constant(value: number): void {
    this.byte(OP.constant32);
    this.signed(value);
  }

  constant64(value: bigint): void {
    this.byte(OP.constant64);
    this.signed64(value);
  }

  /** A load or store at the address on the stack plus `offset`; translated code makes no promise of alignment. */
  memory(op: Op, offset: number): void {
    this.byte(op);
    this.byte(0);
    this.unsigned(offset);
  }

  bulk({ number, memories }: BulkOp): void {
    this.byte(BULK_PREFIX);
    this.unsigned(number);
    for (let n = 0; n < memories; n++) this.byte(0);
  }

  call(index: number): void {
    this.byte(OP.call);
    this.unsigned(index);
  }

  /** Of the function in the module's table whose index is on the stack; it has the type `type` of the module. */
  callIndirect(type: number): void {
    this.byte(OP.callIndirect);
    this.unsigned(type);
    this.byte(0);
  }
}

/** How a function is called. */
export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface FunctionBody extends Signature {
  /** Locals beside the parameters. */
  readonly locals: readonly ValueType[];
  readonly code: Uint8Array;
}

/** A function of another module. */
export interface Import extends Signature {
  readonly name: string;
}

/** Type of a function table's elements (section 5.3.6). */
const FUNCTIONS = 0x70;

/**
 * A module with functions "0", "1" and so on. It imports `env.memory`, and `imports` from `env`, which have the function indexes from 0 in
 * their order; with `table` also the table of functions `env.table`. Type n is that of the function with index n.
 */
export function makeModule(
  functions: readonly FunctionBody[],
  imports: readonly Import[],
  table = false,
): Uint8Array<ArrayBuffer> {
  const module = new Code();
  for (const byte of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) module.byte(byte);
  const all: readonly Signature[] = [...imports, ...functions];
  section(module, 1, all.length, types => {
    for (const { parameters, results } of all) {
      types.byte(0x60);
      for (const list of [parameters, results]) {
        types.unsigned(list.length);
        for (const type of list) types.byte(type);
      }
    }
  });
  section(module, 2, (table ? 2 : 1) + imports.length, list => {
    list.text('env');
    list.text('memory');
    list.append(Uint8Array.of(2, 0, 1));
    if (table) {
      list.text('env');
      list.text('table');
      list.append(Uint8Array.of(1, FUNCTIONS, 0, 0));
    }
    imports.forEach(({ name }, n) => {
      list.text('env');
      list.text(name);
      list.byte(0);
      list.unsigned(n);
    });
  });
  section(module, 3, functions.length, list => {
    for (let n = 0; n < functions.length; n++) list.unsigned(imports.length + n);
  });
  section(module, 7, functions.length, list => {
    functions.forEach((_, n) => {
      list.text(String(n));
      list.byte(0);
      list.unsigned(imports.length + n);
    });
  });
  section(module, 10, functions.length, list => {
    for (const { locals, code } of functions) {
      const head = new Code();
      const runs = runsOf(locals);
      head.unsigned(runs.length);
      for (const { type, count } of runs) {
        head.unsigned(count);
        head.byte(type);
      }
      list.unsigned(head.length + code.length);
      list.append(head.bytes);
      list.append(code);
    }
  });
  return module.bytes.slice();
}

/** Locals are declared by runs of one type (section 5.4.9). */
function runsOf(locals: readonly ValueType[]): readonly { readonly type: ValueType; readonly count: number }[] {
  const runs: { type: ValueType; count: number }[] = [];
  for (const type of locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  return runs;
}

function section(module: Code, id: number, count: number, fill: (content: Code) => void): void {
  const content = new Code();
  content.unsigned(count);
  fill(content);
  module.byte(id);
  module.unsigned(content.length);
  module.append(content.bytes);
}
