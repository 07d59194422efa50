import type { PortRange } from './bus.ts';
import type { Clock, Device, DeviceState, InterruptLine, PortHandler } from './device.ts';
import { Ps2Keyboard } from './keyboard.ts';
import { BREAK, RELEASED, toSet1 } from './scancodes.ts';
import { StateReader, saveMoment } from './state.ts';

const NEVER = Number.POSITIVE_INFINITY;
const DATA = 0x60;
const STATUS = 0x64;
/** Eleven bits at the keyboard's 12.5 kHz: how long a byte takes on the wire, in nanoseconds. */
const WIRE_TIME = 880_000;

/** Status register. */
const OBF = 0x01;
const SYSTEM_FLAG = 0x04;
const COMMAND = 0x08;
const NOT_INHIBITED = 0x10;
const AUX_OBF = 0x20;
const TIMEOUT = 0x40;
/** Command byte. */
const KEYBOARD_INTERRUPT = 0x01;
const AUX_INTERRUPT = 0x02;
const KEYBOARD_DISABLED = 0x10;
const AUX_DISABLED = 0x20;
const TRANSLATE = 0x40;
/** Output port: bits 4 and 5 are the interrupt requests, the rest what was written. */
const NOT_RESET = 0x01;
const A20 = 0x02;
const PORT_LATCHED = 0xcf;
/** Input port: keyboard not inhibited, manufacturing jumper not installed. */
const INPUT_PORT = 0xa0;

/** What the firmware leaves: keyboard on, with interrupt and translation; auxiliary port off. */
const COMMAND_BYTE_AT_START = KEYBOARD_INTERRUPT | SYSTEM_FLAG | AUX_DISABLED | TRANSLATE;

const NO_DEVICE = 0xfe;

export interface I8042Options {
  readonly clock: Clock;
  /** IRQ 1. */
  readonly keyboardLine: InterruptLine;
  /** IRQ 12. */
  readonly auxLine: InterruptLine;
  /** Called when the controller's A20 output changes. It is on after power-on and after reset(). */
  readonly onA20: (enabled: boolean) => void;
  /** Called when the controller pulls the processor's reset. */
  readonly onReset: () => void;
}

/**
 * The 8042 keyboard controller at 60h and 64h, as the PS/2 has it (IBM PS/2 hardware interface technical reference,
 * "Keyboard and auxiliary device controller"), with a keyboard and an auxiliary port that nothing is plugged into: a
 * byte sent there times out.
 *
 * Commands are done at once; a byte from the keyboard takes its time on the wire. While the output buffer is full the
 * controller holds the keyboard's clock, so port 60h keeps its value for a second reader.
 */
export class I8042 implements Device, PortHandler {
  readonly name = 'i8042';
  readonly ports: readonly PortRange[] = [
    [DATA, 1],
    [STATUS, 1],
  ];
  readonly #options: I8042Options;
  readonly #keyboard = new Ps2Keyboard();
  /** The controller's memory; byte 0 is the command byte. */
  readonly #ram = new Uint8Array(32);
  #outputPort = PORT_LATCHED;
  /** The output buffer keeps its value after it has been read. */
  #output = 0;
  #full = false;
  #fromAux = false;
  #timeout = false;
  /** The last write was to the command port. */
  #afterCommand = false;
  /** The command that waits for a byte at port 60h, 0 for none. */
  #command = 0;
  /** Translation has swallowed a break prefix. */
  #released = false;
  /** When the keyboard's byte has arrived. */
  #arrivesAt = NEVER;

  constructor(options: I8042Options) {
    this.#options = options;
    this.#ram[0] = COMMAND_BYTE_AT_START;
  }

  /** The controller's A20 output. */
  get a20(): boolean {
    return (this.#outputPort & A20) !== 0;
  }

  /** Scroll, Num and Caps Lock lights of the keyboard in bits 0 to 2. */
  get leds(): number {
    return this.#keyboard.leds;
  }

  /**
   * A key goes down or up: its whole code in scan code set 2 (the keyboard's own), as [0x1c] or [0xe0, 0xf0, 0x75].
   * Returns false, and takes nothing, when the keyboard is switched off or its buffer of 16 bytes has no room.
   */
  key(code: Uint8Array): boolean {
    this.#sync(this.#options.clock.now());
    const taken = this.#keyboard.key(code);
    this.#settle();
    return taken;
  }

  readPort(port: number): number {
    this.#sync(this.#options.clock.now());
    if (port === STATUS) return this.#status();
    if (this.#full) {
      this.#full = false;
      this.#settle();
    }
    return this.#output;
  }

  writePort(port: number, value: number): void {
    this.#sync(this.#options.clock.now());
    this.#afterCommand = port === STATUS;
    if (port === STATUS) this.#execute(value);
    else this.#writeData(value);
    this.#settle();
  }

  deadline(): number {
    return this.#arrivesAt;
  }

  advance(now: number): void {
    this.#sync(now);
  }

  reset(): void {
    this.#keyboard.reset();
    this.#ram.fill(0);
    this.#ram[0] = COMMAND_BYTE_AT_START;
    this.#output = 0;
    this.#full = false;
    this.#fromAux = false;
    this.#timeout = false;
    this.#afterCommand = false;
    this.#command = 0;
    this.#released = false;
    this.#writeOutputPort(PORT_LATCHED);
    this.#settle();
  }

  save(): DeviceState {
    return {
      keyboard: this.#keyboard.save(),
      ram: Array.from(this.#ram),
      outputPort: this.#outputPort,
      output: this.#output,
      full: this.#full,
      fromAux: this.#fromAux,
      timeout: this.#timeout,
      afterCommand: this.#afterCommand,
      command: this.#command,
      released: this.#released,
      arrivesAt: saveMoment(this.#arrivesAt),
    };
  }

  restore(state: DeviceState): void {
    const from = new StateReader(this.name, state);
    this.#keyboard.restore(from.part('keyboard'));
    this.#ram.set(from.bytes('ram', 32, 32));
    this.#outputPort = from.byte('outputPort');
    this.#output = from.byte('output');
    this.#full = from.flag('full');
    this.#fromAux = from.flag('fromAux');
    this.#timeout = from.flag('timeout');
    this.#afterCommand = from.flag('afterCommand');
    this.#command = from.byte('command');
    this.#released = from.flag('released');
    this.#arrivesAt = from.moment('arrivesAt');
    from.end();
    this.#options.clock.reschedule();
  }

  #status(): number {
    return (
      NOT_INHIBITED |
      (this.#ram[0] & SYSTEM_FLAG) |
      (this.#full ? OBF : 0) |
      (this.#full && this.#fromAux ? AUX_OBF : 0) |
      (this.#timeout ? TIMEOUT : 0) |
      (this.#afterCommand ? COMMAND : 0)
    );
  }

  /** A byte on port 64h. Commands that no PS/2 controller knows are ignored. */
  #execute(command: number): void {
    this.#command = 0;
    switch (command >> 5) {
      case 1: // 20h-3Fh: read memory
        this.#put(this.#ram[command & 0x1f], false);
        break;
      case 3: // 60h-7Fh: write memory
        this.#command = command;
        break;
      case 7:
        if (command === 0xe0) this.#put(this.#testInputs(), false);
        // F0h-FFh pulse the outputs whose bits are 0; bit 0 is the processor's reset.
        else if (command >= 0xf0 && (command & NOT_RESET) === 0) this.#options.onReset();
        break;
      default:
        this.#executeOther(command);
    }
  }

  #executeOther(command: number): void {
    switch (command) {
      case 0xa4: // is there a password?
        this.#put(0xf1, false); // no
        break;
      case 0xa7:
        this.#ram[0] |= AUX_DISABLED;
        break;
      case 0xa8:
        this.#ram[0] &= ~AUX_DISABLED;
        break;
      case 0xa9: // auxiliary port test: the lines are fine
      case 0xab: // keyboard port test
        this.#put(0x00, false);
        break;
      case 0xaa: // self test
        this.#ram[0] |= SYSTEM_FLAG;
        this.#put(0x55, false);
        break;
      case 0xad:
        this.#ram[0] |= KEYBOARD_DISABLED;
        break;
      case 0xae:
        this.#ram[0] &= ~KEYBOARD_DISABLED;
        break;
      case 0xc0:
        this.#put(INPUT_PORT, false);
        break;
      case 0xd0:
        this.#put(this.#readOutputPort(), false);
        break;
      case 0xd1: // write output port
      case 0xd2: // write keyboard output buffer
      case 0xd3: // write auxiliary output buffer
      case 0xd4: // write to auxiliary device
        this.#command = command;
        break;
      case 0xdd: // A20 off, on: later controllers, in one byte
        this.#writeOutputPort(this.#outputPort & ~A20);
        break;
      case 0xdf:
        this.#writeOutputPort(this.#outputPort | A20);
        break;
    }
  }

  /** The keyboard's clock and data lines: idle lines are high, a disabled keyboard's clock is held low. */
  #testInputs(): number {
    return (this.#ram[0] & KEYBOARD_DISABLED) !== 0 ? 0x02 : 0x03;
  }

  /** A byte on port 60h: the argument of a command, or a byte for the keyboard, which opens its port. */
  #writeData(value: number): void {
    const command = this.#command;
    this.#command = 0;
    if (command === 0) {
      this.#ram[0] &= ~KEYBOARD_DISABLED;
      this.#keyboard.write(value);
    } else if (command === 0xd1) {
      this.#writeOutputPort(value);
    } else if (command === 0xd2 || command === 0xd3) {
      this.#put(value, command === 0xd3);
    } else if (command === 0xd4) {
      this.#put(NO_DEVICE, true);
      this.#timeout = true;
    } else {
      this.#ram[command & 0x1f] = value;
    }
  }

  #readOutputPort(): number {
    const request = this.#full ? (this.#fromAux ? 0x20 : 0x10) : 0;
    return this.#outputPort | request;
  }

  #writeOutputPort(value: number): void {
    const changed = this.#outputPort ^ value;
    this.#outputPort = (value & PORT_LATCHED) | NOT_RESET;
    if ((changed & A20) !== 0) this.#options.onA20((value & A20) !== 0);
    if ((value & NOT_RESET) === 0) this.#options.onReset();
  }

  /** Fills the output buffer. */
  #put(value: number, fromAux: boolean): void {
    // A new byte is a new edge of the interrupt line, also when it replaces one that nobody has read.
    this.#full = false;
    this.#driveLines();
    this.#output = value;
    this.#full = true;
    this.#fromAux = fromAux;
    this.#timeout = false;
    this.#driveLines();
  }

  #sync(now: number): void {
    if (this.#arrivesAt > now) return;
    this.#arrivesAt = NEVER;
    const byte = this.#keyboard.next();
    if ((this.#ram[0] & TRANSLATE) === 0) {
      this.#put(byte, false);
    } else if (byte === BREAK) {
      this.#released = true;
    } else {
      this.#put(toSet1(byte) | (this.#released ? RELEASED : 0), false);
      this.#released = false;
    }
    this.#settle();
  }

  /** Lets the keyboard start its next byte, or stops it in the middle: it sends a byte again that was cut off. */
  #settle(): void {
    this.#driveLines();
    const free = !this.#full && (this.#ram[0] & KEYBOARD_DISABLED) === 0;
    const arrivesAt = this.#arrivesAt;
    if (!free || !this.#keyboard.hasNext()) this.#arrivesAt = NEVER;
    else if (arrivesAt === NEVER) this.#arrivesAt = this.#options.clock.now() + WIRE_TIME;
    if (arrivesAt !== this.#arrivesAt) this.#options.clock.reschedule();
  }

  #driveLines(): void {
    const enabled = this.#ram[0];
    this.#options.keyboardLine.set(this.#full && !this.#fromAux && (enabled & KEYBOARD_INTERRUPT) !== 0);
    this.#options.auxLine.set(this.#full && this.#fromAux && (enabled & AUX_INTERRUPT) !== 0);
  }
}
