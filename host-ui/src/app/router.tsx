// Which address shows which page, and what must be read before it does.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Navigate,
  Outlet,
  redirect,
  useNavigate,
} from '@tanstack/react-router';
import { Suspense } from 'react';
import { UnreachableError } from '@/api/problem';
import { bridgesQuery, hostConfigQuery, hostNetworkQuery, hostQuery, imagesQuery, networksQuery, poolsQuery, queryClient, snapshotsQuery, updatesQuery, vmsQuery } from '@/api/queries';
import { useI18n, withTexts } from '@/i18n/i18n';
import { liveOpened } from '@/live/live';
import { LoginPage } from '@/session/login-page';
import { findSession } from '@/session/requests';
import { hostKey, isRange, type Range } from '@/performance/series';
import { sessionStore, useSession } from '@/session/store';
import { LoadError, Placeholder } from '@/ui/message';
import { isOwnPath } from './own-path';
import { MainPage } from './main-page';
import { ConsolePage, isMissingPart, PerformancePage, PopOutPage, preloadDialogs } from './on-demand';
import { Shell } from './shell';

/** A page that is fetched when it is opened, with its texts. */
const page: typeof lazyRouteComponent = (load, name) => lazyRouteComponent(() => withTexts(load), name);

const rootRoute = createRootRoute({ errorComponent: StartError, notFoundComponent: NotFound });

const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: (search): { next?: string } => {
    const next = search['next'];
    return isOwnPath(next) ? { next } : {};
  },
  beforeLoad: async ({ search }) => {
    await findSession();
    if (sessionStore.get().kind === 'in') throw redirect({ href: search.next ?? '/' });
  },
  component: function Login() {
    const navigate = useNavigate();
    const { next } = loginRoute.useSearch();
    return <LoginPage onDone={() => void navigate({ href: next ?? '/', replace: true })} />;
  },
});

/** Sends who is not logged in to the log-in, and opens the stream of events. */
async function loggedIn({ location }: { location: { href: string } }): Promise<void> {
  await findSession();
  if (sessionStore.get().kind === 'out') throw redirect({ to: '/login', search: { next: location.href } });
  await liveOpened();
  void queryClient.prefetchQuery(hostQuery).then(preloadDialogs);
}

const consoleSearch = ({ view }: Record<string, unknown>): { view?: 'screen' | 'serial' } =>
  view === 'screen' || view === 'serial' ? { view } : {};

const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  beforeLoad: loggedIn,
  component: function LoggedIn() {
    const session = useSession();
    return session === null ? <Navigate to="/login" search={{}} replace /> : <Shell session={session} />;
  },
  notFoundComponent: NotFound,
});

const mainRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/',
  validateSearch: (search): { q?: string } => {
    const q = search['q'];
    return typeof q === 'string' && q !== '' ? { q } : {};
  },
  loader: () => void queryClient.prefetchQuery(vmsQuery),
  component: function Main() {
    const { q = '' } = mainRoute.useSearch();
    const navigate = mainRoute.useNavigate();
    const onSearch = (text: string) => void navigate({ search: text === '' ? {} : { q: text }, replace: true });
    return <MainPage search={q} onSearch={onSearch} />;
  },
});

const imagesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/images',
  loader: () => void queryClient.prefetchQuery(imagesQuery),
  component: page(() => import('@/images/images-page'), 'ImagesPage'),
});

const networksRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/networks',
  loader: () => {
    void queryClient.prefetchQuery(networksQuery);
    void queryClient.prefetchQuery(bridgesQuery);
  },
  component: page(() => import('@/networks/networks-page'), 'NetworksPage'),
});

const storageRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/storage',
  loader: () => void queryClient.prefetchQuery(poolsQuery),
  component: page(() => import('@/storage/storage-page'), 'StoragePage'),
});

const updatesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/updates',
  loader: () => {
    void queryClient.prefetchQuery(updatesQuery);
    // How many VMs a restart stops.
    void queryClient.prefetchQuery(vmsQuery);
  },
  component: page(() => import('@/updates/updates-page'), 'UpdatesPage'),
});

const accessRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/access',
  component: page(() => import('@/access/access-page'), 'AccessPage'),
});

const configurationRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/configuration',
  loader: () => {
    // What a reset takes away.
    void queryClient.prefetchQuery(vmsQuery);
    void queryClient.prefetchQuery(imagesQuery);
  },
  component: page(() => import('@/configuration/configuration-page'), 'ConfigurationPage'),
});

const hostNetworkRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/host-network',
  loader: () => void queryClient.prefetchQuery(hostNetworkQuery),
  component: page(() => import('@/host-network/host-network-page'), 'HostNetworkPage'),
});

const hostSettingsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/host-settings',
  loader: () => void queryClient.prefetchQuery(hostConfigQuery),
  component: page(() => import('@/host-settings/host-settings-page'), 'HostSettingsPage'),
});

const logsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/logs',
  component: page(() => import('@/logs/logs-page'), 'LogsPage'),
});

const performanceRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/performance',
  validateSearch: (search): { range?: Range; show?: string } => {
    const { range, show } = search;
    return { ...(isRange(range) && { range }), ...(typeof show === 'string' && { show }) };
  },
  loader: () => void queryClient.prefetchQuery(vmsQuery),
  component: function Performance() {
    const { range = 'live', show = hostKey } = performanceRoute.useSearch();
    const navigate = performanceRoute.useNavigate();
    const onChange = (wanted: Range, shown: readonly string[]) =>
      void navigate({ search: { range: wanted, show: shown.join(' ') }, replace: true });
    return (
      <Suspense>
        <PerformancePage range={range} shown={show.split(' ')} onChange={onChange} />
      </Suspense>
    );
  },
});

const vmRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/vms/$vmId',
  loader: () => void queryClient.prefetchQuery(vmsQuery),
  component: page(() => import('@/vms/vm-page'), 'VmPage'),
});

const snapshotsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/vms/$vmId/snapshots',
  loader: ({ params }) => {
    void queryClient.prefetchQuery(vmsQuery);
    void queryClient.prefetchQuery(snapshotsQuery(params.vmId));
  },
  component: page(() => import('@/snapshots/snapshots-page'), 'SnapshotsPage'),
});

const guestRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/vms/$vmId/guest',
  loader: () => void queryClient.prefetchQuery(vmsQuery),
  component: page(() => import('@/guest/guest-page'), 'GuestPage'),
});

const consoleRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/vms/$vmId/console',
  validateSearch: consoleSearch,
  loader: () => void queryClient.prefetchQuery(vmsQuery),
  component: function Console() {
    const { view } = consoleRoute.useSearch();
    const navigate = consoleRoute.useNavigate();
    return <Suspense><ConsolePage view={view} onView={(wanted) => void navigate({ search: { view: wanted }, replace: true })} /></Suspense>;
  },
});

/** Pages that fill a window of their own: no frame, the same log-in. */
const aloneRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'alone',
  beforeLoad: loggedIn,
  component: function Alone() {
    const session = useSession();
    return session === null ? <Navigate to="/login" search={{}} replace /> : <Outlet />;
  },
});

const popOutRoute = createRoute({
  getParentRoute: () => aloneRoute,
  path: '/console/$vmId',
  validateSearch: consoleSearch,
  loader: () => void queryClient.prefetchQuery(vmsQuery),
  component: function PopOut() {
    const { view } = popOutRoute.useSearch();
    const navigate = popOutRoute.useNavigate();
    return <Suspense><PopOutPage view={view} onView={(wanted) => void navigate({ search: { view: wanted }, replace: true })} /></Suspense>;
  },
});

function StartError({ error, reset }: { error: unknown; reset: () => void }) {
  const { t } = useI18n();
  // A browser does not fetch a part again that it could not get before.
  const missing = isMissingPart(error);
  const retry = () => {
    if (missing) return location.reload();
    reset();
    void router.invalidate();
  };
  return (
    <main className="p-4">
      <LoadError error={missing ? new UnreachableError('a part of the page is missing', { cause: error }) : error} what={t('shell.what')} retry={retry} />
    </main>
  );
}

function NotFound() {
  const { t } = useI18n();
  return (
    <div className="card">
      <Placeholder title={t('notFound.title')}>{t('notFound.text')}</Placeholder>
    </div>
  );
}

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    loginRoute,
    shellRoute.addChildren([mainRoute, imagesRoute, storageRoute, networksRoute, updatesRoute, performanceRoute, accessRoute, hostNetworkRoute, hostSettingsRoute, configurationRoute, logsRoute, vmRoute, snapshotsRoute, guestRoute, consoleRoute]),
    aloneRoute.addChildren([popOutRoute]),
  ]),
  defaultPreload: 'intent',
  defaultPendingMs: 300,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
