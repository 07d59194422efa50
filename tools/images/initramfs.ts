/** The root file system of the BusyBox guest: one program, one script, and the devices that exist before devtmpfs. */
import { gzipSync } from 'node:zlib';
import { type CpioEntry, writeCpio } from './cpio.ts';

/**
 * The first process. The shell gets the serial line as its controlling terminal, for job control and Ctrl-C; where there is
 * no serial port, which asking for its settings shows, it gets the console. When the shell ends another one starts, because
 * Linux panics without a process 1.
 */
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
hostname ringside
export HOME=/root PATH=/sbin:/usr/sbin:/bin:/usr/bin
while true; do
  cd /
  if stty -F /dev/ttyS0 >/dev/null 2>&1; then
    setsid -c sh </dev/ttyS0 >/dev/ttyS0 2>&1
  else
    setsid cttyhack sh
  fi
done
`;

const DIRECTORIES = [
  'bin',
  'dev',
  'etc',
  'mnt',
  'proc',
  'root',
  'run',
  'sbin',
  'sys',
  'tmp',
  'usr',
  'usr/bin',
  'usr/sbin',
];

const DEVICES: readonly (readonly [path: string, permissions: number, major: number, minor: number])[] = [
  ['dev/null', 0o666, 1, 3],
  ['dev/zero', 0o666, 1, 5],
  ['dev/tty', 0o666, 5, 0],
  ['dev/console', 0o600, 5, 1],
  ['dev/ttyS0', 0o600, 4, 64],
];

/** A gzip-compressed initramfs around a static `busybox`; the same bytes for the same busybox and version of zlib. */
export function buildInitramfs(busybox: Uint8Array): Uint8Array {
  const entries: CpioEntry[] = [
    ...DIRECTORIES.map(path => ({ kind: 'directory', path, permissions: 0o755 }) as const),
    ...DEVICES.map(([path, permissions, major, minor]) => {
      return { kind: 'character device', path, permissions, major, minor } as const;
    }),
    { kind: 'file', path: 'bin/busybox', permissions: 0o755, bytes: busybox },
    { kind: 'file', path: 'etc/passwd', permissions: 0o644, bytes: Buffer.from('root:x:0:0:root:/root:/bin/sh\n') },
    { kind: 'file', path: 'etc/group', permissions: 0o644, bytes: Buffer.from('root:x:0:\n') },
    { kind: 'symlink', path: 'bin/sh', target: 'busybox' },
    { kind: 'file', path: 'init', permissions: 0o755, bytes: Buffer.from(INIT) },
  ];
  const compressed = new Uint8Array(gzipSync(writeCpio(entries), { level: 9 }));
  // RFC 1952: byte 9 names the operating system that compressed, 255 is "unknown". The time, bytes 4 to 7, is 0 already.
  compressed[9] = 255;
  return compressed;
}
