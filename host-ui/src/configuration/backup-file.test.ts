import { expect, test } from 'vitest';
import { isEncrypted, nameOf } from './backup-file';

test('an encrypted backup is known by how it begins', async () => {
  expect(await isEncrypted(new Blob(['age-encryption.org/v1\n-> scrypt']))).toBe(true);
  for (const other of ['backup.json\0', 'age-encryption.org/v2\n', 'age', ''])
    expect(await isEncrypted(new Blob([other])), other).toBe(false);
});

test('a download is called what the daemon calls it', () => {
  expect(nameOf('attachment; filename="qx1-2026-11-24.tar.age"')).toBe('qx1-2026-11-24.tar.age');
  expect(nameOf(null)).toBe('quantix-backup');
});
