/** Values of the x87's and of the SSE registers as people read them. */
import type { Units, X87Register } from '../../../core/protocol/questions.ts';
import type { Lane } from '../../stores/system.ts';

const EXPONENT_BIAS = 16383;
const INTEGER_BIT = 0x80000000;

/** As the nearest double; digits beyond that are not shown. */
export function x87Value({ low, high, exponent }: X87Register): number {
  const sign = (exponent & 0x8000) === 0 ? 1 : -1;
  const power = exponent & 0x7fff;
  if (power === 0x7fff) return high << 1 === 0 && low === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  // The point is behind the first bit of 64.
  const mantissa = high * 2 ** -31 + low * 2 ** -63;
  return sign * mantissa * 2 ** (power - EXPONENT_BIAS);
}

/** What the tag word says of a register (SDM volume 1, 8.1.7). */
export function x87Tag({ low, high, exponent }: X87Register): 'valid' | 'zero' | 'special' {
  const power = exponent & 0x7fff;
  if (power === 0) return high === 0 && low === 0 ? 'zero' : 'special';
  return power === 0x7fff || high < INTEGER_BIT ? 'special' : 'valid';
}

/** R0 to R7 from the top of the stack: which of them each ST(n) is. */
export function stackOrder(status: number): readonly number[] {
  const top = (status >>> 11) & 7;
  return Array.from({ length: 8 }, (_, n) => (top + n) & 7);
}

/** Short, and not less than what tells two values apart at a glance. */
export function written(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value < 0 ? '−∞' : '∞';
  if (Object.is(value, -0)) return '−0';
  const short = Number(value.toPrecision(7));
  return `${short}`.replace('-', '−');
}

/** An XMM register's lanes, the lowest first. */
export function lanes(xmm: Units['xmm'], register: number, lane: Lane): readonly string[] {
  const words = xmm.slice(4 * register, 4 * register + 4);
  switch (lane) {
    case 'single':
      return Array.from(new Float32Array(words.buffer), written);
    case 'double':
      return Array.from(new Float64Array(words.buffer), written);
    case 'integer':
      return Array.from(new Int32Array(words.buffer), value => `${value}`.replace('-', '−'));
  }
}
