/** Numbers and names as people read them. */

export const CONTROL_NAMES = ['cr0', 'cr2', 'cr3', 'cr4'] as const;

/** Eight hexadecimal digits of a 32-bit value, signed or not. */
export function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
