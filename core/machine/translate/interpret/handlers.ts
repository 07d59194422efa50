import type { Processor } from '../../cpu/processor.ts';
import { type FunctionBody, makeModule } from '../code.ts';
import { HANDLER_IMPORTS } from '../imports.ts';
import { ELSEWHERE, leadOn, REFUSE } from './ends.ts';
import * as R from './record.ts';
import { type Setting, type Shape, Shapes } from './shapes.ts';

/** Functions at most. */
export const MOST_HANDLERS = 6144;
/** How many instructions the executor does at most for functions that wait for others of their module. */
const PATIENCE = 3000;

/** Functions that are of no shape, by their place among all. */
const ENDS = [REFUSE, leadOn(), ELSEWHERE] as const;
const [REFUSES, LEADS_ON, LEADS_ELSEWHERE] = [0, 1, 2];

/** The interpreter's functions, as many as there are shapes of instructions, and where they are in the table of functions. */
export class Handlers {
  readonly #cpu: Processor;
  readonly #table: WebAssembly.Table;
  readonly #env: Readonly<Record<string, WebAssembly.Imported>>;
  readonly #batch: number;
  readonly #first: number;
  readonly #shapes: Shapes;
  /** So many there are. */
  #count = 0;
  /** Shapes that have no function yet. */
  #pending: Shape[] = [];
  #patience = PATIENCE;

  /** `first`: index in the table from which on there is room for MOST_HANDLERS; `batch`: functions of one module. */
  constructor(
    cpu: Processor,
    table: WebAssembly.Table,
    first: number,
    env: Readonly<Record<string, WebAssembly.Imported>>,
    batch: number,
  ) {
    this.#cpu = cpu;
    this.#table = table;
    this.#first = first;
    this.#env = env;
    this.#batch = batch;
    this.#install(ENDS);
    this.#shapes = new Shapes(MOST_HANDLERS - ENDS.length, first + REFUSES, shape => this.#await(shape));
  }

  /** Index of the function that leaves every instruction to the executor. */
  get refuses(): number {
    return this.#first + REFUSES;
  }

  /** Of the one for the end of a block: on to the instruction behind, or to where EIP leads. */
  ends(isJump: boolean): number {
    return this.#first + (isJump ? LEADS_ELSEWHERE : LEADS_ON);
  }

  /** The shape of an instruction whose record lies at a byte offset in the memory, which gets its function as soon as there is one. */
  find(setting: Setting, record: number): Shape {
    const shape = this.#shapes.find(setting);
    if (shape.body !== null && shape.index === this.refuses) shape.waiting.push(record);
    return shape;
  }

  #await(shape: Shape): void {
    if (shape.body === null) return;
    if (this.#pending.length === 0) this.#patience = PATIENCE;
    this.#pending.push(shape);
    if (this.#pending.length >= this.#batch) this.#make();
  }

  /** The executor has done an instruction: maybe as its function waits. */
  tire(): void {
    if (this.#pending.length > 0 && --this.#patience <= 0) this.#make();
  }

  /** There are no records any more. */
  forgetRecords(): void {
    for (const shape of this.#pending) shape.waiting = [];
  }

  #make(): void {
    const pending = this.#pending;
    this.#pending = [];
    const first = this.#install(pending.flatMap(({ body }) => body ?? []));
    const { i32 } = this.#cpu;
    pending.forEach((shape, n) => {
      shape.index = first + n;
      for (const record of shape.waiting) i32[(record + R.R_HANDLER) >> 2] = shape.index;
      shape.waiting = [];
    });
  }

  /** Makes a module. Returns the index of its first function. */
  #install(bodies: readonly FunctionBody[]): number {
    const module = new WebAssembly.Module(makeModule(bodies, HANDLER_IMPORTS));
    const { exports } = new WebAssembly.Instance(module, { env: this.#env });
    const first = this.#first + this.#count;
    bodies.forEach((_, n) => {
      this.#table.set(first + n, exports[String(n)]);
    });
    this.#count += bodies.length;
    return first;
  }
}
