import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decoder, DecoderOptions, Mnemonic } from 'iced-x86';
import { describe, expect, it } from 'vitest';
import { dataImage, memoryRuns, readVectors, type VectorForm, type VectorResult } from './read.ts';
import { compare, type Driver, inWords, runVectors } from './run.ts';

const directory = join(import.meta.dirname, 'vectors');
const files = readdirSync(directory).map(name => join(directory, name));
const file = (family: string) => join(directory, `${family}.vec.gz`);

function formOf(family: string, name: string): VectorForm {
  for (const form of readVectors(file(family))) if (form.name === name) return form;
  throw new Error(`no form ${name}`);
}

describe('the committed vectors', () => {
  it('cover every family with forms of distinct names', () => {
    const names = files.flatMap(f => [...readVectors(f)].map(form => form.name));
    expect(files.length).toBe(12);
    expect(names.length).toBeGreaterThan(600);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are the instructions their names say, by iced-x86', () => {
    const alias: Record<string, string> = {
      jcxz: 'jecxz',
      pusha: 'pushad',
      popa: 'popad',
      pushf: 'pushfd',
      popf: 'popfd',
    };
    for (const family of ['arithmetic', 'shift', 'multiply', 'bits', 'stack', 'control']) {
      for (const form of readVectors(file(family))) {
        const word = form.name.split(' ')[0];
        for (const { initial } of form.vectors.slice(0, 40)) {
          const decoder = new Decoder(32, initial.code, DecoderOptions.None);
          const instruction = decoder.decode();
          const mnemonic = Mnemonic[instruction.mnemonic].toLowerCase();
          const names = [word, alias[word], 'jcxz', `${word}w`, word.replace('sal', 'shl')];
          const length = instruction.length;
          instruction.free();
          decoder.free();
          expect(names, `${form.name}: ${Buffer.from(initial.code).toString('hex')}`).toContain(mnemonic);
          expect(length).toBe(initial.code.length);
        }
      }
    }
  });

  it('add as arithmetic does', () => {
    let seen = 0;
    for (const { initial, expected } of formOf('arithmetic', 'add Ev,Gv 32').vectors) {
      const [op, modrm] = initial.code;
      if (op !== 1 || modrm < 0xc0) continue;
      const a = initial.registers[modrm & 7];
      const b = initial.registers[(modrm >> 3) & 7];
      const sum = (a + b) >>> 0;
      const parity = [...(sum & 0xff).toString(2)].filter(bit => bit === '1').length % 2 === 0;
      const flags =
        (a + b > 0xffffffff ? 1 : 0) |
        (parity ? 4 : 0) |
        ((a ^ b ^ sum) & 0x10) |
        (sum === 0 ? 0x40 : 0) |
        (sum > 0x7fffffff ? 0x80 : 0) |
        (((a ^ sum) & (b ^ sum)) >>> 31 ? 0x800 : 0);
      expect(expected.registers[modrm & 7]).toBe(sum);
      expect(expected.eflags).toBe((initial.eflags & ~0x8d5) | flags);
      seen++;
    }
    expect(seen).toBeGreaterThan(30);
  });

  it('divide as BigInt does, and raise #DE where the quotient does not fit', () => {
    let fits = 0;
    let raises = 0;
    for (const { initial, expected, signal } of formOf('multiply', 'div Ev 32').vectors) {
      const [op, modrm] = initial.code;
      if (op !== 0xf7 || modrm < 0xc0) continue;
      const divisor = BigInt(initial.registers[modrm & 7]);
      const dividend = (BigInt(initial.registers[2]) << 32n) | BigInt(initial.registers[0]);
      if (divisor === 0n || dividend / divisor > 0xffffffffn) {
        expect([expected.exception?.vector, signal]).toEqual([0, 8]);
        raises++;
      } else {
        expect(expected.exception).toBeNull();
        expect(BigInt(expected.registers[0])).toBe(dividend / divisor);
        expect(BigInt(expected.registers[2])).toBe(dividend % divisor);
        fits++;
      }
    }
    expect(fits).toBeGreaterThan(10);
    expect(raises).toBeGreaterThan(5);
  });

  it('leave user mode only what user mode may have', () => {
    for (const form of readVectors(file('invalid'))) {
      if (!form.name.startsWith('privileged')) continue;
      for (const { initial, expected } of form.vectors) {
        expect(expected.exception, form.name).toEqual({ vector: 13, errorCode: 0, address: 0 });
        expect(expected.registers).toEqual(initial.registers);
      }
    }
    for (const { initial, expected } of formOf('stack', 'popf 32').vectors)
      expect(expected.eflags & 0x3200, 'IOPL and IF stay').toBe(initial.eflags & 0x3200);
  });

  it('report faults where the pages end', () => {
    const writable = (address: number) => address >= 0xf000 && address < 0x11000;
    for (const form of readVectors(file('arithmetic')))
      for (const { expected } of form.vectors)
        if (expected.exception?.vector === 14 && expected.exception.errorCode & 2)
          expect(writable(expected.exception.address)).toBe(false);
  });
});

describe('runVectors', () => {
  it('counts a driver that changes nothing right only where nothing changes', () => {
    const changesNothing: Driver = {
      run: initial => ({ ...initial, eip: initial.eip + initial.code.length, memory: [], exception: null }),
    };
    const reports = runVectors([file('move')], () => changesNothing);
    expect(reports.find(r => r.form === 'nop 32')).toMatchObject({ run: 200, failed: 0 });
    const cmc = reports.find(r => r.form === 'cmc 32');
    expect(cmc).toMatchObject({ run: 200, failed: 200 });
    expect(cmc?.failures.length).toBe(3);
    expect(inWords(reports)).toContain('move: cmc 32: 200 of 200 differ\n  f5  at 00008400');
  });

  it('reports a driver that throws', () => {
    const broken = () => ({
      run: (): VectorResult => {
        throw new Error('ADD is not done yet');
      },
    });
    const reports = runVectors([file('segment')], broken, { casesPerForm: 1 });
    expect(reports.every(r => r.run === 1 && r.failed === 1)).toBe(true);
    expect(inWords(reports)).toContain('the driver threw: Error: ADD is not done yet');
  });

  it('leaves out what the manual leaves undefined', () => {
    const form = formOf('bits', 'bsf Gv,Ev 32');
    const zero = form.vectors.find(v => v.undefined?.destination);
    if (!zero) throw new Error('no source of 0 among the cases');
    const registers = zero.expected.registers.map((r, i) => ((zero.undefinedRegisters >> i) & 1 ? r ^ 1 : r));
    const other = { ...zero.expected, registers, eflags: zero.expected.eflags ^ 0x894 };
    expect(compare(zero, other)).toEqual([]);
    expect(compare(zero, other, true).length).toBe(2);
    expect(compare(zero, { ...other, eflags: other.eflags ^ 0x40 })).toMatchObject([{ what: 'eflags' }]);
  });

  it('finds every kind of difference', () => {
    const [store] = formOf('move', 'mov Ev,Iz 32').vectors.filter(v => v.expected.memory.length > 0);
    const right = store.expected;
    expect(compare(store, right)).toEqual([]);
    expect(compare(store, { ...right, memory: [] })[0].what).toMatch(/^memory 000/);
    expect(compare(store, { ...right, eip: right.eip + 1 })[0].what).toBe('eip');
    expect(compare(store, { ...right, exception: { vector: 13, errorCode: 0, address: 0 } })).toEqual([
      { what: 'outcome', expected: 'retired', actual: 'exception 13, error code 0' },
    ]);
    expect(compare(store, { ...right, selectors: new Uint16Array(6) }).length).toBeGreaterThan(3);
  });

  it('turns images into runs and back', () => {
    const { layout, vectors } = formOf('string', 'rep movs 8');
    for (const { initial, expected } of vectors) {
      const before = dataImage(layout, initial);
      const after = before.slice();
      for (const run of expected.memory) after.set(run.bytes, run.address - layout.dataBase);
      expect(memoryRuns(layout, before, after)).toEqual(expected.memory);
    }
  });
});

function runsNatively(): boolean {
  const work = mkdtempSync(join(tmpdir(), 'silicon-'));
  writeFileSync(join(work, 'a.c'), 'int main(void) { return 0; }');
  const built =
    spawnSync(process.env['CC'] ?? 'gcc', ['-m32', '-static', '-o', join(work, 'a'), join(work, 'a.c')]).status === 0;
  const runs = built && spawnSync(join(work, 'a')).status === 0;
  rmSync(work, { recursive: true });
  return runs;
}

describe.skipIf(!runsNatively())('generate.sh', () => {
  it('makes the same inputs from the same seed, and the same results on the same processor', () => {
    const work = mkdtempSync(join(tmpdir(), 'silicon-'));
    const made = ['a', 'b'].map(name => {
      execFileSync(join(import.meta.dirname, 'generate.sh'), ['1', '5', join(work, name), 'string']);
      return join(work, name, 'string.vec.gz');
    });
    expect(readFileSync(made[0]).equals(readFileSync(made[1]))).toBe(true);
    const committed = [...readVectors(file('string'))];
    for (const [i, form] of [...readVectors(made[0])].entries()) {
      expect(form.name).toBe(committed[i].name);
      expect(form.vectors.map(v => v.initial)).toEqual(committed[i].vectors.slice(0, 5).map(v => v.initial));
    }
    rmSync(work, { recursive: true });
  });
});
