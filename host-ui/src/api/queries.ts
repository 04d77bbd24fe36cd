// What is read from the daemon and under which cache key. The cache never goes stale by itself: the event
// stream keeps it fresh, so nothing here polls.
import { QueryClient, queryOptions } from '@tanstack/react-query';
import { api, ask } from './client';
import { ApiError } from './problem';
import type { Vm } from './types';

const pageSize = 500;
/** How many tasks are shown. */
export const tasksShown = 50;
const maxRetries = 2;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Infinity,
      networkMode: 'always',
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      retry: (failures, error) => !(error instanceof ApiError) && failures < maxRetries,
      retryDelay: 300,
    },
    mutations: { networkMode: 'always' },
  },
});

export const hostQuery = queryOptions({
  queryKey: ['host'],
  queryFn: ({ signal }) => ask(api.GET('/api/v1/host', { signal })),
});

/** The host's own network, and whether a change of it waits to be confirmed. */
export const hostNetworkQuery = queryOptions({
  queryKey: ['host-network'],
  queryFn: ({ signal }) => ask(api.GET('/api/v1/host/network', { signal })),
});

/** The host's settings: its name, time, SSH, the proxy. */
export const hostConfigQuery = queryOptions({
  queryKey: ['host-config'],
  queryFn: ({ signal }) => ask(api.GET('/api/v1/host/config', { signal })),
});

/** How the host's services do. Nothing tells when that changes, so it is read whenever it is looked at. */
export const hostServicesQuery = queryOptions({
  queryKey: ['host-services'],
  queryFn: async ({ signal }) => (await ask(api.GET('/api/v1/host/services', { signal }))).items,
  staleTime: 0,
});

/** The certificate that the host is known by. */
export const hostCertificateQuery = queryOptions({
  queryKey: ['host-certificate'],
  queryFn: ({ signal }) => ask(api.GET('/api/v1/host/certificate', { signal })),
});

export const vmsQuery = queryOptions({
  queryKey: ['vms'],
  queryFn: async ({ signal }) => {
    const vms: Vm[] = [];
    let cursor: string | null = null;
    do {
      const query: { limit: number; cursor?: string } = { limit: pageSize, ...(cursor === null ? {} : { cursor }) };
      const page = await ask(api.GET('/api/v1/vms', { signal, params: { query } }));
      vms.push(...page.items);
      cursor = page.next ?? null;
    } while (cursor !== null);
    return sortVms(vms);
  },
});

export const imagesQuery = queryOptions({
  queryKey: ['images'],
  queryFn: async ({ signal }) => (await ask(api.GET('/api/v1/images', { signal }))).items,
});

/** Uploads that are under way, in whichever browser, or broke off and can be gone on with. */
export const imageUploadsQuery = queryOptions({
  queryKey: ['image-uploads'],
  queryFn: async ({ signal }) => (await ask(api.GET('/api/v1/image-uploads', { signal }))).items,
  staleTime: 0,
});

export const networksQuery = queryOptions({
  queryKey: ['networks'],
  queryFn: async ({ signal }) => (await ask(api.GET('/api/v1/networks', { signal }))).items,
});

export const bridgesQuery = queryOptions({
  queryKey: ['bridges'],
  queryFn: async ({ signal }) => (await ask(api.GET('/api/v1/host/bridges', { signal }))).items,
});

export const poolsQuery = queryOptions({
  queryKey: ['pools'],
  queryFn: async ({ signal }) => (await ask(api.GET('/api/v1/pools', { signal }))).items,
});

/** The volumes of a pool, by name. */
export const volumesQuery = (pool: string) =>
  queryOptions({
    queryKey: ['volumes', pool],
    queryFn: async ({ signal }) => (await ask(api.GET('/api/v1/pools/{id}/volumes', { signal, params: { path: { id: pool } } }))).items,
  });

/** Read anew each time somebody wants to format one: nothing tells when a disk is plugged in. */
export const poolDisksQuery = queryOptions({
  queryKey: ['pool-disks'],
  staleTime: 0,
  queryFn: async ({ signal }) => (await ask(api.GET('/api/v1/pools/disks', { signal }))).items,
});

export const updatesQuery = queryOptions({
  queryKey: ['updates'],
  queryFn: ({ signal }) => ask(api.GET('/api/v1/updates', { signal })),
});

/** A VM's snapshots, oldest first. */
export const snapshotsQuery = (vm: string) =>
  queryOptions({
    queryKey: ['snapshots', vm],
    queryFn: async ({ signal }) => (await ask(api.GET('/api/v1/vms/{id}/snapshots', { signal, params: { path: { id: vm } } }))).items,
  });

/** The newest; those under way are among them unless there are more than that. */
export const tasksQuery = queryOptions({
  queryKey: ['tasks'],
  queryFn: async ({ signal }) => (await ask(api.GET('/api/v1/tasks', { signal, params: { query: { limit: tasksShown } } }))).items,
});

/** One task with its log. */
export const taskQuery = (id: string) =>
  queryOptions({
    queryKey: ['task', id],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/tasks/{id}', { signal, params: { path: { id } } })),
  });

const byName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** By name, numbers in numeric order (`web2` before `web10`), ties by id so that rows never jump. */
export function sortVms(vms: readonly Vm[]): Vm[] {
  return vms.toSorted((a, b) => byName.compare(a.name, b.name) || a.id.localeCompare(b.id));
}
