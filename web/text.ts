/**
 * Every word that the page says itself, in one place. Another language is another table of the type `Text`, which names what it
 * lacks; panels ask for a text when they draw, and keep none. Text between backticks is set as code (see Prose). Names of
 * registers, of their bits and of instructions are the manual's in every language.
 */

import { back } from './text/back.ts';
import { exits } from './text/exits.ts';
import { happening } from './text/happening.ts';
import { inMode } from './text/in-mode.ts';
import { modes, rings } from './text/modes.ts';
import { believed, tables, translation, walk } from './text/paging.ts';
import { timeline } from './text/timeline.ts';

type Level = 0 | 1 | 2 | 3;

/** How a sentence about the next instruction begins: with its name, or after a sentence that has named it. */
function subject(instruction: string | null): string {
  return instruction === null ? 'It is' : `Next: \`${instruction}\`,`;
}

const english = {
  brand: 'Ringside',

  picker: {
    label: 'Guest',
    none: 'No guest',
    builtIn: 'Built in',
    images: 'On this computer',
    noImages: 'Debian Linux: run `npm run images` first',
    open: 'Open image…',
    openHint: 'Kernel or initial RAM disk from your disk; or drop files anywhere',
  },
  guests: {
    primer: 'The project’s own small kernel: paging, a timer, processes in ring 3 and a shell.',
    vmxtest: 'A test of VMX: enters and leaves non-root mode for every reason there is, and says what it saw.',
  },
  run: {
    label: 'Run controls',
    reset: 'Reset',
    resetHint: 'Reset the machine and start the guest again',
    step: 'Step',
    stepHint: 'Execute one instruction of the guest, whatever the monitor does for it',
    machine: 'Machine step',
    machineHint: 'Execute one instruction of the machine’s processor, also in the monitor’s own code',
    trap: 'Next trap',
    trapHint: 'Run until the guest has been in the monitor; bare, until something went through its IDT',
    over: 'Over',
    overHint: 'Execute one instruction; a call or an interrupt runs to its return',
    out: 'Out',
    outHint: 'Run until this function returns',
    run: 'Run',
    runHint: 'Run until a breakpoint, or until you pause',
    pause: 'Pause',
    pauseHint: 'Stop before the next instruction',
  },
  status: {
    label: 'Machine',
    none: 'No machine',
    starting: 'Starting',
    running: 'Running',
    halted: 'Idle in HLT',
    paused: 'Paused',
    stopped: 'Stopped',
    instructions: (n: string) => `${n} instructions`,
  },
  theme: { label: 'Theme', system: 'System', light: 'Light', dark: 'Dark' },
  snapshot: {
    label: 'Snapshot',
    save: 'Save snapshot',
    saveHint: 'The whole machine as a file',
    restore: 'Restore snapshot…',
    restoreHint: 'Go back to a saved machine',
  },
  layout: {
    missing: 'This panel could not be loaded. Reload the page to try again; save a snapshot first to keep the machine.',
    left: 'Machine column',
    right: 'Register column',
    hideLeft: 'Hide the left column',
    showLeft: 'Show the left column',
    hideRight: 'Hide the right column',
    showRight: 'Show the right column',
    resize: 'Resize',
    tabs: 'Panels',
    bottomTabs: 'The run',
  },
  tabs: {
    code: 'Code',
    memory: 'Memory',
    console: 'Console',
    registers: 'Registers',
    monitor: 'Rings',
    timeline: 'Timeline',
    exits: 'Exits',
    machine: 'Machine',
  },

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
  registers: {
    label: 'Registers',
    ring: (cpl: number) => `ring ${cpl}`,
    ringName: { 0: 'kernel', 1: 'kernel', 2: 'kernel', 3: 'user' },
    changed: 'changed since the last stop',
    edit: (name: string) => `Edit ${name}`,
    editHint: 'Double-click or press Enter to edit',
    bad: 'At most 8 hexadecimal digits, such as `c0100a1e`.',
    running: 'Pause the machine to edit its registers.',
    flags: 'Flags',
    control: 'Control registers',
    segments: 'Segments',
    selector: 'sel',
    base: 'base',
    limit: 'limit',
    descriptor: 'descriptor',
    /** The parts of a selector (SDM 3A, 3.4.2). */
    selectorParts: (index: number, table: 'GDT' | 'LDT', rpl: number) => `index ${index}, ${table}, RPL ${rpl}`,
    iopl: 'I/O privilege level',
    none: 'no bit is set',
    faultAddress: 'linear address of the last page fault',
    empty: 'Registers appear here when a guest is open.',
  },
  /** What the bits of a register mean (SDM 3A, 2.3 and 2.5). */
  bits: {
    eflags: {
      OF: 'overflow',
      DF: 'direction: string instructions go down',
      IF: 'interrupts are taken',
      TF: 'trap after each instruction',
      SF: 'sign',
      ZF: 'zero',
      AF: 'auxiliary carry',
      PF: 'parity',
      CF: 'carry',
      NT: 'nested task',
      RF: 'resume: no debug fault for one instruction',
      VM: 'virtual-8086 mode',
      AC: 'alignment check',
      VIF: 'virtual interrupt flag',
      VIP: 'virtual interrupt pending',
      ID: 'CPUID can be used',
    },
    cr0: {
      PE: 'protected mode',
      MP: 'WAIT looks at TS',
      EM: 'no x87: its instructions fault',
      TS: 'task switched: the next x87 or SSE instruction faults',
      ET: '387 protocol',
      NE: 'x87 errors raise #MF',
      WP: 'read-only pages hold in ring 0 too',
      AM: 'AC may check alignment',
      NW: 'not write-through',
      CD: 'caches off',
      PG: 'paging',
    },
    cr3: { PWT: 'page directory is write-through', PCD: 'page directory is not cached' },
    cr4: {
      VME: 'virtual-8086 extensions',
      PVI: 'virtual interrupts in protected mode',
      TSD: 'RDTSC in ring 0 only',
      DE: 'debugging extensions',
      PSE: '4 MB pages',
      PAE: 'physical address extension',
      MCE: 'machine check',
      PGE: 'global pages',
      PCE: 'RDPMC in every ring',
      OSFXSR: 'FXSAVE and SSE are in use',
      OSXMMEXCPT: 'SSE errors raise #XM',
      VMXE: 'VMX may be used',
    },
  },
  happened: {
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
      sensitive: (instruction: string | null) =>
        `${subject(instruction)} sensitive, but not privileged: it never traps.`,
      io: (instruction: string | null, cpl: Level) =>
        `${subject(instruction)} subject to IOPL. CPL ${cpl} is not above it, so it runs.`,
      inMode: (instruction: string | null, verb: string, why: string) =>
        `${instruction === null ? 'It' : `Next: \`${instruction}\``} ${verb}. ${why}`,
      ioTraps: (instruction: string | null, cpl: Level, iopl: number) =>
        `${subject(instruction)} subject to IOPL. CPL ${cpl} is above IOPL ${iopl}, so it traps unless the I/O bitmap of the TSS lets it pass.`,
    },
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
    remove: (address: string) => `Remove the breakpoint at ${address}`,
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

  openDialog: {
    title: 'Open an image',
    intro: 'A multiboot or ELF kernel, or a Linux bzImage. It stays on this computer.',
    kernel: 'Kernel',
    initrd: 'Initial RAM disk (optional)',
    commandLine: 'Command line',
    commandLineHint: 'Empty: `console=ttyS0` for Linux, nothing for others',
    memory: 'Memory in MiB',
    memoryHint: 'Empty: 256 for Linux, 64 for others',
    badMemory: 'Memory is a whole number of MiB from 4 to 2048.',
    noKernel: 'Choose a kernel file.',
    open: 'Open',
    cancel: 'Cancel',
  },
  drop: { title: 'Drop to open', body: 'A kernel, a kernel with its initial RAM disk, or a snapshot' },
  opening: {
    reading: (name: string) => `Reading ${name}`,
    starting: (name: string) => `Starting ${name}`,
    cancel: 'Cancel',
  },
  files: {
    tooLarge: (name: string, size: string) => `${name} has ${size}; files of more than 512 MiB are not opened.`,
    empty: (name: string) => `${name} is empty.`,
    unreachable: (name: string) => `${name} could not be fetched: the server does not answer.`,
    missing: (name: string, status: number) => `${name} could not be fetched: the server answers ${status}.`,
    unreadable: (name: string) => `${name} could not be read to its end.`,
    tooMany: (n: number) => `${n} files were dropped; drop a kernel alone, or a kernel and its initial RAM disk.`,
    initrdAlone: (name: string) => `${name} looks like an initial RAM disk; drop it together with its kernel.`,
  },
  notices: { dismiss: 'Dismiss', clipboard: 'The browser does not allow the clipboard here.' },
  banner: {
    tripleFault:
      'Triple fault: the guest could not take an exception, nor the double fault that followed, so the processor shut down.',
    unimplemented: 'The guest came to an instruction that Ringside does not do yet.',
    deadHalt: 'The processor is halted with interrupts off: nothing can wake it any more.',
    powerOff: 'The guest has switched the machine off.',
    report: 'Report',
  },
  failure: {
    title: 'The machine has stopped working',
    crashed: 'The emulator itself failed. This is a fault of Ringside, not of the guest.',
    silent: 'The emulator has not answered for 5 seconds.',
    unreadable: 'An answer of the emulator could not be read.',
    keeps: 'The same guest starts again from the beginning. Breakpoints and settings are kept.',
    restart: 'Restart the machine',
    report: 'What it said',
  },
  modes,
  rings,
  walk,
  tables,
  believed,
  translation,
  back,
  happening,
  exits,
  timeline,
  inMode,
  skip: 'Skip to the code',
  /** Units that are no symbols. */
  units: {
    bytes: (n: number) => `${n} bytes`,
    minutes: (minutes: number, seconds: string) => `${minutes} min ${seconds} s`,
  },
};

/** The same words in any language. */
type Words<T> = T extends string
  ? string
  : T extends (...values: infer V) => string
    ? (...values: V) => string
    : { readonly [K in keyof T]: Words<T[K]> };

export type Text = Words<typeof english>;

export const text: Text = english;
