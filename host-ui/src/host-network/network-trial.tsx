// On every page: asks whether a change of the host's network waits to be confirmed, shows the banner while one does,
// and tells how it ended if nobody here ended it.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { hostNetworkQuery } from '@/api/queries';
import type { Role } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { notify } from '@/ui/notices';
import { TrialBanner } from './trial-banner';

export function NetworkTrial({ role }: { role: Role }) {
  const { t } = useI18n();
  const { data, dataUpdatedAt } = useQuery(hostNetworkQuery);
  const waited = useRef(false);
  const waits = data?.trial != null;
  const late = data?.undone === 'time_is_up';
  useEffect(() => {
    if (waited.current && !waits && late) notify({ tone: 'danger', title: t('trial.late'), detail: t('hostNetwork.undone.time_is_up') });
    waited.current = waits;
  }, [waits, late, t]);
  if (data?.trial == null) return null;
  return <TrialBanner trial={data.trial} readAt={dataUpdatedAt} role={role} />;
}
