// The frame around every page: the header with navigation and user, the banner of a lost connection, the
// dialog that renews a session, the notices.
import { Link, Outlet } from '@tanstack/react-router';
import { type ReactNode, Suspense } from 'react';
import type { Session } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { ConnectionBanner } from '@/live/connection-banner';
import { logOut } from '@/session/requests';
import { sessionStore } from '@/session/store';
import { Button } from '@/ui/button';
import { DiscIcon, Logo, ServerIcon, UpdateIcon, UserIcon } from '@/ui/icons';
import { useErrorText } from '@/ui/message';
import { Notices, notify } from '@/ui/notices';
import { RenewDialog } from './on-demand';
import { Preferences } from './preferences';
import { useStore } from './store';

export function Shell({ session }: { session: Session }) {
  const { t } = useI18n();
  const expired = useStore(sessionStore).kind === 'expired';
  return (
    <>
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded-md focus:bg-surface focus:px-3 focus:py-2"
      >
        {t('shell.skip')}
      </a>
      <header className="border-b border-line bg-surface">
        <div className="mx-auto flex max-w-7xl flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2">
          <Link to="/" className="flex min-w-0 items-center gap-2.5 text-ink no-underline">
            <Logo />
            <span className="font-semibold">Quantix-OS</span>
          </Link>
          <nav aria-label={t('shell.navigation')} className="order-last -mx-2 flex w-full gap-1 sm:order-none sm:mx-0 sm:w-auto">
            <NavLink to="/" icon={<ServerIcon />} label={t('nav.host')} exact />
            <NavLink to="/images" icon={<DiscIcon />} label={t('nav.images')} />
            <NavLink to="/updates" icon={<UpdateIcon />} label={t('nav.updates')} />
          </nav>
          <div className="ml-auto flex items-center gap-1">
            <Preferences />
            <UserBox session={session} />
          </div>
        </div>
      </header>
      <ConnectionBanner />
      <main id="main" tabIndex={-1} className="mx-auto flex max-w-7xl flex-col gap-4 p-3 outline-none sm:p-4">
        <Outlet />
      </main>
      <Notices />
      <Suspense>{expired && <RenewDialog />}</Suspense>
    </>
  );
}

type NavProps = { to: '/' | '/images' | '/updates'; icon: ReactNode; label: string; exact?: boolean };

function NavLink({ to, icon, label, exact = false }: NavProps) {
  return (
    <Link
      to={to}
      activeOptions={{ exact, includeSearch: false }}
      className="inline-flex min-h-9 items-center gap-2 rounded-md px-3 text-sm font-medium text-muted no-underline hover:bg-sunken aria-[current=page]:bg-sunken aria-[current=page]:text-ink"
    >
      {icon}
      {label}
    </Link>
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
