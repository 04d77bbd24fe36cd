import { expect, test } from 'vitest';
import { Rate, secondsLeft } from './rate';

function rateOf(...samples: [value: number, atMs: number][]): number | null {
  const rate = new Rate();
  for (const [value, atMs] of samples) rate.add(value, atMs);
  return rate.perSecond();
}

test('the speed is what came in over the last seconds', () => {
  expect(rateOf([0, 0], [50, 1000])).toBe(50);
  expect(rateOf([0, 0], [1000, 1000], [1010, 6000], [1020, 7000], [1070, 12_000])).toBe(10);
});

test('nothing is said too early, of a standstill, or after a fresh start', () => {
  expect(rateOf()).toBeNull();
  expect(rateOf([0, 0], [50, 500])).toBeNull();
  expect(rateOf([50, 0], [50, 2000])).toBeNull();
  expect(rateOf([0, 0], [50, 2000], [10, 2100])).toBeNull();
});

test('a value that is added twice counts once', () => {
  expect(rateOf([0, 0], [0, 0], [50, 1000], [50, 1000])).toBe(50);
});

test('what is left takes as long as the speed says', () => {
  expect(secondsLeft(40, 100, 20)).toBe(3);
  expect(secondsLeft(40, 100, null)).toBeNull();
});
