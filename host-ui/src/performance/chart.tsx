// One chart: a line for each subject. Owns the canvas and its colours; knows nothing of where figures come from.
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useStore } from '@/app/store';
import { themeStore } from '@/app/theme';
import { useI18n } from '@/i18n/i18n';

type Props = {
  title: string;
  names: readonly string[];
  data: [number[], ...(number | null)[][]];
  format: (value: number) => string;
  /** Figures are bytes, whose round values are powers of two. */
  binary: boolean;
};

const height = 200;
/** As many colours as `styles.css` has for charts. */
const colours = 8;

const powersOfTwo = Array.from({ length: 51 }, (_, power) => 2 ** power);

const role = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--qx-${name}`).trim();

export function Chart({ title, names, data, format, binary }: Props) {
  const { language } = useI18n();
  const theme = useStore(themeStore);
  const lines = names.join('\n');
  return (
    <figure className="card min-w-0 p-4">
      <figcaption className="mb-2 text-sm font-semibold">{title}</figcaption>
      <div role="img" aria-label={summary(title, names, data, format)} className="min-w-0 text-xs">
        {/* Other lines or colours are another canvas. */}
        <Plot key={`${theme}\n${lines}`} lines={lines} data={data} look={{ format, binary, language }} />
      </div>
    </figure>
  );
}

type Look = Pick<Props, 'format' | 'binary'> & { language: string };

type PlotProps = { lines: string; data: Props['data']; look: Look };

function Plot({ lines, data, look: { format, binary, language } }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const made = new uPlot(options(lines.split('\n'), element.clientWidth, { format, binary, language }), undefined, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [lines, format, binary, language]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={place} className="min-w-0 overflow-hidden" />;
}

function options(names: readonly string[], width: number, { format, binary, language }: Look): uPlot.Options {
  const axis = { stroke: role('muted'), grid: { stroke: role('line'), width: 1 }, ticks: { stroke: role('line'), width: 1 } };
  return {
    width,
    height,
    legend: { live: true },
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      { ...axis, space: 90, values: (_, ticks, __, ___, step) => ticks.map(timeIn(language, step)) },
      { ...axis, size: 80, values: (_, ticks) => ticks.map(format), ...(binary ? { incrs: powersOfTwo } : {}) },
    ],
    series: [
      { value: (_: uPlot, value: number | null) => (value === null ? '–' : timeIn(language, 0)(value)) },
      ...names.map((name, index) => ({
        label: name,
        stroke: role(`chart-${(index % colours) + 1}`),
        width: 1.5,
        points: { show: false },
        spanGaps: false,
        value: (_: uPlot, value: number | null) => (value === null ? '–' : format(value)),
      })),
    ],
  };
}

/** Writes a time (seconds since 1970) as exactly as marks that are `step` seconds apart need it. */
function timeIn(language: string, step: number): (time: number) => string {
  const day = { day: 'numeric', month: 'short' } as const;
  const hour = { hour: '2-digit', minute: '2-digit' } as const;
  const wanted = step >= 86_400 ? day : step >= 3600 ? { ...day, ...hour } : step >= 60 ? hour : { ...hour, second: '2-digit' as const };
  const format = new Intl.DateTimeFormat(language, wanted);
  return (time) => format.format(new Date(time * 1000));
}

/** What somebody who can't see the lines is told: the newest figure of each. */
function summary(title: string, names: readonly string[], [, ...all]: Props['data'], format: (value: number) => string): string {
  const newest = names.map((name, index) => {
    const value = all[index]?.findLast((found) => found !== null) ?? null;
    return `${name}: ${value === null ? '–' : format(value)}`;
  });
  return `${title}. ${newest.join('; ')}`;
}
