// Who changed what, from where, newest first.
import { useInfiniteQuery } from '@tanstack/react-query';
import { formatTime } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { cx } from '@/ui/cx';
import { LoadError, Loading } from '@/ui/message';
import { auditQuery } from './queries';

export function AuditCard() {
  const { t, language } = useI18n();
  const audit = useInfiniteQuery(auditQuery);
  const entries = audit.data?.pages.flatMap((page) => page.items) ?? [];
  const heading = 'px-4 py-2 font-medium';
  return (
    <section className="card" aria-labelledby="audit-heading">
      <div className="flex items-center gap-3 border-b border-line p-4">
        <h2 id="audit-heading" className="text-base font-semibold">{t('audit.title')}</h2>
        <Button className="ml-auto" busy={audit.isRefetching} onClick={() => void audit.refetch()}>{t('performance.refresh')}</Button>
      </div>
      {audit.isPending && <Loading label={t('audit.loading')} />}
      {audit.isError && <LoadError error={audit.error} what={t('audit.what')} retry={() => void audit.refetch()} />}
      {audit.isSuccess && (
        <table className="w-full text-sm">
          <thead>
            <tr className="text-left text-xs text-muted">
              <th scope="col" className={cx(heading, 'hidden sm:table-cell')}>{t('audit.time')}</th>
              <th scope="col" className={heading}>{t('audit.actor')}</th>
              <th scope="col" className={cx(heading, 'hidden sm:table-cell')}>{t('audit.origin')}</th>
              <th scope="col" className={heading}>{t('audit.operation')}</th>
              <th scope="col" className={heading}>{t('audit.outcome')}</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <tr key={entry.id} className="border-t border-line align-top">
                <td className="hidden px-4 py-2 sm:table-cell">{formatTime(new Date(entry.time), language)}</td>
                <td className="px-4 py-2 [overflow-wrap:anywhere]">
                  {entry.actor}
                  <span className="block text-xs text-muted sm:hidden">{`${formatTime(new Date(entry.time), language)} · ${entry.origin}`}</span>
                </td>
                <td className="hidden px-4 py-2 sm:table-cell">{entry.origin}</td>
                <td className="px-4 py-2 [overflow-wrap:anywhere]">{`${entry.operation} ${entry.target}`}</td>
                <td className="px-4 py-2 [overflow-wrap:anywhere]">{entry.outcome}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {audit.hasNextPage && (
        <div className="border-t border-line p-3 text-center">
          <Button busy={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>{t('audit.more')}</Button>
        </div>
      )}
    </section>
  );
}
