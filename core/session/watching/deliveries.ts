import { ESP, SS } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import type { EventSource } from '../../machine/cpu/interrupts.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { Pc } from '../../machine/pc.ts';
import type { Happening, Setting } from '../../protocol/monitor.ts';
import { deliveryName } from '../../vmm/event-names.ts';
import type { SymbolTable } from '../symbols.ts';
import { codeRow } from '../views/code-view.ts';

const INT_N = 0xcd;
/** INT1, INT3 and INTO are one byte, and their vectors no other instruction's but INT n's. */
const ONE_BYTE: readonly number[] = [VECTOR.DB, VECTOR.BP, VECTOR.OF];

/**
 * Linear address of the instruction that was interrupted, faulted or called a handler, from the return address that the processor saved: behind an
 * INT n of two bytes, an INT3, INTO or INT1 of one. In a segment with a base it is the offset.
 */
export function causeOf(cpu: Processor, vector: number, source: EventSource, saved: number): number {
  if (source !== 'software') return saved;
  const isInt =
    !ONE_BYTE.includes(vector) || (cpu.peekByte((saved - 2) | 0) === INT_N && cpu.peekByte((saved - 1) | 0) === vector);
  return (saved - (isInt ? 2 : 1)) >>> 0;
}

/** What the processor pushes on the handler's stack, 32 bits each, from ESP on (SDM volume 3, figure 6-4). */
const PUSHED = ['EIP', 'CS', 'EFLAGS', 'ESP', 'SS'] as const;
const PUSHED_WITH_CODE = ['error code', ...PUSHED] as const;

/** The machine or session that a happening is of: steps since the guest was opened, and how it is run. */
export interface Recorded {
  readonly steps: number;
  readonly setting: Setting;
}

/**
 * What went through the IDT of a guest that has the machine for itself. Thousands come for each that is looked at: only what is gone later is taken
 * at once.
 */
export class Delivery {
  #serial = 0;
  #time = 0;
  #step = 0;
  #setting: Setting = { mode: 'bare', paging: 'nested' };
  #vector = 0;
  #source: EventSource = 'external';
  #code: number | null = null;
  #cpl = 0;
  #address = 0;
  readonly #pushed = new Int32Array(PUSHED_WITH_CODE.length);

  take(pc: Pc, machine: Recorded, serial: number, vector: number, source: EventSource, code: number | null): void {
    const { cpu } = pc;
    this.#serial = serial;
    this.#time = pc.clock.now() / 1e9;
    this.#step = machine.steps;
    this.#setting = machine.setting;
    this.#vector = vector;
    this.#source = source;
    this.#code = code;
    this.#cpl = cpu.cpl;
    const names = code === null ? PUSHED : PUSHED_WITH_CODE;
    cpu.peekWords((cpu.base(SS) + cpu.i32[ESP]) | 0, names.length, this.#pushed);
    this.#address = causeOf(cpu, vector, source, this.#pushed[names.indexOf('EIP')] >>> 0);
  }

  /** `cpu`: of the machine that it happened on. */
  happening(cpu: Processor, symbols: SymbolTable): Happening {
    const vector = this.#vector;
    const source = this.#source;
    const names = this.#code === null ? PUSHED : PUSHED_WITH_CODE;
    const ring = this.#pushed[names.indexOf('CS')] & 3;
    const row = codeRow(cpu, symbols, this.#address);
    // Without a change of the ring the stack stays, and is not pushed.
    const saved = ring === this.#cpl ? names.slice(0, -2) : names;
    return {
      serial: this.#serial,
      time: this.#time,
      step: this.#step,
      setting: this.#setting,
      kind: 'delivered',
      reason: deliveryName(vector, source),
      address: this.#address,
      user: ring === 3,
      cost: 0,
      vector,
      errorCode: this.#code,
      faultAddress: null,
      exitReason: null,
      qualification: null,
      instruction: row.bytes.length === 0 ? null : row,
      saved: saved.map((name, n) => ({ name, value: this.#pushed[n] >>> 0 })),
      deeds: [{ kind: 'delivered', vector, code: this.#code }],
      changed: [],
    };
  }
}
