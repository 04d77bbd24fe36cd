// The feed: what it has for this host, when it was asked, and what the host does about it by itself.
import type { Feed, Offer, Role, Updates } from '@/api/types';
import { asSentence, formatBytes, formatTime } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Message } from '@/ui/message';
import { useAskFeed, useRestarting } from './actions';
import { whyNot } from './rules';

type Props = { updates: Updates; feed: Feed; role: Role };

export function FeedCard({ updates, feed, role }: Props) {
  const { t, language } = useI18n();
  const time = (when: string) => formatTime(new Date(when), language);
  return (
    <section className="card space-y-3 p-4 text-sm sm:p-5" aria-labelledby="feed-heading">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 id="feed-heading" className="font-semibold">{t('feed.title')}</h2>
        <Badge tone="plain">{t('feed.channel', { channel: feed.channel })}</Badge>
      </div>
      <p className="text-muted [overflow-wrap:anywhere]">{feed.url}</p>
      <Found feed={feed} />
      <p className="text-muted">
        {feed.checked_at === null ? t('feed.never') : t('feed.checked', { time: time(feed.checked_at) })}
        {' '}
        {t('feed.next', { time: time(feed.next_check_at) })}
      </p>
      <p>{t(`feed.automatic.${feed.automatic}`)}</p>
      {feed.window !== null && (
        <p className="text-muted">{t('feed.window', { start: time(feed.window.starts_at), end: time(feed.window.ends_at) })}</p>
      )}
      <Actions updates={updates} offer={feed.offer} role={role} />
    </section>
  );
}

function Found({ feed }: { feed: Feed }) {
  const { t, language } = useI18n();
  if (feed.problem !== null) {
    return (
      <Message tone="danger" live title={t('feed.problem')}>
        <p>{asSentence(feed.problem)}</p>
      </Message>
    );
  }
  if (feed.offer === null) return feed.checked_at === null ? null : <p>{t('feed.nothing')}</p>;
  const { version, size_bytes, staged, given_up } = feed.offer;
  const text = given_up ? 'feed.givenUp' : staged ? 'feed.staged' : 'feed.offer.text';
  return (
    <Message tone={given_up ? 'warn' : 'info'} title={t('feed.offer', { version })}>
      {t(text, { size: formatBytes(size_bytes, language) })}
    </Message>
  );
}

function Actions({ updates, offer, role }: { updates: Updates; offer: Offer | null; role: Role }) {
  const { t } = useI18n();
  const restarting = useRestarting();
  const check = useAskFeed('check');
  const fetch = useAskFeed('fetch');
  const reason = (action: 'check' | 'fetch') => {
    if (restarting !== null) return t('updates.restarting', { version: restarting });
    const key = whyNot(action, updates, role);
    return key === null ? null : t(key);
  };
  const wanted = offer !== null && !offer.staged && !offer.given_up && reason('fetch') === null;
  return (
    <div className="flex flex-wrap gap-2">
      <Button busy={check.isPending} disabledReason={reason('check')} onClick={() => check.mutate()}>
        {t('feed.check')}
      </Button>
      <Button
        variant={wanted ? 'primary' : 'secondary'}
        busy={fetch.isPending}
        disabledReason={reason('fetch')}
        onClick={() => fetch.mutate()}
      >
        {offer === null ? t('feed.fetch.none') : t('feed.fetch', { version: offer.version })}
      </Button>
    </div>
  );
}
