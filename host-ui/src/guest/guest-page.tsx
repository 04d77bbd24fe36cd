// The guest in its own words, through the agent in it, and what the agent can be asked to do.
import { type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Role, Schemas, Vm } from '@/api/types';
import { formatBytes, formatTime } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { RebootIcon, ServerIcon } from '@/ui/icons';
import { ErrorMessage, Loading, Message, Placeholder } from '@/ui/message';
import { VmFrame } from '@/vms/vm-frame';
import { GuestActions } from './guest-actions';
import { addressesQuery, filesystemsQuery, guestQuery } from './queries';
import { RunCard } from './run-card';

type Guest = Schemas['GuestInfo'];

export function GuestPage() {
  const { vmId } = useParams({ from: '/shell/vms/$vmId/guest' });
  return <VmFrame id={vmId}>{(vm, role) => <GuestContent vm={vm} role={role} />}</VmFrame>;
}

export function GuestContent({ vm, role }: { vm: Vm; role: Role }) {
  const { t } = useI18n();
  if (vm.state !== 'running') {
    return (
      <section className="card">
        <Placeholder icon={<ServerIcon />} title={t('guest.off.title')}>{t('guest.off.text')}</Placeholder>
      </section>
    );
  }
  return <RunningGuest vm={vm} role={role} />;
}

function RunningGuest({ vm, role }: { vm: Vm; role: Role }) {
  const { t } = useI18n();
  const cache = useQueryClient();
  const guest = useQuery(guestQuery(vm.id));
  const again = () => void cache.invalidateQueries({ queryKey: ['guest', vm.id] });
  const refresh = (
    <Button icon={<RebootIcon />} busy={guest.isFetching} onClick={again}>{t('guest.again')}</Button>
  );
  if (guest.isPending) return <section className="card"><Loading label={t('guest.loading')} /></section>;
  if (guest.isError) {
    return (
      <section className="card space-y-4 p-4" aria-label={t('guest.title')}>
        <ErrorMessage error={guest.error} title={t('guest.silent')} />
        {refresh}
      </section>
    );
  }
  return (
    <>
      {guest.data.frozen === true && <Message tone="warn" title={t('guest.frozen')}>{t('guest.frozen.text')}</Message>}
      <section className="card p-4 sm:p-5" aria-labelledby="guest-heading">
        <div className="flex flex-wrap items-center gap-2">
          <h2 id="guest-heading" className="mr-auto text-base font-semibold">{t('guest.title')}</h2>
          {refresh}
        </div>
        <Facts guest={guest.data} />
        <p className="mt-4 text-xs text-muted">{t('guest.word')}</p>
      </section>
      <GuestActions vm={vm} role={role} guest={guest.data} again={again} />
      <div className="grid gap-4 lg:grid-cols-2">
        <Addresses vm={vm} />
        <Filesystems vm={vm} />
      </div>
      <RunCard vm={vm} role={role} os={guest.data.os?.id} />
    </>
  );
}

function Facts({ guest }: { guest: Guest }) {
  const { t, language } = useI18n();
  const users = guest.users?.map((user) => user.name).join(', ');
  const zone = guest.time_zone;
  const facts: [string, string | null | undefined][] = [
    [t('guest.hostname'), guest.hostname],
    [t('guest.os'), guest.os?.pretty_name ?? guest.os?.name],
    [t('guest.kernel'), guest.os?.kernel_release],
    [t('guest.time'), guest.time == null ? null : formatTime(new Date(guest.time), language)],
    [t('guest.zone'), zone == null ? null : (zone.name ?? `UTC${zone.offset_s < 0 ? '−' : '+'}${Math.abs(zone.offset_s) / 3600}`)],
    [t('guest.users'), users === '' ? t('guest.nobody') : users],
    [t('guest.agent'), guest.agent_version],
  ];
  return (
    <dl className="mt-4 grid grid-cols-2 gap-x-6 gap-y-3 text-sm lg:grid-cols-3">
      {facts.map(([label, value]) => (
        <div key={label} className="min-w-0">
          <dt className="text-xs text-muted">{label}</dt>
          <dd className="[overflow-wrap:anywhere]">{value ?? t('guest.unknown')}</dd>
        </div>
      ))}
    </dl>
  );
}

type ListProps<T> = { title: string; query: UseQueryResult<T[]>; empty: string; children: (items: T[]) => ReactNode };

function ListCard<T>({ title, query, empty, children }: ListProps<T>) {
  const { t } = useI18n();
  return (
    <section className="card" aria-label={title}>
      <h2 className="border-b border-line p-4 text-base font-semibold">{title}</h2>
      {query.isPending && <Loading label={t('guest.loading')} />}
      {query.isError && <div className="p-4"><ErrorMessage error={query.error} /></div>}
      {query.data?.length === 0 && <p className="p-4 text-sm text-muted">{empty}</p>}
      {query.data !== undefined && query.data.length > 0 && <ul>{children(query.data)}</ul>}
    </section>
  );
}

const row = 'border-t border-line px-4 py-2.5 text-sm first:border-t-0 [overflow-wrap:anywhere]';

function Addresses({ vm }: { vm: Vm }) {
  const { t } = useI18n();
  return (
    <ListCard title={t('guest.addresses')} query={useQuery(addressesQuery(vm.id))} empty={t('guest.addresses.none')}>
      {(items) => items.map((one) => <Interface key={one.name} one={one} />)}
    </ListCard>
  );
}

function Interface({ one }: { one: Schemas['GuestInterface'] }) {
  return (
    <li className={row}>
      <p className="font-medium">
        <span>{one.name}</span>
        {one.mac != null && <span className="ml-2 font-normal text-muted">{one.mac}</span>}
      </p>
      {one.addresses.map((address) => <p key={address} className="font-mono text-xs">{address}</p>)}
    </li>
  );
}

function Filesystems({ vm }: { vm: Vm }) {
  const { t } = useI18n();
  return (
    <ListCard title={t('guest.filesystems')} query={useQuery(filesystemsQuery(vm.id))} empty={t('guest.filesystems.none')}>
      {(items) => items.map((one) => <Filesystem key={one.mount_point} one={one} />)}
    </ListCard>
  );
}

function Filesystem({ one }: { one: Schemas['GuestFilesystem'] }) {
  const { t, language } = useI18n();
  const { used_bytes: used, total_bytes: total } = one;
  const known = used != null && total != null;
  const share = known && t('guest.used', { used: formatBytes(used, language), total: formatBytes(total, language) });
  return (
    <li className={row}>
      <p className="font-medium">{one.mount_point}</p>
      <p className="text-muted">{[one.name, one.type, share].filter(Boolean).join(' · ')}</p>
    </li>
  );
}
