// The way to every page: beside the page where there is room, else a strip above it that scrolls sideways.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useI18n } from '@/i18n/i18n';
import { ChartIcon, DiscIcon, DiskIcon, LogIcon, NetworkIcon, PlugIcon, ServerIcon, SettingsIcon, ToggleIcon, UpdateIcon, UserIcon } from '@/ui/icons';

type Entry = {
  to: '/' | '/images' | '/storage' | '/networks' | '/performance' | '/access' | '/host-network' | '/host-settings' | '/configuration' | '/updates' | '/logs';
  icon: ReactNode;
  label: Parameters<ReturnType<typeof useI18n>['t']>[0];
};

/** In the order of a working day: what runs, what it runs from, the host itself. */
const entries: readonly Entry[] = [
  { to: '/', icon: <ServerIcon />, label: 'nav.host' },
  { to: '/images', icon: <DiscIcon />, label: 'nav.images' },
  { to: '/storage', icon: <DiskIcon />, label: 'nav.storage' },
  { to: '/networks', icon: <NetworkIcon />, label: 'nav.networks' },
  { to: '/performance', icon: <ChartIcon />, label: 'nav.performance' },
  { to: '/access', icon: <UserIcon />, label: 'nav.access' },
  { to: '/host-network', icon: <PlugIcon />, label: 'nav.hostNetwork' },
  { to: '/host-settings', icon: <ToggleIcon />, label: 'nav.hostSettings' },
  { to: '/configuration', icon: <SettingsIcon />, label: 'nav.configuration' },
  { to: '/updates', icon: <UpdateIcon />, label: 'nav.updates' },
  { to: '/logs', icon: <LogIcon />, label: 'nav.logs' },
];

export function Navigation() {
  const { t } = useI18n();
  return (
    <nav
      aria-label={t('shell.navigation')}
      className="border-b border-line bg-surface lg:min-h-[calc(100dvh-3.25rem)] lg:border-r lg:border-b-0"
    >
      <ul className="flex gap-1 overflow-x-auto px-2 py-1 lg:sticky lg:top-0 lg:flex-col lg:p-3">
        {entries.map((entry) => (
          <li key={entry.to} className="shrink-0">
            <Link
              to={entry.to}
              activeOptions={{ exact: entry.to === '/', includeSearch: false }}
              className="flex min-h-9 items-center gap-2.5 rounded-md px-3 text-sm font-medium whitespace-nowrap text-muted no-underline -outline-offset-2 hover:bg-sunken aria-[current=page]:bg-sunken aria-[current=page]:text-ink"
            >
              {entry.icon}
              {t(entry.label)}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
