import type { PortRange } from './bus.ts';
import type { Device, DeviceState, InterruptLine, PortHandler } from './device.ts';
import { I8259 } from './i8259.ts';
import { StateReader } from './state.ts';

const MASTER = 0x20;
const SLAVE = 0xa0;
const ELCR1 = 0x4d0;
const ELCR2 = 0x4d1;
/** The slave's INT pin is wired to this input of the master. */
const CASCADE = 2;
/** IRQ 0, 1, 2 and 8, 13 are edge-triggered for good (82371, ELCR). */
const ELCR1_WRITABLE = 0xf8;
const ELCR2_WRITABLE = 0xde;

export interface PicOptions {
  /** Called after pending() has changed. */
  readonly onInterrupt: () => void;
}

/** The PC's two cascaded 8259A interrupt controllers: IRQ 0-7 on the master, 8-15 on the slave. */
export class Pic implements Device, PortHandler {
  readonly name = 'pic';
  readonly ports: readonly PortRange[] = [
    [MASTER, 2],
    [SLAVE, 2],
    [ELCR1, 2],
  ];
  readonly #master = new I8259();
  readonly #slave = new I8259();
  readonly #lines: readonly InterruptLine[];
  readonly #onInterrupt: () => void;
  #pending = false;

  constructor(options: PicOptions) {
    this.#onInterrupt = options.onInterrupt;
    this.#lines = Array.from({ length: 16 }, (_, irq) => ({ set: (level: boolean) => this.#setLine(irq, level) }));
  }

  /** The input of IRQ `irq`, 0 to 15 but not 2, which the cascade takes. Throws RangeError on another number. */
  line(irq: number): InterruptLine {
    const line = irq === CASCADE ? undefined : this.#lines[irq];
    if (line === undefined) throw new RangeError(`There is no input for IRQ ${irq}.`);
    return line;
  }

  /** The INTR pin of the processor. */
  pending(): boolean {
    return this.#pending;
  }

  /**
   * The processor's interrupt acknowledge cycle: the vector of the highest request, which goes into service. Without a
   * request it is the spurious vector (level 7), as the datasheet says.
   */
  acknowledge(): number {
    const level = this.#master.acknowledge();
    let vector: number;
    if (level === CASCADE && this.#master.hasSlave(CASCADE)) {
      vector = this.#slave.vector(this.#slave.acknowledge());
      // INT falls after an acknowledge cycle and rises again if more waits: the master needs that edge.
      this.#master.setInput(CASCADE, false);
    } else {
      vector = this.#master.vector(level);
    }
    this.#update();
    return vector;
  }

  readPort(port: number): number {
    if (port === ELCR1) return this.#master.readElcr();
    if (port === ELCR2) return this.#slave.readElcr();
    const chip = (port & ~1) === MASTER ? this.#master : this.#slave;
    if (!chip.polling()) return chip.read((port & 1) !== 0);
    const value = chip.read((port & 1) !== 0);
    if (chip === this.#slave) this.#master.setInput(CASCADE, false);
    this.#update();
    return value;
  }

  writePort(port: number, value: number): void {
    if (port === ELCR1) this.#master.writeElcr(value & ELCR1_WRITABLE);
    else if (port === ELCR2) this.#slave.writeElcr(value & ELCR2_WRITABLE);
    else if ((port & ~1) === MASTER) this.#master.write((port & 1) !== 0, value);
    else this.#slave.write((port & 1) !== 0, value);
    this.#update();
  }

  deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  advance(): void {}

  reset(): void {
    this.#master.reset();
    this.#slave.reset();
    this.#update();
  }

  save(): DeviceState {
    return { master: this.#master.save(), slave: this.#slave.save() };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#master.restore(from.part('master'));
    this.#slave.restore(from.part('slave'));
    from.end();
    this.#pending = this.#master.pending();
  }

  #setLine(irq: number, level: boolean): void {
    if (irq < 8) this.#master.setInput(irq, level);
    else this.#slave.setInput(irq - 8, level);
    this.#update();
  }

  /** Carries the slave's INT pin to the master and the master's to the processor. */
  #update(): void {
    this.#master.setInput(CASCADE, this.#slave.pending());
    const pending = this.#master.pending();
    if (pending === this.#pending) return;
    this.#pending = pending;
    this.#onInterrupt();
  }
}
