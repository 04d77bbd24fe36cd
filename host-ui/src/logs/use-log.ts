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
  const followed = useFollowed(log, contains, follow && read.isSuccess);
  return { read, lines: followed ?? read.data?.lines ?? [] };
}

/** The newest lines and those that came since; `null` while none are followed. */
function useFollowed(log: HostLogName, contains: string, on: boolean): readonly string[] | null {
  const [lines, setLines] = useState<readonly string[] | null>(null);
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
        setLines((known) => (anew || known === null ? more.lines : [...known, ...more.lines].slice(-most)));
      },
      onRefused: sessionRefused,
    });
    stream.start();
    return () => {
      stream.stop();
      setLines(null);
    };
  }, [log, contains, on]);
  return lines;
}
