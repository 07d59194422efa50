import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadImage } from '../../guests/load.ts';
import { firstDifference, stateOf } from '../compare.ts';
import { Pc } from '../pc.ts';
import { type Engine, Translator } from './translator.ts';

const primer = fileURLToPath(new URL('../../../public/guests/primer.elf', import.meta.url));
const memoryBytes = 16 << 20;

interface Run {
  readonly pc: Pc;
  text: string;
}

function open(engine: Engine): Run {
  const run: Run = {
    pc: new Pc({
      memoryBytes,
      startTime: 0,
      rate: 1e8,
      translate:
        engine === 'execute' ? undefined : cpu => new Translator(cpu, engine, { hot: 50, batch: 4, often: 400 }),
      onConsole: byte => (run.text += String.fromCharCode(byte)),
    }),
    text: '',
  };
  run.pc.start(loadImage(new Uint8Array(readFileSync(primer)), { memoryBytes, commandLine: '', initrd: null }));
  return run;
}

describe.skipIf(!existsSync(primer)).each(['interpret', 'blocks', 'regions'] as const)('%s', engine => {
  it('goes the same way as the executor, step by step, through a kernel with processes', () => {
    const [one, other] = [open('execute'), open(engine)];
    let isTyped = false;
    for (let n = 0; n < 150; n++) {
      for (const { pc } of [one, other]) pc.run(79_193, Number.POSITIVE_INFINITY, true);
      expect(stateOf(other.pc)).toEqual(stateOf(one.pc));
      if (!isTyped && one.text.includes('$')) {
        isTyped = true;
        for (const { pc } of [one, other]) pc.input(new TextEncoder().encode('bench\nfork\nfault\nsensitive\n'));
      }
    }
    expect(other.text).toBe(one.text);
    expect(firstDifference(one.pc, other.pc)).toBe(-1);
    if (engine !== 'interpret') expect(other.pc.cpu.translator?.translated).toBeGreaterThan(20);
  });
});
