import { expect, test } from 'vitest';
import type { Role, Updates } from '@/api/types';
import { aFeed, aLastUpdate, anEmptySlot, aSlot, aTransfer, someUpdates, theRunningSlot } from '@/testing/samples';
import { resumeOffset, slotRole, type UpdateAction, whyNot } from './rules';

const failure = { reason: 'network', detail: 'No network.' } as const;
const onB = theRunningSlot({ name: 'B', version: '0.2.0' });
const A = aSlot({ name: 'A', version: '0.1.0' });

const situations = {
  fresh: someUpdates(),
  receiving: someUpdates({ transfer: aTransfer() }),
  verifying: someUpdates({ transfer: aTransfer({ state: 'verifying' }) }),
  interrupted: someUpdates({ transfer: aTransfer({ state: 'interrupted' }) }),
  staged: someUpdates({ slots: [theRunningSlot(), aSlot()], transfer: aTransfer({ state: 'done' }) }),
  waiting: someUpdates({ slots: [theRunningSlot(), aSlot({ tries_left: 3 })], last: aLastUpdate({ outcome: 'waiting' }) }),
  trial: someUpdates({
    slots: [theRunningSlot({ running: false }), aSlot({ running: true, tries_left: 2 })],
    last: aLastUpdate({ outcome: 'on_trial' }),
  }),
  updated: someUpdates({ slots: [A, onB], last: aLastUpdate() }),
  restaged: someUpdates({ slots: [A, onB], last: aLastUpdate(), transfer: aTransfer({ state: 'done', version: '0.1.0' }) }),
  failed: someUpdates({ slots: [theRunningSlot(), aSlot({ state: 'failed', failure })], last: aLastUpdate({ outcome: 'failed', failure }) }),
  offered: someUpdates({ feed: aFeed() }),
  fetched: someUpdates({ feed: aFeed({ offer: { version: '0.2.0', build_id: 'b', size_bytes: 1, staged: true, given_up: false } }) }),
  unavailable: someUpdates({ slots: [], unavailable: 'A live system.' }),
} satisfies Record<string, Updates>;
type Situation = keyof typeof situations;

const allowed: Record<Exclude<UpdateAction, 'cancel'>, Situation[]> = {
  upload: ['fresh', 'interrupted', 'staged', 'waiting', 'updated', 'restaged', 'failed', 'offered', 'fetched'],
  check: [
    'fresh', 'receiving', 'verifying', 'interrupted', 'staged', 'waiting', 'trial', 'updated', 'restaged', 'failed', 'offered', 'fetched',
  ],
  fetch: ['offered'],
  reinstall: ['fresh', 'interrupted', 'staged', 'waiting', 'updated', 'restaged', 'failed', 'offered', 'fetched'],
  apply: ['staged', 'waiting', 'restaged'],
  confirm: ['trial'],
  rollback: ['trial', 'updated'],
  withdraw: ['waiting'],
};

test.each(Object.entries(allowed) as [UpdateAction, Situation[]][])('%s fits %j only', (action, good) => {
  const fits = (Object.keys(situations) as Situation[]).filter((name) => whyNot(action, situations[name], 'admin') === null);
  expect(fits).toEqual(good);
});

test.each([
  ['upload', 'receiving', 'updates.reason.writing'],
  ['upload', 'trial', 'updates.reason.fallback'],
  ['upload', 'unavailable', 'updates.unavailable'],
  ['fetch', 'fresh', 'updates.reason.noOffer'],
  ['fetch', 'fetched', 'updates.reason.staged'],
  ['reinstall', 'receiving', 'updates.reason.writing'],
  ['reinstall', 'trial', 'updates.reason.fallback'],
  ['cancel', 'verifying', 'updates.reason.verifying'],
  ['cancel', 'receiving', null],
  ['apply', 'fresh', 'updates.reason.empty'],
  ['apply', 'failed', 'updates.reason.failed'],
  ['apply', 'trial', 'updates.reason.useRollback'],
  ['apply', 'updated', 'updates.reason.useRollback'],
  ['apply', 'verifying', 'updates.reason.writing'],
  ['confirm', 'fresh', 'updates.reason.confirmed'],
  ['rollback', 'fresh', 'updates.reason.noWayBack'],
  ['rollback', 'failed', 'updates.reason.noWayBack'],
  ['rollback', 'staged', 'updates.reason.useApply'],
] as const)('%s while %s: %s', (action, name, reason) => {
  expect(whyNot(action, situations[name], 'admin')).toBe(reason);
});

test('there is never a good version that neither of the two ways leads to', () => {
  const ways = ['apply', 'rollback'] as const;
  for (const name of ['staged', 'waiting', 'trial', 'updated', 'restaged'] as const) {
    expect(ways.filter((way) => whyNot(way, situations[name], 'admin') === null)).toHaveLength(1);
  }
});

test.each<Role>(['viewer', 'operator'])('%s may look and do nothing, and is told so', (role) => {
  for (const action of ['upload', 'cancel', 'reinstall', 'check', 'fetch', 'apply', 'confirm', 'rollback', 'withdraw'] as const) {
    for (const updates of Object.values(situations)) expect(whyNot(action, updates, role)).toBe('reason.admin');
  }
});

test.each([
  ['fresh', ['confirmed', 'empty']],
  ['receiving', ['confirmed', 'writing']],
  ['staged', ['confirmed', 'ready']],
  ['waiting', ['confirmed', 'waiting']],
  ['trial', ['confirmed', 'trial']],
  ['updated', ['previous', 'confirmed']],
  ['restaged', ['ready', 'confirmed']],
  ['failed', ['confirmed', 'failed']],
] as const)('the slots of a host that is %s are %j', (name, roles) => {
  expect(situations[name].slots.map((slot) => slotRole(slot, situations[name]))).toEqual(roles);
});

test('a slot that runs as the last resort is said not to be confirmed', () => {
  const slot = theRunningSlot({ confirmed: false });
  expect(slotRole(slot, someUpdates({ slots: [slot, anEmptySlot()] }))).toBe('unconfirmed');
});

test('an upload goes on only where one of a file of the same size broke off', () => {
  const broken = aTransfer({ state: 'interrupted', received_bytes: 40, total_bytes: 100 });
  expect(resumeOffset(broken, 100)).toBe(40);
  expect(resumeOffset(broken, 101)).toBe(0);
  expect(resumeOffset({ ...broken, total_bytes: null }, 100)).toBe(0);
  expect(resumeOffset({ ...broken, received_bytes: 100 }, 100)).toBe(0);
  expect(resumeOffset({ ...broken, state: 'failed' }, 100)).toBe(0);
  expect(resumeOffset(null, 100)).toBe(0);
});
