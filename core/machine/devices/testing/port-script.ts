/** One step of a script of port accesses; `us` waits. Of a read, only the bits in `mask` count (all unless given). */
export type PortStep =
  | readonly ['out', port: number, value: number]
  | readonly ['in', port: number, mask?: number]
  | readonly ['out4', port: number, value: number]
  | readonly ['in4', port: number]
  | readonly ['us', microseconds: number];

/** A script and what another PC answered to its reads, in order. */
export interface PortRecording {
  readonly name: string;
  readonly steps: readonly PortStep[];
  readonly answers: readonly number[];
}

/**
 * Recordings as text: a line "# name", then steps, in hexadecimal: `20=11` writes, `21?ff` reads and answers ff,
 * `64?10/f7` with a mask, `L` at the end for doublewords; `+1000` waits so many microseconds (decimal).
 */
export function formatRecordings(recordings: readonly PortRecording[]): string {
  const blocks = recordings.map(({ name, steps, answers }) => {
    let read = 0;
    const words = steps.map(step => formatStep(step, () => answers[read++]));
    const lines: string[] = [];
    for (let i = 0; i < words.length; i += 16) lines.push(words.slice(i, i + 16).join(' '));
    return `# ${name}\n${lines.join('\n')}\n`;
  });
  return blocks.join('');
}

function formatStep(step: PortStep, answer: () => number): string {
  if (step[0] === 'us') return `+${step[1]}`;
  const port = step[1].toString(16);
  switch (step[0]) {
    case 'out':
      return `${port}=${step[2].toString(16)}`;
    case 'out4':
      return `${port}=${step[2].toString(16)}L`;
    case 'in':
      return `${port}?${answer().toString(16)}${step[2] === undefined ? '' : `/${step[2].toString(16)}`}`;
    case 'in4':
      return `${port}?${answer().toString(16)}L`;
  }
}

/** The recordings that formatRecordings() wrote. Throws Error on another text. */
export function parseRecordings(text: string): PortRecording[] {
  return text
    .split(/^# /m)
    .slice(1)
    .map(block => {
      const [name, ...lines] = block.split('\n');
      const steps: PortStep[] = [];
      const answers: number[] = [];
      for (const word of lines.join(' ').split(' ').filter(Boolean)) {
        if (word.startsWith('+')) {
          steps.push(['us', Number(word.slice(1))]);
          continue;
        }
        const match = /^([0-9a-f]+)([=?])([0-9a-f]+)(L)?(?:\/([0-9a-f]+))?$/.exec(word);
        if (match === null) throw new Error(`There is no port step '${word}'.`);
        const [port, value] = [Number.parseInt(match[1], 16), Number.parseInt(match[3], 16)];
        const wide = match[4] !== undefined;
        if (match[2] === '=') {
          steps.push([wide ? 'out4' : 'out', port, value]);
          continue;
        }
        answers.push(value);
        if (wide) steps.push(['in4', port]);
        else steps.push(match[5] === undefined ? ['in', port] : ['in', port, Number.parseInt(match[5], 16)]);
      }
      return { name, steps, answers };
    });
}

/** Builds a script. Methods append steps. */
export class ScriptWriter {
  readonly steps: PortStep[] = [];

  out(port: number, ...values: number[]): this {
    for (const value of values) this.steps.push(['out', port, value]);
    return this;
  }

  in(...ports: number[]): this {
    for (const port of ports) this.steps.push(['in', port]);
    return this;
  }

  /** A read of which only the bits in `mask` are the same on every PC. */
  masked(port: number, mask: number): this {
    this.steps.push(['in', port, mask]);
    return this;
  }

  out4(port: number, value: number): this {
    this.steps.push(['out4', port, value]);
    return this;
  }

  in4(port: number): this {
    this.steps.push(['in4', port]);
    return this;
  }

  us(microseconds: number): this {
    this.steps.push(['us', microseconds]);
    return this;
  }
}

/** A small reproducible source of numbers (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }
}
