import { isProgram, isShell, type Measure } from './programs.ts';

/** What the guest prints at its shell, and when it has done everything. */
export const READY = 'RINGSIDE-READY';
export const DONE = 'RINGSIDE-DONE';

/** One measured thing: how much was done, in which time. `boot` is one. */
export interface Figure {
  readonly name: Measure;
  readonly units: number;
  readonly seconds: number;
  /** What the program computed: the same on every engine. */
  readonly check: string;
}

/** Reads a guest's console and takes the time of its lines. */
export class Lines {
  readonly figures: Figure[] = [];
  done = false;
  /** What Linux says when it cannot go on. */
  panic: string | null = null;
  /** The last of what was printed. */
  tail = '';
  #line = '';
  #began: number;
  #between: string[] = [];

  constructor(now: number) {
    this.#began = now;
  }

  /** A character came at this time, in milliseconds. */
  feed(character: string, now: number): void {
    if (character !== '\n') {
      if (character !== '\r') this.#line += character;
      return;
    }
    const line = this.#line;
    this.#line = '';
    this.tail = `${this.tail}${line}\n`.slice(-4000);
    if (line.includes('Kernel panic')) this.panic = line;
    const [word, name, units = '1', ...rest] = line.split(' ');
    if (line === READY) this.#add('boot', 1, now, '');
    else if (word === 'BEGIN') {
      this.#began = now;
      this.#between = [];
    } else if (word === 'RESULT') {
      if (isProgram(name) || isShell(name)) this.#add(name, Number(units), now, rest.at(-1) ?? '');
    } else if (line === DONE) this.done = true;
    else this.#between.push(line);
  }

  #add(name: Measure, units: number, now: number, check: string): void {
    this.figures.push({ name, units, seconds: (now - this.#began) / 1000, check: [...this.#between, check].join(' ') });
    this.#between = [];
  }
}
