/** What the guest's bench.c can do, with how many chunks of it are measured: about two seconds of v86 each. */
export const PROGRAMS = {
  mips: { chunks: 1500, unit: 'million instructions' },
  int: { chunks: 3000, unit: 'iterations' },
  sha: { chunks: 320, unit: 'MiB' },
  getppid: { chunks: 1200, unit: 'calls' },
  int80: { chunks: 1200, unit: 'calls' },
  mmap: { chunks: 1500, unit: 'pages' },
  forkexec: { chunks: 250, unit: 'processes' },
  vforkexec: { chunks: 250, unit: 'processes' },
  nbody: { chunks: 2000, unit: 'steps' },
  copy: { chunks: 1500, unit: 'MiB' },
} as const;
export type ProgramName = keyof typeof PROGRAMS;

export const PROGRAM_NAMES = Object.keys(PROGRAMS) as readonly ProgramName[];

/** Shell lines that nobody wrote for this: programs of BusyBox over data that the guest makes. */
export const SHELL = {
  gzip: 'busybox gzip -9 -c /bin/busybox | busybox md5sum',
  awk: `busybox awk 'BEGIN { for (n = 0; n < 60000; n++) { s = s + length(n "x") % 7; t[n % 97] = s } print s }'`,
  sha512sum: 'busybox dd if=/dev/zero bs=64k count=64 2>/dev/null | busybox sha512sum',
  sort: 'busybox seq 1 20000 | busybox sort -r | busybox md5sum',
} as const;
export type ShellName = keyof typeof SHELL;

/** What a run measures: the boot, and each of these. */
export type Measure = 'boot' | ProgramName | ShellName;

export function isProgram(name: string): name is ProgramName {
  return name in PROGRAMS;
}

export function isShell(name: string): name is ShellName {
  return name in SHELL;
}
