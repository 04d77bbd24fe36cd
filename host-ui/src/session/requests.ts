// Logging in and out, and finding out at start whether this browser is logged in already.
import { api, ask } from '@/api/client';
import { ApiError } from '@/api/problem';
import { queryClient } from '@/api/queries';
import { live } from '@/live/live';
import { sessionStore } from './store';

/** Set while this browser has logged in and not out: spares everybody else a question with a known answer. */
const hintKey = 'qx-session';

/** Asks the daemon once who is logged in. Throws only when there is no answer. */
export async function findSession(): Promise<void> {
  if (sessionStore.get().kind !== 'unknown') return;
  if (localStorage.getItem(hintKey) === null) {
    sessionStore.set({ kind: 'out' });
    return;
  }
  try {
    sessionStore.set({ kind: 'in', session: await ask(api.GET('/api/v1/session')) });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
    sessionStore.set({ kind: 'out' });
  }
}

export async function logIn(username: string, password: string): Promise<void> {
  const session = await ask(api.POST('/api/v1/session', { body: { username, password } }));
  localStorage.setItem(hintKey, '1');
  sessionStore.set({ kind: 'in', session });
}

/** Renews an expired session: what is on the screen stays, what was read is read again. */
export async function logInAgain(username: string, password: string): Promise<void> {
  await logIn(username, password);
  live.start();
  await queryClient.invalidateQueries();
}

/** Ends the session. One that the daemon has forgotten already is as good as ended. */
export async function logOut(): Promise<void> {
  await ask(api.DELETE('/api/v1/session')).catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  });
  leave();
}

/** Forgets the session and everything that was read with it. */
export function leave(): void {
  live.stop();
  localStorage.removeItem(hintKey);
  sessionStore.set({ kind: 'out' });
  queryClient.clear();
}
