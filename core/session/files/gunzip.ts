/**
 * Unpacks a gzip file by the host's own means, which are several times as quick as ours, and check it as well. Null where those are missing or the
 * file is not whole, and for more than `largest` bytes: who unpacks it then says what is wrong.
 */
export async function gunzip(packed: Uint8Array, largest: number): Promise<Uint8Array | null> {
  const isGzip = packed.length > 18 && packed[0] === 0x1f && packed[1] === 0x8b;
  if (!isGzip || typeof DecompressionStream === 'undefined') return null;
  // It ends with its length (RFC 1952, 2.3.1), so that no more memory is taken than for that.
  const length = new DataView(packed.buffer, packed.byteOffset + packed.length - 4, 4).getUint32(0, true);
  if (length > largest) return null;
  const { readable, writable } = new DecompressionStream('gzip');
  const writer = writable.getWriter();
  const reader = readable.getReader();
  try {
    // What goes wrong in writing is met in reading as well.
    writer.write(new Uint8Array(packed)).catch(() => {});
    writer.close().catch(() => {});
    const file = new Uint8Array(length);
    let at = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return at === length ? file : null;
      if (at + value.length > length) break;
      file.set(value, at);
      at += value.length;
    }
    await reader.cancel();
    return null;
  } catch {
    return null;
  }
}
