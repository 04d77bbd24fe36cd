import { expect, test } from 'vitest';
import { isEncrypted } from './backup-file';

test('an encrypted backup is known by how it begins', async () => {
  expect(await isEncrypted(new Blob(['age-encryption.org/v1\n-> scrypt']))).toBe(true);
  for (const other of ['backup.json\0', 'age-encryption.org/v2\n', 'age', ''])
    expect(await isEncrypted(new Blob([other])), other).toBe(false);
});
