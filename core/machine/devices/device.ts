/**
 * What the board asks of a device. Time is virtual nanoseconds since power-on, derived from the count of retired
 * instructions, so a device that follows only `now` and its own saved state replays exactly.
 */

/** A plain value that structured clone and JSON both carry: what save() returns and restore() takes. */
export type DeviceState = { readonly [key: string]: DeviceValue };
export type DeviceValue = number | boolean | string | null | readonly DeviceValue[] | DeviceState;

/** Width of one port access in bytes. */
export type PortSize = 1 | 2 | 4;

/** The answering side of a range of I/O ports. Values are unsigned and `size` bytes wide. */
export interface PortHandler {
  readPort(port: number, size: PortSize): number;
  writePort(port: number, value: number, size: PortSize): void;
}

/** An interrupt line: a wire between a device and an interrupt controller. */
export interface InterruptLine {
  /** Drives the wire; setting the level it already has does nothing. */
  set(level: boolean): void;
}

/** The board's clock, as devices see it. */
export interface Clock {
  /** Virtual nanoseconds since power-on, a non-negative number that never decreases. */
  now(): number;
  /** Tells the board that this device's deadline() changed outside of advance(). */
  reschedule(): void;
}

export interface Device {
  /** Short name, unique on a board, used as the key in snapshots: "pic", "uart0". */
  readonly name: string;
  /** Virtual time at which the device wants advance() next; Infinity when it waits for nothing. */
  deadline(): number;
  /** Called once when `now` has reached deadline(); must move the deadline past `now`. */
  advance(now: number): void;
  /** Back to the state after power-on. */
  reset(): void;
  /** Everything that restore() needs to go on exactly from here. */
  save(): DeviceState;
  /** Takes what save() returned. Throws TypeError on anything else. */
  restore(state: DeviceState): void;
}
