import { expect, test } from 'vitest';
import type { MetricsSeries, MetricsValues } from '@/api/types';
import { aligned, csv, hostKey, pointsOf, withSample } from './series';

const nothing: MetricsValues = {
  cpu_cores: null,
  memory_bytes: null,
  disk_read_bytes_per_s: null,
  disk_write_bytes_per_s: null,
  disk_reads_per_s: null,
  disk_writes_per_s: null,
  net_rx_bytes_per_s: null,
  net_tx_bytes_per_s: null,
};
const busy = (cpu_cores: number): MetricsValues => ({ ...nothing, cpu_cores });

test('a point at which nothing was measured is no point', () => {
  const none = [null, null, null];
  const series: MetricsSeries = {
    start: '1970-01-01T00:01:40Z',
    step_s: 10,
    cpu_cores: [1, null, 3],
    memory_bytes: [null, null, 5],
    disk_read_bytes_per_s: none,
    disk_write_bytes_per_s: none,
    disk_reads_per_s: none,
    disk_writes_per_s: none,
    net_rx_bytes_per_s: none,
    net_tx_bytes_per_s: none,
  };
  expect([...pointsOf(series)]).toEqual([
    [100, busy(1)],
    [120, { ...busy(3), memory_bytes: 5 }],
  ]);
});

test('subjects with other times share one axis, with gaps', () => {
  const a = new Map([[10, busy(1)], [30, busy(3)]]);
  const b = new Map([[20, busy(2)]]);
  expect(aligned([a, b], 'cpu_cores')).toEqual([[10, 20, 30], [1, null, 3], [null, 2, null]]);
});

test('live points grow at one end and end at the other', () => {
  const sample = { time: '1970-01-01T00:05:00.9Z', host: busy(1), vms: [{ id: 'a', values: busy(2) }] };
  const before = new Map([[180, busy(9)], [181, busy(8)]]);
  expect([...withSample(before, sample, 'a')]).toEqual([[181, busy(8)], [300, busy(2)]]);
  expect([...withSample(new Map(), sample, hostKey)]).toEqual([[300, busy(1)]]);
  expect([...withSample(before, sample, 'off')]).toEqual([[181, busy(8)]]);
});

test('a name can neither break a line nor become a formula', () => {
  const points = new Map([[0, busy(1.5)]]);
  const lines = csv([{ key: 'a', name: '=1+1,"x"' }], [points]).split('\r\n');
  expect(lines[0]).toMatch(/^time,name,cpu_cores,/);
  expect(lines[1]).toBe(`1970-01-01T00:00:00.000Z,"'=1+1,""x""",1.5,,,,,,,`);
  expect(lines).toHaveLength(3);
});
