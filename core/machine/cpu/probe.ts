import type { EventSource } from './interrupts.ts';
import type { TransferLog } from './transfer-log.ts';

/** What took the processor to other code, perhaps in another ring, without the IDT. */
export type Transfer = 'iret' | 'retFar' | 'callGate' | 'taskSwitch' | 'sysenter' | 'sysexit' | 'vmEntry' | 'vmExit';

/**
 * Hears of everything by which the privilege level can change. Whoever listens only looks: the step count is exact in a call (the instruction
 * that did it is counted), and the processor stands at the first instruction of where it came to.
 */
export interface Probe {
  /** An interrupt, exception or INT n went through the IDT; `code` is the error code that was pushed. */
  delivered(vector: number, source: EventSource, code: number | null): void;
  /** The level may be what it was: an IRET within ring 0 is told, too. */
  transferred(by: Transfer): void;
  /**
   * Who has this is told of IRET, SYSENTER and SYSEXIT in translated code by it, and somewhat later: in order, several at once, and before anything
   * else.
   */
  readonly transferredBefore?: TransferredBefore | undefined;
}

export type TransferredBefore = (log: TransferLog) => void;
