// What the host was asked for that takes the connection down with it, such as a restart.
import { type Store, useStore } from '@/app/store';
import { lastOpen } from './live';

/** What was asked for, until the connection was opened again since then; `null` when nothing was. */
export function useUntilBack<T extends { at: Date }>(asked: Store<T | null>): T | null {
  const now = useStore(asked);
  const opened = useStore(lastOpen);
  return now === null || (opened !== null && opened > now.at) ? null : now;
}
