// How a console's connection stands, in words, with the way to try at once.
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Spinner } from '@/ui/icons';
import { useErrorText } from '@/ui/message';
import type { ConsoleState } from './connection';

type Props = { powered: boolean; state: ConsoleState; retry: () => void };

export function ConsoleStatus({ powered, state, retry }: Props) {
  const { t } = useI18n();
  const errorText = useErrorText();
  if (!powered) return <p role="status" className="text-muted">{t('console.off')}</p>;
  if (state.kind === 'open') return <p role="status" className="text-good">{t('console.open')}</p>;
  if (state.kind !== 'waiting') {
    return (
      <p role="status" className="flex items-center gap-2 text-muted">
        <Spinner />
        {t('console.connecting')}
      </p>
    );
  }
  const { reason } = state;
  const known = reason === 'closed' ? t('console.closed') : t('console.refused');
  return (
    <>
      <p role="status" className="text-warn">
        {reason instanceof Error ? t('console.failed', { detail: errorText(reason) }) : known}
      </p>
      <Button className="min-h-8" onClick={retry}>
        {t('console.retry')}
      </Button>
    </>
  );
}
