/** Words about one trap, exit, hypercall or delivery. */
export const happening = {
  interrupt: (vector: string) => `interrupt ${vector}h`,
  /** At an arrow between rings. */
  cause: {
    callout: 'callout',
    hypercall: 'INT 82h',
    exit: (reason: string) => `exit: ${reason}`,
    eptViolation: 'EPT violation',
    interruptWindow: 'interrupt window',
    tripleFault: 'triple fault',
    entryFailure: 'entry failed',
  },
};
