import type { Block } from '../../cpu/blocks.ts';
import * as L from '../../cpu/layout.ts';
import type { Processor } from '../../cpu/processor.ts';
import type { CallOuts } from '../call-outs.ts';
import { CodeTable } from '../code-table.ts';
import type { Kind } from '../flags.ts';
import { isJump, isUncertain } from '../graph.ts';
import { EXECUTE, FAULTED, W_CODE_BASE } from '../locals.ts';
import { type Premises, premisesOf } from '../premises.ts';
import { Handlers } from './handlers.ts';
import { makeLoop } from './loop.ts';
import * as R from './record.ts';
import type { Shape } from './shapes.ts';

/** Counter of a block that nobody counts. */
const NEVER = -1;
/** Of one block, how many at different linear addresses or under different premises: each process has its vDSO elsewhere. */
const MOST_ALIKE = 8;
/** After so many new blocks those are let go that only records hold on to. */
const SWEEP = 2048;

/** A decoded block as records. */
interface Recorded {
  /** Null if it is not kept any more. */
  block: Block | null;
  /** Of its header, in bytes. */
  readonly address: number;
  readonly linear: number;
  /** Of the execute table. */
  readonly entry: number;
  readonly premises: Premises;
  /** How often it was entered before its counter was set, and to what that was set then. */
  entered: number;
  countsFrom: number;
}

/** Runs decoded blocks in WebAssembly, as records (record.ts): one function does all instructions of a shape (shapes.ts). */
export class Interpreter {
  readonly #cpu: Processor;
  readonly #callOuts: CallOuts;
  readonly #handlers: Handlers;
  /** By number, those that were dropped too. */
  #recorded: Recorded[] = [];
  /** By page of RAM, then by the place of their first byte in the memory. */
  readonly #byPage = new Map<number, Map<number, Recorded[]>>();
  readonly #found: CodeTable;
  /** Byte offset of the next header. */
  #free: number;
  /** Runs a block, and those that it leads to. */
  readonly run: WebAssembly.Imported;

  /** `first`: index in the table of functions from which on there is room for the interpreter's; `batch`: functions of one module. */
  constructor(
    cpu: Processor,
    table: WebAssembly.Table,
    first: number,
    env: Readonly<Record<string, WebAssembly.Imported>>,
    batch: number,
    callOuts: CallOuts,
  ) {
    this.#cpu = cpu;
    this.#callOuts = callOuts;
    const { memory, regions } = cpu.physical;
    this.#found = new CodeTable(cpu.i32, regions + L.BLOCK_TABLE);
    const { resolve, run } = makeLoop(memory, table, regions, (record, block) => this.#carryOut(record, block));
    this.run = run;
    this.#handlers = new Handlers(cpu, table, first, { ...env, resolve }, batch);
    this.#free = L.RECORDS;
  }

  // Blocks

  #at(host: number): readonly Recorded[] {
    return this.#byPage.get((host - L.RAM) >>> 12)?.get(host) ?? [];
  }

  /** Sees to it that the block at CS:EIP can be run, so many times until it is told. Returns whether that is new. */
  provide(block: Block, times: number): boolean {
    if (!block.isCached) return false;
    const cpu = this.#cpu;
    const { i32, linearEip } = cpu;
    const entry = i32[i32[L.W_EXECUTE_TABLE] + (linearEip >>> 12)];
    const known = this.#known(block.host, linearEip, entry);
    const recorded = known ?? this.#record(block, linearEip, entry, premisesOf(cpu));
    // Under another limit of CS it may have been cut elsewhere.
    if (block.instructions.length === i32[(recorded.address + R.H_COUNT) >> 2]) recorded.block = block;
    if (known === null) this.#countTo(recorded, times);
    return this.#place(recorded);
  }

  /** What was recorded there under the premises of now. */
  #known(host: number, linear: number, entry: number): Recorded | null {
    const { i32 } = this.#cpu;
    const word = i32[L.W_PREMISES];
    const [codeBase, codeLimit] = [i32[W_CODE_BASE], i32[L.W_CODE_LIMIT]];
    for (const one of this.#at(host)) {
      const { premises } = one;
      const isFor = premises.word === word && premises.codeBase === codeBase && premises.codeLimit === codeLimit;
      if (isFor && one.linear === linear && one.entry === entry) return one;
    }
    return null;
  }

  #record(block: Block, linear: number, entry: number, premises: Premises): Recorded {
    const { instructions, host } = block;
    const bytes = (instructions.length + 2) * R.RECORD_BYTES;
    if (this.#free + bytes > L.RAM) this.clear();
    const address = this.#free;
    this.#free += bytes;
    this.#write(address, block, entry, premises);
    const page = (host - L.RAM) >>> 12;
    const hosts = this.#byPage.get(page) ?? new Map<number, Recorded[]>();
    const others = hosts.get(host) ?? [];
    const oldest = others.length < MOST_ALIKE ? null : others[0];
    const entered = oldest === null ? 0 : this.#entriesOf(oldest);
    const recorded: Recorded = { block, address, linear, entry, premises, entered, countsFrom: NEVER };
    if (this.#recorded.push(recorded) % SWEEP === 0) this.#sweep();
    if (oldest !== null) this.#displace(oldest);
    hosts.set(host, [...others.slice(1 - MOST_ALIKE), recorded]);
    this.#byPage.set(page, hosts);
    return recorded;
  }

  #write(address: number, { instructions }: Block, entry: number, premises: Premises): void {
    const cpu = this.#cpu;
    const { i32 } = cpu;
    i32.fill(0, address >> 2, (address >> 2) + ((instructions.length + 2) * R.RECORD_BYTES) / 4);
    let eip = i32[L.W_EIP];
    const { codeBase, codeLimit } = premises;
    const number = this.#recorded.length;
    i32.set([instructions.length, NEVER, eip, codeBase, codeLimit, number, entry, R.NOT_NEXT], address >> 2);
    let before: Kind | null = null;
    let at = address;
    for (const i of instructions) {
      at += R.RECORD_BYTES;
      eip = (eip + i.length) | 0;
      const isWatched = cpu.blocks.isWatched(i.row);
      const { index, after }: Pick<Shape, 'index' | 'after'> = isWatched
        ? { index: this.#handlers.refuses, after: null }
        : this.#handlers.find({ i, premises, before }, at);
      R.writeRecord(cpu, at, i, eip, index);
      if (after !== undefined) before = after;
    }
    const isLeft = isJump(instructions[instructions.length - 1].row);
    R.writeEnd(cpu, at + R.RECORD_BYTES, eip, this.#handlers.ends(isLeft));
  }

  #sweep(): void {
    for (const recorded of this.#recorded) if (recorded.block?.isCached === false) recorded.block = null;
  }

  /** The block of records, from where EIP is on, which may be in its midst. */
  #blockAt({ block }: Recorded, n: number): { readonly block: Block; readonly n: number } {
    return block === null ? { block: this.#cpu.blocks.find(), n: 0 } : { block, n };
  }

  // The driver's table

  #place({ linear, entry, premises, address }: Recorded): boolean {
    this.#cpu.i32[(address + R.H_PREMISES) >> 2] = premises.word;
    return this.#found.put([linear, entry, premises.word, address], false);
  }

  #displace({ linear, address }: Recorded): void {
    this.#unlink(address);
    this.#found.take(linear, address);
  }

  /** Links to a block no longer hold, once Access.linkKey is another. */
  #unlink(address: number): void {
    this.#cpu.i32[(address + R.H_PREMISES) >> 2] = R.NOT_NEXT;
  }

  /** There is a region at a byte offset in the machine's memory, which the driver is to find first. */
  yields(host: number): void {
    for (const { address } of this.#at(host)) this.#unlink(address);
  }

  /** Forgets the code of a physical page. Links to it no longer hold, as Access.linkKey tells. */
  dropPage(page: number): void {
    for (const list of this.#byPage.get(page)?.values() ?? []) for (const recorded of list) this.#displace(recorded);
    this.#byPage.delete(page);
  }

  /** Forgets all code. */
  clear(): void {
    for (const page of [...this.#byPage.keys()]) this.dropPage(page);
    this.#recorded = [];
    this.#handlers.forgetRecords();
    this.#free = L.RECORDS;
    this.#cpu.newEpoch();
  }

  // Counting

  #countTo(recorded: Recorded, times: number): void {
    const { i32 } = this.#cpu;
    const counter = Number.isFinite(times) ? times : NEVER;
    const at = (recorded.address + R.H_COUNTER) >> 2;
    recorded.entered += (recorded.countsFrom - i32[at]) >>> 0;
    recorded.countsFrom = counter;
    i32[at] = counter;
  }

  get #last(): Recorded {
    const { i32, physical } = this.#cpu;
    const address = i32[(physical.regions + L.REGION_RAN) >>> 2];
    return this.#recorded[i32[(address + R.H_NUMBER) >> 2]];
  }

  /** The block at CS:EIP, which was entered as often as was asked. */
  get lastRun(): Block {
    return this.#blockAt(this.#last, 0).block;
  }

  /** Has it told again when that has been entered so many times more. */
  count(times: number): void {
    this.#countTo(this.#last, times);
  }

  /** How often blocks were entered that begin at a byte offset in the machine's memory. */
  entriesAt(host: number): number {
    let entries = 0;
    for (const recorded of this.#at(host)) entries += this.#entriesOf(recorded);
    return entries;
  }

  #entriesOf({ address, entered, countsFrom }: Recorded): number {
    return entered + ((countsFrom - this.#cpu.i32[(address + R.H_COUNTER) >> 2]) >>> 0);
  }

  /** Whether the block that begins at a byte offset in the machine's memory is run here. */
  has(host: number): boolean {
    return this.#at(host).length > 0;
  }

  // Running

  /** The executor does the instruction of a record, unless that has raised a page fault: see CarryOut. */
  #carryOut(record: number, address: number): number {
    const { i32 } = this.#cpu;
    this.#handlers.tire();
    const index = (record - address) / R.RECORD_BYTES - 1;
    const left = i32[(address + R.H_COUNT) >> 2] - index;
    // Where the one before ends, or the block begins.
    i32[L.W_EIP] = i32[(index === 0 ? address + R.H_EIP : record - R.RECORD_BYTES + R.R_NEXT) >> 2];
    i32[L.W_BUDGET] += left;
    if (this.#hasFaulted()) return FAULTED;
    const { block, n } = this.#blockAt(this.#recorded[i32[(address + R.H_NUMBER) >> 2]], index);
    const i = block.instructions[n];
    if (!this.#callOuts.carryOut(i, block.handlers[n], isJump(i.row), left - 1) || isUncertain(i.row)) return EXECUTE;
    i32[L.W_BUDGET] -= left - 1;
    return 0;
  }

  /** Whether the access that was missed raises a page fault. */
  #hasFaulted(): boolean {
    const cpu = this.#cpu;
    const { i32 } = cpu;
    const access = i32[L.W_MISSED_ACCESS];
    if (access === 0) return false;
    i32[L.W_MISSED_ACCESS] = 0;
    return cpu.pageFaults(i32[L.W_MISSED], access === L.MISSED_WRITE ? 'write' : 'read', cpu.cpl === 3);
  }
}
