import { expect, test } from 'vitest';
import { libraryName } from './uploads';

test.each([
  ['debian-13.iso', 'debian-13.iso'],
  ['My Image (1).qcow2', 'My-Image-1-.qcow2'],
  ['../../etc/passwd', 'etc-passwd'],
  ['.hidden', 'hidden'],
  ['日本.iso', 'iso'],
  ['***', 'image'],
  ['a'.repeat(200), 'a'.repeat(128)],
])('%j is stored as %j', (file, name) => {
  expect(libraryName(file)).toBe(name);
});
