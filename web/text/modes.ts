/** Words about the modes, and about who sits in which ring. */
export const modes = {
  label: 'Mode',
  family: { bare: 'Bare', full: 'Full', para: 'Para', hardware: 'Hardware' },
  /** Longer, for those who hear it. */
  familyLabel: {
    bare: 'Bare machine',
    full: 'Full virtualization',
    para: 'Paravirtualization',
    hardware: 'Hardware-assisted virtualization',
  },
  /** In the switch, behind the family. */
  short: {
    bare: '',
    trap: 'trap',
    translate: 'translation',
    patch: 'patching',
    para: '',
    nested: 'nested',
    shadow: 'shadow',
  },
  name: {
    bare: 'Bare machine',
    trap: 'Trap and emulate',
    translate: 'Binary translation',
    patch: 'Scan and patch',
    para: 'Paravirtualization',
    nested: 'Nested paging',
    shadow: 'Shadow paging',
  },
  /** What it is, and which systems did so. */
  what: {
    bare: 'No monitor: the guest has the machine for itself, with its kernel in ring 0.',
    trap: 'The kernel runs in ring 1. What is privileged traps, and the monitor emulates it: IBM’s VM/370. On IA-32 some instructions do not trap, and go wrong.',
    translate:
      'The kernel runs in ring 1, from a cache of translated code in which sensitive instructions are replaced: VMware, Virtual PC.',
    patch:
      'The kernel runs in ring 1, in place. The monitor scans its code and patches what is sensitive but would not trap: VirtualBox.',
    para: 'The kernel is changed: it knows that it runs in ring 1, and asks the monitor by hypercalls: Xen.',
    nested:
      'The kernel runs in ring 0 of VMX non-root operation, over extended page tables (EPT): KVM, Xen HVM, Hyper-V.',
    shadow:
      'VMX as it was before EPT: the kernel runs in non-root ring 0, and the monitor keeps shadow page tables: the first KVM.',
  },
  chosen: (family: string, name: string) => `${family}: ${name}, chosen`,
  /** Why a mode cannot be used. */
  noGuest: 'No guest is open.',
  noPara: 'Paravirtualization needs a kernel that is made for it, and this guest has none. primer has one.',
  noOrdinary: 'This kernel is made for paravirtualization. Open another one for this mode.',
  confirm: {
    title: (mode: string) => `Start again: ${mode}`,
    toPara: (guest: string) =>
      `Paravirtualization changes the kernel itself, so a running one cannot go on in it. ${guest} starts again from its beginning, with its kernel for the monitor’s hypercalls.`,
    fromPara: (guest: string) =>
      `The kernel that runs is made for hypercalls and cannot go on without them. ${guest} starts again from its beginning, with its ordinary kernel.`,
    lost: 'What it has in memory and on its console is lost.',
    start: 'Start again',
    cancel: 'Cancel',
  },
};

export const rings = {
  label: 'Rings',
  aside: {
    bare: 'no monitor',
    trap: 'kernel deprivileged',
    translate: 'kernel translated',
    patch: 'kernel patched',
    para: 'kernel changed',
    nested: 'VMX, EPT',
    shadow: 'VMX, shadow tables',
  },
  ring: (n: number) => `ring ${n}`,
  who: { processes: 'processes', kernel: 'kernel', monitor: 'monitor', empty: 'empty' },
  root: 'root operation',
  nonRoot: 'non-root operation',
  explain: {
    processes: 'Ring 3: the guest’s processes. They run directly on the machine in every mode.',
    nonRootProcesses:
      'Non-root ring 3: the guest’s processes. System calls lead to the guest’s own kernel, without the monitor.',
    kernel: {
      bare: 'Ring 0: the guest’s kernel. It may do everything; nobody is below it.',
      trap: 'Ring 1: the guest’s kernel, which believes it is in ring 0. What is privileged raises #GP(0) into the monitor.',
      translate:
        'Ring 1: translations of the guest’s kernel, from the monitor’s cache. The kernel’s own code is only read.',
      patch: 'Ring 1: the guest’s kernel in place. Where it would go wrong, it jumps to the monitor’s patches.',
      para: 'Ring 1: a kernel that knows where it is, and calls the monitor with INT 82h.',
      nested: 'Non-root ring 0: the guest’s kernel, with its full privilege. The VMCS says what exits.',
      shadow: 'Non-root ring 0: the guest’s kernel. Page faults and loads of CR3 exit too, for the shadow tables.',
    },
    monitor: 'Ring 0: the monitor. Every exception and interrupt of the machine comes in through its IDT.',
    rootMonitor: 'Root ring 0: the monitor. A VM exit leads here, VMRESUME leads back.',
    empty: (n: number) => `Ring ${n}: nobody is here.`,
    rootEmpty: (n: number) => `Root ring ${n}: nobody here. A host such as Linux has its own processes in root ring 3.`,
  },
  /** Where the processor is. */
  seat: {
    processes: 'Now: a process of the guest, in ring 3.',
    kernel: (ring: number) => `Now: the guest’s kernel, in ring ${ring}.`,
    deprivileged: (ring: number) => `Now: the guest’s kernel, in ring ${ring}; it believes it is in ring 0.`,
    translated: 'Now: translated code of the guest’s kernel, in ring 1.',
    nonRoot: (ring: number) => `Now: the guest, in ring ${ring} of non-root operation.`,
    monitor: 'Now: the monitor, in ring 0.',
    running: 'The machine runs. Pause it to see where it is.',
  },
  place: {
    only: (ring: number, who: string) => `ring ${ring} (${who})`,
    root: (ring: number, who: string) => `root ring ${ring} (${who})`,
    nonRoot: (ring: number, who: string) => `non-root ring ${ring} (${who})`,
  },
  last: (cause: string, from: string, to: string) => `Last: ${cause}, from ${from} to ${to}.`,
  back: 'And back.',
};
