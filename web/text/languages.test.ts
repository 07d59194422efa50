import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { text } from '../text.ts';
import { laterText } from './later.ts';
import { first, later } from './zh/all.ts';

const folder = new URL('./', import.meta.url);

/** Every text by its path. What takes values is asked for with numbers, which read as any of them. */
function flat(table: unknown, path = ''): ReadonlyMap<string, string> {
  if (typeof table === 'string') return new Map([[path, table]]);
  if (typeof table === 'function') return new Map([[path, String(table(7, 8, 9, 6))]]);
  if (typeof table !== 'object' || table === null) throw new Error(`${path} is no text`);
  return new Map(
    Object.entries(table).flatMap(([key, value]) => [...flat(value, path === '' ? key : `${path}.${key}`)]),
  );
}

const tables = [
  ['first view', flat(text), flat(first)],
  ['later', flat(laterText), flat(later)],
] as const;

test.each(tables)('%s: both languages have the same texts', (_, english, chinese) => {
  expect(english.size).toBeGreaterThan(100);
  expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
});

/** Names that stay the manual's, the machine's or their makers': signs, capitals and digits, and these. */
const KEPT = /^(Ringside|Linux bzImage|(ring )?\d|ring 2|[^a-z]*|sched_op|INT F0h|INT 82h|PDPTEs?|EPT PDPTE)$/;

test.each(tables)('%s: what reads the same in both languages is a name', (_, english, chinese) => {
  const same = [...chinese].filter(([path, words]) => words === english.get(path) && !KEPT.test(words));
  expect(same).toEqual([]);
});

test.each(tables)(
  '%s: Chinese sentences have Chinese punctuation, and code between two backticks',
  (_, __, chinese) => {
    for (const [path, words] of chinese) {
      expect(words.split('`').length % 2, path).toBe(1);
      const prose = words.replaceAll(/`[^`]*`/g, '');
      expect(prose, path).not.toMatch(/\p{Script=Han}\s?[,.;:!?]|[,;!?]\s?\p{Script=Han}|[’]/u);
    }
  },
);

test('every file of words has its counterpart', () => {
  const files = (of: URL) => readdirSync(of).filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  const own = new Set(['later.ts', 'words.ts']);
  expect(files(new URL('zh/', folder)).filter(name => name !== 'all.ts')).toEqual(
    files(folder).filter(name => !own.has(name)),
  );
});

/** Between two braces there may be code as well. */
const CODE = /^(interface|type|const|let|else|export|function|return|case|async)\b|[`|$]/;

/** What JSX shows or says by itself: text between tags, and the attributes that are read out. */
function literals(source: string): readonly string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '');
  const between = [...code.matchAll(/(?<!=)[>}]\s*([^<>{}=;()]*\p{L}{2,}[^<>{}=;()]*)(?:<\/|\{)/gu)].map(match =>
    match[1].trim(),
  );
  const attributes = [
    ...code.matchAll(/\b(?:aria-label|title|placeholder|alt)=(?:"([^"]*)"|\{'([^']*)'\}|\{`([^`]*)`\})/g),
  ].map(match => (match[1] ?? match[2] ?? match[3]).replaceAll(/\$\{[^}]*\}/g, ''));
  return [...between.filter(words => !CODE.test(words)), ...attributes].filter(words => /\p{Ll}{2,}/u.test(words));
}

test('the check for words in panels finds them', () => {
  expect(literals('return <b>Reset</b>;')).toEqual(['Reset']);
  expect(literals('<b\n  className={styles.a}\n>\n  Two words\n</b>')).toEqual(['Two words']);
  expect(literals('<p>All {n} bytes</p>')).toEqual(['All', 'bytes']);
  expect(literals('<button title="Reset" aria-label={`Edit it`} />')).toEqual(['Reset', 'Edit it']);
  expect(literals('<b title={text.a}>{text.b} · {`·`}</b>')).toEqual([]);
});

test('no panel says anything by itself: words are in the tables', () => {
  const web = new URL('../', folder);
  const files = readdirSync(web, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.tsx'));
  expect(files.length).toBeGreaterThan(30);
  const found = files.flatMap(name =>
    literals(readFileSync(new URL(name, web), 'utf8')).map(words => `${name}: ${words}`),
  );
  // The name of a verb, which is typed as it is in every language.
  expect(found.filter(words => words !== 'panels/verbs/VerbsPanel.tsx: help')).toEqual([]);
});
