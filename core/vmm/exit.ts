/**
 * Why the guest stopped running on the machine and the monitor woke. Closed: every kind has one handler, and the compiler knows them all.
 */
export type Exit =
  /** An interrupt of the physical machine, which is the monitor's. */
  | { readonly kind: 'interrupt'; readonly vector: number }
  /** The machine's tables did not let the guest through: a linear address and the error code of #PF. */
  | { readonly kind: 'pageFault'; readonly address: number; readonly error: number }
  /** An exception that the guest itself caused and must see. */
  | { readonly kind: 'exception'; readonly vector: number; readonly code: number | null }
  /** #GP, #SS, #NP, #TS: an instruction that the guest's real privilege or truncated segments do not allow; it may be right for the guest. */
  | { readonly kind: 'protection'; readonly vector: number; readonly code: number }
  /** Translated or patched code asks the monitor for what it cannot do inline: the mnemonic of an instruction, or what else it was for. */
  | { readonly kind: 'callout'; readonly name: string }
  /** A paravirtualized kernel calls: number in EAX, arguments in EBX, ECX, EDX, ESI, EDI. */
  | { readonly kind: 'hypercall' }
  /**
   * VMX non-root: an instruction that the VMCS says exits; `reason` is the basic exit reason (SDM volume 3, appendix C), the qualification is
   * table 27-1's and following.
   */
  | { readonly kind: 'instruction'; readonly reason: number; readonly qualification: number }
  /** VMX: the guest's memory is not there, or may not be used so: guest-physical address, exit qualification. */
  | { readonly kind: 'eptViolation'; readonly address: number; readonly qualification: number }
  /** VMX: the guest can take an interrupt now. */
  | { readonly kind: 'interruptWindow' }
  | { readonly kind: 'tripleFault' }
  /** VMX: the entry failed; the instruction error number or the exit reason says why. */
  | { readonly kind: 'entryFailure'; readonly reason: number };

export type ExitKind = Exit['kind'];
export type ExitOf<K extends ExitKind> = Extract<Exit, { readonly kind: K }>;

/** Exits that only one technique knows; it serves them itself. */
export type OwnExit = ExitOf<'callout' | 'hypercall' | 'instruction' | 'eptViolation' | 'entryFailure'>;

/** What a handler decided. */
export type Handling =
  /** The guest goes on from the state that the virtual processor now has. */
  | 'resume'
  /** The guest sees an exception: the one that the exit carries. */
  | 'reflect'
  /** Nothing changed for the guest; the same instruction runs again. */
  | 'retry'
  /** The guest cannot go on. */
  | 'stop';
