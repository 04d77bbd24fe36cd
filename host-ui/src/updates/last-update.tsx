// How the last change of the running version ended.
import type { LastUpdate } from '@/api/types';
import { asSentence, formatTime } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';
import { Badge, type BadgeTone } from '@/ui/badge';
import { Message } from '@/ui/message';

const looks: Record<LastUpdate['outcome'], { tone: BadgeTone; key: MessageKey }> = {
  waiting: { tone: 'info', key: 'slot.waiting' },
  on_trial: { tone: 'warn', key: 'last.on_trial' },
  succeeded: { tone: 'good', key: 'last.succeeded' },
  failed: { tone: 'danger', key: 'slot.failed' },
};

export function LastUpdateCard({ last }: { last: LastUpdate | null }) {
  const { t } = useI18n();
  return (
    <section className="card space-y-3 p-4 text-sm sm:p-5" aria-labelledby="last-heading">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 id="last-heading" className="font-semibold">{t('last.title')}</h2>
        {last !== null && <Badge tone={looks[last.outcome].tone}>{t(looks[last.outcome].key)}</Badge>}
      </div>
      {last === null ? <p className="text-muted">{t('last.none')}</p> : <Story last={last} />}
    </section>
  );
}

function Story({ last }: { last: LastUpdate }) {
  const { t, language } = useI18n();
  const time = formatTime(new Date(last.started_at), language);
  return (
    <>
      <div>
        <p className="text-base font-semibold [overflow-wrap:anywhere]">
          {last.from_version} → {last.version}
        </p>
        <p className="text-muted">{t('last.started', { time, slot: last.slot })}</p>
        <p className="font-mono text-xs break-all text-muted">{t('slot.build', { id: last.build_id })}</p>
      </div>
      {last.failure !== null && (
        <Message tone="danger" title={asSentence(last.failure.detail)}>
          {last.outcome === 'failed' && t('last.failed.text', { version: last.from_version })}
        </Message>
      )}
    </>
  );
}
