import { expect, test } from 'vitest';
import { isOwnPath } from './own-path';

test.each(['/', '/vms/1/console', '/?q=a'])('%s is ours', (path) => {
  expect(isOwnPath(path)).toBe(true);
});

test.each(['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)', '', 'vms', '/\t/evil.example', 7, null])(
  '%j is not',
  (path) => {
    expect(isOwnPath(path)).toBe(false);
  },
);
