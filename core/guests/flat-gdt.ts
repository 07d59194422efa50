/** The descriptors of flat 32-bit protected mode, as a loader leaves them in memory (SDM volume 3, section 3.4.5). */

/** Base 0, limit 4 GB: present, ring 0, execute/read, accessed; 32-bit, granularity 4 KB. */
const CODE_LOW = 0x0000ffff;
const CODE_HIGH = 0x00cf9b00;
/** The same for data: read/write, accessed. */
const DATA_LOW = 0x0000ffff;
const DATA_HIGH = 0x00cf9300;

/** A table with the flat code segment at `codeSelector` and the flat data segment in the entry after it. */
export function flatGdt(codeSelector: number): Uint8Array {
  const table = new Uint8Array(codeSelector + 16);
  const view = new DataView(table.buffer);
  view.setUint32(codeSelector, CODE_LOW, true);
  view.setUint32(codeSelector + 4, CODE_HIGH, true);
  view.setUint32(codeSelector + 8, DATA_LOW, true);
  view.setUint32(codeSelector + 12, DATA_HIGH, true);
  return table;
}
