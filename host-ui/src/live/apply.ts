// What an event means for the cache. Pure apart from the cache it is handed.
import type { QueryClient } from '@tanstack/react-query';
import { tokensQuery, usersQuery } from '@/access/queries';
import {
  bridgesQuery,
  hostConfigQuery,
  hostNetworkQuery,
  hostQuery,
  imagesQuery,
  networksQuery,
  poolsQuery,
  snapshotsQuery,
  sortVms,
  taskQuery,
  tasksQuery,
  tasksShown,
  updatesQuery,
  vmsQuery,
} from '@/api/queries';
import type { LiveEvent, Task, Vm } from '@/api/types';

/** Puts a VM's new state into the cached list, or starts with it if the list is not read yet. */
export function putVm(cache: QueryClient, vm: Vm): void {
  changeVms(cache, (vms) => {
    const at = vms.findIndex((known) => known.id === vm.id);
    if (at < 0) return sortVms([...vms, vm]);
    const replaced = vms.with(at, vm);
    return vms[at]?.name === vm.name ? replaced : sortVms(replaced);
  });
}

/** Takes a VM off the cached list. */
export function dropVm(cache: QueryClient, id: string): void {
  changeVms(cache, (vms) => vms.filter((vm) => vm.id !== id));
}

/** Brings the cache up to date with one event. */
export function applyEvent(cache: QueryClient, event: LiveEvent): void {
  switch (event.type) {
    case 'vm.changed':
      if (event.vm) putVm(cache, event.vm);
      readNetworksAgain(cache);
      readStorageAgain(cache);
      return;
    case 'vm.removed':
      if (event.vm_id) dropVm(cache, event.vm_id);
      readNetworksAgain(cache);
      readStorageAgain(cache);
      return;
    case 'image.changed':
      void cache.invalidateQueries({ queryKey: imagesQuery.queryKey });
      return;
    case 'networks.changed':
      readNetworksAgain(cache);
      return;
    case 'pools.changed':
      readStorageAgain(cache);
      return;
    case 'host.changed':
      for (const { queryKey } of [hostQuery, hostNetworkQuery, hostConfigQuery]) void cache.invalidateQueries({ queryKey });
      return;
    case 'snapshots.changed':
      if (event.vm_id) void cache.invalidateQueries({ queryKey: snapshotsQuery(event.vm_id).queryKey });
      return;
    case 'task.changed':
      if (event.task) putTask(cache, event.task);
      return;
    case 'updates.changed':
      void readUpdatesAgain(cache);
      return;
    case 'access.changed':
      void cache.invalidateQueries({ queryKey: usersQuery.queryKey });
      void cache.invalidateQueries({ queryKey: tokensQuery.queryKey });
      return;
    case 'resync':
      void cache.invalidateQueries();
  }
}

/** Puts a task's new state into the list, a new one on top. Its log is read again where somebody looks at it. */
function putTask(cache: QueryClient, task: Task): void {
  const key = tasksQuery.queryKey;
  const reading = cache.isFetching({ queryKey: key }) > 0;
  cache.setQueryData(key, (tasks) => {
    if (tasks === undefined) return tasks;
    const at = tasks.findIndex((known) => known.id === task.id);
    return at < 0 ? [task, ...tasks].slice(0, tasksShown) : tasks.with(at, task);
  });
  if (reading) void cache.invalidateQueries({ queryKey: key });
  void cache.invalidateQueries({ queryKey: taskQuery(task.id).queryKey });
}

/** Who uses a network is told by the networks, not by the VMs. */
function readNetworksAgain(cache: QueryClient): void {
  void cache.invalidateQueries({ queryKey: networksQuery.queryKey });
  void cache.invalidateQueries({ queryKey: bridgesQuery.queryKey });
}

/** Who has which volume is told by the volumes. */
function readStorageAgain(cache: QueryClient): void {
  void cache.invalidateQueries({ queryKey: poolsQuery.queryKey });
  void cache.invalidateQueries({ queryKey: ['volumes'] });
}

/** A list that is being read may have been made before the change, so it is read again. */
function changeVms(cache: QueryClient, change: (vms: Vm[]) => Vm[]): void {
  const key = vmsQuery.queryKey;
  const reading = cache.isFetching({ queryKey: key }) > 0;
  cache.setQueryData(key, (vms) => (vms === undefined ? vms : change(vms)));
  if (reading) void cache.invalidateQueries({ queryKey: key });
}

/**
 * While a bundle is written, events may come faster than answers: a read that is under way is waited for,
 * because cancelling it each time would never end, and then followed by one more.
 */
async function readUpdatesAgain(cache: QueryClient): Promise<void> {
  const filter = { queryKey: updatesQuery.queryKey };
  const reading = cache.isFetching(filter) > 0;
  await cache.invalidateQueries(filter, { cancelRefetch: false });
  if (reading) await cache.invalidateQueries(filter, { cancelRefetch: false });
}
