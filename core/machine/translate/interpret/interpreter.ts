import type { Instruction } from '../../../ia32/instruction.ts';
import type { Block } from '../../cpu/blocks.ts';
import type { Handler } from '../../cpu/handlers.ts';
import * as L from '../../cpu/layout.ts';
import type { Processor } from '../../cpu/processor.ts';
import { opcodeOf } from '../../cpu/x87/state.ts';
import { type FunctionBody, makeModule } from '../code.ts';
import { otherSlot, slotOf } from '../driver.ts';
import type { Kind } from '../flags.ts';
import { isJump, isUncertain } from '../graph.ts';
import { HANDLER_IMPORTS } from '../imports.ts';
import { type Premises, premisesOf } from '../premises.ts';
import { makeLoop } from './loop.ts';
import { ELSEWHERE, FIRST_SHAPE, GO_ON, leadOn, REFUSE } from './ends.ts';
import { placeOf } from './maker.ts';
import * as R from './record.ts';
import { type Shape, Shapes } from './shapes.ts';

/** Functions at most. */
export const MOST_HANDLERS = 6144;
/** Counter of a block that nobody counts. */
const NEVER = -1;
/** How many instructions the executor does at most for functions that wait for others of their module. */
const PATIENCE = 3000;

/** Whether the x87 may show it. */
function isShown({ row }: Instruction): boolean {
  return row.checks.includes('fpu');
}

/** A decoded block as records. */
export interface Recorded {
  readonly block: Block;
  /** Of its header, in bytes. */
  readonly address: number;
  readonly linear: number;
  readonly entry: number;
  readonly premises: Premises;
  /** How often it was entered before its counter was set, and to what that was set then. */
  entered: number;
  countsFrom: number;
}

/** Has the executor do an instruction in the midst of translated code. Returns whether the code can go on and pay for `rest` further ones. */
export type Execute = (instruction: Instruction, handler: Handler, isLast: boolean, rest: number) => boolean;

/** Runs decoded blocks by one function for all instructions of a shape, in WebAssembly. */
export class Interpreter {
  readonly #cpu: Processor;
  readonly #table: WebAssembly.Table;
  readonly #first: number;
  readonly #env: Readonly<Record<string, WebAssembly.Imported>>;
  readonly #shapes: Shapes;
  readonly #execute: Execute;
  readonly #batch: number;
  #handlers: number;
  /** Shapes that have no function yet. */
  #pending: Shape[] = [];
  #patience = PATIENCE;
  /** By number. */
  #recorded: Recorded[] = [];
  readonly #byHost = new Map<number, Recorded[]>();
  /** Byte offset of the next record. */
  #free: number;
  /** Runs a block of records. */
  readonly run: WebAssembly.Imported;

  /** `first`: index in the table of functions from which on there is room for MOST_HANDLERS; `batch`: functions of one module. */
  constructor(
    cpu: Processor,
    table: WebAssembly.Table,
    first: number,
    env: Readonly<Record<string, WebAssembly.Imported>>,
    batch: number,
    execute: Execute,
  ) {
    this.#batch = batch;
    this.#cpu = cpu;
    this.#table = table;
    this.#first = first;
    this.#execute = execute;
    const { memory, regions } = cpu.physical;
    const { resolve, run } = makeLoop(memory, table, regions, (record, block) => this.#carryOut(record, block));
    this.run = run;
    this.#env = { ...env, resolve };
    this.#handlers = 0;
    this.#install([REFUSE, leadOn(), ELSEWHERE]);
    this.#shapes = new Shapes(MOST_HANDLERS - FIRST_SHAPE, shape => this.#onShape(shape));
    this.#free = this.#start;
  }

  get #start(): number {
    return this.#cpu.physical.regions + L.RECORDS;
  }

  // Functions

  #onShape(shape: Shape): void {
    shape.index = this.#first;
    if (shape.body === null) return;
    if (this.#pending.length === 0) this.#patience = PATIENCE;
    this.#pending.push(shape);
    if (this.#pending.length >= this.#batch) this.#make();
  }

  /** Makes a module of those that are pending. */
  #make(): void {
    const pending = this.#pending;
    this.#pending = [];
    const bodies = pending.flatMap(({ body }) => (body === null ? [] : [body]));
    const first = this.#install(bodies);
    const { i32 } = this.#cpu;
    pending.forEach((shape, n) => {
      shape.index = first + n;
      for (const record of shape.waiting) i32[(record + R.R_HANDLER) >> 2] = shape.index;
      shape.waiting = [];
    });
  }

  #install(bodies: readonly FunctionBody[]): number {
    const module = new WebAssembly.Module(makeModule(bodies, HANDLER_IMPORTS));
    const { exports } = new WebAssembly.Instance(module, { env: this.#env });
    const first = this.#first + this.#handlers;
    bodies.forEach((_, n) => {
      this.#table.set(first + n, exports[String(n)]);
    });
    this.#handlers += bodies.length;
    return first;
  }

  // Blocks

  /** Sees to it that the block at CS:EIP can be run, so many times until it is told. Returns whether that is new. */
  provide(block: Block, times: number): boolean {
    if (!block.isCached) return false;
    const cpu = this.#cpu;
    const { i32, linearEip } = cpu;
    const entry = i32[i32[L.W_EXECUTE_TABLE] + (linearEip >>> 12)];
    const premises = premisesOf(cpu);
    const others = this.#byHost.get(block.host) ?? [];
    const known = others.find(
      other =>
        other.linear === linearEip &&
        other.entry === entry &&
        other.premises.word === premises.word &&
        other.premises.codeBase === premises.codeBase &&
        other.premises.codeLimit === premises.codeLimit,
    );
    if (known !== undefined) return this.#place(known);
    const made = this.#record(block, linearEip, entry, premises);
    this.#countTo(made, times);
    this.#byHost.set(block.host, [...(this.#byHost.get(block.host) ?? []), made]);
    return this.#place(made);
  }

  #record(block: Block, linear: number, entry: number, premises: Premises): Recorded {
    const { i32 } = this.#cpu;
    const { instructions } = block;
    const bytes = (instructions.length + 2) * R.RECORD_BYTES;
    if (this.#free + bytes > this.#start + L.RECORDS_BYTES) this.clear();
    const address = this.#free;
    this.#free += bytes;
    i32.fill(0, address >> 2, (address + bytes) >> 2);
    let eip = i32[L.W_EIP];
    const header = [instructions.length, NEVER, eip, premises.codeBase, premises.codeLimit, this.#recorded.length];
    i32.set(header, address >> 2);
    let before: Kind | null = null;
    let at = address + R.RECORD_BYTES;
    instructions.forEach((i, n) => {
      eip = (eip + i.length) | 0;
      const isWatched = this.#cpu.blocks.isWatched(i.row);
      const shape = isWatched ? null : this.#shapes.find({ i, premises, before });
      this.#write(at, i, eip, shape?.index ?? this.#first);
      if (shape !== null && shape.index === this.#first && shape.body !== null) shape.waiting.push(at);
      if (shape === null || shape.after !== undefined) before = shape?.after ?? null;
      at += R.RECORD_BYTES;
      if (n === instructions.length - 1) this.#end(at, eip, isJump(i.row));
    });
    const recorded: Recorded = { block, address, linear, entry, premises, entered: 0, countsFrom: NEVER };
    this.#recorded.push(recorded);
    return recorded;
  }

  #write(at: number, i: Instruction, next: number, handler: number): void {
    const { i32, u8 } = this.#cpu;
    const word = at >> 2;
    i32[word + (R.R_HANDLER >> 2)] = handler;
    i32[word + (R.R_NEXT >> 2)] = next;
    if (isJump(i.row) && i.dst.kind === 8) {
      const target = (next + i.dst.value) | 0;
      i32[word + (R.R_TARGET >> 2)] = i.operandSize === 2 ? target & 0xffff : target;
      i32[word + (R.R_LINK >> 2)] = -1;
      i32[word + (R.R_NEXT_LINK >> 2)] = -1;
      return;
    }
    const { dst, src, third, memory } = i;
    u8[at + R.R_DST] = placeOf(dst.register, dst.kind === 4 ? 1 : 4);
    u8[at + R.R_SRC] = placeOf(src.register, src.kind === 4 ? 1 : 4);
    u8[at + R.R_BASE] = memory.base << 2;
    u8[at + R.R_INDEX] = memory.index << 2;
    i32[word + (R.R_DISPLACEMENT >> 2)] = memory.displacement;
    i32[word + (R.R_IMMEDIATE >> 2)] = src.kind === 3 ? src.value : third.kind === 3 ? third.value : dst.value;
    i32[word + (R.R_SCALE >> 2)] = memory.scale;
    if (isShown(i)) i32.set([opcodeOf(i), (next - i.length) | 0], word + (R.R_POINTER >> 2));
  }

  #end(at: number, next: number, isJump: boolean): void {
    const { i32 } = this.#cpu;
    i32[(at + R.R_HANDLER) >> 2] = this.#first + (isJump ? 2 : GO_ON);
    i32[(at + R.R_NEXT) >> 2] = next;
    i32[(at + R.R_NEXT_LINK) >> 2] = -1;
  }

  #place({ linear, entry, premises, address }: Recorded): boolean {
    const { i32, physical } = this.#cpu;
    const words = [linear, entry, premises.word, address];
    const slot = slotOf(physical.regions, linear, entry);
    const other = otherSlot(slot);
    const isIn = (at: number, many: number) => words.slice(0, many).every((word, n) => i32[at + n] === word);
    if (isIn(slot, 4) || isIn(other, 4)) return false;
    if (i32[slot + L.R_PREMISES] !== -1 && !isIn(slot, L.R_INDEX)) i32.copyWithin(other, slot, slot + words.length);
    i32.set(words, slot);
    return true;
  }

  #displace({ linear, entry, address }: Recorded): void {
    const { i32, physical } = this.#cpu;
    const slot = slotOf(physical.regions, linear, entry);
    for (const at of [slot, otherSlot(slot)]) if (i32[at + L.R_INDEX] === address) i32[at + L.R_PREMISES] = -1;
  }

  /** Forgets the code of a physical page. */
  dropPage(page: number): void {
    const first = L.RAM + page * 4096;
    for (const [host, list] of this.#byHost) {
      if (host < first || host >= first + 4096) continue;
      for (const recorded of list) this.#displace(recorded);
      this.#byHost.delete(host);
    }
  }

  /** Forgets all code. */
  clear(): void {
    for (const list of this.#byHost.values()) for (const recorded of list) this.#displace(recorded);
    this.#byHost.clear();
    this.#recorded = [];
    for (const shape of this.#pending) shape.waiting = [];
    this.#free = this.#start;
    this.#cpu.newEpoch();
  }

  // Counting

  #countTo(recorded: Recorded, times: number): void {
    const counter = Number.isFinite(times) ? times : NEVER;
    const at = (recorded.address + R.H_COUNTER) >> 2;
    recorded.entered += (recorded.countsFrom - this.#cpu.i32[at]) >>> 0;
    recorded.countsFrom = counter;
    this.#cpu.i32[at] = counter;
  }

  /** The block that was entered as often as was asked. */
  get lastRun(): Recorded {
    const { i32, physical } = this.#cpu;
    const address = i32[(physical.regions + L.REGION_RAN) >> 2];
    return this.#recorded[i32[(address + R.H_NUMBER) >> 2]];
  }

  /** Has it told again when it has been entered so many times more. */
  count(times: number): void {
    this.#countTo(this.lastRun, times);
  }

  /** How often blocks were entered that begin at a byte offset in the machine's memory. */
  entriesAt(host: number): number {
    let entries = 0;
    for (const { address, entered, countsFrom } of this.#byHost.get(host) ?? []) {
      entries += entered + ((countsFrom - this.#cpu.i32[(address + R.H_COUNTER) >> 2]) >>> 0);
    }
    return entries;
  }

  // Running

  /** The executor does the instruction of a record. Returns 0 if the block can go on behind it, else 1. */
  #carryOut(record: number, address: number): number {
    const { i32 } = this.#cpu;
    if (this.#pending.length > 0 && --this.#patience === 0) this.#make();
    const { block } = this.#recorded[i32[(address + R.H_NUMBER) >> 2]];
    const { instructions, handlers } = block;
    const n = (record - address) / R.RECORD_BYTES - 1;
    const left = instructions.length - n;
    const i = instructions[n];
    i32[L.W_EIP] = (i32[(record + R.R_NEXT) >> 2] - i.length) | 0;
    i32[L.W_BUDGET] += left;
    if (!this.#execute(i, handlers[n], isJump(i.row), left - 1) || isUncertain(i.row)) return 1;
    i32[L.W_BUDGET] -= left - 1;
    return 0;
  }
}
