// A VM's consoles: its screen, and its serial line. They may be opened before the VM is started: they connect by
// themselves. Each loads when it is looked at.
import { useParams } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import type { Role, Vm } from '@/api/types';
import { PageTitle } from '@/app/page-title';
import { useI18n } from '@/i18n/i18n';
import { useSession } from '@/session/store';
import { Notices } from '@/ui/notices';
import { Button } from '@/ui/button';
import { TerminalIcon } from '@/ui/icons';
import { LoadError, Loading, Message, Placeholder } from '@/ui/message';
import { isStopped, whyNot } from '@/vms/rules';
import { useVm } from '@/vms/use-vm';
import { VmFrame } from '@/vms/vm-frame';

const ScreenConsole = lazy(async () => ({ default: (await import('./screen-console')).ScreenConsole }));
const SerialConsole = lazy(async () => ({ default: (await import('./serial-console')).SerialConsole }));

export type View = 'screen' | 'serial';
type Shown = { view: View | undefined; onView: (view: View) => void };

export function ConsolePage({ view, onView }: Shown) {
  const { vmId } = useParams({ from: '/shell/vms/$vmId/console' });
  return (
    <VmFrame id={vmId}>
      {(vm, role) => (
        <div className="flex h-[max(28rem,calc(100dvh-17rem))] flex-col gap-3 sm:h-[max(28rem,calc(100dvh-11.5rem))]">
          <Consoles key={vm.id} vm={vm} role={role} view={view} onView={onView} popOut />
        </div>
      )}
    </VmFrame>
  );
}

/** The same in a window of its own, without the frame of pages around it. */
export function PopOutPage({ view, onView }: Shown) {
  const { t } = useI18n();
  const { vmId } = useParams({ from: '/alone/console/$vmId' });
  const session = useSession();
  const vm = useVm(vmId);
  if (session === null) return null;
  if (vm.isPending) return <Loading label={t('vm.loading')} />;
  if (vm.isError) return <LoadError error={vm.error} what={t('vm.what')} retry={() => void vm.refetch()} />;
  if (vm.data === null) return <Placeholder title={t('vm.gone.title')}>{t('vm.gone.text')}</Placeholder>;
  return (
    <main className="flex h-dvh flex-col gap-2 p-2">
      <PageTitle page={vm.data.name} />
      <h1 className="sr-only">{vm.data.name}</h1>
      <Consoles vm={vm.data} role={session.role} view={view} onView={onView} popOut={false} />
      <Notices />
    </main>
  );
}

type ConsolesProps = Shown & { vm: Vm; role: Role; popOut: boolean };

export function Consoles({ vm, role, view, onView, popOut }: ConsolesProps) {
  const { t } = useI18n();
  const denied = whyNot('console', vm.state, role);
  if (denied !== null) {
    return (
      <section className="card">
        <Placeholder icon={<TerminalIcon />} title={t('console.forbidden')}>
          {t(denied)}
        </Placeholder>
      </section>
    );
  }
  const shown = view ?? (vm.vnc ? 'screen' : 'serial');
  const powered = !isStopped(vm.state);
  const open = () => window.open(`/console/${vm.id}?view=${shown}`, `qx-console-${vm.id}`, 'popup,width=1100,height=820');
  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        <div role="group" aria-label={t('console.views')} className="flex">
          {(['screen', 'serial'] as const).map((one) => (
            <Button
              key={one}
              variant={shown === one ? 'primary' : 'secondary'}
              className="-ml-px rounded-none"
              aria-pressed={shown === one}
              onClick={() => onView(one)}
            >
              {t(one === 'screen' ? 'screen.title' : 'console.title')}
            </Button>
          ))}
        </div>
        {popOut && <Button variant="quiet" className="ml-auto" onClick={open}>{t('console.popOut')}</Button>}
      </div>
      <Suspense fallback={<section className="card"><Loading label={t('console.loading')} /></section>}>
        {shown === 'serial' && <SerialConsole vm={vm} powered={powered} />}
        {shown === 'screen' && (vm.vnc ? <ScreenConsole vm={vm} powered={powered} /> : <NoScreen />)}
      </Suspense>
    </>
  );
}

function NoScreen() {
  const { t } = useI18n();
  return (
    <section className="card p-4">
      <Message tone="info" title={t('screen.none')}>{t('screen.none.text')}</Message>
    </section>
  );
}
