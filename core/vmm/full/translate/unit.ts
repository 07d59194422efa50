/** What a translation is made of. */

/**
 * How a guest instruction was translated: copied, replaced by other instructions, replaced by a call of the monitor, or, for a transfer
 * of control, re-encoded so that it stays in the cache.
 */
export type PairKind = 'ident' | 'inline' | 'callout' | 'control';

/** A guest instruction and where its translation begins. */
export interface Pair {
  /** Guest EIP. */
  readonly guest: number;
  /** Bytes from the start of the translation. */
  readonly offset: number;
  readonly kind: PairKind;
  readonly mnemonic: string;
}

/** How the guest's state follows from the machine's when the processor stands before one instruction of a translation. */
export interface Point {
  /** Bytes from the start of the translation. */
  readonly offset: number;
  /** Guest EIP; null: it is in the VCPU page, an indirect transfer has taken place. */
  readonly eip: number | null;
  /** Registers whose value is in the VCPU page: none, ECX, ECX and EDX. */
  readonly saved: 0 | 1 | 2;
  /** What to add to ESP to take a push back. */
  readonly release: number;
  /** Whether the instruction follows an STI, so that no interrupt comes before it (SDM volume 2, STI). */
  readonly shadow: boolean;
}

/** A jump to another translation. */
export interface Jump {
  /** Where its 32-bit displacement lies, in bytes from the start of the translation. */
  readonly offset: number;
  /** Guest EIP that it leads to. */
  readonly target: number;
}

/** Machine code for a few guest instructions, which can be placed anywhere: only its jumps depend on the address. */
export interface Translation {
  /** Guest EIP of the first instruction. */
  readonly eip: number;
  /** Bytes of guest code. */
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly pairs: readonly Pair[];
  /** In the order of their offsets: one for each machine instruction. */
  readonly points: readonly Point[];
  readonly jumps: readonly Jump[];
}
