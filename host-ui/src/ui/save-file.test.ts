import { expect, test } from 'vitest';
import { nameOf } from './save-file';

test('a download is called what the daemon calls it', () => {
  expect(nameOf('attachment; filename="qx1-2026-11-24.tar.age"')).toBe('qx1-2026-11-24.tar.age');
  expect(nameOf('attachment')).toBeUndefined();
  expect(nameOf(null)).toBeUndefined();
});
