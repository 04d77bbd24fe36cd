import { expect, test } from 'vitest';
import { asSentence, formatBytes, formatDuration, formatFingerprint, percent, upSince } from './format';

test.each([
  [0, '0 B'],
  [1023, '1,023 B'],
  [1024, '1 KiB'],
  [1.5 * 1024 ** 3, '1.5 GiB'],
  [512 * 1024 ** 2, '512 MiB'],
  [3 * 1024 ** 6, '3,072 PiB'],
  [-5, '0 B'],
])('%d bytes read %s', (bytes, text) => {
  expect(formatBytes(bytes, 'en')).toBe(text);
});

test('a share stays between 0 and 100, also of nothing', () => {
  expect(percent(1, 3)).toBe(33);
  expect(percent(5, 0)).toBe(0);
  expect(percent(9, 3)).toBe(100);
});

test('a fingerprint is grouped for comparing', () => {
  expect(formatFingerprint('ab01ff')).toBe('AB:01:FF');
});

test('the start is the reading minus the uptime', () => {
  expect(upSince(60, 100_000).getTime()).toBe(40_000);
});

test.each([
  [0.2, '1 sec'],
  [119, '119 sec'],
  [121, '3 min'],
])('%d seconds read %s', (seconds, text) => {
  expect(formatDuration(seconds, 'en')).toBe(text);
});

test('a clause becomes a sentence, a sentence stays as it is', () => {
  expect(asSentence('its kernel crashed or hung')).toBe('Its kernel crashed or hung.');
  expect(asSentence('It is a live system. Install it!')).toBe('It is a live system. Install it!');
});
