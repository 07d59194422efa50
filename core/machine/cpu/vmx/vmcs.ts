import { FIELDS, type FieldEncoding, fieldWidth } from '../../../ia32/vmx/fields.ts';
import type { Access } from '../access.ts';
import * as L from '../layout.ts';

/**
 * The VMCS region in memory (SDM volume 3, 24.2). Its first two words are the architecture's; where the rest lies is this processor's own
 * business, so software must use VMREAD and VMWRITE.
 */

/** VMCS revision identifier: changes with the layout below. */
export const REVISION = 0x52494e47;

/** Byte offsets in the region. */
export const REGION = { revision: 0, abort: 4, launchState: 8, fields: 64 } as const;
export const LAUNCH_CLEAR = 0;
export const LAUNCH_LAUNCHED = 1;

/** Byte offset of each field by its encoding; 0 for encodings that name no field. High words follow their low ones. */
const OFFSETS = new Uint16Array(0x8000);
let next: number = REGION.fields;
for (const { encoding, width } of FIELDS) {
  OFFSETS[encoding] = next;
  next += 4;
  if (width !== 64) continue;
  OFFSETS[encoding + 1] = next;
  next += 4;
}

/** Whether VMREAD and VMWRITE know an encoding, which may be that of a high word. */
export function isField(encoding: number): boolean {
  return encoding >>> 0 < OFFSETS.length && OFFSETS[encoding] !== 0;
}

/** Reads a word of the current VMCS by a known encoding. Signed; fields of 16 bits are zero-extended. */
export function readEncoding(cpu: Access, encoding: number): number {
  return cpu.physical.read((cpu.i32[L.W_VMCS_POINTER] >>> 0) + OFFSETS[encoding], 4);
}

export function writeEncoding(cpu: Access, encoding: number, value: number): void {
  const word = fieldWidth(encoding) === 16 ? value & 0xffff : value;
  cpu.writePhysical((cpu.i32[L.W_VMCS_POINTER] >>> 0) + OFFSETS[encoding], 4, word);
}

/** A field of the current VMCS: its low word. */
export function readField(cpu: Access, field: FieldEncoding): number {
  return readEncoding(cpu, field);
}

/** The high word of a 64-bit field. */
export function readHigh(cpu: Access, field: FieldEncoding): number {
  return readEncoding(cpu, field + 1);
}

export function writeField(cpu: Access, field: FieldEncoding, value: number): void {
  writeEncoding(cpu, field, value);
}

export function writeField64(cpu: Access, field: FieldEncoding, low: number, high: number): void {
  writeEncoding(cpu, field, low);
  writeEncoding(cpu, field + 1, high);
}

export function launchState(cpu: Access): number {
  return cpu.physical.read((cpu.i32[L.W_VMCS_POINTER] >>> 0) + REGION.launchState, 4);
}

/** Sets the launch state of the VMCS at an address. */
export function setLaunchState(cpu: Access, address: number, state: number): void {
  cpu.writePhysical((address >>> 0) + REGION.launchState, 4, state);
}
