import { expect, test } from 'vitest';
import { aSnapshot, aVm } from '@/testing/samples';
import { freeSnapshotName, inTree, keepsMemory, takeReason } from './rules';

test('snapshots stand below the one they came after', () => {
  const all = [
    aSnapshot({ name: 'a', parent: null }),
    aSnapshot({ name: 'b', parent: 'a' }),
    aSnapshot({ name: 'c', parent: 'a' }),
    aSnapshot({ name: 'd', parent: 'b' }),
    aSnapshot({ name: 'e', parent: 'gone' }),
  ];
  const seen = inTree(all).map(({ snapshot, depth, hasChildren }) => `${depth}${snapshot.name}${hasChildren ? '+' : ''}`);
  expect(seen).toEqual(['0a+', '1b+', '2d', '1c', '0e']);
});

test('a VM that runs keeps its memory, and one between two states is not snapshotted', () => {
  expect(keepsMemory(aVm({ state: 'running' }))).toBe(true);
  expect(keepsMemory(aVm({ state: 'off' }))).toBe(false);
  expect(takeReason(aVm({ state: 'off' }), 'operator')).toBeNull();
  expect(takeReason(aVm({ state: 'off' }), 'viewer')).toBe('reason.viewer');
  expect(takeReason(aVm({ state: 'saved' }), 'admin')).toBe('reason.saved');
  expect(takeReason(aVm({ state: 'shutting_down' }), 'admin')).toBe('reason.shuttingDown');
});

test('a free name is found', () => {
  expect(freeSnapshotName([])).toBe('snapshot-1');
  expect(freeSnapshotName([aSnapshot({ name: 'snapshot-2' })])).toBe('snapshot-3');
});
