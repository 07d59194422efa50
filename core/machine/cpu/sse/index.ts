import { FLAG } from '../../../ia32/flags.ts';
import * as A from '../../../ia32/float/binary/arithmetic.ts';
import { compare, holds } from '../../../ia32/float/binary/compare.ts';
import * as C from '../../../ia32/float/binary/convert.ts';
import { DOUBLE, type FloatLane, type Format, SINGLE } from '../../../ia32/float/binary/format.ts';
import { KIND } from '../../../ia32/instruction.ts';
import type { FloatForm, SseOperation } from '../../../ia32/sse/operations.ts';
import * as L from '../layout.ts';
import type { SystemFunction } from '../system.ts';
import { enterMmx } from '../x87/state.ts';
import { clflush, conclude, contextOf, emms, ldmxcsr, stmxcsr } from './state.ts';

/**
 * Floating point of SSE, SSE2 and SSE3. The arithmetic on one number is in ia32/float/binary, with flags and rounding modes; here it
 * is brought to the numbers of a register. Results are made aside, since none is written when an exception is unmasked.
 */

/** Packed forms work on all of both operands, scalar ones on the lowest number, and leave the rest of the destination. */
function binary(format: Format, bytes: number, lane: FloatLane): SystemFunction {
  return (cpu, i) => {
    const b = cpu.vector(i, i.src, bytes);
    const a = cpu.vector(i, i.dst, 16);
    const c = contextOf(cpu);
    for (let at = 0; at < bytes; at += format.size) lane(c, cpu.view, a + at, b + at, L.SCRATCH + at);
    conclude(cpu, c);
    cpu.setVector(i, i.dst, L.SCRATCH, bytes);
  };
}

type Forms<N extends string, F extends FloatForm> = Readonly<Record<`${N}${F}`, SystemFunction>>;

const FORMATS: Readonly<Record<FloatForm, readonly [format: Format, bytes: number]>> = {
  ps: [SINGLE, 16],
  pd: [DOUBLE, 16],
  ss: [SINGLE, 4],
  sd: [DOUBLE, 8],
};

/** An operation in several forms, with their suffixes. */
function forms<N extends string, F extends FloatForm>(
  name: N,
  suffixes: readonly F[],
  make: (format: Format, bytes: number) => SystemFunction,
): Forms<N, F> {
  const entries = suffixes.map(suffix => [name + suffix, make(FORMATS[suffix][0], FORMATS[suffix][1])]);
  // Names and suffixes are those of the type.
  return Object.fromEntries(entries) as Forms<N, F>;
}

const ALL = ['ps', 'pd', 'ss', 'sd'] as const;
const PACKED = ['ps', 'pd'] as const;
const OF_SINGLES = ['ps', 'ss'] as const;

function arithmetic<N extends string>(name: N, lane: (format: Format) => FloatLane): Forms<N, FloatForm> {
  return forms(name, ALL, (format, bytes) => binary(format, bytes, lane(format)));
}

function approximate<N extends string>(name: N, of: (y: number) => number): Forms<N, 'ps' | 'ss'> {
  return forms(name, OF_SINGLES, (format, bytes) => binary(format, bytes, A.approximation(format, of)));
}

/** CMPPS and its like: all ones or zeros. */
const cmp = (format: Format, bytes: number): SystemFunction => {
  return (cpu, i) => {
    const predicate = i.third.value & 7;
    const b = cpu.vector(i, i.src, bytes);
    const a = cpu.vector(i, i.dst, 16);
    const c = contextOf(cpu);
    for (let at = 0; at < bytes; at += format.size) {
      const mask = holds(c, cpu.view, a + at, b + at, format, predicate) ? -1 : 0;
      cpu.i32.fill(mask, (L.SCRATCH + at) >> 2, (L.SCRATCH + at + format.size) >> 2);
    }
    conclude(cpu, c);
    cpu.setVector(i, i.dst, L.SCRATCH, bytes);
  };
};

/** ZF, PF and CF for less, equal, greater and unordered. */
const COMPARED = [FLAG.CF, FLAG.ZF, 0, FLAG.ZF | FLAG.PF | FLAG.CF] as const;

/** COMIS and UCOMIS. */
function comis(format: Format, signals: boolean): SystemFunction {
  return (cpu, i) => {
    const b = cpu.vector(i, i.src, format.size);
    const a = cpu.vector(i, i.dst, 16);
    const c = contextOf(cpu);
    const relation = compare(c, cpu.view, a, b, format, signals);
    conclude(cpu, c);
    cpu.setStatusFlags(COMPARED[relation + 1]);
  };
}

/** ADDSUB: differences of the even numbers, sums of the odd ones. */
const addsub = (format: Format): SystemFunction => {
  const sub = A.sub(format);
  const add = A.add(format);
  return binary(format, 16, (c, v, a, b, to) => {
    const isOdd = ((to - L.SCRATCH) & format.size) !== 0;
    (isOdd ? add : sub)(c, v, a, b, to);
  });
};

/** HADD and HSUB: of neighbours, the destination's first. */
const horizontal =
  (lane: (format: Format) => FloatLane) =>
  (format: Format): SystemFunction => {
    const { size } = format;
    const apply = lane(format);
    return (cpu, i) => {
      const b = cpu.vector(i, i.src, 16);
      const a = cpu.vector(i, i.dst, 16);
      const c = contextOf(cpu);
      for (let at = 0; at < 8; at += size) {
        apply(c, cpu.view, a + 2 * at, a + 2 * at + size, L.SCRATCH + at);
        apply(c, cpu.view, b + 2 * at, b + 2 * at + size, L.SCRATCH + 8 + at);
      }
      conclude(cpu, c);
      cpu.setVector(i, i.dst, L.SCRATCH, 16);
    };
  };

/**
 * `count` numbers of `from` bytes each become ones of `to` bytes at the low end of the destination; up to `bytes` of it become 0. A
 * memory operand may be longer than what is used of it (CVTPD2PI).
 */
function convert(lane: FloatLane, count: number, from: number, to: number, bytes = count * to): SystemFunction {
  return (cpu, i) => {
    const b = cpu.vector(i, i.src, count * from);
    // Also where an exception follows.
    if (i.dst.kind === KIND.mm || i.src.kind === KIND.mm) enterMmx(cpu);
    const c = contextOf(cpu);
    for (let n = 0; n < count; n++) lane(c, cpu.view, 0, b + n * from, L.SCRATCH + n * to);
    cpu.i32.fill(0, (L.SCRATCH + count * to) >> 2, (L.SCRATCH + bytes) >> 2);
    conclude(cpu, c);
    cpu.setVector(i, i.dst, L.SCRATCH, bytes);
  };
}

/** From a general register or a doubleword of memory. */
function fromGeneral(lane: FloatLane, to: number): SystemFunction {
  return (cpu, i) => {
    cpu.i32[L.FETCHED >> 2] = cpu.read(i, i.src);
    const c = contextOf(cpu);
    lane(c, cpu.view, 0, L.FETCHED, L.SCRATCH);
    conclude(cpu, c);
    cpu.setVector(i, i.dst, L.SCRATCH, to);
  };
}

function toGeneral(format: Format, truncates: boolean): SystemFunction {
  const lane = C.toInteger(format, truncates);
  return (cpu, i) => {
    const b = cpu.vector(i, i.src, format.size);
    const c = contextOf(cpu);
    lane(c, cpu.view, 0, b, L.SCRATCH);
    conclude(cpu, c);
    cpu.write(i, i.dst, cpu.i32[L.SCRATCH >> 2]);
  };
}

export const SSE: Readonly<Record<SseOperation, SystemFunction>> = {
  ...arithmetic('add', A.add),
  ...arithmetic('sub', A.sub),
  ...arithmetic('mul', A.mul),
  ...arithmetic('div', A.div),
  ...arithmetic('min', A.min),
  ...arithmetic('max', A.max),
  ...arithmetic('sqrt', A.sqrt),
  ...approximate('rcp', y => 1 / y),
  ...approximate('rsqrt', y => 1 / (y === 0 ? y : Math.sqrt(y))),
  ...forms('cmp', ALL, cmp),
  ...forms('addsub', PACKED, addsub),
  ...forms('hadd', PACKED, horizontal(A.add)),
  ...forms('hsub', PACKED, horizontal(A.sub)),
  comiss: comis(SINGLE, true),
  comisd: comis(DOUBLE, true),
  ucomiss: comis(SINGLE, false),
  ucomisd: comis(DOUBLE, false),
  cvtps2pd: convert(C.singleToDouble, 2, 4, 8),
  cvtpd2ps: convert(C.doubleToSingle, 2, 8, 4, 16),
  cvtss2sd: convert(C.singleToDouble, 1, 4, 8),
  cvtsd2ss: convert(C.doubleToSingle, 1, 8, 4),
  cvtdq2ps: convert(C.integerToSingle, 4, 4, 4),
  cvtdq2pd: convert(C.integerToDouble, 2, 4, 8),
  cvtpi2ps: convert(C.integerToSingle, 2, 4, 4),
  cvtpi2pd: convert(C.integerToDouble, 2, 4, 8),
  cvtsi2ss: fromGeneral(C.integerToSingle, 4),
  cvtsi2sd: fromGeneral(C.integerToDouble, 8),
  cvtps2dq: convert(C.toInteger(SINGLE, false), 4, 4, 4),
  cvttps2dq: convert(C.toInteger(SINGLE, true), 4, 4, 4),
  cvtpd2dq: convert(C.toInteger(DOUBLE, false), 2, 8, 4, 16),
  cvttpd2dq: convert(C.toInteger(DOUBLE, true), 2, 8, 4, 16),
  cvtps2pi: convert(C.toInteger(SINGLE, false), 2, 4, 4),
  cvttps2pi: convert(C.toInteger(SINGLE, true), 2, 4, 4),
  cvtpd2pi: convert(C.toInteger(DOUBLE, false), 2, 8, 4),
  cvttpd2pi: convert(C.toInteger(DOUBLE, true), 2, 8, 4),
  cvtss2si: toGeneral(SINGLE, false),
  cvttss2si: toGeneral(SINGLE, true),
  cvtsd2si: toGeneral(DOUBLE, false),
  cvttsd2si: toGeneral(DOUBLE, true),
  ldmxcsr,
  stmxcsr,
  emms,
  clflush,
};
