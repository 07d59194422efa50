/** Words about one trap, exit, hypercall or delivery. */
export const happening = {
  monitor: 'monitor',
  previous: 'The one before',
  next: 'The one after',
  position: (n: number | null, of: number) => (n === null ? `${of} earlier` : `${n} of ${of}`),
  past: 'The machine has gone on since.',
  /** What happened, in one or two sentences. `what`: the instruction, or where it stands. */
  story: {
    protection: (what: string, cause: string) =>
      `The kernel believes that it is in ring 0 and may execute \`${what}\`. The machine runs it in ring 1, so the processor raised ${cause}, and the monitor took over.`,
    paraProtection: (what: string, cause: string) =>
      `The kernel knows that it is in ring 1, and yet executed \`${what}\`. The processor raised ${cause}, and the monitor took over.`,
    userProtection: (what: string, cause: string) =>
      `A process in ring 3 executed \`${what}\`. The processor raised ${cause}, which leads to the monitor first.`,
    hiddenFault: (what: string, address: string) =>
      `\`${what}\` reached for \`${address}\`. The guest’s own page tables map it, the shadow did not yet: a hidden page fault, of which the guest notices nothing.`,
    tracedWrite: (what: string, address: string) =>
      `\`${what}\` wrote to \`${address}\`, which is one of the guest’s page tables. The monitor keeps these read-only to see each change.`,
    device: (what: string, address: string) =>
      `\`${what}\` reached for \`${address}\`, where no memory is. The monitor answers in the place of a device.`,
    trueFault: (what: string, address: string) =>
      `\`${what}\` reached for \`${address}\`, which the guest’s own page tables do not allow: a true page fault, for the guest’s kernel to handle.`,
    exception: (what: string, cause: string) =>
      `\`${what}\` caused ${cause}. That is the guest’s own affair, so the monitor gives it on to the guest’s kernel.`,
    interrupt: (cause: string) => `${cause} came from the machine, which is the monitor’s.`,
    translatedCallout: (what: string) =>
      `\`${what}\` cannot be left to translated code: its translation calls the monitor with INT F0h.`,
    translation: (address: string) =>
      `The guest goes on at \`${address}\`, of which there was no translation yet: the monitor made one.`,
    patch: (what: string) =>
      `\`${what}\` does not trap in ring 1, so the scanner has put a breakpoint in its place, which leads to the monitor.`,
    scan: (address: string) =>
      `The guest came to \`${address}\`, code that was not scanned yet: the monitor scanned it.`,
    hypercall: (name: string) =>
      `The kernel asked the monitor, of which it knows: hypercall \`${name}\`, with INT 82h from ring 1.`,
    exit: (what: string) =>
      `The processor left non-root operation before \`${what}\`, as the VMCS says: a VM exit to the monitor.`,
    eptViolation: (address: string) =>
      `Guest-physical address \`${address}\` has no entry in the extended page tables: a VM exit.`,
    interruptWindow: 'The guest can take interrupts again, for which the monitor has waited: a VM exit.',
    tripleFault: 'The guest could not take an exception, nor the double fault that followed.',
    entryFailure: 'VM entry failed: the state of the guest in the VMCS is none that a processor can have.',
    delivered: (cause: string, from: string) =>
      `${cause} went through the guest’s own IDT, from ring ${from}. There is no monitor; the kernel has control.`,
  },
  rows: {
    source: 'source',
    rule: 'rule',
    saved: 'saved',
    savedHint: {
      frame: 'by the processor, on the monitor’s stack',
      guest: 'by the processor, on the kernel’s stack',
      vmcs: 'by the processor, in the VMCS',
    },
    monitor: 'monitor',
    guest: 'guest sees',
    cost: 'cost',
  },
  /** What the processor saves, by the manual's names; registers are called the same everywhere. */
  savedNames: {
    'error code': 'error code',
    vector: 'vector',
    'exit reason': 'exit reason',
    'exit qualification': 'exit qualification',
    'interruption information': 'interruption information',
    'interruption error code': 'interruption error code',
    'IDT-vectoring information': 'IDT-vectoring information',
    'IDT-vectoring error code': 'IDT-vectoring error code',
    'guest-physical address': 'guest-physical address',
    'VM-instruction error': 'VM-instruction error',
    'guest CR0': 'guest CR0',
    'guest CR3': 'guest CR3',
    'guest CR4': 'guest CR4',
    'guest ESP': 'guest ESP',
    'guest EIP': 'guest EIP',
    'guest EFLAGS': 'guest EFLAGS',
  } as Readonly<Record<string, string>>,
  nothingChanged: 'nothing is different',
  cost: (n: string) => `${n} instructions and memory references of the monitor`,
  deed: {
    emulated: 'Emulated the instruction, as the guest’s processor would have done it.',
    delivered: (what: string) => `Entered the guest’s own handler of ${what}.`,
    hiddenFault: (address: string) => `Made the missing entry for \`${address}\` in the shadow, from the guest’s.`,
    tracedWrite: (address: string) =>
      `Carried out the write to \`${address}\`, and dropped what the shadow had made of the old entry.`,
    device: (address: string) => `Asked the device at \`${address}\`.`,
    translated: (address: string) => `Prepared the code at \`${address}\`, with which the guest goes on.`,
    hypercall: (name: string, result: string) => `Served \`${name}\`; EAX got \`${result}\`.`,
    machineInterrupt: (vector: string) => `Served the machine’s own ${vector}, which the guest does not see.`,
    resume: {
      iret: 'IRET back to the guest.',
      vmresume: 'VMRESUME back to the guest.',
    },
  },
  /** HLT was left, or entered. */
  halted: ['yes → no', 'no → yes'],
  qualification: {
    port: (port: string, bytes: number, isIn: boolean) => `${isIn ? 'from' : 'to'} port ${port}, ${bytes} B`,
    control: (register: number, isRead: boolean) => `${isRead ? 'read of' : 'load of'} CR${register}`,
  },
  ringOf: (ring: number) => `ring ${ring}`,
};
