import * as L from '../cpu/layout.ts';
import { EMPTY, type Import, OP } from './code.ts';
import { LOCAL_NAMES } from './locals.ts';

/**
 * WebAssembly text of a function's code (WebAssembly Core Specification 2.0, chapter 6): instructions are folded with their operands as far as that keeps
 * their order, a statement on a line. Loads and stores leave out their alignment.
 */

type OpName = keyof typeof OP;

/** Name, how many operands it takes from the stack, and how many results it puts there. Calls have their own. */
export const TEXT: Readonly<Record<OpName, readonly [name: string, operands: number, results: number]>> = {
  unreachable: ['unreachable', 0, 0],
  block: ['block', 0, 0],
  loop: ['loop', 0, 0],
  if: ['if', 1, 0],
  else: ['else', 0, 0],
  end: ['end', 0, 0],
  br: ['br', 0, 0],
  brIf: ['br_if', 1, 0],
  return: ['return', 1, 0],
  call: ['call', 0, 0],
  callIndirect: ['call_indirect', 1, 1],
  select: ['select', 3, 1],
  localGet: ['local.get', 0, 1],
  localSet: ['local.set', 1, 0],
  localTee: ['local.tee', 1, 1],
  load32: ['i32.load', 1, 1],
  load64: ['i64.load', 1, 1],
  load8u: ['i32.load8_u', 1, 1],
  load16u: ['i32.load16_u', 1, 1],
  store32: ['i32.store', 2, 0],
  store64: ['i64.store', 2, 0],
  store8: ['i32.store8', 2, 0],
  store16: ['i32.store16', 2, 0],
  constant32: ['i32.const', 0, 1],
  constant64: ['i64.const', 0, 1],
  eqz: ['i32.eqz', 1, 1],
  eq: ['i32.eq', 2, 1],
  ne: ['i32.ne', 2, 1],
  ltS: ['i32.lt_s', 2, 1],
  ltU: ['i32.lt_u', 2, 1],
  gtU: ['i32.gt_u', 2, 1],
  leS: ['i32.le_s', 2, 1],
  leU: ['i32.le_u', 2, 1],
  geS: ['i32.ge_s', 2, 1],
  geU: ['i32.ge_u', 2, 1],
  eqz64: ['i64.eqz', 1, 1],
  eq64: ['i64.eq', 2, 1],
  ne64: ['i64.ne', 2, 1],
  ltS64: ['i64.lt_s', 2, 1],
  ltU64: ['i64.lt_u', 2, 1],
  gtU64: ['i64.gt_u', 2, 1],
  clz: ['i32.clz', 1, 1],
  popcnt: ['i32.popcnt', 1, 1],
  add: ['i32.add', 2, 1],
  sub: ['i32.sub', 2, 1],
  mul: ['i32.mul', 2, 1],
  divU: ['i32.div_u', 2, 1],
  and: ['i32.and', 2, 1],
  or: ['i32.or', 2, 1],
  xor: ['i32.xor', 2, 1],
  shl: ['i32.shl', 2, 1],
  shrS: ['i32.shr_s', 2, 1],
  shrU: ['i32.shr_u', 2, 1],
  clz64: ['i64.clz', 1, 1],
  add64: ['i64.add', 2, 1],
  sub64: ['i64.sub', 2, 1],
  mul64: ['i64.mul', 2, 1],
  divS64: ['i64.div_s', 2, 1],
  divU64: ['i64.div_u', 2, 1],
  and64: ['i64.and', 2, 1],
  or64: ['i64.or', 2, 1],
  xor64: ['i64.xor', 2, 1],
  shl64: ['i64.shl', 2, 1],
  shrU64: ['i64.shr_u', 2, 1],
  sqrtDouble: ['f64.sqrt', 1, 1],
  wrap64: ['i32.wrap_i64', 1, 1],
  extendS64: ['i64.extend_i32_s', 1, 1],
  extendU64: ['i64.extend_i32_u', 1, 1],
  truncateDoubleU64: ['i64.trunc_f64_u', 1, 1],
  convertU64Double: ['f64.convert_i64_u', 1, 1],
  extend8S: ['i32.extend8_s', 1, 1],
  extend16S: ['i32.extend16_s', 1, 1],
};

const NAMES: ReadonlyMap<number, OpName> = new Map(
  Object.keys(TEXT)
    .filter((name): name is OpName => name in OP)
    .map(name => [OP[name], name]),
);

/** Steps to the right at most: code nests deeply. */
const DEEPEST = 8;

/** What lies on the stack: an instruction with its operands, or null for what a line has left there already. */
type Folded = string | null;

export function localName(local: number): string {
  return LOCAL_NAMES[local] ?? `t${local}`;
}

/** Small numbers as they are, others, which are mostly addresses and masks, in hexadecimal. */
function constant(value: bigint, bits: 32 | 64): string {
  return value > -256n && value < 256n ? `${value}` : `0x${BigInt.asUintN(bits, value).toString(16)}`;
}

class Printer {
  readonly #code: Uint8Array;
  readonly #imports: readonly Import[];
  #at = 0;
  #lines: string[] = [];
  #stack: Folded[] = [];
  /** What the loads and stores of the line that is being made access. */
  #places: string[] = [];
  /** Labels of the constructs around, null for those without; the innermost is the last. */
  readonly #labels: (string | null)[] = [];
  #labelled = 0;

  constructor(code: Uint8Array, imports: readonly Import[]) {
    this.#code = code;
    this.#imports = imports;
  }

  /** The text up to a place in the code that no statement crosses. */
  upTo(end: number): string {
    this.#lines = [];
    while (this.#at < end) this.#next();
    this.#spill();
    return this.#lines.join('\n');
  }

  #byte(): number {
    return this.#code[this.#at++];
  }

  /** LEB128 (section 5.2.2). */
  #number(isSigned: boolean): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return isSigned ? BigInt.asIntN(Number(shift) + 7, value) : value;
    }
  }

  #line(text: string): void {
    const places = this.#places.length === 0 ? '' : ` ;; ${[...new Set(this.#places)].join(', ')}`;
    this.#places = [];
    this.#lines.push('  '.repeat(Math.min(this.#labels.length, DEEPEST)) + text + places);
  }

  /** Writes what lies on the stack: what follows must not come before it. */
  #spill(): void {
    this.#stack = this.#stack.map(folded => {
      if (folded !== null) this.#line(folded);
      return null;
    });
  }

  /** An instruction with `operands` from the stack. */
  #fold(text: string, operands: number): string {
    const taken = operands === 0 ? [] : this.#stack.splice(-operands);
    return `(${[text, ...taken.filter(folded => folded !== null)].join(' ')})`;
  }

  #apply(text: string, operands: number, results: number): void {
    const folded = this.#fold(text, operands);
    if (results === 1) {
      this.#stack.push(folded);
      return;
    }
    this.#spill();
    this.#line(folded);
    for (let n = 0; n < results; n++) this.#stack.push(null);
  }

  #next(): void {
    const byte = this.#byte();
    const name = NAMES.get(byte);
    if (name === undefined) throw new Error(`Opcode ${byte} has no name.`);
    const [text, operands, results] = TEXT[name];
    switch (name) {
      case 'block':
      case 'loop':
      case 'if':
        this.#open(name);
        return;
      case 'end':
        this.#spill();
        // The function's own end has no text.
        if (this.#labels.length === 0) return;
        this.#labels.pop();
        this.#line(text);
        return;
      case 'br':
      case 'brIf': {
        const depth = Number(this.#number(false));
        this.#apply(`${text} ${this.#labels.at(-1 - depth) ?? depth}`, operands, results);
        return;
      }
      case 'call': {
        const { name: callee, parameters, results: given } = this.#imports[Number(this.#number(false))];
        this.#apply(`${text} $${callee}`, parameters.length, given.length);
        return;
      }
      case 'callIndirect':
        this.#apply(`${text} (type ${this.#number(false)})`, operands, results);
        this.#byte();
        return;
      case 'localGet':
      case 'localSet':
      case 'localTee':
        this.#apply(`${text} $${localName(Number(this.#number(false)))}`, operands, results);
        return;
      case 'constant32':
      case 'constant64':
        this.#apply(`${text} ${constant(this.#number(true), name === 'constant32' ? 32 : 64)}`, operands, results);
        return;
      default:
        this.#apply(isAccess(name) ? this.#access(text, operands) : text, operands, results);
    }
  }

  #access(text: string, operands: number): string {
    // Alignment.
    this.#byte();
    const offset = Number(this.#number(false));
    const place = placeName(offset, this.#stack.at(-operands) === '(i32.const 0)');
    if (place !== null) this.#places.push(place);
    return offset === 0 ? text : `${text} offset=${offset}`;
  }

  #open(name: 'block' | 'loop' | 'if'): void {
    const type = this.#byte();
    if (type !== EMPTY) throw new Error('A construct of translated code has no results.');
    const condition = name === 'if' ? this.#stack.splice(-1)[0] : null;
    this.#spill();
    // Nobody goes to the end of an `if`.
    const label = name === 'if' ? null : this.#labelled++ === 0 ? '$out' : `$${name}${this.#labelled - 1}`;
    this.#line([condition, name, label].filter(word => word !== null).join(' '));
    this.#labels.push(label);
  }
}

const ACCESSES: ReadonlySet<OpName> = new Set<OpName>([
  'load32',
  'load64',
  'load8u',
  'load16u',
  'store32',
  'store64',
  'store8',
  'store16',
]);

function isAccess(name: OpName): boolean {
  return ACCESSES.has(name);
}

const WORDS: ReadonlyMap<number, string> = new Map([
  ...['EAX', 'ECX', 'EDX', 'EBX', 'ESP', 'EBP', 'ESI', 'EDI'].map((name, n): [number, string] => [
    L.W_GENERAL + n,
    name,
  ]),
  [L.W_EIP, 'EIP'],
  [L.W_EFLAGS, 'EFLAGS'],
  [L.W_FLAGS_KIND, 'flags: kind'],
  [L.W_FLAGS_SIZE, 'flags: size'],
  [L.W_FLAGS_A, 'flags: a'],
  [L.W_FLAGS_B, 'flags: b'],
  [L.W_FLAGS_R, 'flags: r'],
  [L.W_BUDGET, 'budget'],
  [L.W_CODE_LIMIT, 'CS limit'],
  ...['ES', 'CS', 'SS', 'DS', 'FS', 'GS'].flatMap((name, n): [number, string][] => [
    [L.W_SEGMENTS + n * L.SEGMENT_WORDS + L.S_BASE, `${name} base`],
    [L.W_SEGMENTS + n * L.SEGMENT_WORDS + L.S_LIMIT, `${name} limit`],
    [L.W_SEGMENTS + n * L.SEGMENT_WORDS + L.S_PLAIN, `${name} is checked`],
  ]),
]);

const ACCESS_KINDS = ['read', 'write', 'execute'] as const;

/** What is accessed, shortly: a word of the processor's state if the address is the offset alone, or a table from there on; null for the rest. */
function placeName(offset: number, isAlone: boolean): string | null {
  const word = offset >>> 2;
  if (word < L.W_TLB || word >= L.W_TLB_END) return isAlone ? (WORDS.get(word) ?? null) : null;
  const table = Math.floor((word - L.W_TLB) / L.TABLE_WORDS);
  return `TLB: ${ACCESS_KINDS[table % 3]}`;
}

/** The text of a function's code, in pieces that begin at these places, from 0 on, where no statement is cut. */
export function wasmText(code: Uint8Array, starts: readonly number[], imports: readonly Import[]): readonly string[] {
  const printer = new Printer(code, imports);
  return starts.map((_, n) => printer.upTo(starts[n + 1] ?? code.length));
}
