// The two slots side by side, with what can be done to each.
import { useState } from 'react';
import type { Role, Slot, Updates } from '@/api/types';
import { asSentence } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';
import { Badge, type BadgeTone } from '@/ui/badge';
import { Button } from '@/ui/button';
import { type StartAction, useDecide, useRestarting } from './actions';
import { isWaiting, otherSlot, runningSlot, type SlotRole, slotRole, type UpdateAction, whyNot } from './rules';
import { ReinstallButton } from './reinstall';
import { StartDialog } from './start-dialog';

type Props = { updates: Updates; role: Role };

export function Slots({ updates, role }: Props) {
  const { t } = useI18n();
  const [asking, setAsking] = useState<StartAction | null>(null);
  const restarting = useRestarting();
  const running = runningSlot(updates);
  const other = otherSlot(updates);
  const reason = (action: UpdateAction) => {
    if (restarting !== null) return t('updates.restarting', { version: restarting });
    const key = whyNot(action, updates, role);
    return key === null ? null : t(key);
  };
  return (
    <>
      <ul className="grid divide-y divide-line md:grid-cols-2 md:divide-x md:divide-y-0">
        {updates.slots.map((slot) => (
          <li key={slot.name} aria-label={t('slot.name', { name: slot.name })} className="flex flex-col gap-3 p-4 sm:p-5">
            <SlotFacts slot={slot} updates={updates} />
            <div className="mt-auto flex flex-wrap gap-2 pt-1">
              {slot.running && <DecideButton action="confirm" slot={slot} reason={reason('confirm')} />}
              {slot.running && (
                <Button disabledReason={reason('rollback')} onClick={() => setAsking('rollback')}>
                  {t('updates.rollback')}
                </Button>
              )}
              {!slot.running && <ApplyButton reason={reason('apply')} onClick={() => setAsking('apply')} />}
              {!slot.running && running !== undefined && (
                <ReinstallButton running={running} slot={slot} reason={reason('reinstall')} />
              )}
              {!slot.running && isWaiting(updates) && <DecideButton action="withdraw" slot={slot} reason={reason('withdraw')} />}
            </div>
          </li>
        ))}
      </ul>
      {asking !== null && running !== undefined && other !== undefined && (
        <StartDialog action={asking} running={running} slot={other} onClose={() => setAsking(null)} />
      )}
    </>
  );
}

function ApplyButton({ reason, onClick }: { reason: string | null; onClick: () => void }) {
  const { t } = useI18n();
  return (
    <Button variant={reason === null ? 'primary' : 'secondary'} disabledReason={reason} onClick={onClick}>
      {t('updates.apply')}
    </Button>
  );
}

type DecideProps = { action: 'confirm' | 'withdraw'; slot: Slot; reason: string | null };

function DecideButton({ action, slot, reason }: DecideProps) {
  const { t } = useI18n();
  const decide = useDecide(action, slot);
  return (
    <Button
      variant={action === 'confirm' && reason === null ? 'primary' : 'secondary'}
      busy={decide.isPending}
      disabledReason={reason}
      onClick={() => decide.mutate()}
    >
      {t(`updates.${action}`)}
    </Button>
  );
}

const looks: Record<SlotRole, { tone: BadgeTone; text: MessageKey | null }> = {
  confirmed: { tone: 'good', text: 'slot.confirmed.text' },
  trial: { tone: 'warn', text: 'slot.trial.text' },
  waiting: { tone: 'info', text: 'slot.waiting.text' },
  previous: { tone: 'plain', text: 'slot.previous.text' },
  ready: { tone: 'info', text: 'slot.ready.text' },
  unconfirmed: { tone: 'warn', text: 'slot.unconfirmed.text' },
  failed: { tone: 'danger', text: null },
  empty: { tone: 'plain', text: 'slot.empty.text' },
  writing: { tone: 'info', text: null },
};

function SlotFacts({ slot, updates }: { slot: Slot; updates: Updates }) {
  const { t } = useI18n();
  const is = slotRole(slot, updates);
  const { tone, text } = looks[is];
  const version = is === 'writing' ? (updates.transfer?.version ?? null) : slot.version;
  const other = updates.slots.find(({ name }) => name !== slot.name);
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1.5">
        <h2 className="mr-auto text-sm font-semibold">{t('slot.name', { name: slot.name })}</h2>
        {slot.running && <Badge tone="good">{t('slot.running')}</Badge>}
        <Badge tone={tone}>{t(`slot.${is}`, { count: slot.tries_left ?? 0 })}</Badge>
      </div>
      <div>
        <p className="text-2xl font-semibold [overflow-wrap:anywhere]">
          {version ?? <span className="text-muted">{t('slot.noVersion')}</span>}
        </p>
        {slot.build_id !== null && (
          <p className="mt-0.5 font-mono text-xs break-all text-muted">{t('slot.build', { id: slot.build_id })}</p>
        )}
      </div>
      {text !== null && <p className="text-sm">{t(text, { other: other?.version ?? other?.name ?? '?' })}</p>}
      {slot.failure !== null && <p className="text-sm text-danger [overflow-wrap:anywhere]">{asSentence(slot.failure.detail)}</p>}
    </>
  );
}
