import { PortBus } from './devices/bus.ts';
import { DebugExit } from './devices/debug-exit.ts';
import { DebugPort } from './devices/debugport.ts';
import type { Clock, Device, DeviceState, InterruptLine } from './devices/device.ts';
import { Dma } from './devices/dma.ts';
import { FastA20 } from './devices/fast-a20.ts';
import { FwCfg } from './devices/fw-cfg.ts';
import { I8042 } from './devices/i8042.ts';
import { IoApic } from './devices/io-apic.ts';
import { LocalApic } from './devices/local-apic.ts';
import { Pci } from './devices/pci.ts';
import { Pic } from './devices/pic.ts';
import { Pit } from './devices/pit.ts';
import { PmTimer } from './devices/pm-timer.ts';
import { Power } from './devices/power.ts';
import { Rtc } from './devices/rtc.ts';
import { TestDevice } from './devices/test-device.ts';
import { TextDisplay } from './devices/text-display.ts';
import { Uart } from './devices/uart.ts';
import { EXT_INT_PIN, IO_APIC_ID, ISA_IRQS, pinOf, SCI_IRQ } from './firmware/wiring.ts';
import type { MemoryHandler, PhysicalMemory } from './physical.ts';

export interface BoardOptions {
  readonly clock: Clock;
  /** What the RTC's CMOS says, in bytes. */
  readonly memoryBytes: number;
  /** Date of the real-time clock at power-on, in Unix seconds. */
  readonly startTime: number;
  /** A byte left the first serial port. */
  readonly onConsole: (byte: number) => void;
  /** Whether there is an interrupt may have changed: ask `localApic.pending()`. */
  readonly onInterrupt: () => void;
  readonly onNmi: () => void;
  /** The page of the local APIC is another one, or none: ask `localApic`. */
  readonly onRelocate: () => void;
  /** The A20 gate may have changed: ask `a20`. */
  readonly onA20: () => void;
  readonly onPowerOff: () => void;
  /** The guest pulled the reset line, or sent its only processor an INIT. */
  readonly onReset: () => void;
  /**
   * If given, the board has what test suites expect of QEMU: fw_cfg, pc-testdev and isa-debug-exit, and a serial port that interrupts whether
   * OUT2 is set or not. Called with the code of a guest that ends the machine through isa-debug-exit, before onPowerOff.
   */
  readonly onTestExit?: ((code: number) => void) | undefined;
}

/**
 * Clock of the serial port in hertz: 64 times a PC's. A kernel that prints with interrupts off would else lose timer ticks, as it
 * does on real hardware with nothing but a PIT, and spend its instructions on waiting for the line.
 */
const SERIAL_CRYSTAL = 64 * 1_843_200;

/** Input of the button on the front, where nothing else is. */
const BUTTON_IRQ = 5;

/** The A20 bit of port 92. */
const FAST_A20 = 2;

/**
 * The devices of a PC and who is wired to whom, without processor and memory. The physical machine has one; so has every virtual
 * machine, whose devices are models of the same kind.
 */
export class Board {
  readonly bus = new PortBus();
  /** What the processor's interrupts come from. */
  readonly localApic: LocalApic;
  readonly uart: Uart;
  /** A button on the front panel. Who has the machine may be called with it; guests without a monitor mask its input. */
  readonly button: InterruptLine;
  readonly #devices: readonly Device[];
  /** Those that ever do something by themselves. They are asked at every entry to a guest: the others need not be. */
  readonly #timed: readonly Device[];
  readonly #inMemory: readonly MemoryHandler[];
  readonly #ioApic: IoApic;
  readonly #keyboard: I8042;
  readonly #fastA20: FastA20;

  constructor(options: BoardOptions) {
    const { clock, memoryBytes, startTime, onPowerOff, onReset, onA20, onTestExit } = options;
    const pic = new Pic({
      onInterrupt: () => {
        this.localApic.setPin(0, pic.pending());
        ioApic.line(EXT_INT_PIN).set(pic.pending());
      },
    });
    const ioApic = new IoApic({
      send: message => this.localApic.receive(message),
      onExtInt: asks => this.localApic.setExtInt(asks),
    });
    this.#ioApic = ioApic;
    this.localApic = new LocalApic({
      clock,
      pic,
      onInterrupt: options.onInterrupt,
      onNmi: options.onNmi,
      onInit: onReset,
      onEnd: vector => ioApic.endOfInterrupt(vector),
      onRelocate: options.onRelocate,
    });
    /** An ISA interrupt is wired to both controllers; software masks it in one. */
    const line = (irq: number): InterruptLine => {
      const [old, advanced] = [pic.line(irq), ioApic.line(pinOf(irq))];
      return {
        set(level) {
          old.set(level);
          advanced.set(level);
        },
      };
    };
    this.button = line(BUTTON_IRQ);
    this.#keyboard = new I8042({ clock, keyboardLine: line(1), auxLine: line(12), onA20, onReset });
    this.#fastA20 = new FastA20({ onA20, onReset });
    this.uart = new Uart({
      name: 'uart0',
      base: 0x3f8,
      clock,
      line: line(4),
      onTransmit: options.onConsole,
      crystal: SERIAL_CRYSTAL,
      out2GatesInterrupt: onTestExit === undefined,
    });
    const pit = new Pit({ clock, line: line(0) });
    const rtc = new Rtc({ clock, line: line(8), startTime, memoryBytes });
    const pmTimer = new PmTimer({ clock, line: line(SCI_IRQ) });
    const devices = [
      pic,
      pit,
      rtc,
      this.uart,
      this.#keyboard,
      this.#fastA20,
      new DebugPort(),
      new Dma(),
      new Pci(),
      new Power({ onPowerOff }),
      pmTimer,
      new TextDisplay(clock),
    ];
    const isaLine = (irq: number) => (ISA_IRQS.some(other => other === irq) ? line(irq) : null);
    const testDevice = onTestExit === undefined ? null : new TestDevice(isaLine);
    const extras = testDevice === null ? [] : [testDevice, new FwCfg({ memoryBytes, processors: 1 })];
    for (const device of [...devices, ...extras]) this.bus.attach(device);
    if (onTestExit !== undefined) {
      this.bus.attach(
        new DebugExit(code => {
          onTestExit(code);
          onPowerOff();
        }),
      );
    }
    this.#devices = [...devices, ...extras, this.localApic, ioApic];
    this.#timed = [pit, rtc, this.uart, this.#keyboard, pmTimer, this.localApic];
    this.#inMemory = [this.localApic, ioApic, ...(testDevice === null ? [] : [testDevice])];
  }

  /** A20 is open if the keyboard controller or port 92 opens it. */
  get a20(): boolean {
    return this.#keyboard.a20 || (this.#fastA20.readPort() & FAST_A20) !== 0;
  }

  /** Puts the devices that are memory into the address space. */
  attach(physical: PhysicalMemory): void {
    for (const handler of this.#inMemory) physical.attach(handler);
  }

  /** Whether a wire can raise an NMI, which would end a halt with interrupts off. */
  get hasNmiWire(): boolean {
    return this.localApic.hasNmiWire || this.#ioApic.hasNmiWire;
  }

  reset(): void {
    for (const device of this.#devices) device.reset();
  }

  /** What firmware sets up for the system that it starts. */
  handOver(): void {
    this.localApic.setVirtualWire();
    this.#ioApic.setId(IO_APIC_ID);
  }

  /** Gives every device that is due its turn; returns the next deadline in virtual nanoseconds. */
  advance(now: number): number {
    let next = Infinity;
    for (const device of this.#timed) {
      let deadline = device.deadline();
      if (deadline <= now) {
        device.advance(now);
        deadline = device.deadline();
      }
      if (deadline < next) next = deadline;
    }
    return next;
  }

  save(): Readonly<Record<string, DeviceState>> {
    return Object.fromEntries(this.#devices.map(device => [device.name, device.save()]));
  }

  /** Takes what save() gave. Throws TypeError on anything else; then nothing has changed. */
  restore(state: DeviceState): void {
    const before = this.save();
    try {
      for (const device of this.#devices) device.restore(record(state, device.name));
    } catch (error) {
      for (const device of this.#devices) device.restore(before[device.name]);
      throw error;
    }
  }
}

/** The state of one part of a snapshot. Throws TypeError if there is none of that name. */
export function record(state: DeviceState, key: string): DeviceState {
  const value = state[key];
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError(`The snapshot has no ${key}.`);
  return value as DeviceState;
}
