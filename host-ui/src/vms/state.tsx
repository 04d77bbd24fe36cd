// How a VM's power state and what runs it are shown everywhere.
import type { Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';
import { cx } from '@/ui/cx';

const looks: Record<Vm['state'], { key: MessageKey; className: string }> = {
  running: { key: 'state.running', className: 'bg-good-soft text-good' },
  paused: { key: 'state.paused', className: 'bg-warn-soft text-warn' },
  shutting_down: { key: 'state.shutting_down', className: 'bg-warn-soft text-warn' },
  off: { key: 'state.off', className: 'bg-sunken text-muted' },
  crashed: { key: 'state.crashed', className: 'bg-danger-soft text-danger' },
  suspended: { key: 'state.suspended', className: 'bg-info-soft text-info' },
};

/** The power state as a word in its colour. */
export function StateBadge({ state }: { state: Vm['state'] }) {
  const { t } = useI18n();
  const look = looks[state];
  return (
    <span className={cx('inline-flex items-center gap-1.5 rounded-full px-2.5 py-0.5 text-xs font-medium whitespace-nowrap', look.className)}>
      <span className="size-1.5 rounded-full bg-current" aria-hidden="true" />
      {t(look.key)}
    </span>
  );
}

const accelerators: Record<Vm['accelerator'], MessageKey> = {
  kvm: 'accelerator.kvm',
  tcg: 'accelerator.tcg',
  test: 'accelerator.test',
};

/** KVM or, as a warning, emulation. */
export function AcceleratorText({ accelerator }: { accelerator: Vm['accelerator'] }) {
  const { t } = useI18n();
  return <span className={accelerator === 'tcg' ? 'text-warn' : undefined}>{t(accelerators[accelerator])}</span>;
}
