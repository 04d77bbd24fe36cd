// Figures over time as charts and spreadsheets want them. Pure.
import type { MetricsSample, MetricsSeries, MetricsValues } from '@/api/types';

export type Metric = keyof MetricsValues;

/** The charts, in the order of the page. */
export const metrics: readonly Metric[] = [
  'cpu_cores',
  'memory_bytes',
  'disk_read_bytes_per_s',
  'disk_write_bytes_per_s',
  'net_rx_bytes_per_s',
  'net_tx_bytes_per_s',
];

/** In a spreadsheet: everything that is measured. */
const columns: readonly Metric[] = [...metrics, 'disk_reads_per_s', 'disk_writes_per_s'];

/** What is looked at: the host, or a VM by its id. */
export type Subject = { key: string; name: string };
export const hostKey = 'host';

export const ranges = { live: 120, hour: 3600, day: 86_400, week: 7 * 86_400, month: 30 * 86_400 } as const;
export type Range = keyof typeof ranges;
export const isRange = (value: unknown): value is Range => typeof value === 'string' && Object.hasOwn(ranges, value);

/** Points of one subject, by Unix time. */
export type Points = ReadonlyMap<number, MetricsValues>;

/** The points of an answer at which something was measured. */
export function pointsOf(series: MetricsSeries): Points {
  const start = Date.parse(series.start) / 1000;
  const points = new Map<number, MetricsValues>();
  for (const index of series.cpu_cores.keys()) {
    const at = (metric: Metric) => series[metric][index] ?? null;
    const values = Object.fromEntries(columns.map((metric) => [metric, at(metric)])) as MetricsValues;
    if (columns.some((metric) => values[metric] !== null)) points.set(start + index * series.step_s, values);
  }
  return points;
}

/** One more second; what is older than the live range goes. */
export function withSample(points: Points, sample: MetricsSample, key: string): Points {
  const second = Math.floor(Date.parse(sample.time) / 1000);
  const values = key === hostKey ? sample.host : sample.vms.find((vm) => vm.id === key)?.values;
  const kept = [...points].filter(([time]) => time > second - ranges.live);
  return new Map(values === undefined ? kept : [...kept, [second, values]]);
}

/** Times, then a list of values for each subject. A time between two points of others is a gap. */
export function aligned(all: readonly Points[], metric: Metric): [number[], ...(number | null)[][]] {
  const times = [...new Set(all.flatMap((points) => [...points.keys()]))].toSorted((a, b) => a - b);
  return [times, ...all.map((points) => times.map((time) => points.get(time)?.[metric] ?? null))];
}

/** RFC 4180: a line for each time and subject. */
export function csv(subjects: readonly Subject[], all: readonly Points[]): string {
  const lines = subjects.flatMap((subject, index) =>
    [...(all[index] ?? [])].map(([time, values]) =>
      [new Date(time * 1000).toISOString(), cell(subject.name), ...columns.map((metric) => values[metric] ?? '')].join(','),
    ),
  );
  return [['time', 'name', ...columns].join(','), ...lines].map((line) => `${line}\r\n`).join('');
}

/** Quoted when it must be; what a spreadsheet would take for a formula is text. */
function cell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
