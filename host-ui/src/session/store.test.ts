import { beforeEach, expect, test } from 'vitest';
import { csrfToken, sessionRefused, sessionStore } from './store';

const session = { csrf_token: 'secret', username: 'root', role: 'admin', expires_at: null } as const;

beforeEach(() => sessionStore.set({ kind: 'unknown' }));

test('a refusal at start means nobody is logged in', () => {
  sessionRefused();
  expect(sessionStore.get()).toEqual({ kind: 'out' });
});

test('a refusal after log-in means that the session has expired, and its token is not sent again', () => {
  sessionStore.set({ kind: 'in', session });
  expect(csrfToken()).toBe('secret');
  sessionRefused();
  expect(sessionStore.get()).toEqual({ kind: 'expired', session });
  expect(csrfToken()).toBeNull();
});

test('a late refusal does not undo a log-out', () => {
  sessionStore.set({ kind: 'out' });
  sessionRefused();
  expect(sessionStore.get()).toEqual({ kind: 'out' });
});
