import { readFileSync } from 'node:fs';
import type { Mode } from '../../core/protocol/monitor.ts';
import { Session } from '../../core/session/session.ts';
import type { Paging } from '../../core/vmm/technique.ts';

const PROMPT = 'primer$ ';
const SLICE = 200_000;
const MOST_STEPS = 600_000_000;

/** primer under a mode, with a console that is typed at. */
export class Primer {
  readonly session: Session;
  #text = '';

  /** `rate`: steps a virtual second. Runs to the first prompt. */
  constructor(mode: Mode, paging: Paging, rate: number) {
    const kernel = new Uint8Array(readFileSync(`public/guests/${mode === 'para' ? 'primer-para' : 'primer'}.elf`));
    this.session = new Session(
      { name: 'primer', kernel, initrd: null, symbols: null, commandLine: '', memoryMib: 32 },
      {
        startTime: 0,
        rate,
        mode,
        paging,
        onConsole: byte => {
          this.#text += String.fromCharCode(byte);
        },
      },
    );
    this.session.begin('run');
    this.#await(0);
  }

  #await(from: number): void {
    const last = this.session.steps + MOST_STEPS;
    while (!this.#text.slice(from).includes(`\n${PROMPT}`)) {
      if (this.session.steps > last) throw new Error(`primer shows no prompt: ${this.#text.slice(-200)}`);
      if (!this.session.run(SLICE, Number.POSITIVE_INFINITY))
        throw new Error(`primer ended: ${this.session.stop.kind}`);
    }
  }

  /** Types a command; returns the lines that it shows. */
  type(command: string): readonly string[] {
    const from = this.#text.length;
    this.session.input(new TextEncoder().encode(`${command}\n`));
    this.#await(from);
    return this.#text.slice(from).split('\r\n').slice(1, -1);
  }

  /** What `sensitive` shows of each instruction, by its name: what was seen, and primer's verdict. */
  sensitive(): Map<string, { readonly seen: string; readonly verdict: string }> {
    const found = new Map<string, { seen: string; verdict: string }>();
    for (const line of this.type('sensitive')) {
      const match = /^(\S+(?: ss)?) +(.*?) {2,}(\S.*)$/.exec(line);
      if (match !== null) found.set(match[1], { seen: match[2], verdict: match[3] });
    }
    return found;
  }
}
