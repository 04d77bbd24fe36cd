// The lines of a log: the newest, read once, or kept up to date while they are followed.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, ask } from '@/api/client';
import type { HostLog, HostLogName } from '@/api/types';
import { LiveStream } from '@/live/stream';
import { sessionRefused } from '@/session/store';

/** How many lines are read at first. */
const newest = 1000;
/** How many are kept while they are followed. */
const most = 5000;

export type LogWish = { log: HostLogName; contains: string };

export function useLog({ log, contains }: LogWish, follow: boolean) {
  const query = { log, lines: newest, contains };
  const read = useQuery({
    queryKey: ['log', log, contains],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/host/logs', { signal, params: { query } })),
    // The log of a moment ago is another one now.
    staleTime: 0,
    gcTime: 0,
  });
  const [followed, forget] = useFollowed(log, contains, follow && read.isSuccess);
  return {
    read,
    lines: followed ?? read.data?.lines ?? [],
    again: () => void read.refetch().then(forget),
  };
}

/**
 * The newest lines and those that came since. They stay when they are followed no longer, until they are forgotten or
 * others are asked for; `null` before there were any.
 */
function useFollowed(log: HostLogName, contains: string, on: boolean): [readonly string[] | null, () => void] {
  const key = `${log} ${contains}`;
  const [followed, setFollowed] = useState<{ key: string; lines: readonly string[] } | null>(null);
  useEffect(() => {
    if (!on) return;
    const query = new URLSearchParams({ log, lines: String(newest), contains });
    let first = true;
    const stream = new LiveStream<HostLog>(`/api/v1/host/logs/follow?${query}`, {
      // What follows begins with the newest lines again.
      onOpen: () => {
        first = true;
      },
      onEvent: (more) => {
        const anew = first;
        first = false;
        setFollowed((known) => ({
          key,
          lines: anew || known?.key !== key ? more.lines : [...known.lines, ...more.lines].slice(-most),
        }));
      },
      onRefused: sessionRefused,
    });
    stream.start();
    return () => stream.stop();
  }, [log, contains, key, on]);
  return [followed?.key === key ? followed.lines : null, () => setFollowed(null)];
}
