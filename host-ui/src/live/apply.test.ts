import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { expect, test, vi } from 'vitest';
import { tokensQuery, usersQuery } from '@/access/queries';
import { hostQuery, updatesQuery, vmsQuery } from '@/api/queries';
import type { LiveEvent, Updates } from '@/api/types';
import { aVm, someUpdates } from '@/testing/samples';
import { applyEvent } from './apply';

const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
const event = (part: Partial<LiveEvent>): LiveEvent => ({
  seq: 1,
  time: '2026-01-01T00:00:00Z',
  type: 'vm.changed',
  vm: null,
  vm_id: null,
  image: null,
  task: null,
  ...part,
});

function cacheWith(names: string[]): QueryClient {
  const cache = new QueryClient();
  cache.setQueryData(vmsQuery.queryKey, names.map((name, n) => aVm({ id: id(n), name })));
  return cache;
}
const names = (cache: QueryClient) => cache.getQueryData(vmsQuery.queryKey)?.map((vm) => vm.name);

test('a changed VM replaces its old state, a new one takes its place in the order', () => {
  const cache = cacheWith(['web2', 'web10']);
  applyEvent(cache, event({ vm: aVm({ id: id(1), name: 'web10', state: 'running' }) }));
  applyEvent(cache, event({ vm: aVm({ id: id(2), name: 'web9' }) }));
  expect(names(cache)).toEqual(['web2', 'web9', 'web10']);
  expect(cache.getQueryData(vmsQuery.queryKey)?.[2]?.state).toBe('running');
});

test('a removed VM goes', () => {
  const cache = cacheWith(['a', 'b']);
  applyEvent(cache, event({ type: 'vm.removed', vm_id: id(0) }));
  expect(names(cache)).toEqual(['b']);
});

test('a change before the list is read makes no list of one', () => {
  const cache = new QueryClient();
  applyEvent(cache, event({ vm: aVm() }));
  expect(names(cache)).toBeUndefined();
});

test('resync makes everything stale', () => {
  const cache = cacheWith(['a']);
  cache.setQueryData(hostQuery.queryKey, {} as never);
  applyEvent(cache, event({ type: 'resync' }));
  expect(cache.getQueryState(vmsQuery.queryKey)?.isInvalidated).toBe(true);
  expect(cache.getQueryState(hostQuery.queryKey)?.isInvalidated).toBe(true);
});

test('news about who has access makes users and tokens be read again', () => {
  const cache = cacheWith(['a']);
  cache.setQueryData(usersQuery.queryKey, []);
  cache.setQueryData(tokensQuery.queryKey, []);
  applyEvent(cache, event({ type: 'access.changed' }));
  expect(cache.getQueryState(usersQuery.queryKey)?.isInvalidated).toBe(true);
  expect(cache.getQueryState(tokensQuery.queryKey)?.isInvalidated).toBe(true);
  expect(cache.getQueryState(vmsQuery.queryKey)?.isInvalidated).toBe(false);
});

test('news about updates makes them read again; a read under way is waited for, and followed by one more', async () => {
  const cache = new QueryClient();
  let reads = 0;
  const answers: (() => void)[] = [];
  const queryFn = () =>
    new Promise<Updates>((resolve) => {
      reads += 1;
      answers.push(() => resolve(someUpdates()));
    });
  const stop = new QueryObserver(cache, { queryKey: updatesQuery.queryKey, queryFn }).subscribe(() => undefined);
  for (let n = 0; n < 3; n += 1) applyEvent(cache, event({ type: 'updates.changed' }));
  expect(reads).toBe(1);
  answers[0]?.();
  await vi.waitFor(() => expect(reads).toBe(2));
  answers[1]?.();
  await vi.waitFor(() => expect(cache.isFetching()).toBe(0));
  expect(reads).toBe(2);
  stop();
});
