import { Code } from './code.ts';

/** A place in the code where locals are loaded from memory or stored to it: which ones is known only when all code is made. */
interface Gap {
  readonly at: number;
  readonly piece: 'load' | 'store';
}

/** Room for the function that is being made, and for what is made of it: there is one at a time, from its Frame to its finish(). */
const BODY = new Code();
const WHOLE = new Code();

function cleared(code: Code): Code {
  code.clear();
  return code;
}

/** What code is there for: to come in, to choose between entries, to begin a block, an instruction, to leave. `offset` in CS, `length` in bytes. */
export interface Purpose {
  readonly kind: 'enter' | 'choose' | 'block' | 'instruction' | 'leave';
  readonly offset: number;
  readonly length: number;
}
const ENTER: Purpose = { kind: 'enter', offset: 0, length: 0 };
const LEAVE: Purpose = { kind: 'leave', offset: 0, length: 0 };

/** Where the code for something begins, up to the next one: a byte offset. */
export interface Part {
  readonly purpose: Purpose;
  readonly at: number;
}

/** The body of a function in the making: its code, where something is still to be put in, and what each stretch is for. */
export class Draft {
  readonly code = cleared(BODY);
  readonly #gaps: Gap[] = [];
  readonly #notes: Part[] = [];
  #purpose = ENTER;

  get purpose(): Purpose {
    return this.#purpose;
  }

  /** What follows is for something else, and not joined with what was before. */
  set purpose(purpose: Purpose) {
    this.#purpose = purpose;
    this.code.fence();
    this.#notes.push({ purpose, at: this.code.length });
  }

  /** Here locals are to be loaded or stored. */
  leaveGap(piece: Gap['piece']): void {
    this.#gaps.push({ at: this.code.length, piece });
    this.code.fence();
  }

  /** The whole: what `begin` makes, the body with its gaps filled, and what `end` makes. `parts` tells what its code is for. */
  finish(
    begin: (code: Code) => void,
    fill: (code: Code, piece: Gap['piece']) => void,
    end: (code: Code) => void,
  ): { readonly code: Uint8Array; readonly parts: () => readonly Part[] } {
    const code = cleared(WHOLE);
    begin(code);
    const body = this.code.bytes;
    let from = 0;
    /** By gap: how far what follows it is behind its place in the body. */
    const shifts = [code.length];
    for (const { at, piece } of this.#gaps) {
      code.append(body.subarray(from, at));
      fill(code, piece);
      from = at;
      shifts.push(code.length - at);
    }
    code.append(body.subarray(from));
    const behind = code.length;
    end(code);
    const place = (at: number) => at + shifts[this.#gaps.filter(gap => gap.at <= at).length];
    const parts = () => [
      { purpose: ENTER, at: 0 },
      ...this.#notes.map(({ purpose, at }) => ({ purpose, at: place(at) })),
      { purpose: LEAVE, at: behind },
    ];
    return { code: code.bytes.slice(), parts };
  }
}
