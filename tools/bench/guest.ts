/**
 * The benchmark's guest: Debian's kernel and BusyBox of `npm run images`, and an initramfs of its own behind that one (the kernel unpacks both), with
 * bench.c and an init that does what the command line names.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { writeCpio } from '../images/cpio.ts';
import { DONE, READY } from './lines.ts';
import { isProgram, type Measure, PROGRAMS, SHELL, type ShellName } from './programs.ts';
import { type Guest, GuestError } from './task.ts';

const FILES = { kernel: 'images/vmlinuz-686', initrd: 'images/initrd-686.cpio.gz' };

function shellLine(name: ShellName): string {
  return `  ${name}) echo "BEGIN ${name}"; ${SHELL[name]}; echo "RESULT ${name} 1 run";;\n`;
}

const INIT = `#!/bin/busybox sh
/bin/busybox --install -s
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
exec </dev/ttyS0 >/dev/ttyS0 2>&1
echo ${READY}
for word in $(cat /proc/cmdline); do case $word in bench=*) list=\${word#bench=};; esac; done
for entry in $(echo "$list" | tr + ' '); do
  name=\${entry%:*}
  case $name in
${(Object.keys(SHELL) as ShellName[]).map(shellLine).join('')}  *) /bin/bench "$name" "\${entry#*:}";;
  esac
done
echo ${DONE}
[ -n "$list" ] || exec sh
exec sleep 100000
`;

function compiled(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-bench-'));
  try {
    const file = join(folder, 'bench');
    const flags = ['-m32', '-O2', '-static', '-march=i686', '-fno-pie', '-no-pie', '-s'];
    const { status, stderr } = spawnSync('gcc', [...flags, '-o', file, 'tools/bench/guest/bench.c', '-lm'], {
      encoding: 'utf8',
    });
    if (status !== 0)
      throw new GuestError(`gcc -m32 cannot compile the benchmark: install gcc-multilib. ${stderr ?? ''}`);
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A guest that does these, one after the other, or else asks for commands; the chunks are multiplied by `scale`. `initrd` replaces Debian's BusyBox. Throws GuestError. */
export function makeGuest(measures: readonly Measure[], scale: number, initrd: string = FILES.initrd): Guest {
  for (const file of [FILES.kernel, initrd]) {
    if (!existsSync(file)) throw new GuestError(`There is no ${file}: run npm run images first.`);
  }
  const archive = writeCpio([
    { kind: 'file', path: 'bin/bench', permissions: 0o755, bytes: compiled() },
    { kind: 'file', path: 'init', permissions: 0o755, bytes: Buffer.from(INIT) },
  ]);
  const list = measures
    .filter(name => name !== 'boot')
    .map(name => (isProgram(name) ? `${name}:${Math.max(1, Math.round(PROGRAMS[name].chunks * scale))}` : `${name}:1`));
  return {
    kernel: readFileSync(FILES.kernel),
    initrd: Buffer.concat([readFileSync(initrd), gzipSync(archive)]),
    commandLine: `console=ttyS0 cryptomgr.notests noisapnp quiet nokaslr bench=${list.join('+')}`,
  };
}
