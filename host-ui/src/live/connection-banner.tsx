// Says that the connection to the host is lost, since when, and that it is being restored.
import { useEffect, useState } from 'react';
import { useStore } from '@/app/store';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { lastOpen, live } from './live';

/** A blip shorter than this is healed before anybody needs to know. */
const graceMs = 1_000;

export function ConnectionBanner() {
  const { t, language } = useI18n();
  const lost = useStore(live.state).kind === 'lost';
  const since = useStore(lastOpen);
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(lost), lost ? graceMs : 0);
    return () => clearTimeout(timer);
  }, [lost]);
  return (
    <div role="status">
      {shown && lost && (
        <div className="flex flex-wrap items-center justify-center gap-x-4 gap-y-1 bg-warn-soft px-4 py-2 text-sm text-warn">
          <p>
            <strong>{t('lost.title')}</strong>{' '}
            {since === null
              ? t('lost.text')
              : t('lost.since', { time: since.toLocaleTimeString(language) })}
          </p>
          <Button className="min-h-8" onClick={() => live.retry()}>
            {t('lost.retry')}
          </Button>
        </div>
      )}
    </div>
  );
}
