/** Words of opening files, and of a machine that has failed. */

export const opening = {
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
  failure: {
    title: 'The machine has stopped working',
    crashed: 'The emulator itself failed. This is a fault of Ringside, not of the guest.',
    silent: 'The emulator has not answered for 5 seconds.',
    unreadable: 'An answer of the emulator could not be read.',
    keeps: 'The same guest starts again from the beginning. Breakpoints and settings are kept.',
    restart: 'Restart the machine',
    report: 'What it said',
  },
};
