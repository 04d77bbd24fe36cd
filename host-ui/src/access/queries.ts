// Who may use the host: users, tokens, the audit log. No event tells of the log and of log-ins, so all are read when shown.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

const limit = 1000;

/** Every page of a list, one after the other. */
async function all<T>(read: (cursor: string | null) => Promise<{ items: T[]; next: string | null }>): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | null = null; ; ) {
    const page: { items: T[]; next: string | null } = await read(cursor);
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = page.next;
  }
}

const from = (cursor: string | null) => ({ limit, ...(cursor === null ? {} : { cursor }) });

export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: ({ signal }) => all((cursor) => ask(api.GET('/api/v1/users', { signal, params: { query: from(cursor) } }))),
  staleTime: 0,
});

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: ({ signal }) => all((cursor) => ask(api.GET('/api/v1/tokens', { signal, params: { query: from(cursor) } }))),
  staleTime: 0,
});

export const auditQuery = infiniteQueryOptions({
  queryKey: ['audit'],
  queryFn: ({ signal, pageParam }) =>
    ask(api.GET('/api/v1/audit', { signal, params: { query: { limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) } } })),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next,
  staleTime: 0,
});
