import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decoder, DecoderOptions, Mnemonic } from 'iced-x86';
import { describe, expect, it } from 'vitest';
import { dataImage, memoryRuns, readVectors, type Vector, type VectorForm, type VectorResult } from './read.ts';
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
    expect(files.length).toBe(22);
    expect(names.length).toBeGreaterThan(1050);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are the instructions their names say, by iced-x86', () => {
    const alias: Record<string, string> = {
      jcxz: 'jecxz',
      pusha: 'pushad',
      popa: 'popad',
      pushf: 'pushfd',
      popf: 'popfd',
      fwait: 'wait',
    };
    const plain = ['arithmetic', 'shift', 'multiply', 'bits', 'stack', 'control'];
    const x87 = ['x87-arithmetic', 'x87-transfer', 'x87-transcendental', 'x87-control'];
    const sse = ['mmx', 'sse-move', 'sse-integer', 'sse-float', 'sse-convert'];
    for (const family of [...plain, ...x87, ...sse]) {
      for (const form of readVectors(file(family))) {
        if (form.name.startsWith('undefined')) continue;
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

  it('push 1.0 with FLD1, and point at it', () => {
    let pushed = 0;
    for (const { initial, expected } of formOf('x87-transfer', 'fld1').vectors) {
      if (expected.exception || !initial.x87 || !expected.x87) continue;
      const [, status, tags] = initial.x87.words;
      const top = ((status >>> 11) - 1) & 7;
      if (((tags >>> (2 * top)) & 3) !== 3) continue;
      expect(Buffer.from(expected.x87.registers.subarray(top * 10, top * 10 + 10)).toString('hex')).toBe(
        '0000000000000080ff3f',
      );
      expect(Array.from(expected.x87.words.subarray(3))).toEqual([0x1e8, initial.eip, 0x23, 0x9abcdef0, 0x5678]);
      expect(expected.x87.words[1]).toBe((status & ~0x3a00) | (top << 11));
      pushed++;
    }
    expect(pushed).toBeGreaterThan(100);
  });

  it('leave the x87 alone when it has an exception pending, but for what does not wait', () => {
    let pending = 0;
    for (const family of ['x87-arithmetic', 'x87-transfer', 'x87-transcendental'])
      for (const form of readVectors(file(family)))
        for (const { initial, expected, signal } of form.vectors) {
          if (!((initial.x87?.words[1] ?? 0) & 0x80)) continue;
          expect([expected.exception, signal]).toEqual([{ vector: 16, errorCode: 0, address: 0 }, 8]);
          expect(expected.x87).toEqual(initial.x87);
          pending++;
        }
    expect(pending).toBeGreaterThan(200);
  });

  it('add singles as the host does, rounded to nearest', () => {
    let seen = 0;
    for (const { initial, expected } of formOf('sse-float', 'addss').vectors) {
      const at = initial.code.length - 1;
      const modrm = initial.code[at];
      if (modrm < 0xc0 || expected.exception || !initial.sse || !expected.sse || initial.sse.mxcsr & 0xe040) continue;
      const number = (xmm: Uint8Array, index: number) => new DataView(xmm.buffer).getFloat32(16 * index, true);
      const to = (modrm >> 3) & 7;
      const sum = Math.fround(number(initial.sse.xmm, to) + number(initial.sse.xmm, modrm & 7));
      expect(number(expected.sse.xmm, to)).toBe(sum);
      seen++;
    }
    expect(seen).toBeGreaterThan(10);
  });

  it('raise #XM for an unmasked exception, with its flag in MXCSR and nothing written', () => {
    let raised = 0;
    for (const form of readVectors(file('sse-float')))
      for (const { initial, expected, signal } of form.vectors) {
        if (expected.exception?.vector !== 19 || !initial.sse || !expected.sse) continue;
        const { mxcsr } = expected.sse;
        expect(mxcsr & ~(mxcsr >>> 7) & 0x3f).not.toBe(0);
        expect(expected.sse.xmm).toEqual(initial.sse.xmm);
        expect(signal).toBe(8);
        raised++;
      }
    expect(raised).toBeGreaterThan(100);
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
    const zero = form.vectors.find(v => v.undefined?.destination === 'undefined');
    if (!zero) throw new Error('no source of 0 among the cases');
    const registers = zero.expected.registers.map((r, i) => ((zero.undefinedRegisters >> i) & 1 ? r ^ 1 : r));
    const other = { ...zero.expected, registers, eflags: zero.expected.eflags ^ 0x894 };
    expect(compare(zero, other)).toEqual([]);
    expect(compare(zero, other, true).length).toBe(2);
    expect(compare(zero, { ...other, eflags: other.eflags ^ 0x40 })).toMatchObject([{ what: 'eflags' }]);
  });

  it('lets the last place of transcendental results differ by one, and nothing else', () => {
    const off = (vector: Vector, register: number, units: number) => {
      const x87 = vector.expected.x87;
      if (!x87) throw new Error('no x87');
      const registers = x87.registers.slice();
      registers[register * 10] += units;
      return compare(vector, { ...vector.expected, x87: { ...x87, registers } });
    };
    const hasRoom = ({ expected, initial }: Vector) => {
      const registers = expected.x87?.registers ?? new Uint8Array(80);
      const top = ((expected.x87?.words[1] ?? 0) >>> 11) & 7;
      const isRoom = registers[top * 10] > 1 && registers[top * 10] < 254;
      const changed = registers[top * 10 + 1] !== initial.x87?.registers[top * 10 + 1];
      return isRoom && changed && (registers[top * 10 + 9] & 0x7f) < 0x7f;
    };
    const topOf = (v: Vector) => ((v.expected.x87?.words[1] ?? 0) >>> 11) & 7;
    const sine = formOf('x87-transcendental', 'fsin').vectors.find(hasRoom);
    const root = formOf('x87-arithmetic', 'fsqrt').vectors.find(hasRoom);
    if (!sine || !root) throw new Error('no case');
    expect(off(sine, topOf(sine), 1)).toEqual([]);
    expect(off(sine, topOf(sine), -1)).toEqual([]);
    expect(off(sine, topOf(sine), 2).length).toBe(1);
    expect(off(root, topOf(root), 1)).toMatchObject([{ what: `R${topOf(root)}` }]);
  });

  it('finds every kind of difference in the x87', () => {
    const [vector] = formOf('x87-arithmetic', 'fadd ST0,STi').vectors;
    const { x87 } = vector.expected;
    if (!x87) throw new Error('no x87');
    for (let i = 0; i < 8; i++) {
      const words = x87.words.map((word, n) => (n === i ? word ^ 1 : word));
      expect(compare(vector, { ...vector.expected, x87: { ...x87, words } }).length).toBe(1);
    }
    expect(compare(vector, { ...vector.expected, x87: null })).toMatchObject([{ what: 'x87' }]);
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
