// What is asked of the agent in a guest. No event tells when its answers change: they are read anew whenever the page
// is opened, and by its button.
import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

const once = { staleTime: 0, gcTime: 0, retry: false } as const;

export const guestQuery = (vm: string) =>
  queryOptions({
    ...once,
    queryKey: ['guest', vm],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/vms/{id}/guest', { signal, params: { path: { id: vm } } })),
  });

export const addressesQuery = (vm: string) =>
  queryOptions({
    ...once,
    queryKey: ['guest', vm, 'addresses'],
    queryFn: async ({ signal }) =>
      (await ask(api.GET('/api/v1/vms/{id}/guest/addresses', { signal, params: { path: { id: vm } } }))).items,
  });

export const filesystemsQuery = (vm: string) =>
  queryOptions({
    ...once,
    queryKey: ['guest', vm, 'filesystems'],
    queryFn: async ({ signal }) =>
      (await ask(api.GET('/api/v1/vms/{id}/guest/filesystems', { signal, params: { path: { id: vm } } }))).items,
  });
