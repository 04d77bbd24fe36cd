// The host's own network: what is configured and in force, and a form that tries another one.
import { useQuery } from '@tanstack/react-query';
import { hostNetworkQuery, hostQuery } from '@/api/queries';
import type { HostNetwork, Role } from '@/api/types';
import { PageTitle } from '@/app/page-title';
import { asSentence } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { adminReason } from '@/session/roles';
import { useSession } from '@/session/store';
import { Badge } from '@/ui/badge';
import { LoadError, Loading, Message } from '@/ui/message';
import { ChangeForm } from './change-form';
import { networkParts, partLabels, partText } from './words';

export function HostNetworkPage() {
  const session = useSession();
  const { t } = useI18n();
  if (session === null) return null;
  return (
    <>
      <PageTitle page={t('nav.hostNetwork')} />
      <HostNetworkContent role={session.role} />
    </>
  );
}

export function HostNetworkContent({ role }: { role: Role }) {
  const { t } = useI18n();
  const network = useQuery(hostNetworkQuery);
  const host = useQuery(hostQuery);
  const denied = adminReason(role);
  const foreign = host.data?.boot === null ? t('reason.foreignHost') : null;
  const waits = network.data?.trial == null ? null : t('reason.trialWaits');
  return (
    <>
      <section aria-label={t('nav.hostNetwork')} className="card">
        <h1 className="p-4 text-base font-semibold">{t('nav.hostNetwork')}</h1>
        {network.isPending && <Loading label={t('hostNetwork.loading')} />}
        {network.isError && <LoadError error={network.error} what={t('hostNetwork.what')} retry={() => void network.refetch()} />}
        {network.isSuccess && <Standing network={network.data} foreign={foreign} />}
      </section>
      {network.isSuccess && <ChangeForm network={network.data} disabledReason={(denied && t(denied)) ?? foreign ?? waits} />}
    </>
  );
}

function Standing({ network, foreign }: { network: HostNetwork; foreign: string | null }) {
  const { t } = useI18n();
  const differs = networkParts.filter((part) => network.differs.includes(part));
  return (
    <div className="space-y-3 border-t border-line p-4 text-sm">
      {foreign !== null && <Message tone="info">{foreign}</Message>}
      {network.undone !== null && (
        <Message tone="warn" title={t('hostNetwork.undone')}>{t(`hostNetwork.undone.${network.undone}`)}</Message>
      )}
      {network.trial === null && differs.length > 0 && (
        <Message tone="warn" title={t('hostNetwork.differs')}>{t('hostNetwork.differs.text')}</Message>
      )}
      {network.problems.length > 0 && (
        <Message tone="danger" title={t('hostNetwork.problems')}>
          {network.problems.map((problem) => <p key={problem}>{asSentence(problem)}</p>)}
        </Message>
      )}
      {network.in_force === null && foreign === null && <p className="text-muted">{t('hostNetwork.nothingInForce')}</p>}
      <table className="w-full table-fixed text-left [overflow-wrap:anywhere]">
        <caption className="sr-only">{t('hostNetwork.compare')}</caption>
        <thead className="text-muted">
          <tr>
            <th scope="col" className="w-1/4 py-1.5 pr-3 font-medium"><span className="sr-only">{t('hostNetwork.part')}</span></th>
            <th scope="col" className="py-1.5 pr-3 font-medium">{t('hostNetwork.configured')}</th>
            {network.in_force !== null && <th scope="col" className="py-1.5 font-medium">{t('hostNetwork.inForce')}</th>}
          </tr>
        </thead>
        <tbody>
          {networkParts.map((part) => (
            <tr key={part} className="border-t border-line align-top">
              <th scope="row" className="py-1.5 pr-3 font-medium">{t(partLabels[part])}</th>
              <td className="py-1.5 pr-3">{partText(network.configured, part, t)}</td>
              {network.in_force !== null && (
                <td className="py-1.5">
                  {partText(network.in_force, part, t)}{' '}
                  {differs.includes(part) && <Badge tone="warn">{t('hostNetwork.differs.badge')}</Badge>}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {network.interface !== null && <p className="text-muted">{t('hostNetwork.carrier', { name: network.interface })}</p>}
    </div>
  );
}
