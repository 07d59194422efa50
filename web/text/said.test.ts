import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SENTENCES, said } from './zh/said.ts';

/** Where core says why something cannot be done, in sentences that reach the page. */
const FOLDERS = ['guests', 'session'];
const FILES = ['vmm/create.ts', 'vmm/vm-state.ts', 'machine/pc.ts'];
const core = new URL('../../core/', import.meta.url);

const sources = [
  ...FOLDERS.flatMap(folder =>
    readdirSync(new URL(`${folder}/`, core))
      .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map(name => `${folder}/${name}`),
  ),
  ...FILES,
];

/** The strings of a file; a value in a template is `{}`. */
function strings(code: string): readonly string[] {
  const found: string[] = [];
  const plain = code.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  for (let at = 0; at < plain.length; at += 1) {
    const quote = plain[at];
    if (quote !== "'" && quote !== '"' && quote !== '`') continue;
    let text = '';
    for (at += 1; at < plain.length && plain[at] !== quote; at += 1) {
      if (plain[at] === '\\') at += 1;
      if (quote !== '`' || !plain.startsWith('${', at)) {
        text += plain[at];
        continue;
      }
      let depth = 0;
      do {
        if (plain[at] === '{') depth += 1;
        if (plain[at] === '}') depth -= 1;
        at += 1;
      } while (depth > 0 || plain[at - 1] === '$');
      at -= 1;
      text += '{}';
    }
    found.push(text);
  }
  return found;
}

const known = new Set(Object.keys(SENTENCES).map(english => english.replaceAll('<>', '{}')));

describe('what core says', () => {
  test('the strings of a file are found', () => {
    const value = ['$', '{f({ a: 1 })}'].join('');
    expect(strings(`a('One.', \`Two ${value} three.\`);\n// it's\n"b"`)).toEqual(['One.', 'Two {} three.', 'b']);
  });

  test.each(sources)('%s: every sentence is in the table', file => {
    const sentences = strings(readFileSync(new URL(file, core), 'utf8')).filter(
      text => /^(\p{Lu}|“|\{\} )[^\n]* [^\n]*\.$/u.test(text) && /[a-z]{3}/.test(text),
    );
    expect(sentences.filter(sentence => !known.has(sentence.replace('{}{}.', '{}.')))).toEqual([]);
  });

  test('the tables of descriptors and events are in it', () => {
    for (const name of ['TSS 32 busy', 'trap gate 16', 'data read/write expand-down', 'code 16 execute conforming']) {
      expect(said.said(name)).toMatch(/\p{Script=Han}/u);
    }
    expect(said.said('code 32 execute/read')).toBe('32 位代码段，执行/读');
    expect(said.said('interrupt 32')).toBe('中断 32');
    // Names of instructions and exceptions are the manual's.
    expect(said.said('cpuid')).toBe('cpuid');
    expect(said.said('#PF')).toBe('#PF');
  });

  test('values and phrases are put where the sentence has them', () => {
    expect(
      said.said('The image is cut short or damaged: its ELF header reaches to byte 52, but the file has 7 bytes.'),
    ).toBe('镜像被截断或已损坏：它的 ELF 头直到第 52 字节，而文件只有 7 字节。');
    expect(said.said('There is no memory to write at linear address c0000000.')).toBe(
      '线性地址 c0000000 处没有可写的内存。',
    );
    expect(said.said('“null” cannot be read: unexpected token ).')).toBe('无法读懂“null”：多余的 )。');
  });
});
