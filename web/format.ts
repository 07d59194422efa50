/** Numbers as the page writes them. */
import { text } from './text.ts';

const NARROW_SPACE = '\u202f';

/** Eight hexadecimal digits, as the manual writes addresses; `digits` for narrower values. */
export function hex(value: number, digits = 8): string {
  return (value >>> 0).toString(16).padStart(digits, '0');
}

/** 1234567 as "1 234 567" with spaces that do not break. */
export function count(value: number): string {
  return Math.trunc(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, NARROW_SPACE);
}

/** Bytes in the unit that a person would choose. */
export function size(bytes: number): string {
  if (bytes < 1024) return text.units.bytes(bytes);
  const [value, unit] = bytes < 1024 * 1024 ? [bytes / 1024, 'KiB'] : [bytes / 1024 / 1024, 'MiB'];
  return `${value.toFixed(value < 100 && !Number.isInteger(value) ? 1 : 0)} ${unit}`;
}

/** Instructions a second in millions. */
export function rate(perSecond: number): string {
  const millions = perSecond / 1e6;
  return `${millions.toFixed(millions < 10 ? 2 : millions < 100 ? 1 : 0)} M/s`;
}

/** Virtual time: microseconds while it is short, seconds or minutes later. */
export function seconds(value: number): string {
  if (value < 1e-3) return `${(value * 1e6).toFixed(1)} µs`;
  if (value < 1) return `${(value * 1e3).toFixed(1)} ms`;
  if (value < 60) return `${value.toFixed(2)} s`;
  return text.units.minutes(Math.floor(value / 60), (value % 60).toFixed(0).padStart(2, '0'));
}

/** Bytes of an instruction, separated by spaces. */
export function byteList(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ');
}
