/** What local APIC and I/O APIC have in common: the message that an interrupt is between them (SDM volume 3, 10.6 and 10.11). */

/** Delivery modes, as in bits 10:8 of an ICR, an LVT entry and a redirection table entry. */
export const DELIVERY = { fixed: 0, lowestPriority: 1, smi: 2, nmi: 4, init: 5, startUp: 6, extInt: 7 } as const;

export function deliveryMode(entry: number): number {
  return (entry >>> 8) & 7;
}

/** Bits of an LVT entry, most of which a redirection table entry has at the same place. */
export const ENTRY = {
  vector: 0xff,
  deliveryMode: 0x700,
  /** Redirection table and ICR only: the destination is a logical one. */
  logical: 1 << 11,
  /** Delivery status: a message is always accepted at once, so that it reads as 0. */
  pending: 1 << 12,
  activeLow: 1 << 13,
  remoteIrr: 1 << 14,
  level: 1 << 15,
  masked: 1 << 16,
  /** LVT timer only. */
  periodic: 1 << 17,
} as const;

/** An interrupt as a local APIC accepts it. */
export interface ApicInterrupt {
  readonly deliveryMode: number;
  readonly vector: number;
  readonly isLevel: boolean;
}

/** A message for local APICs. */
export interface ApicMessage extends ApicInterrupt {
  readonly destination: number;
  readonly isLogical: boolean;
}
