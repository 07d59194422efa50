import { FLAG } from '../../../ia32/flags.ts';
import type { Instruction } from '../../../ia32/instruction.ts';
import type { OpcodeRow } from '../../../ia32/opcode.ts';
import { CS, ESP, SS } from '../../../ia32/registers.ts';
import type { RowWatch } from '../../../machine/cpu/blocks.ts';
import { MachineStop } from '../../../machine/cpu/fault.ts';
import { type Handler, handlerOf } from '../../../machine/cpu/handlers.ts';
import * as L from '../../../machine/cpu/layout.ts';
import { Processor } from '../../../machine/cpu/processor.ts';
import type { VirtualProcessor } from '../../vcpu.ts';
import type { Deprivileged } from '../deprivileged.ts';
import type { Difference, Holes } from './holes.ts';
import { isJudged, judge } from './judge.ts';
import { ScratchMemory } from './scratch.ts';

/** The guest's kernel runs here. */
const KERNEL_RING = 1;

/**
 * Tells where the sensitive instructions of a deprivileged kernel go wrong: each is tried in ring 0 of a processor that has the guest's state,
 * and whose writes go nowhere; when the machine has carried it out, both results are compared. What traps is the monitor's, and right.
 */
export class HoleWatch implements RowWatch {
  readonly #machine: Processor;
  readonly #vcpu: VirtualProcessor;
  readonly #ring: Deprivileged;
  readonly #holes: Holes;
  readonly #memory: ScratchMemory;
  readonly #ring0: Processor;
  readonly #handlers = new Map<OpcodeRow, Handler>();
  readonly #guestByte = (physical: number): number => this.#vcpu.memory.peekByte(physical);
  /** Guest-linear address of the instruction that is tried. */
  #address = 0;
  /** The exception that ring 0 got for it. */
  #fault: Difference | null = null;

  constructor(machine: Processor, vcpu: VirtualProcessor, ring: Deprivileged, holes: Holes) {
    this.#machine = machine;
    this.#vcpu = vcpu;
    this.#ring = ring;
    this.#holes = holes;
    this.#memory = new ScratchMemory(vcpu.memory);
    this.#ring0 = new Processor(this.#memory);
  }

  has(row: OpcodeRow): boolean {
    return isJudged(row);
  }

  begins(i: Instruction): boolean {
    if (this.#machine.cpl !== KERNEL_RING) return false;
    const cpu = this.#ring0;
    this.#memory.forget();
    this.#ring.observe(cpu, false);
    this.#address = (cpu.base(CS) + cpu.i32[L.W_EIP] - i.length) >>> 0;
    this.#fault = null;
    this.#hideRing(i);
    try {
      this.#handler(i.row)(cpu, i);
    } catch (thrown) {
      if (thrown === cpu.fault) {
        const { vector, code } = cpu.fault;
        this.#fault = { kind: 'passes', vector, code };
      } else if (thrown instanceof MachineStop) {
        // Nobody can say what ring 0 would do.
        return false;
      } else throw thrown;
    }
    return true;
  }

  /**
   * A selector with ring 1 on the stack is one that an earlier hole showed: in ring 0 it has ring 0, so that each instruction is judged by
   * itself. No guest has a ring 1 of its own: Deprivileged.ready().
   */
  #hideRing(i: Instruction): void {
    const above = selectorOnStack(i);
    if (above < 0) return;
    const cpu = this.#ring0;
    const offset = (cpu.i32[ESP] + above) & cpu.i32[L.W_STACK_MASK];
    const at = cpu.lookUp((cpu.base(SS) + offset) | 0);
    if (at < 0) return;
    const low = this.#memory.peekByte(at);
    if (low >= 0 && (low & 3) === KERNEL_RING) this.#memory.write(at, 1, low & ~3);
  }

  retires(i: Instruction): void {
    const { row } = i;
    const machine = this.#machine;
    // What leads to ring 3 is taken to turn interrupts on: TrapAndEmulate.exit().
    const flags = this.#vcpu.eflags() | (machine.cpl === 3 ? FLAG.IF : 0);
    const both = { machine, ring0: this.#ring0, flags, guestByte: this.#guestByte };
    const what = this.#fault ?? judge(both, i);
    if (what !== null) this.#holes.note(row.mnemonic, this.#address, what);
  }

  #handler(row: OpcodeRow): Handler {
    let handler = this.#handlers.get(row);
    if (handler === undefined) {
      handler = handlerOf(row);
      this.#handlers.set(row, handler);
    }
    return handler;
  }
}

/** Where above ESP an instruction takes a selector from; -1: it takes none from there. */
function selectorOnStack({ row, operandSize }: Instruction): number {
  switch (row.operation) {
    case 'popSegment':
      return 0;
    case 'retFar':
    case 'iret':
      return operandSize;
    default:
      return -1;
  }
}
