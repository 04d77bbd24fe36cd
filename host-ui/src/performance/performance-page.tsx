// What the host and its VMs use: live, or over time, several side by side.
import { useQuery } from '@tanstack/react-query';
import { vmsQuery } from '@/api/queries';
import { PageTitle } from '@/app/page-title';
import { formatBytes } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { cx } from '@/ui/cx';
import { LoadError, Loading } from '@/ui/message';
import { saveFile } from '@/ui/save-file';
import { useCallback } from 'react';
import { Chart } from './chart';
import { aligned, csv, hostKey, metrics, type Metric, type Points, type Range, ranges, type Subject } from './series';
import { usePoints } from './use-points';

/** Lines that can still be told apart. */
const most = 8;

type Props = { range: Range; shown: readonly string[]; onChange: (range: Range, shown: readonly string[]) => void };

export function PerformancePage({ range, shown, onChange }: Props) {
  const { t } = useI18n();
  const vms = useQuery(vmsQuery);
  const all: Subject[] = [{ key: hostKey, name: t('performance.host') }, ...(vms.data ?? []).map((vm) => ({ key: vm.id, name: vm.name }))];
  const subjects = all.filter((subject) => shown.includes(subject.key)).slice(0, most);
  const { points, pending, error, refetch } = usePoints(
    subjects.map((subject) => subject.key),
    range,
  );
  const toggle = (key: string) => onChange(range, shown.includes(key) ? shown.filter((known) => known !== key) : [...shown, key]);
  return (
    <>
      <PageTitle page={t('nav.performance')} />
      <section className="card space-y-4 p-4" aria-labelledby="performance-heading">
        <div className="flex flex-wrap items-center gap-3">
          <h1 id="performance-heading" className="text-base font-semibold">{t('nav.performance')}</h1>
          <RangeButtons range={range} onChange={(wanted) => onChange(wanted, shown)} />
          <div className="ml-auto flex gap-2">
            {range !== 'live' && <Button onClick={refetch}>{t('performance.refresh')}</Button>}
            <CsvButton subjects={subjects} points={points} range={range} />
          </div>
        </div>
        <SubjectBoxes all={all} shown={subjects} toggle={toggle} />
      </section>
      {error !== null && <LoadError error={error} what={t('performance.what')} retry={refetch} />}
      {pending && <Loading label={t('performance.loading')} />}
      {!pending && error === null && <Charts subjects={subjects} points={points} />}
    </>
  );
}

function RangeButtons({ range, onChange }: { range: Range; onChange: (range: Range) => void }) {
  const { t } = useI18n();
  return (
    <div role="group" aria-label={t('performance.range')} className="flex flex-wrap gap-1">
      {(Object.keys(ranges) as Range[]).map((name) => (
        <Button key={name} variant={name === range ? 'primary' : 'quiet'} aria-pressed={name === range} onClick={() => onChange(name)}>
          {t(`performance.range.${name}`)}
        </Button>
      ))}
    </div>
  );
}

type BoxesProps = { all: readonly Subject[]; shown: readonly Subject[]; toggle: (key: string) => void };

function SubjectBoxes({ all, shown, toggle }: BoxesProps) {
  const { t } = useI18n();
  const full = shown.length >= most;
  return (
    <fieldset>
      <legend className="mb-1 text-xs text-muted">{t('performance.subjects', { most })}</legend>
      <div className="flex max-h-32 flex-wrap gap-x-4 gap-y-1 overflow-y-auto">
        {all.map((subject) => {
          const on = shown.some((known) => known.key === subject.key);
          return (
            <label key={subject.key} className={cx('inline-flex min-h-9 items-center gap-2 text-sm', full && !on && 'text-muted')}>
              <input type="checkbox" checked={on} disabled={full && !on} onChange={() => toggle(subject.key)} />
              {subject.name}
            </label>
          );
        })}
      </div>
    </fieldset>
  );
}

function Charts({ subjects, points }: { subjects: readonly Subject[]; points: readonly Points[] }) {
  const { t, language } = useI18n();
  const names = subjects.map((subject) => subject.name);
  const cores = useCallback((value: number) => value.toLocaleString(language, { maximumFractionDigits: 2 }), [language]);
  const bytes = useCallback((value: number) => formatBytes(value, language), [language]);
  const rate = useCallback((value: number) => `${formatBytes(value, language)}/s`, [language]);
  const format = (metric: Metric) => (metric === 'cpu_cores' ? cores : metric === 'memory_bytes' ? bytes : rate);
  if (subjects.length === 0) return <p className="card p-4 text-sm text-muted">{t('performance.none')}</p>;
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      {metrics.map((metric) => (
        <Chart key={metric} title={t(`performance.${metric}`)} names={names} data={aligned(points, metric)} format={format(metric)} binary={metric !== 'cpu_cores'} />
      ))}
    </div>
  );
}

function CsvButton({ subjects, points, range }: { subjects: readonly Subject[]; points: readonly Points[]; range: Range }) {
  const { t } = useI18n();
  const save = () => {
    saveFile(`performance-${range}.csv`, new Blob([csv(subjects, points)], { type: 'text/csv' }));
  };
  const empty = points.every((known) => known.size === 0);
  return (
    <Button onClick={save} disabledReason={empty ? t('performance.csv.none') : null}>
      {t('performance.csv')}
    </Button>
  );
}
