// The one event stream of this page, wired to the cache and the session.
import { hostQuery, queryClient } from '@/api/queries';
import { Store } from '@/app/store';
import { sessionRefused } from '@/session/store';
import { applyEvent } from './apply';
import { LiveStream } from './stream';

const firstOpenLimitMs = 1_000;
const hostDelayMs = 2_000;

/** VMs that come and go change what the host has left; many at once are one reason to look. */
let hostTimer: ReturnType<typeof setTimeout> | undefined;
function readHostSoon(): void {
  hostTimer ??= setTimeout(() => {
    hostTimer = undefined;
    void queryClient.invalidateQueries({ queryKey: hostQuery.queryKey });
  }, hostDelayMs);
}

/** When the last sign of life came, for "since when" in the banner. */
export const lastOpen = new Store<Date | null>(null);

export const live = new LiveStream('/api/v1/events', {
  onOpen: () => {
    lastOpen.set(new Date());
    // Only what was read, or asked for, before the stream opened can have missed a change.
    void queryClient.invalidateQueries();
  },
  onEvent: (event) => {
    applyEvent(queryClient, event);
    if (event.type === 'vm.changed' || event.type === 'vm.removed') readHostSoon();
  },
  onRefused: sessionRefused,
});

/** Starts the stream and waits until it is open, so that the lists read next miss nothing; not for long. */
export function liveOpened(): Promise<void> {
  live.start();
  if (live.state.get().kind === 'open') return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      unsubscribe();
      resolve();
    };
    const timer = setTimeout(done, firstOpenLimitMs);
    const unsubscribe = live.state.subscribe(() => {
      if (live.state.get().kind !== 'connecting') done();
    });
  });
}
