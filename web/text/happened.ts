/** Sentences about what has just happened and what comes next. */

type Level = 0 | 1 | 2 | 3;

/** How a sentence about the next instruction begins: with its name, or after a sentence that has named it. */
function subject(instruction: string | null): string {
  return instruction === null ? 'It is' : `Next: \`${instruction}\`,`;
}

export const happened = {
  label: 'What just happened',
  empty: 'No guest is open. Choose one above, or drop a kernel on the page.',
  starting: 'The guest is being started.',
  running: 'The guest is running. Pause it to look around.',
  idle: 'The processor waits in `hlt` until an interrupt comes. Virtual time goes on.',
  /** Puts sentences one after the other. */
  join: (first: string, second: string) => `${first} ${second}`,
  /** What one step has done. */
  step: {
    diverted: (to: string) =>
      `An exception or an interrupt came instead: the processor went through the IDT to \`${to}\`.`,
    divertedAcross: (to: string, from: Level, into: Level) =>
      `An exception or an interrupt came instead: the processor went through the IDT to \`${to}\`, and from ring ${from} into ring ${into}.`,
    inward: (from: Level, into: Level) =>
      `It led from ring ${from} into ring ${into}, through a gate that the kernel has set up: the kernel has control now.`,
    outward: (from: Level, to: Level) =>
      `It led from ring ${from} out to ring ${to}, where privileged instructions trap.`,
    returned: (n: string) => `It ran to its return: ${n} instructions.`,
    again: 'It ran once, and will run again: it repeats itself or loops to itself.',
    led: (to: string) => `It ran, and led to \`${to}\`.`,
    plain: 'It ran: an ordinary instruction, the same in every ring.',
    privileged: 'It is privileged. The kernel is in ring 0 and no monitor is below it, so it simply ran.',
    sensitive:
      'It is sensitive, but not privileged. In ring 0 it did what the kernel expects; elsewhere it would do something else, without a trap.',
    sensitiveElsewhere: (cpl: Level) =>
      `It is sensitive, but not privileged: in ring ${cpl} it ran without a trap, and saw or lost machine state.`,
    io: (cpl: Level, iopl: number) => `It depends on IOPL. CPL ${cpl} and IOPL ${iopl} let it run.`,
    machine: (address: string) =>
      `The machine’s processor is in the monitor’s own code, at \`${address}\`. The guest waits.`,
    emulated:
      'The monitor emulated it without a trap: the guest was in a state that the machine cannot be given in this mode.',
  },
  /** Why the machine stands before `here`, an instruction or an address. */
  stop: {
    start:
      'Nothing has run yet. The loader has put the guest into memory, and the processor stands before its first instruction.',
    privileged: (here: string) =>
      `Paused before \`${here}\`, the first privileged instruction. The kernel is in ring 0 and no monitor is below it, so it simply runs. Press Step.`,
    privilegedElsewhere: (here: string) =>
      `Paused before \`${here}\`, the first privileged instruction. Outside of ring 0 it raises #GP(0). Press Step.`,
    privilegedIo: (here: string, cpl: Level) =>
      `Paused before \`${here}\`, the first instruction that only a kernel may execute: it needs CPL ≤ IOPL. The kernel is in ring ${cpl}, so it simply runs. Press Step.`,
    privilegedUnder: (here: string, fate: string) =>
      `Paused before \`${here}\`, the first privileged instruction. ${fate} Press Step.`,
    privilegedIoUnder: (here: string, fate: string) =>
      `Paused before \`${here}\`, the first instruction that only a kernel may execute. ${fate} Press Step.`,
    pause: (here: string) => `Paused before \`${here}\`.`,
    step: (here: string) => `Stepped. Next is \`${here}\`.`,
    breakpoint: (address: string, here: string) => `Stopped at the breakpoint at \`${address}\`, before \`${here}\`.`,
    powerOff: 'The guest has switched the machine off. Press Reset to start it again.',
    deadHalt: 'The processor executed `hlt` with interrupts off, so nothing can wake it. Press Reset to start again.',
    tripleFault:
      'An exception could not be delivered, nor the double fault that followed, so the processor shut down. Press Reset.',
    unimplemented: (here: string) => `Ringside does not do \`${here}\` yet. The machine stands before it.`,
  },
  /** About the instruction that comes next; null when it was named just before. */
  next: {
    plain: (instruction: string) => `Next: \`${instruction}\`.`,
    privileged: (instruction: string | null) => `${subject(instruction)} privileged. In ring 0 it simply runs.`,
    privilegedElsewhere: (instruction: string | null, cpl: Level) =>
      `${subject(instruction)} privileged. In ring ${cpl} it raises #GP(0), and the kernel gets control through the IDT.`,
    sensitive: (instruction: string | null) => `${subject(instruction)} sensitive, but not privileged: it never traps.`,
    io: (instruction: string | null, cpl: Level) =>
      `${subject(instruction)} subject to IOPL. CPL ${cpl} is not above it, so it runs.`,
    inMode: (instruction: string | null, verb: string, why: string) =>
      `${instruction === null ? 'It' : `Next: \`${instruction}\``} ${verb}. ${why}`,
    ioTraps: (instruction: string | null, cpl: Level, iopl: number) =>
      `${subject(instruction)} subject to IOPL. CPL ${cpl} is above IOPL ${iopl}, so it traps unless the I/O bitmap of the TSS lets it pass.`,
  },
};
