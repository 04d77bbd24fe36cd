// Who is logged in, as far as this page knows. Knows no HTTP: the API client reads the CSRF token here
// and reports here when the daemon stops accepting the session.
//
//   unknown ──▶ out ──▶ in ──▶ expired ──▶ in      (expired keeps the page and its forms on the screen)
//      └──────────────▶ in ──▶ out                 (logged out)
import { Store, useStore } from '@/app/store';
import type { Session } from '@/api/types';

export type SessionState =
  | { kind: 'unknown' }
  | { kind: 'out' }
  | { kind: 'in'; session: Session }
  | { kind: 'expired'; session: Session };

export const sessionStore = new Store<SessionState>({ kind: 'unknown' });

/** The daemon refused the session. Before a log-in that is no news, after one the session has expired. */
export function sessionRefused(): void {
  const state = sessionStore.get();
  if (state.kind === 'in') sessionStore.set({ kind: 'expired', session: state.session });
  else if (state.kind === 'unknown') sessionStore.set({ kind: 'out' });
}

/** To be sent with every request that changes something; `null` before log-in. */
export function csrfToken(): string | null {
  const state = sessionStore.get();
  return state.kind === 'in' ? state.session.csrf_token : null;
}

/** The logged-in session, also while it waits to be renewed; `null` on the log-in page. */
export function useSession(): Session | null {
  const state = useStore(sessionStore);
  return state.kind === 'in' || state.kind === 'expired' ? state.session : null;
}
