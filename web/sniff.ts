export type FileKind = 'linux' | 'elf' | 'multiboot' | 'initrd' | 'snapshot' | 'unknown';

/**
 * What a file seems to be, from its first bytes: only to tell a kernel from its initial RAM disk and to choose sensible
 * settings. Whether it can start is the loader's word.
 */
export function sniff(name: string, bytes: Uint8Array): FileKind {
  if (name.endsWith('.ringside')) return 'snapshot';
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (offset: number): number => (offset + 4 <= bytes.length ? data.getUint32(offset, true) : 0);
  // "HdrS" in the setup header: Linux boot protocol 2.00 and on.
  if (word(0x202) === 0x53726448) return 'linux';
  if (word(0) === 0x464c457f) return 'elf';
  // gzip, xz, zstd, LZ4 (legacy), or a cpio archive.
  if ((word(0) & 0xffff) === 0x8b1f || word(0) === 0x587a37fd || word(0) === 0xfd2fb528 || word(0) === 0x184c2102) {
    return 'initrd';
  }
  if (new TextDecoder('latin1').decode(bytes.subarray(0, 5)) === '07070') return 'initrd';
  // The multiboot header lies on a 4-byte boundary in the first 8192 bytes.
  for (let offset = 0; offset < Math.min(bytes.length, 8192); offset += 4) {
    if (word(offset) === 0x1badb002) return 'multiboot';
  }
  return 'unknown';
}
