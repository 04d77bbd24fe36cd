// The menu that takes the host down, and what is said while it goes.
import { Suspense, useState } from 'react';
import type { Host, HostPowerAction } from '@/api/types';
import { PowerDialog } from '@/app/on-demand';
import { useI18n } from '@/i18n/i18n';
import { useSession } from '@/session/store';
import { PowerIcon, RebootIcon } from '@/ui/icons';
import { Menu } from '@/ui/menu';
import { Message } from '@/ui/message';
import { useGoingDown } from './power';

export function PowerMenu({ host: { hostname: host, boot } }: { host: Host }) {
  const { t } = useI18n();
  const session = useSession();
  const [asking, setAsking] = useState<HostPowerAction | null>(null);
  const notAdmin = session?.role === 'admin' ? null : t('reason.admin');
  const reason = notAdmin ?? (boot === null ? t('reason.foreignPower') : null);
  const icons = { reboot: <RebootIcon />, shutdown: <PowerIcon /> };
  const entries = (['reboot', 'shutdown'] as const).map((action) => ({
    label: t(`power.${action}.open`),
    icon: icons[action],
    reason,
    onChoose: () => setAsking(action),
  }));
  return (
    <>
      <Menu label={t('power.menu', { host })} groups={[entries]} />
      <Suspense>{asking !== null && <PowerDialog action={asking} host={host} onClose={() => setAsking(null)} />}</Suspense>
    </>
  );
}

export function GoingDown() {
  const { t } = useI18n();
  const action = useGoingDown();
  return (
    <div role="status" className="empty:sr-only">
      {action !== null && <Message tone="info" title={t(`power.${action}.done`)}>{t(`power.${action}.done.text`)}</Message>}
    </div>
  );
}
