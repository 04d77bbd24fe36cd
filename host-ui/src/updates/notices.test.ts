import { expect, test } from 'vitest';
import type { LastUpdate } from '@/api/types';
import { aLastUpdate, someUpdates } from '@/testing/samples';
import { updateWarnings } from './notices';

const warnings = (last: Partial<LastUpdate>) => updateWarnings(someUpdates({ last: aLastUpdate(last) }));

test('a failed update is said with the host’s reason and a way to the page', () => {
  const failure = { reason: 'network', detail: 'The management network did not come up.' } as const;
  expect(warnings({ outcome: 'failed', failure })).toMatchObject([
    { tone: 'danger', title: 'host.update.failed', values: { version: '0.2.0' }, details: [failure.detail], link: 'updates' },
  ]);
});

test('a version on trial, or waiting for a restart, is said', () => {
  expect(warnings({ outcome: 'on_trial' })).toMatchObject([{ tone: 'warn', title: 'host.update.trial', link: 'updates' }]);
  expect(warnings({ outcome: 'waiting' })).toMatchObject([{ tone: 'info', title: 'host.update.waiting' }]);
});

test('an update that went well, a rollback that somebody chose, and none at all are no news', () => {
  expect(warnings({ outcome: 'succeeded' })).toEqual([]);
  expect(warnings({ outcome: 'failed', failure: { reason: 'user', detail: 'root went back.' } })).toEqual([]);
  expect(updateWarnings(someUpdates())).toEqual([]);
});
