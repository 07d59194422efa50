import { ErrorStatus } from './apic-errors.ts';
import { LocalVectorTable, LVT_ENTRIES } from './apic-lvt.ts';
import { ApicAddress } from './apic-messages.ts';
import { ApicTimer } from './apic-timer.ts';
import type { DeviceState } from './device.ts';
import { FixedInterrupts } from './fixed-interrupts.ts';
import type { StateReader } from './state.ts';

/** Registers of a local APIC by their offset (SDM volume 3, table 10-1). */
export const REGISTER = {
  id: 0x20,
  version: 0x30,
  taskPriority: 0x80,
  arbitrationPriority: 0x90,
  processorPriority: 0xa0,
  endOfInterrupt: 0xb0,
  remoteRead: 0xc0,
  logicalDestination: 0xd0,
  destinationFormat: 0xe0,
  spurious: 0xf0,
  inService: 0x100,
  triggerMode: 0x180,
  request: 0x200,
  errorStatus: 0x280,
  commandLow: 0x300,
  commandHigh: 0x310,
  lvt: 0x320,
  initialCount: 0x380,
  currentCount: 0x390,
  divide: 0x3e0,
} as const;

/** SVR (figure 10-23). */
export const SPURIOUS = { vector: 0xff, enable: 1 << 8, writable: 0x3ff } as const;
/** Bits of the low word of the ICR that can be written (figure 10-12). */
export const COMMAND_WRITABLE = 0x000ccfff;
/** An integrated APIC of version 14h, as in the later P6 family and on, and the number of its last LVT entry. */
const VERSION = 0x14 | ((LVT_ENTRIES - 1) << 16);

/** What a local APIC keeps between accesses: all that RESET clears. What writes lead to is not told here. */
export class ApicRegisters {
  readonly address = new ApicAddress();
  readonly lvt = new LocalVectorTable();
  readonly interrupts = new FixedInterrupts();
  readonly errors = new ErrorStatus();
  readonly timer = new ApicTimer();
  spurious = 0xff;
  commandLow = 0;
  /** The destination, bits 63:56 of the ICR. */
  commandHigh = 0;

  /** State after RESET, the pins as they are (10.4.7.1). */
  reset(): void {
    this.spurious = 0xff;
    this.commandLow = 0;
    this.commandHigh = 0;
    this.address.reset();
    this.lvt.reset();
    this.interrupts.reset();
    this.errors.reset();
    this.timer.reset();
  }

  /** Whether software has enabled the APIC (10.4.3). */
  get isSoftwareEnabled(): boolean {
    return (this.spurious & SPURIOUS.enable) !== 0;
  }

  /** The register at an offset, or null if there is none; the timer must have been settled for `now`. */
  read(offset: number, now: number): number | null {
    if (isVectorSet(offset)) return this.#readVectorSet(offset);
    const entry = lvtIndex(offset);
    if (entry >= 0) return this.lvt.read(entry);
    switch (offset) {
      case REGISTER.id:
        return this.address.id << 24;
      case REGISTER.version:
        return VERSION;
      case REGISTER.taskPriority:
        return this.interrupts.taskPriority;
      case REGISTER.arbitrationPriority:
        return this.interrupts.arbitrationPriority();
      case REGISTER.processorPriority:
        return this.interrupts.processorPriority();
      case REGISTER.endOfInterrupt:
      case REGISTER.remoteRead:
        return 0;
      case REGISTER.logicalDestination:
        return this.address.logicalId << 24;
      case REGISTER.destinationFormat:
        return (this.address.destinationFormat << 28) | 0x0fffffff;
      case REGISTER.spurious:
        return this.spurious;
      case REGISTER.errorStatus:
        return this.errors.read();
      case REGISTER.commandLow:
        return this.commandLow;
      case REGISTER.commandHigh:
        return this.commandHigh << 24;
      case REGISTER.initialCount:
        return this.timer.initial;
      case REGISTER.currentCount:
        return this.timer.current(now);
      case REGISTER.divide:
        return this.timer.divide;
      default:
        return null;
    }
  }

  #readVectorSet(offset: number): number {
    const { inService, triggerMode, requests } = this.interrupts;
    const set = offset < REGISTER.triggerMode ? inService : offset < REGISTER.request ? triggerMode : requests;
    return set.words[(offset >> 4) & 7];
  }

  /** Writes a register that only keeps what is written, or ignores it. Returns false if there is none. */
  write(offset: number, value: number): boolean {
    switch (offset) {
      case REGISTER.id:
        this.address.id = value >>> 24;
        return true;
      case REGISTER.taskPriority:
        this.interrupts.taskPriority = value & 0xff;
        return true;
      case REGISTER.logicalDestination:
        this.address.logicalId = value >>> 24;
        return true;
      case REGISTER.destinationFormat:
        this.address.destinationFormat = value >>> 28;
        return true;
      case REGISTER.errorStatus:
        this.errors.write();
        return true;
      case REGISTER.commandHigh:
        this.commandHigh = value >>> 24;
        return true;
      default:
        return isReadOnly(offset);
    }
  }

  save(): DeviceState {
    return {
      ...this.address.save(),
      ...this.lvt.save(),
      ...this.interrupts.save(),
      ...this.errors.save(),
      spurious: this.spurious,
      commandLow: this.commandLow,
      commandHigh: this.commandHigh,
      timer: this.timer.save(),
    };
  }

  restore(from: StateReader): void {
    this.address.restore(from);
    this.lvt.restore(from);
    this.interrupts.restore(from);
    this.errors.restore(from);
    this.spurious = from.uint('spurious', SPURIOUS.writable);
    this.commandLow = from.uint('commandLow', COMMAND_WRITABLE);
    this.commandHigh = from.byte('commandHigh');
    this.timer.restore(from.part('timer'));
  }
}

const READ_ONLY: readonly number[] = [
  REGISTER.version,
  REGISTER.arbitrationPriority,
  REGISTER.processorPriority,
  REGISTER.remoteRead,
  REGISTER.currentCount,
];

/** Whether writes to the register are ignored. */
function isReadOnly(offset: number): boolean {
  return READ_ONLY.includes(offset) || isVectorSet(offset);
}

/** Whether it is one of the registers of ISR, TMR and IRR. */
function isVectorSet(offset: number): boolean {
  return offset >= REGISTER.inService && offset < REGISTER.errorStatus;
}

/** Which LVT entry lies at an offset, or -1. */
export function lvtIndex(offset: number): number {
  const index = (offset - REGISTER.lvt) >> 4;
  return offset >= REGISTER.lvt && index < LVT_ENTRIES ? index : -1;
}
