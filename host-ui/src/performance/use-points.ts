// The figures that the page shows: read once for a range of the past, or kept up to date second by second.
import { useQueries } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, ask } from '@/api/client';
import type { MetricsSample } from '@/api/types';
import { LiveStream } from '@/live/stream';
import { sessionRefused } from '@/session/store';
import { hostKey, type Points, pointsOf, type Range, ranges, withSample } from './series';

function seriesQuery(key: string, range: Range) {
  const query = { range_s: ranges[range] };
  return {
    queryKey: ['metrics', key, range],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      key === hostKey
        ? ask(api.GET('/api/v1/host/metrics', { signal, params: { query } }))
        : ask(api.GET('/api/v1/vms/{id}/metrics', { signal, params: { path: { id: key }, query } })),
    // The past of a minute ago is another one now.
    staleTime: 0,
    gcTime: 0,
  };
}

export type Shown = { points: Points[]; pending: boolean; error: Error | null; refetch: () => void };

/** Points of each subject, in the order of `keys`. */
export function usePoints(keys: readonly string[], range: Range): Shown {
  const past = useQueries({ queries: keys.map((key) => seriesQuery(key, range)) });
  const live = useLive(range === 'live');
  const points = past.map((query, index) => {
    const known: Points = query.data === undefined ? new Map() : pointsOf(query.data);
    return live.reduce((all, sample) => withSample(all, sample, keys[index] ?? hostKey), known);
  });
  return {
    points,
    pending: past.some((query) => query.isPending),
    error: past.find((query) => query.isError)?.error ?? null,
    refetch: () => past.forEach((query) => void query.refetch()),
  };
}

/** The samples since it was switched on, as far back as the live range reaches; none while it is off. */
function useLive(on: boolean): readonly MetricsSample[] {
  const [samples, setSamples] = useState<readonly MetricsSample[]>([]);
  useEffect(() => {
    if (!on) return;
    const stream = new LiveStream<MetricsSample>('/api/v1/metrics', {
      onOpen: () => undefined,
      onEvent: (sample) => setSamples((known) => [...known, sample].slice(-ranges.live)),
      onRefused: sessionRefused,
    });
    stream.start();
    return () => {
      stream.stop();
      setSamples([]);
    };
  }, [on]);
  return samples;
}
