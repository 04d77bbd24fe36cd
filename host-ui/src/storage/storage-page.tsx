// Storage: the pools, how full they are, and the volumes in them.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '@/api/client';
import { poolsQuery } from '@/api/queries';
import type { Pool, Role } from '@/api/types';
import { PageTitle } from '@/app/page-title';
import { formatBytes } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { adminReason } from '@/session/roles';
import { useSession } from '@/session/store';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { DiskIcon, PlayIcon, PlusIcon, StopIcon, TrashIcon } from '@/ui/icons';
import { LoadError, Loading, Message, Placeholder, useErrorText } from '@/ui/message';
import { Meter } from '@/ui/meter';
import { notify } from '@/ui/notices';
import { CreatePoolDialog, DeletePoolDialog, FormatDialog } from './pool-dialogs';
import { deletePoolReason, names, stopPoolReason } from './rules';
import { Volumes } from './volumes';

export function StoragePage() {
  const session = useSession();
  const { t } = useI18n();
  if (session === null) return null;
  return (
    <>
      <PageTitle page={t('storage.title')} />
      <StorageContent role={session.role} />
    </>
  );
}

type Open = { kind: 'create' | 'format' } | { kind: 'delete'; pool: Pool } | null;

export function StorageContent({ role }: { role: Role }) {
  const { t } = useI18n();
  const pools = useQuery(poolsQuery);
  const [open, setOpen] = useState<Open>(null);
  const denied = adminReason(role);
  const close = () => setOpen(null);
  const create = (
    <Button variant="primary" icon={<PlusIcon />} disabledReason={denied && t(denied)} onClick={() => setOpen({ kind: 'create' })}>
      {t('pool.create')}
    </Button>
  );
  return (
    <>
      <section aria-label={t('storage.title')} className="card">
        <div className="flex flex-wrap items-center gap-3 p-4">
          <h1 className="text-base font-semibold">{t('storage.title')}</h1>
          <div className="ml-auto flex flex-wrap gap-2">
            <Button disabledReason={denied && t(denied)} onClick={() => setOpen({ kind: 'format' })}>{t('pool.format')}</Button>
            {create}
          </div>
        </div>
        {pools.isPending && <Loading label={t('storage.loading')} />}
        {pools.isError && <LoadError error={pools.error} what={t('storage.what')} retry={() => void pools.refetch()} />}
        {pools.isSuccess && pools.data.length === 0 && (
          <Placeholder icon={<DiskIcon />} title={t('storage.empty.title')} action={create}>
            {t('storage.empty.text')}
          </Placeholder>
        )}
      </section>
      {pools.data?.map((pool) => (
        <PoolCard key={pool.id} pool={pool} pools={pools.data} role={role} remove={() => setOpen({ kind: 'delete', pool })} />
      ))}
      {open?.kind === 'create' && <CreatePoolDialog onClose={close} />}
      {open?.kind === 'format' && <FormatDialog onClose={close} />}
      {open?.kind === 'delete' && <DeletePoolDialog pool={open.pool} onClose={close} />}
    </>
  );
}

type CardProps = { pool: Pool; pools: readonly Pool[]; role: Role; remove: () => void };

const tones = { active: 'good', inactive: 'plain', unavailable: 'warn' } as const;

function PoolCard({ pool, pools, role, remove }: CardProps) {
  const { t, language } = useI18n();
  const { name } = pool;
  const on = pool.state !== 'inactive';
  const reasons = { start: adminReason(role), stop: stopPoolReason(pool, role), remove: deletePoolReason(pool, role) };
  const because = (key: (typeof reasons)['stop']) => key && t(key);
  const turn = useTurn(pool);
  const bytes = (count: number) => formatBytes(count, language);
  const facts = [t(`pool.type.${pool.type}`), pool.source, pool.path, pool.autostart && t('pool.startsItself')];
  return (
    <section aria-label={name} className="card">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-3 p-4 text-sm">
        <div className="min-w-48 flex-1 space-y-1">
          <h2 className="flex flex-wrap items-center gap-2 font-medium [overflow-wrap:anywhere]">
            {name}
            <Badge tone={tones[pool.state]}>{t(`pool.${pool.state}`)}</Badge>
          </h2>
          <p className="text-muted [overflow-wrap:anywhere]">{facts.filter(Boolean).join(' · ')}</p>
          <p className="text-muted [overflow-wrap:anywhere]">
            {pool.used_by.length === 0 ? t('pool.unused') : t('pool.users', { names: names(pool.used_by) })}
          </p>
        </div>
        <div className="flex flex-wrap gap-1">
          <Button
            variant="quiet"
            icon={on ? <StopIcon /> : <PlayIcon />}
            busy={turn.isPending}
            disabledReason={because(on ? reasons.stop : reasons.start)}
            aria-label={t(on ? 'pool.stop.named' : 'pool.start.named', { name })}
            onClick={() => turn.mutate()}
          >
            {t(on ? 'pool.stop' : 'pool.start')}
          </Button>
          <Button
            variant="quiet"
            icon={<TrashIcon />}
            disabledReason={because(reasons.remove)}
            aria-label={t('pool.delete.named', { name })}
            onClick={remove}
          >
            {t('pool.delete')}
          </Button>
        </div>
      </div>
      {pool.problem !== null && (
        <div className="px-4 pb-4">
          <Message tone="warn">{pool.problem}</Message>
        </div>
      )}
      {on && pool.capacity_bytes > 0 && (
        <div className="px-4 pb-4">
          <Meter
            label={t('pool.space')}
            used={pool.allocation_bytes}
            total={pool.capacity_bytes}
            text={t('pool.spaceText', { used: bytes(pool.allocation_bytes), total: bytes(pool.capacity_bytes), free: bytes(pool.available_bytes) })}
          />
        </div>
      )}
      {pool.state === 'active' && <Volumes pool={pool} pools={pools} role={role} />}
    </section>
  );
}

/** Starts a pool that is off, stops one that is not. */
function useTurn({ id, name, state }: Pool) {
  const { t } = useI18n();
  const cache = useQueryClient();
  const errorText = useErrorText();
  const params = { params: { path: { id } } };
  const on = state !== 'inactive';
  return useMutation({
    mutationFn: () => ask(on ? api.POST('/api/v1/pools/{id}/stop', params) : api.POST('/api/v1/pools/{id}/start', params)),
    onSuccess: () => cache.invalidateQueries({ queryKey: poolsQuery.queryKey }),
    onError: (error) => notify({ tone: 'danger', title: t(on ? 'pool.stop.failed' : 'pool.start.failed', { name }), detail: errorText(error) }),
  });
}
