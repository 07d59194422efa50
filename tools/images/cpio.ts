/**
 * Writes cpio archives in the "newc" format, the one that Linux unpacks as an initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Owner, times and inode numbers are fixed, so that
 * the same entries always make the same bytes, and device nodes need no privilege because they are only records.
 */

export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly permissions: number }
  | { readonly kind: 'file'; readonly path: string; readonly permissions: number; readonly bytes: Uint8Array }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'character device';
      readonly path: string;
      readonly permissions: number;
      readonly major: number;
      readonly minor: number;
    };

/** File type bits of st_mode (inode(7)). */
const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

/** The archive of `entries`, in the order given: a directory has to stand before what lies in it. Paths have no leading slash. */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  entries.forEach((entry, index) => {
    parts.push(...record(entry, index + 1));
  });
  parts.push(...trailer());
  return new Uint8Array(Buffer.concat(parts));
}

function record(entry: CpioEntry, inode: number): Uint8Array[] {
  switch (entry.kind) {
    case 'directory':
      return fields(entry.path, { inode, mode: S_IFDIR | entry.permissions, links: 2 });
    case 'file':
      return fields(entry.path, { inode, mode: S_IFREG | entry.permissions, data: entry.bytes });
    case 'symlink':
      return fields(entry.path, { inode, mode: S_IFLNK | 0o777, data: Buffer.from(entry.target) });
    case 'character device':
      return fields(entry.path, {
        inode,
        mode: S_IFCHR | entry.permissions,
        deviceMajor: entry.major,
        deviceMinor: entry.minor,
      });
  }
}

function trailer(): Uint8Array[] {
  return fields('TRAILER!!!', { inode: 0, mode: 0 });
}

interface Fields {
  readonly inode: number;
  readonly mode: number;
  readonly links?: number;
  readonly data?: Uint8Array;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
}

/** One header of 110 ASCII characters, the name with its zero, then the data; name and data each end at a multiple of 4. */
function fields(
  path: string,
  { inode, mode, links = 1, data, deviceMajor = 0, deviceMinor = 0 }: Fields,
): Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const size = data?.length ?? 0;
  const user = 0;
  const group = 0;
  const modified = 0;
  const checksum = 0;
  const numbers = [
    ...[inode, mode, user, group, links, modified, size],
    ...[0, 0, deviceMajor, deviceMinor, name.length, checksum],
  ];
  const header = Buffer.from(`070701${numbers.map(hex8).join('')}`);
  return [header, name, zeros(header.length + name.length), ...(data === undefined ? [] : [data, zeros(size)])];
}

function hex8(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}

/** What is missing from `length` to the next multiple of 4. */
function zeros(length: number): Uint8Array {
  return new Uint8Array(-length & 3);
}
