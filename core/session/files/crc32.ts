/** CRC-32 as gzip has it (RFC 1952, 8): reflected, polynomial EDB88320. */
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The check value of some bytes, unsigned. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1;
  // Tens of megabytes: an iterator would take seconds.
  for (let n = 0; n < bytes.length; n++) crc = TABLE[(crc ^ bytes[n]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
