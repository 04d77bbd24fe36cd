// How much of something is used: a bar with its figures, readable without seeing the bar.
import { percent } from '@/i18n/format';
import { cx } from './cx';

type Props = { label: string; used: number; total: number; text: string };

const warnAt = 85;
const dangerAt = 95;

export function Meter({ label, used, total, text }: Props) {
  const share = percent(used, total);
  const colour = share >= dangerAt ? 'bg-danger-solid' : share >= warnAt ? 'bg-warn' : 'bg-accent';
  return (
    <div>
      <div className="mb-1.5 flex flex-wrap items-baseline justify-between gap-x-3 text-sm">
        <span className="font-medium">{label}</span>
        <span className="text-xs text-muted tabular-nums">{text}</span>
      </div>
      <div
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share}
        aria-valuetext={text}
        className="h-2 overflow-hidden rounded-full bg-line"
      >
        <div className={cx('h-full rounded-full', colour)} style={{ width: `${share}%` }} />
      </div>
    </div>
  );
}
