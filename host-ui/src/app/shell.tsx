// The frame around every page: the header with the user, the navigation, the banners of a lost connection and
// of a network that waits to be confirmed, the dialog that renews a session, the notices.
import { Link, Outlet } from '@tanstack/react-router';
import { Suspense } from 'react';
import type { Session } from '@/api/types';
import { NetworkTrial } from '@/host-network/network-trial';
import { useI18n } from '@/i18n/i18n';
import { ConnectionBanner } from '@/live/connection-banner';
import { logOut } from '@/session/requests';
import { TasksButton } from '@/tasks/tasks-button';
import { sessionStore } from '@/session/store';
import { Button } from '@/ui/button';
import { Logo, UserIcon } from '@/ui/icons';
import { useErrorText } from '@/ui/message';
import { Notices, notify } from '@/ui/notices';
import { Navigation } from './navigation';
import { firstLoadOver, RenewDialog } from './on-demand';
import { Preferences } from './preferences';
import { useStore } from './store';

export function Shell({ session }: { session: Session }) {
  const { t } = useI18n();
  const expired = useStore(sessionStore).kind === 'expired';
  const banners = useStore(firstLoadOver);
  return (
    <>
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded-md focus:bg-surface focus:px-3 focus:py-2"
      >
        {t('shell.skip')}
      </a>
      <header className="border-b border-line bg-surface">
        <div className="flex min-h-13 flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2">
          <Link to="/" className="flex min-w-0 items-center gap-2.5 text-ink no-underline">
            <Logo />
            <span className="font-semibold">Quantix-OS</span>
          </Link>
          <div className="ml-auto flex items-center gap-1">
            <TasksButton role={session.role} />
            <Preferences />
            <UserBox session={session} />
          </div>
        </div>
      </header>
      <ConnectionBanner />
      {banners && <NetworkTrial role={session.role} />}
      <div className="lg:grid lg:grid-cols-[13rem_minmax(0,1fr)]">
        <Navigation />
        <main id="main" tabIndex={-1} className="mx-auto flex w-full max-w-7xl flex-col gap-4 p-3 outline-none sm:p-4">
          <Outlet />
        </main>
      </div>
      <Notices />
      <Suspense>{expired && <RenewDialog />}</Suspense>
    </>
  );
}

function UserBox({ session }: { session: Session }) {
  const { t } = useI18n();
  const errorText = useErrorText();
  const roles = { viewer: 'role.viewer', operator: 'role.operator', admin: 'role.admin' } as const;
  const leave = () => {
    logOut().catch((error: unknown) =>
      notify({ tone: 'danger', title: t('logout.failed'), detail: errorText(error) }),
    );
  };
  return (
    <div className="flex items-center gap-1">
      <span className="hidden items-center gap-1.5 px-2 text-sm md:flex" title={t(roles[session.role])}>
        <UserIcon />
        {session.username}
      </span>
      <Button variant="quiet" onClick={leave}>
        {t('logout')}
      </Button>
    </div>
  );
}
