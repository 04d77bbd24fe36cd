// How a VM's power state and what runs it are shown everywhere.
import type { Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';
import { Badge, type BadgeTone } from '@/ui/badge';

const looks: Record<Vm['state'], { key: MessageKey; tone: BadgeTone }> = {
  running: { key: 'state.running', tone: 'good' },
  paused: { key: 'state.paused', tone: 'warn' },
  shutting_down: { key: 'state.shutting_down', tone: 'warn' },
  off: { key: 'state.off', tone: 'plain' },
  saved: { key: 'state.saved', tone: 'info' },
  crashed: { key: 'state.crashed', tone: 'danger' },
  suspended: { key: 'state.suspended', tone: 'info' },
};

/** The power state as a word in its colour. */
export function StateBadge({ state }: { state: Vm['state'] }) {
  const { t } = useI18n();
  return <Badge tone={looks[state].tone}>{t(looks[state].key)}</Badge>;
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

/** The words that group a VM with others. */
export function Tags({ tags }: { tags: readonly string[] }) {
  return tags.map((tag) => (
    <span key={tag} className="rounded bg-sunken px-1.5 py-0.5 text-xs text-muted">
      {tag}
    </span>
  ));
}
