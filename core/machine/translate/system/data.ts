import { FLAG } from '../../../ia32/flags.ts';
import { CR0 } from '../../../ia32/registers.ts';
import { USE } from '../../cpu/descriptor-memo.ts';
import * as L from '../../cpu/layout.ts';
import { STEP_BYTES } from '../../cpu/strings.ts';
import { type FunctionBody, I32 } from '../code.ts';
import * as w from '../words.ts';
import { get, type Part, set, word } from '../words.ts';
import { lookUp, noted, put, reach, refuseIf, refuseUnless, state, take } from './words.ts';

/** Loads of data segment registers, and repeated strings: cpu/segmentation.ts and cpu/strings.ts say what they mean. */

/** MOV and POP to DS, ES, FS and GS: register, selector. What translated code takes for granted of the register must not change. */
export function loadSegment(): FunctionBody {
  return w.makeFunction([I32, I32], [I32], locals => {
    const [register, selector] = [0, 1];
    const [at, place] = locals.words(2);
    const zero = [L.S_BASE, L.S_LIMIT, L.S_ATTRIBUTES].map(s => w.store(get(at), 4 * s, word(0)));
    return [
      refuseUnless(w.and(state(L.W_CR0), word(CR0.PE))),
      refuseIf(w.and(state(L.W_EFLAGS), word(FLAG.VM))),
      set(at, w.add(w.shl(get(register), word(5)), word(L.W_SEGMENTS << 2))),
      w.when(w.isZero(w.and(get(selector), word(0xfffc))), [
        refuseIf(w.differs(w.load(get(at), 4 * L.S_CHECKED), word(3))),
        w.store(get(at), 4 * L.S_SELECTOR, get(selector)),
        ...zero,
        w.store(get(at), 4 * L.S_PLAIN, word(1)),
        w.give(word(1)),
      ]),
      ...lookUp(place, USE.data, state(L.W_CPL), get(selector)),
      refuseIf(w.differs(noted(place, L.S_CHECKED), w.load(get(at), 4 * L.S_CHECKED))),
      ...take(get(at), get(selector), place),
      w.give(word(1)),
    ];
  });
}

/** From here on the engine's own way is faster. */
const BLOCK_BYTES = 64;

/** REP MOVS upwards through flat segments, all at once: count, linear addresses of source and destination, and the size of an element, 1 or 4. */
export function copy(): FunctionBody {
  return w.makeFunction([I32, I32, I32, I32], [I32], locals => {
    const [count, source, target, size] = [0, 1, 2, 3];
    const [bytes, from, to, n] = locals.words(4);
    const ahead = w.sub(get(to), get(from));
    const advance = (by: number) => set(n, w.add(get(n), word(by)));
    const at = (base: number): Part => w.add(get(base), get(n));
    return [
      refuseIf(w.gtU(get(count), word(STEP_BYTES))),
      set(bytes, w.mul(get(count), get(size))),
      refuseIf(w.gtU(w.sub(get(bytes), word(1)), word(STEP_BYTES - 1))),
      ...reach(locals, from, get(source), get(bytes), state(L.W_READ_TABLE)),
      ...reach(locals, to, get(target), get(bytes), state(L.W_WRITE_TABLE)),
      // A destination just above the source repeats the bytes between them: only one by one gives that.
      w.when(
        w.and(w.gtU(get(bytes), word(BLOCK_BYTES - 1)), w.geU(w.sub(ahead, word(1)), w.sub(get(bytes), word(1)))),
        [w.copyBytes(get(to), get(from), get(bytes)), w.give(word(1))],
      ),
      w.when(
        w.equal(get(size), word(4)),
        [w.during(w.ltU(get(n), get(bytes)), [w.store(at(to), 0, w.load(at(from))), advance(4)])],
        [w.during(w.ltU(get(n), get(bytes)), [w.store8(at(to), 0, w.load8(at(from))), advance(1)])],
      ),
      w.give(word(1)),
    ];
  });
}

/** REP STOS in the same way: count, linear address of the destination, value, and the size of an element, 1 or 4. */
export function fill(): FunctionBody {
  return w.makeFunction([I32, I32, I32, I32], [I32], locals => {
    const [count, target, value, size] = [0, 1, 2, 3];
    const [bytes, to, n] = locals.words(3);
    const isOfOneByte = w.equal(get(value), w.mul(w.and(get(value), word(0xff)), word(0x01010101)));
    return [
      refuseIf(w.gtU(get(count), word(STEP_BYTES))),
      set(bytes, w.mul(get(count), get(size))),
      refuseIf(w.gtU(w.sub(get(bytes), word(1)), word(STEP_BYTES - 1))),
      ...reach(locals, to, get(target), get(bytes), state(L.W_WRITE_TABLE)),
      w.when(w.and(w.gtU(get(bytes), word(BLOCK_BYTES - 1)), w.or(w.equal(get(size), word(1)), isOfOneByte)), [
        w.fillBytes(get(to), get(value), get(bytes)),
        w.give(word(1)),
      ]),
      w.when(
        w.equal(get(size), word(4)),
        [
          w.during(w.ltU(get(n), get(bytes)), [
            w.store(w.add(get(to), get(n)), 0, get(value)),
            set(n, w.add(get(n), word(4))),
          ]),
        ],
        [
          w.during(w.ltU(get(n), get(bytes)), [
            w.store8(w.add(get(to), get(n)), 0, get(value)),
            set(n, w.add(get(n), word(1))),
          ]),
        ],
      ),
      w.give(word(1)),
    ];
  });
}

/** What a repeated comparison leaves in SCRATCH, in words: what was compared last, and how many elements were. */
export const COMPARED = { a: L.SCRATCH >> 2, b: (L.SCRATCH >> 2) + 1, count: (L.SCRATCH >> 2) + 2 } as const;

/**
 * REPE and REPNE SCAS or CMPS upwards through flat segments, all at once if they end before a page does: count, what is sought or the linear address of
 * the source, linear address of the destination, size of an element, 1 or 4, and 1 where equal elements go on, else 0.
 */
function compareAll(isScan: boolean): FunctionBody {
  return w.makeFunction([I32, I32, I32, I32, I32], [I32], locals => {
    const [count, source, target, size, whileEqual] = [0, 1, 2, 3, 4];
    const [limit, other, from, to, n, a, b, goesOn] = locals.words(8);
    const elements = (bytes: Part): Part => w.shr(bytes, w.shr(get(size), word(1)));
    const inPage = (address: number): Part => elements(w.sub(word(4096), w.and(get(address), word(0xfff))));
    const lessen = (most: Part) => [
      set(other, most),
      set(limit, w.select(get(other), get(limit), w.ltU(get(other), get(limit)))),
    ];
    const through = (read: (address: Part) => Part, step: number): Part =>
      w.during(w.and(get(goesOn), w.ltU(get(n), get(limit))), [
        set(a, isScan ? get(source) : read(w.add(get(from), get(n)))),
        set(b, read(w.add(get(to), get(n)))),
        set(n, w.add(get(n), word(step))),
        set(goesOn, w.equal(w.equal(get(a), get(b)), get(whileEqual))),
      ]);
    return [
      set(limit, get(count)),
      ...lessen(inPage(target)),
      ...(isScan ? [] : lessen(inPage(source))),
      refuseUnless(get(limit)),
      set(limit, w.mul(get(limit), get(size))),
      ...(isScan ? [] : reach(locals, from, get(source), get(limit), state(L.W_READ_TABLE))),
      ...reach(locals, to, get(target), get(limit), state(L.W_READ_TABLE)),
      set(goesOn, word(1)),
      w.when(w.equal(get(size), word(4)), [through(w.load, 4)], [through(w.load8, 1)]),
      set(n, elements(get(n))),
      refuseIf(w.and(get(goesOn), w.differs(get(n), get(count)))),
      put(COMPARED.a, get(a)),
      put(COMPARED.b, get(b)),
      put(COMPARED.count, get(n)),
      w.give(word(1)),
    ];
  });
}

export const scanAll = (): FunctionBody => compareAll(true);
export const compareBoth = (): FunctionBody => compareAll(false);
