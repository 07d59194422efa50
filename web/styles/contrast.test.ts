import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const css = readFileSync(new URL('tokens.css', import.meta.url), 'utf8');

/** A colour token: light-dark(#rrggbb, #rrggbb), or one value for both. */
function token(name: string, theme: 'light' | 'dark'): string {
  const pair = new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(css);
  const one = new RegExp(`--${name}: (#\\w{6})`).exec(css);
  const value = pair === null ? one?.[1] : pair[theme === 'light' ? 1 : 2];
  if (value === undefined) throw new Error(`no token --${name}`);
  return value;
}

/** Relative luminance (WCAG 2.2). */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map(at => {
    const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const rings = ['user', 'kernel', 'depriv', 'monitor', 'silicon', 'bad'];
const pairs: readonly (readonly [string, string])[] = [
  ...['bg', 'panel', 'soft', 'hover'].flatMap(ground => [['ink', ground] as const, ['dim', ground] as const]),
  ...rings.flatMap(ring => [[ring, 'panel'] as const, [ring, `${ring}-bg`] as const]),
  // Text on the current row and in a banner.
  ...['user', 'kernel', 'depriv'].flatMap(ring => [['ink', `${ring}-bg`] as const, ['dim', `${ring}-bg`] as const]),
  ['ink', 'bad-bg'],
  ['depriv', 'kernel-bg'],
  ['silicon', 'kernel-bg'],
  ['panel', 'ink'],
  ['terminal-ink', 'terminal'],
  ['terminal-dim', 'terminal'],
];

test.each(['light', 'dark'] as const)('text has a contrast of at least 4.5 (WCAG AA), %s', theme => {
  const poor = pairs
    .map(([text, ground]) => ({ text, ground, ratio: contrast(token(text, theme), token(ground, theme)) }))
    .filter(({ ratio }) => ratio < 4.5);
  expect(poor).toEqual([]);
});

test.each(['light', 'dark'] as const)('edges that say something have a contrast of at least 3, %s', theme => {
  for (const name of ['strong-line', 'focus', 'bad']) {
    expect(contrast(token(name, theme), token('panel', theme)), name).toBeGreaterThanOrEqual(3);
  }
});
