import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadImage } from '../../guests/load.ts';
import { decode } from '../../ia32/decoder.ts';
import { stateOf } from '../compare.ts';
import { Pc } from '../pc.ts';
import { Code, OP } from './code.ts';
import type { TextPart } from './explain.ts';
import { REGION_IMPORTS } from './imports.ts';
import { physicalPage, type Region } from './region.ts';
import { Translator } from './translator.ts';
import { localName, TEXT } from './wasm-text.ts';

const memoryBytes = 8 << 20;
const primer = new Uint8Array(readFileSync(new URL('../../../public/guests/primer.elf', import.meta.url)));

/** primer, after its shell has done something; `look` is called now and then. */
function run(look: (pc: Pc, translator: Translator) => void = () => {}) {
  const pc = new Pc({
    memoryBytes,
    startTime: 0,
    rate: 1e8,
    translate: cpu => new Translator(cpu, 'regions', { hot: 30, batch: 4, often: 100 }),
    onConsole: () => {},
  });
  pc.start(loadImage(primer, { memoryBytes, commandLine: '', initrd: null }));
  const { translator } = pc.cpu;
  if (translator === null) throw new Error('Nothing translates.');
  for (let n = 0; n < 9; n++) {
    if (n === 3) pc.input(new TextEncoder().encode('bench\nfork\nps\n'));
    pc.run(150_000, Number.POSITIVE_INFINITY, true);
    look(pc, translator);
  }
  return { pc, translator };
}

/** The bytes of all modules that are made from now on. */
function record() {
  const modules: Buffer[] = [];
  const real: { Module: new (bytes: Uint8Array) => object } = Reflect.get(globalThis, 'WebAssembly');
  const { Module } = real;
  real.Module = class extends Module {
    constructor(bytes: Uint8Array) {
      modules.push(Buffer.from(bytes));
      super(bytes);
    }
  };
  return { modules, stop: () => Object.assign(real, { Module }) };
}

function textOf(region: Region): readonly TextPart[] {
  const parts = translator.textOf(region);
  if (parts === null) throw new Error('There is no text.');
  return parts;
}

// The text read back

const CALLEES = REGION_IMPORTS.map(({ name }) => `$${name}`);
const LOCALS = new Map(Array.from({ length: 2000 }, (_, n) => [`$${localName(n)}`, n]));
const OPCODES = new Map(Object.entries(TEXT).map(([name, [text]]) => [text, OP[name as keyof typeof OP]]));

/** Assembles the text of a function. */
function assemble(text: string): Uint8Array {
  const tokens = text.replaceAll(/;;.*$/gm, '').match(/[()]|[^\s()]+/g) ?? [];
  const code = new Code();
  const labels: string[] = [];
  let at = 0;
  const statement = (): void => {
    const isFolded = tokens[at] === '(';
    if (isFolded) at++;
    const name = tokens[at++];
    const op = OPCODES.get(name);
    if (op === undefined) throw new Error(`What is ${name}?`);
    if (name === 'block' || name === 'loop' || name === 'if') {
      labels.push(name === 'if' ? '' : tokens[at++]);
      code.op(op);
      code.byte(0x40);
      return;
    }
    if (name === 'end') labels.pop();
    const isAccess = name.includes('.load') || name.includes('.store');
    const immediates: string[] = [];
    while (isFolded && tokens[at] !== '(' && tokens[at] !== ')') immediates.push(tokens[at++]);
    if (isFolded) {
      while (tokens[at] !== ')') statement();
      at++;
    }
    const [immediate = ''] = immediates;
    if (name.startsWith('local.')) {
      code.op(op);
      code.unsigned(LOCALS.get(immediate) ?? -1);
    } else if (name === 'i32.const') code.constant(Number(immediate));
    else if (name === 'i64.const') code.constant64(BigInt(immediate));
    else if (name === 'call') code.call(CALLEES.indexOf(immediate));
    else if (name === 'br' || name === 'br_if') {
      code.op(op);
      code.unsigned(labels.length - 1 - labels.lastIndexOf(immediate));
    } else if (isAccess) code.memory(op, Number(immediate.slice('offset='.length)));
    else code.op(op);
  };
  while (at < tokens.length) statement();
  code.op(OP.end);
  return code.bytes.slice();
}

/** A run that nobody asks: its modules, states and, when it is looked at, how often each region was entered. */
const recorded = record();
const states: string[] = [];
const entries = new Map<Region, number[]>();
const { pc, translator } = run((machine, made) => {
  states.push(stateOf(machine));
  for (const region of made.regions) {
    entries.set(region, [...(entries.get(region) ?? []), made.entriesOf(region)]);
  }
});
recorded.stop();

describe('the text of a region', () => {
  const regions = [...translator.regions];

  it('is of the code that runs, every byte of it', () => {
    const all = Buffer.concat(recorded.modules);
    let compared = 0;
    for (const region of regions) {
      if (region.index < 0) continue;
      const repeated = translator.repeat(region);
      expect(repeated).not.toBeNull();
      const text = textOf(region).map(part => part.text);
      expect(Buffer.from(assemble(text.join('\n'))).equals(Buffer.from(repeated?.code ?? []))).toBe(true);
      expect(all.includes(Buffer.from(repeated?.code ?? [0]))).toBe(true);
      compared++;
    }
    expect(compared).toBeGreaterThan(50);
  });

  it('stands beside each of its instructions, as they are in memory', () => {
    expect(new Set(regions.map(({ extent }) => extent))).toEqual(new Set(['procedure', 'rest', 'calls']));
    for (const region of regions) {
      const byte = (linear: number) => {
        const page = region.pages.find(one => one.page === linear >>> 12);
        return page === undefined ? -1 : pc.physical.peekByte(physicalPage(page) * 4096 + (linear & 0xfff));
      };
      const listed = new Map<number, number>();
      for (let n = 0; n < region.spans.length; n += 2) {
        for (let at = region.spans[n]; at !== region.spans[n + 1]; ) {
          const here = at;
          const { row, length } = decode({ byte: index => byte((here + index) | 0) }, 0, 4);
          listed.set(at >>> 0, length);
          expect(row.mnemonic).not.toBe('');
          at = (at + length) | 0;
        }
      }
      const shown = textOf(region).filter(({ kind }) => kind === 'instruction');
      expect(new Map(shown.map(({ address, instruction }) => [address, instruction?.length]))).toEqual(listed);
      expect(listed.size).toBe(region.instructions);
    }
  });
});

describe('what is said of an address', () => {
  const { cpu } = pc;

  it('is the region that has it, with how often control came in', () => {
    const { hottest, alive } = translator.overview(5);
    expect(alive).toBe([...translator.regions].filter(({ index }) => index >= 0).length);
    expect(hottest).toHaveLength(5);
    expect(hottest[0].entered).toBeGreaterThan(1000);
    for (const facts of hottest.filter(({ user }) => !user)) {
      for (const address of facts.entrances) {
        const said = translator.explain(address, cpu.lookUp(address | 0));
        if (said.kind !== 'region') throw new Error(`${address} is ${said.kind}`);
        expect(said.facts.entered).toBeGreaterThanOrEqual(facts.entered);
        expect(said.facts.start).toBeLessThanOrEqual(address);
        expect(said.facts.end).toBeGreaterThan(address);
      }
    }
  });

  it('says why it is not translated', () => {
    expect(translator.explain(0x9000, 0x9000)).toMatchObject({ kind: 'cold', executed: 0 });
    const facts = translator.overview(1).hottest[0];
    const at = cpu.lookUp(facts.start | 0);
    expect(translator.explain(facts.start, at + 4096)).not.toMatchObject({ kind: 'region' });
    cpu.setBreakpoints([facts.start]);
    expect(translator.explain(facts.start, at)).toEqual({ kind: 'stop' });
    cpu.setBreakpoints([]);
    expect(translator.explain(facts.start, at).kind).not.toBe('stop');
  });
});

it('entries are counted on when the counter has come to its end', () => {
  for (const list of entries.values()) expect(list).toEqual([...list].sort((a, b) => a - b));
  const over = [...entries].filter(([region]) => region.entered > 0);
  expect(over.length).toBeGreaterThan(0);
  expect(over.some(([region, list]) => (list.at(-1) ?? 0) > region.entered)).toBe(true);
});

it('who asks changes nothing', () => {
  const asked: string[] = [];
  const other = run((machine, looked) => {
    for (const region of looked.regions) looked.textOf(region);
    looked.overview(10);
    looked.explain(machine.cpu.linearEip, machine.cpu.lookUp(machine.cpu.linearEip));
    asked.push(stateOf(machine));
  });
  expect(asked).toEqual(states);
  expect(other.translator.translated).toBe(translator.translated);
});
