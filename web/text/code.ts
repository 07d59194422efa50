/** Words of code, memory, console, and of the facts about machine and guest. */

export const code = {
  code: {
    label: 'Code',
    follow: 'Follow EIP',
    followHint: 'Keep the next instruction in view',
    goTo: 'Go to',
    goToHint: 'Address, symbol or register',
    notFound: (what: string) => `“${what}” is no hexadecimal address, symbol or register.`,
    empty: 'Code appears here when a guest is open.',
    unmapped: 'not mapped',
    setBreakpoint: (address: string) => `Breakpoint at ${address}`,
    here: 'next instruction',
    badge: { privileged: 'privileged', sensitive: 'sensitive', io: 'I/O' },
    badgeMore: {
      privileged: { ring0: 'runs in ring 0', other: 'traps outside of ring 0' },
      sensitive: { ring0: 'does not trap', other: 'does not trap' },
      io: { ring0: 'runs in ring 0', other: 'IOPL decides' },
    },
    badgeHint: {
      privileged: 'Privileged: allowed in ring 0 only. In any other ring the processor raises #GP(0).',
      sensitive:
        'Sensitive but not privileged: it shows or changes the state of the machine, and yet never traps outside of ring 0.',
      io: 'I/O-sensitive: allowed when CPL ≤ IOPL, else the I/O permission bitmap of the TSS decides (IN, OUT) or #GP(0) follows (CLI, STI).',
    },
  },
  memory: {
    label: 'Memory',
    space: 'Address space',
    linear: 'Linear',
    physical: 'Physical',
    previous: 'Previous 4 KB',
    next: 'Next 4 KB',
    editor: (address: string, value: string) =>
      `Memory bytes. Cursor at ${address}, ${value}. Arrow keys move, hexadecimal digits write.`,
    unmapped: 'not mapped',
    unmappedPage: 'Nothing is mapped in these 4 KB.',
    cannotWrite: (address: string) => `Nothing is mapped at ${address}, so there is no byte to write.`,
    hint: 'Type hexadecimal digits to write',
    empty: 'Memory appears here when a guest is open.',
  },
  console: {
    label: 'Serial console',
    port: 'COM1',
    keys: 'Ctrl+Shift+C copies, Ctrl+Shift+V pastes, Ctrl+Shift+↑ leaves',
    dropped: (n: string) => `${n} bytes came faster than the page could show them and were left out.`,
    silent: 'The guest has written nothing yet.',
    silentLinux: 'The guest has written nothing yet: Linux unpacks itself first.',
    loading: 'Loading the terminal…',
    failed: 'The terminal could not be loaded. Reload the page to try again.',
  },
  machine: {
    label: 'Machine',
    memory: 'memory',
    instructions: 'instructions',
    time: 'virtual time',
    monitor: 'monitor',
    noMonitor: 'none: the guest has the bare machine',
  },
  breakpoints: {
    label: 'Breakpoints',
    empty: 'None. Click left of an instruction, or press F9.',
    show: (address: string) => `Show ${address} in the code`,
  },
  image: {
    label: 'Guest image',
    name: 'name',
    kind: 'kind',
    kinds: {
      multiboot: 'multiboot kernel',
      linux: 'Linux bzImage',
      xen: 'paravirtualized kernel (Xen notes)',
    } as Readonly<Record<string, string>>,
    kernel: 'kernel',
    initrd: 'initial RAM disk',
    commandLine: 'command line',
    symbols: 'symbols',
    none: 'none',
  },
  /** What the listing says of translated and patched code. */
  translated: {
    label: 'Translation',
    hint: 'The guest’s code beside what runs in its place',
    patched: 'patched: calls the monitor',
    patchedHint: 'The machine has INT3 in the place of its first byte. It traps, and the monitor does what is meant.',
  },
};
