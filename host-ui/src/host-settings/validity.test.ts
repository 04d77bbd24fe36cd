import { expect, test } from 'vitest';
import { validity } from './validity';

const certificate = { not_before: '2026-01-01T00:00:00Z', not_after: '2026-04-01T00:00:00Z' };
const on = (time: string) => validity(certificate, new Date(time));

test.each([
  ['2025-12-31T23:00:00Z', 'early', 90],
  ['2026-01-01T00:00:00Z', 'good', 90],
  ['2026-03-02T00:00:00Z', 'good', 30],
  ['2026-03-02T00:00:01Z', 'soon', 29],
  ['2026-03-31T23:00:00Z', 'soon', 0],
  ['2026-04-01T00:00:01Z', 'expired', -1],
])('on %s it is %s', (time, state, days) => {
  expect(on(time)).toEqual({ state, days });
});
