// What the pages about one VM share: finding it, its heading, its actions, and what is shown instead when
// it can't be found.
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Role, Vm } from '@/api/types';
import { PageTitle } from '@/app/page-title';
import { useI18n } from '@/i18n/i18n';
import { useSession } from '@/session/store';
import { buttonClass } from '@/ui/button';
import { BackIcon, ServerIcon } from '@/ui/icons';
import { LoadError, Loading, Placeholder } from '@/ui/message';
import { StateBadge } from './state';
import { useVm } from './use-vm';
import { VmActions } from './vm-actions';

type Props = { id: string; children: (vm: Vm, role: Role) => ReactNode };

export function VmFrame({ id, children }: Props) {
  const { t } = useI18n();
  const navigate = useNavigate();
  const session = useSession();
  const vm = useVm(id);
  if (session === null) return null;
  if (vm.isPending) return <section className="card"><Loading label={t('vm.loading')} /></section>;
  if (vm.isError) {
    return (
      <section className="card">
        <LoadError error={vm.error} what={t('vm.what')} retry={() => void vm.refetch()} />
      </section>
    );
  }
  if (vm.data === null) return <VmGone />;
  return (
    <>
      <PageTitle page={vm.data.name} />
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Link to="/" className={`${buttonClass('quiet')} -ml-2 px-2`} aria-label={t('vm.back')}>
          <BackIcon />
        </Link>
        <h1 className="-ml-3 text-xl font-semibold [overflow-wrap:anywhere]">{vm.data.name}</h1>
        <StateBadge state={vm.data.state} />
        <div className="ml-auto w-full sm:w-auto">
          <VmActions vm={vm.data} role={session.role} withConsole={false} onDeleted={() => void navigate({ to: '/' })} />
        </div>
      </div>
      <VmTabs id={id} />
      {children(vm.data, session.role)}
    </>
  );
}

function VmTabs({ id }: { id: string }) {
  const { t } = useI18n();
  const look =
    '-mb-px inline-flex min-h-10 items-center border-b-2 border-transparent px-3 text-sm font-medium text-muted no-underline hover:text-ink aria-[current=page]:border-accent aria-[current=page]:text-ink';
  const params = { vmId: id };
  return (
    <nav aria-label={t('vm.tabs')} className="flex border-b border-line">
      <Link to="/vms/$vmId" params={params} activeOptions={{ exact: true }} className={look}>
        {t('vm.summary')}
      </Link>
      <Link to="/vms/$vmId/snapshots" params={params} className={look}>
        {t('snapshots.title')}
      </Link>
      <Link to="/vms/$vmId/guest" params={params} className={look}>
        {t('guest.title')}
      </Link>
      <Link to="/vms/$vmId/console" params={params} className={look}>
        {t('vm.console')}
      </Link>
    </nav>
  );
}

function VmGone() {
  const { t } = useI18n();
  const back = (
    <Link to="/" className={buttonClass('secondary')}>
      {t('vm.back')}
    </Link>
  );
  return (
    <section className="card">
      <Placeholder icon={<ServerIcon />} title={t('vm.gone.title')} action={back}>
        {t('vm.gone.text')}
      </Placeholder>
    </section>
  );
}
