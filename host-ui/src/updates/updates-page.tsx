// Updates of the host's own system: its slots, a new version coming in, how the last update ended.
import { useQuery } from '@tanstack/react-query';
import { updatesQuery } from '@/api/queries';
import type { Role } from '@/api/types';
import { PageTitle } from '@/app/page-title';
import { asSentence } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { useSession } from '@/session/store';
import { UpdateIcon } from '@/ui/icons';
import { ErrorMessage, LoadError, Loading, Message, Placeholder } from '@/ui/message';
import { useRestarting } from './actions';
import { FeedCard } from './feed-card';
import { LastUpdateCard } from './last-update';
import { Slots } from './slots';
import { UploadCard } from './upload-card';

export function UpdatesPage() {
  const session = useSession();
  const { t } = useI18n();
  if (session === null) return null;
  return (
    <>
      <PageTitle page={t('updates.title')} />
      <UpdatesContent role={session.role} />
    </>
  );
}

export function UpdatesContent({ role }: { role: Role }) {
  const { t } = useI18n();
  const updates = useQuery(updatesQuery);
  const { data, error } = updates;
  const unavailable = data?.unavailable ?? null;
  const can = data !== undefined && unavailable === null;
  const retry = () => void updates.refetch();
  return (
    <>
      <Restarting />
      {data !== undefined && <ErrorMessage error={error} title={t('error.load.title', { what: t('updates.what') })} />}
      <section className="card" aria-labelledby="updates-heading">
        <div className="flex min-h-14 items-center border-b border-line px-4 sm:px-5">
          <h1 id="updates-heading" className="text-base font-semibold">{t('updates.title')}</h1>
        </div>
        {updates.isPending && <Loading label={t('updates.loading')} />}
        {data === undefined && error !== null && <LoadError error={error} what={t('updates.what')} retry={retry} />}
        {unavailable !== null && (
          <Placeholder icon={<UpdateIcon />} title={t('updates.unavailable')}>{asSentence(unavailable)}</Placeholder>
        )}
        {can && <Slots updates={data} role={role} />}
      </section>
      {can && (
        <div className="grid gap-4 md:grid-cols-2">
          <UploadCard updates={data} readAt={updates.dataUpdatedAt} role={role} />
          <LastUpdateCard last={data.last} />
          {data.feed !== null && <FeedCard updates={data} feed={data.feed} role={role} />}
        </div>
      )}
    </>
  );
}

/** The host restarts because somebody here asked for it. */
function Restarting() {
  const { t } = useI18n();
  const version = useRestarting();
  return (
    <div role="status" className="empty:sr-only">
      {version !== null && (
        <Message tone="info" title={t('updates.restarting', { version })}>
          {t('updates.restarting.text')}
        </Message>
      )}
    </div>
  );
}
