import { Float80 } from '../float80.ts';

/** Reads what generate.c records; the format stands there. */

const COLUMN = { a: 1, b: 2, memory: 4, st0: 8, st1: 16, after: 32 } as const;

/** One recorded execution. Columns that a form does not have stay as they are. */
export interface Case {
  controlWord: number;
  /** ST0 and ST1 before. */
  readonly a: Float80;
  readonly b: Float80;
  /** Ten bytes of memory before and after. */
  readonly memory: Uint8Array;
  readonly after: Uint8Array;
  statusWord: number;
  /** ST0 and ST1 after. */
  readonly st0: Float80;
  readonly st1: Float80;
}

export interface Form {
  readonly name: string;
  readonly count: number;
  has(column: keyof typeof COLUMN): boolean;
  /** Fills `into` with case number `index`. */
  load(index: number, into: Case): void;
}

export interface Vectors {
  readonly processor: string;
  readonly seed: number;
  readonly forms: readonly Form[];
}

export function emptyCase(): Case {
  return {
    controlWord: 0,
    a: new Float80(),
    b: new Float80(),
    memory: new Uint8Array(10),
    after: new Uint8Array(10),
    statusWord: 0,
    st0: new Float80(),
    st1: new Float80(),
  };
}

export function readVectors(bytes: Uint8Array): Vectors {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const text = (length: number): string => {
    at += length;
    return new TextDecoder().decode(bytes.subarray(at - length, at));
  };
  if (text(8) !== 'X87VEC1\0') throw new Error('not a file of x87 vectors');
  const processor = text(bytes[at++]);
  const seed = view.getUint32(at, true);
  at += 4;
  const forms: Form[] = [];
  while (at < bytes.length) {
    const name = text(bytes[at++]);
    const columns = bytes[at++];
    const count = view.getUint32(at, true);
    at += 4;
    const column = (bit: number, size: number): number => {
      if (bit !== 0 && !(columns & bit)) return -1;
      at += size * count;
      return at - size * count;
    };
    const control = column(0, 2);
    const [a, b, memory] = [column(COLUMN.a, 10), column(COLUMN.b, 10), column(COLUMN.memory, 10)];
    const status = column(0, 2);
    const [st0, st1, after] = [column(COLUMN.st0, 10), column(COLUMN.st1, 10), column(COLUMN.after, 10)];
    const real = (start: number, index: number, out: Float80): void => {
      if (start < 0) return;
      out.low = view.getUint32(start + index * 10, true);
      out.high = view.getUint32(start + index * 10 + 4, true);
      out.signExponent = view.getUint16(start + index * 10 + 8, true);
    };
    const ten = (start: number, index: number, out: Uint8Array): void => {
      if (start >= 0) out.set(bytes.subarray(start + index * 10, start + index * 10 + 10));
    };
    forms.push({
      name,
      count,
      has: which => (columns & COLUMN[which]) !== 0,
      load(index, into) {
        into.controlWord = view.getUint16(control + index * 2, true);
        into.statusWord = view.getUint16(status + index * 2, true);
        real(a, index, into.a);
        real(b, index, into.b);
        real(st0, index, into.st0);
        real(st1, index, into.st1);
        ten(memory, index, into.memory);
        ten(after, index, into.after);
      },
    });
  }
  return { processor, seed, forms };
}
