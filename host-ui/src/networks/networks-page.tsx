// Virtual networks and the host's bridges: what there is, what hangs on it, and what can be done to it.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '@/api/client';
import { bridgesQuery, networksQuery } from '@/api/queries';
import type { Bridge, Network, Role } from '@/api/types';
import { PageTitle } from '@/app/page-title';
import { useI18n } from '@/i18n/i18n';
import { adminReason } from '@/session/roles';
import { useSession } from '@/session/store';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { NetworkIcon, PlayIcon, PlusIcon, StopIcon, TrashIcon } from '@/ui/icons';
import { ErrorMessage, LoadError, Loading, Placeholder, useErrorText } from '@/ui/message';
import { notify } from '@/ui/notices';
import { NetworkDialog } from './network-dialog';
import { deleteReason, stopReason, vlanText } from './rules';

export function NetworksPage() {
  const session = useSession();
  const { t } = useI18n();
  if (session === null) return null;
  return (
    <>
      <PageTitle page={t('networks.title')} />
      <NetworksContent role={session.role} />
    </>
  );
}

type Open = { kind: 'create' } | { kind: 'edit' | 'delete'; network: Network } | null;

export function NetworksContent({ role }: { role: Role }) {
  const { t } = useI18n();
  const networks = useQuery(networksQuery);
  const [open, setOpen] = useState<Open>(null);
  const denied = adminReason(role);
  const close = () => setOpen(null);
  const create = (
    <Button variant="primary" icon={<PlusIcon />} disabledReason={denied && t(denied)} onClick={() => setOpen({ kind: 'create' })}>
      {t('network.create')}
    </Button>
  );
  return (
    <>
      <section aria-label={t('networks.title')} className="card">
        <div className="flex flex-wrap items-center gap-3 border-b border-line p-4">
          <h1 className="text-base font-semibold">{t('networks.title')}</h1>
          <div className="ml-auto">{create}</div>
        </div>
        {networks.isPending && <Loading label={t('networks.loading')} />}
        {networks.isError && <LoadError error={networks.error} what={t('networks.what')} retry={() => void networks.refetch()} />}
        {networks.isSuccess && networks.data.length === 0 && (
          <Placeholder icon={<NetworkIcon />} title={t('networks.empty.title')} action={create}>
            {t('networks.empty.text')}
          </Placeholder>
        )}
        {networks.data?.map((network) => (
          <NetworkRow key={network.id} network={network} role={role} open={setOpen} />
        ))}
      </section>
      <Bridges />
      {open?.kind === 'create' && <NetworkDialog network={null} onClose={close} />}
      {open?.kind === 'edit' && <NetworkDialog network={open.network} onClose={close} />}
      {open?.kind === 'delete' && <DeleteDialog network={open.network} onClose={close} />}
    </>
  );
}

function NetworkRow({ network, role, open }: { network: Network; role: Role; open: (open: Open) => void }) {
  const { t } = useI18n();
  const { name } = network;
  const reasons = { edit: adminReason(role), stop: stopReason(network, role), remove: deleteReason(network, role) };
  const because = (key: (typeof reasons)['stop']) => key && t(key);
  const turn = useTurn(network);
  return (
    <article aria-label={name} className="flex flex-wrap items-start gap-x-4 gap-y-2 border-t border-line p-4 text-sm first-of-type:border-t-0">
      <div className="min-w-48 flex-1 space-y-1">
        <h2 className="flex flex-wrap items-center gap-2 font-medium [overflow-wrap:anywhere]">
          {name}
          <Badge tone={network.active ? 'good' : 'plain'}>{t(network.active ? 'network.active' : 'network.off')}</Badge>
          {network.pending_restart && <Badge tone="warn">{t('network.pending')}</Badge>}
        </h2>
        <Facts network={network} />
      </div>
      <div className="flex flex-wrap gap-1">
        <Button
          variant="quiet"
          icon={network.active ? <StopIcon /> : <PlayIcon />}
          busy={turn.isPending}
          disabledReason={because(network.active ? reasons.stop : reasons.edit)}
          aria-label={t(network.active ? 'network.stop.named' : 'network.start.named', { name })}
          onClick={() => turn.mutate()}
        >
          {t(network.active ? 'network.stop' : 'network.start')}
        </Button>
        <Button
          variant="quiet"
          disabledReason={because(reasons.edit)}
          aria-label={t('network.edit.named', { name })}
          onClick={() => open({ kind: 'edit', network })}
        >
          {t('network.edit')}
        </Button>
        <Button
          variant="quiet"
          icon={<TrashIcon />}
          disabledReason={because(reasons.remove)}
          aria-label={t('network.delete.named', { name })}
          onClick={() => open({ kind: 'delete', network })}
        >
          {t('network.delete')}
        </Button>
      </div>
    </article>
  );
}

function Facts({ network }: { network: Network }) {
  const { t } = useI18n();
  const { ipv4, bridge, vlan, used_by: users } = network;
  const reserved = ipv4?.dhcp?.reservations?.length ?? 0;
  const facts = [
    t(`network.mode.${network.mode}`),
    bridge,
    vlanText(vlan, t),
    ipv4?.address,
    ipv4?.dhcp && t('network.dhcp', { start: ipv4.dhcp.start, end: ipv4.dhcp.end }),
    reserved > 0 && t('network.reserved', { count: reserved }),
    network.autostart && t('network.startsItself'),
  ];
  return (
    <>
      <p className="text-muted">{facts.filter(Boolean).join(' · ')}</p>
      <p className="text-muted [overflow-wrap:anywhere]">
        {users.length === 0 ? t('network.unused') : t('network.users', { names: users.map((user) => user.name).join(', ') })}
      </p>
    </>
  );
}

/** Starts a network that is off, stops one that is active. */
function useTurn({ id, name, active }: Network) {
  const { t } = useI18n();
  const cache = useQueryClient();
  const errorText = useErrorText();
  const params = { params: { path: { id } } };
  return useMutation({
    mutationFn: () => ask(active ? api.POST('/api/v1/networks/{id}/stop', params) : api.POST('/api/v1/networks/{id}/start', params)),
    onSuccess: () => cache.invalidateQueries({ queryKey: networksQuery.queryKey }),
    onError: (error) =>
      notify({ tone: 'danger', title: t(active ? 'network.stop.failed' : 'network.start.failed', { name }), detail: errorText(error) }),
  });
}

function DeleteDialog({ network: { id, name }, onClose }: { network: Network; onClose: () => void }) {
  const { t } = useI18n();
  const cache = useQueryClient();
  const remove = useMutation({
    mutationFn: () => ask(api.DELETE('/api/v1/networks/{id}', { params: { path: { id } } })),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: networksQuery.queryKey });
      notify({ tone: 'good', title: t('network.delete.done', { name }) });
      onClose();
    },
  });
  return (
    <Dialog title={t('network.delete.title', { name })} onClose={onClose} locked={remove.isPending}>
      <div className="space-y-4 text-sm">
        <p>{t('network.delete.text')}</p>
        <ErrorMessage error={remove.error} title={t('network.delete.failed', { name })} />
      </div>
      <DialogButtons>
        <Button data-initial-focus onClick={onClose}>{t('action.cancel')}</Button>
        <Button variant="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
          {t('network.delete')}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}

function Bridges() {
  const { t } = useI18n();
  const bridges = useQuery(bridgesQuery);
  return (
    <section aria-label={t('bridges.title')} className="card">
      <h2 className="border-b border-line p-4 text-base font-semibold">{t('bridges.title')}</h2>
      {bridges.isPending && <Loading label={t('bridges.loading')} />}
      {bridges.isError && <LoadError error={bridges.error} what={t('bridges.what')} retry={() => void bridges.refetch()} />}
      {bridges.isSuccess && bridges.data.length === 0 && <p className="p-4 text-sm text-muted">{t('bridges.empty')}</p>}
      {bridges.data?.map((bridge) => (
        <BridgeRow key={bridge.name} bridge={bridge} />
      ))}
    </section>
  );
}

function BridgeRow({ bridge }: { bridge: Bridge }) {
  const { t } = useI18n();
  const names = bridge.used_by.map((user) => user.name);
  const facts = [
    bridge.ports.length > 0 && t('bridge.ports', { names: bridge.ports.join(', ') }),
    bridge.vlan_filtering && t('bridge.vlans'),
    bridge.networks.length > 0 && t('bridge.networks', { names: bridge.networks.join(', ') }),
    names.length === 0 ? t('network.unused') : t('network.users', { names: names.join(', ') }),
  ];
  return (
    <div className="border-t border-line p-4 text-sm first-of-type:border-t-0">
      <p className="font-medium">{bridge.name}</p>
      <p className="text-muted [overflow-wrap:anywhere]">{facts.filter(Boolean).join(' · ')}</p>
    </div>
  );
}
