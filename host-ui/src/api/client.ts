// The typed HTTP client: CSRF header on, problems out as errors, a refused session reported. Knows no
// endpoint by name and no component.
import createClient, { type Middleware } from 'openapi-fetch';
import { csrfToken, sessionRefused } from '@/session/store';
import { problemFrom, UnreachableError } from './problem';
import type { paths } from './schema';
import type { Task } from './types';

const readOnly = new Set(['GET', 'HEAD', 'OPTIONS']);

const session: Middleware = {
  onRequest({ request }) {
    const token = csrfToken();
    if (token !== null && !readOnly.has(request.method)) request.headers.set('X-CSRF-Token', token);
    return request;
  },
  onResponse({ request, response }) {
    const loggingIn = request.method === 'POST' && new URL(request.url).pathname === '/api/v1/session';
    if (response.status === 401 && !loggingIn) sessionRefused();
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === 'AbortError') return error;
    return new UnreachableError('no answer from the host', { cause: error });
  },
};

export const api = createClient<paths>({ baseUrl: globalThis.location?.origin ?? '', fetch: (request) => fetch(request) });
api.use(session);

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of a successful answer; anything else is thrown as an `ApiError` or `UnreachableError`. */
export async function ask<T>(request: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await request;
  if (!response.ok) throw problemFrom(response.status, error);
  return data as T;
}

/** The same of what could have been a task: the host waits for its end unless it is told not to. */
export function outcome<T>(request: Promise<Answer<T>>): Promise<Exclude<T, Task>> {
  return ask(request as Promise<Answer<Exclude<T, Task>>>);
}
