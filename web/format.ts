/** Numbers as the page writes them, in its language. */
import { LANGUAGE_TAGS, type Language, language, text } from './text.ts';

const formats = new Map<string, Intl.NumberFormat>();

/** A number with so many digits behind the point. */
export function decimal(value: number, digits: number): string {
  const { now } = language.getState();
  const key = `${now} ${digits}`;
  const known = formats.get(key) ?? formatOf(now, digits);
  formats.set(key, known);
  return known.format(value);
}

function formatOf(now: Language, digits: number): Intl.NumberFormat {
  return new Intl.NumberFormat(LANGUAGE_TAGS[now], { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Eight hexadecimal digits, as the manual writes addresses; `digits` for narrower values. */
export function hex(value: number, digits = 8): string {
  return (value >>> 0).toString(16).padStart(digits, '0');
}

/** A whole number: what is behind the point is cut off. */
export function count(value: number): string {
  return decimal(Math.trunc(value), 0);
}

/** Bytes in the unit that a person would choose. */
export function size(bytes: number): string {
  if (bytes < 1024) return text.units.bytes(bytes);
  const [value, unit] = bytes < 1024 * 1024 ? [bytes / 1024, 'KiB'] : [bytes / 1024 / 1024, 'MiB'];
  return `${decimal(value, value < 100 && !Number.isInteger(value) ? 1 : 0)} ${unit}`;
}

/** Instructions a second in millions. */
export function rate(perSecond: number): string {
  const millions = perSecond / 1e6;
  return `${decimal(millions, millions < 10 ? 2 : millions < 100 ? 1 : 0)} M/s`;
}

/** Virtual time: microseconds while it is short, seconds or minutes later. */
export function seconds(value: number): string {
  if (value < 1e-3) return `${decimal(value * 1e6, 1)} µs`;
  if (value < 1) return `${decimal(value * 1e3, 1)} ms`;
  if (value < 60) return `${decimal(value, 2)} s`;
  return text.units.minutes(Math.floor(value / 60), (value % 60).toFixed(0).padStart(2, '0'));
}

/** Bytes of an instruction, separated by spaces. */
export function byteList(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ');
}
