import type { DeviceState } from './device.ts';
import { ByteFifo } from './fifo.ts';
import { BREAK, RELEASED, toSet1 } from './scancodes.ts';
import type { StateReader } from './state.ts';

const ACK = 0xfa;
const RESEND = 0xfe;
const TEST_PASSED = 0xaa;
const BUFFER_SIZE = 16;

/** Commands (IBM PS/2 hardware interface technical reference, "Keyboard", commands from the system). */
const SET_LEDS = 0xed;
const ECHO = 0xee;
const SELECT_SET = 0xf0;
const READ_ID = 0xf2;
const SET_TYPEMATIC = 0xf3;
const ENABLE = 0xf4;
const DEFAULT_DISABLE = 0xf5;
const SET_DEFAULT = 0xf6;
const SET_ALL_KEYS_FIRST = 0xf7;
const SET_KEY_FIRST = 0xfb;
const SET_KEY_LAST = 0xfd;
const RESET = 0xff;

const DEFAULT_TYPEMATIC = 0x2b;

/**
 * An MF2 keyboard with the scan code sets 2 (at start) and 1. It knows no time: its controller fetches a byte with
 * next() whenever the wire is free. The self test after a reset takes no time either.
 */
export class Ps2Keyboard {
  #scanning = true;
  #set: 1 | 2 = 2;
  #leds = 0;
  #typematic = DEFAULT_TYPEMATIC;
  /** The command that waits for its argument, 0 for none. */
  #command = 0;
  #lastSent = 0;
  /** Answers to commands go out before keys. */
  readonly #answers = new ByteFifo(BUFFER_SIZE);
  readonly #keys = new ByteFifo(BUFFER_SIZE);

  /** Scroll, Num and Caps Lock in bits 0 to 2. */
  get leds(): number {
    return this.#leds;
  }

  /**
   * A key goes down or up: its whole code in scan code set 2, as "1C" or "E0 F0 75". Returns false, and takes nothing,
   * when the keyboard is switched off or its buffer has no room.
   */
  key(code: Uint8Array): boolean {
    if (!this.#scanning || code.length > this.#keys.room) return false;
    let released = 0;
    for (const byte of code) {
      if (this.#set === 2) this.#keys.push(byte);
      else if (byte === BREAK) released = RELEASED;
      else {
        this.#keys.push(byte >= 0xe0 ? byte : toSet1(byte) | released);
        if (byte < 0xe0) released = 0;
      }
    }
    return true;
  }

  hasNext(): boolean {
    return this.#answers.length > 0 || this.#keys.length > 0;
  }

  /** The next byte for the controller; call it when hasNext(). */
  next(): number {
    this.#lastSent = this.#answers.length > 0 ? this.#answers.shift() : this.#keys.shift();
    return this.#lastSent;
  }

  /** A byte from the system. A command in the place of an argument counts as a command. */
  write(byte: number): void {
    const command = this.#command;
    this.#command = 0;
    if (command !== 0 && byte < SET_LEDS) this.#argument(command, byte);
    else this.#execute(byte);
  }

  reset(): void {
    this.#defaults();
    this.#scanning = true;
    this.#leds = 0;
    this.#command = 0;
    this.#lastSent = 0;
    this.#answers.clear();
  }

  save(): DeviceState {
    return {
      scanning: this.#scanning,
      set: this.#set,
      leds: this.#leds,
      typematic: this.#typematic,
      command: this.#command,
      lastSent: this.#lastSent,
      answers: this.#answers.save(),
      keys: this.#keys.save(),
    };
  }

  restore(from: StateReader): void {
    this.#scanning = from.flag('scanning');
    this.#set = from.integer('set', 1, 2) === 1 ? 1 : 2;
    this.#leds = from.uint('leds', 7);
    this.#typematic = from.byte('typematic');
    this.#command = from.byte('command');
    this.#lastSent = from.byte('lastSent');
    this.#answers.restore(from, 'answers');
    this.#keys.restore(from, 'keys');
    from.end();
  }

  #defaults(): void {
    this.#set = 2;
    this.#typematic = DEFAULT_TYPEMATIC;
    this.#keys.clear();
  }

  #answer(byte: number): void {
    if (this.#answers.room > 0) this.#answers.push(byte);
  }

  #execute(command: number): void {
    switch (command) {
      case ECHO:
        this.#answer(ECHO);
        break;
      case RESEND:
        this.#answer(this.#lastSent);
        break;
      case SET_LEDS:
      case SELECT_SET:
      case SET_TYPEMATIC:
        this.#command = command;
        this.#answer(ACK);
        break;
      case READ_ID:
        this.#answer(ACK);
        this.#answer(0xab);
        this.#answer(0x83);
        break;
      case ENABLE:
        this.#keys.clear();
        this.#scanning = true;
        this.#answer(ACK);
        break;
      case DEFAULT_DISABLE:
      case SET_DEFAULT:
        this.#defaults();
        if (command === DEFAULT_DISABLE) this.#scanning = false;
        this.#answer(ACK);
        break;
      case RESET:
        this.reset();
        this.#answer(ACK);
        this.#answer(TEST_PASSED);
        break;
      default:
        // Key types matter in set 3 only: accepted, without effect.
        if (command >= SET_KEY_FIRST && command <= SET_KEY_LAST) this.#command = command;
        this.#answer(command >= SET_ALL_KEYS_FIRST && command <= SET_KEY_LAST ? ACK : RESEND);
    }
  }

  #argument(command: number, value: number): void {
    if (command === SET_LEDS) {
      this.#leds = value & 7;
      this.#answer(ACK);
    } else if (command === SELECT_SET) {
      this.#selectSet(value);
    } else {
      if (command === SET_TYPEMATIC) this.#typematic = value;
      this.#answer(ACK);
    }
  }

  #selectSet(value: number): void {
    if (value > 2) {
      this.#answer(RESEND);
      return;
    }
    this.#answer(ACK);
    if (value === 0) {
      this.#answer(this.#set);
    } else {
      this.#set = value === 1 ? 1 : 2;
      this.#keys.clear();
    }
  }
}
