import { type ApicMessage, DELIVERY, deliveryMode, ENTRY } from './apic-bits.ts';
import type { DeviceState } from './device.ts';
import type { StateReader } from './state.ts';

/** For whom a command is, where its destination does not say it (SDM volume 3, figure 10-12). */
export const SHORTHAND = { none: 0, self: 1, allWithSelf: 2 } as const;
/** A level-triggered INIT that is de-asserted only sets arbitration IDs (10.6.1). */
const ASSERT = 1 << 14;
const BROADCAST = 0xff;

/** What a write to the ICR sends. */
export interface Command {
  readonly message: ApicMessage;
  readonly shorthand: number;
}

/** The command that both words of the ICR give, `destination` being the high one's; null if nothing is sent. */
export function readCommand(low: number, destination: number): Command | null {
  const mode = deliveryMode(low);
  if (mode === DELIVERY.init && (low & (ENTRY.level | ASSERT)) === ENTRY.level) return null;
  const isLogical = (low & ENTRY.logical) !== 0;
  const message = { destination, isLogical, deliveryMode: mode, vector: low & ENTRY.vector, isLevel: false };
  return { message, shorthand: low >>> 18 };
}

/** By what an APIC knows the messages that are for it (10.6.2). */
export class ApicAddress {
  id = 0;
  logicalId = 0;
  destinationFormat = 0xf;

  reset(): void {
    this.id = 0;
    this.logicalId = 0;
    this.destinationFormat = 0xf;
  }

  /** Logical destinations: a bit each in the flat model, four clusters bits in the cluster model (10.6.2.2). */
  matches({ destination, isLogical }: ApicMessage): boolean {
    if (destination === BROADCAST) return true;
    if (!isLogical) return destination === this.id;
    if (this.destinationFormat === 0xf) return (destination & this.logicalId) !== 0;
    return destination >> 4 === this.logicalId >> 4 && (destination & this.logicalId & 15) !== 0;
  }

  save(): DeviceState {
    return { id: this.id, logicalId: this.logicalId, destinationFormat: this.destinationFormat };
  }

  restore(from: StateReader): void {
    this.id = from.byte('id');
    this.logicalId = from.byte('logicalId');
    this.destinationFormat = from.uint('destinationFormat', 15);
  }
}
