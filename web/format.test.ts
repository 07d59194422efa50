import { afterAll, expect, test } from 'vitest';
import { count, decimal, rate, seconds, size } from './format.ts';
import { LANGUAGES, speak } from './text.ts';

afterAll(() => speak('en'));

test.each(LANGUAGES)('numbers in %s', async name => {
  await speak(name);
  expect(count(1234567.9)).toBe('1,234,567');
  expect(decimal(1234.5, 2)).toBe('1,234.50');
  expect(size(32 * 1024 * 1024)).toBe('32 MiB');
  expect(size(1536)).toBe('1.5 KiB');
  expect(rate(12_340_000)).toBe('12.3 M/s');
  expect(seconds(2.5e-6)).toBe('2.5 µs');
  expect(size(7)).toBe({ en: '7 bytes', zh: '7 字节' }[name]);
  expect(seconds(125)).toBe({ en: '2 min 05 s', zh: '2 分 05 秒' }[name]);
});
