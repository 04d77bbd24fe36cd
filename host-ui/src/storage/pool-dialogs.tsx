// Dialogs that make and forget pools.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, outcome } from '@/api/client';
import { poolDisksQuery, poolsQuery } from '@/api/queries';
import type { Pool, PoolDisk } from '@/api/types';
import { formatBytes } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Check } from '@/ui/check';
import { Field } from '@/ui/field';
import { FormDialog, type ProblemOf, TextField } from '@/ui/form-dialog';
import { LoadError, Loading, Message } from '@/ui/message';
import { notify } from '@/ui/notices';
import { emptyPool, type PoolForm, poolKinds, toPool } from './pool-form';

type CloseProps = { onClose: () => void };

export function CreatePoolDialog({ onClose }: CloseProps) {
  const { t } = useI18n();
  const [form, setForm] = useState(emptyPool);
  const change = (part: Partial<PoolForm>) => setForm((old) => ({ ...old, ...part }));
  return (
    <FormDialog
      title={t('pool.create')}
      submit={t('pool.create')}
      changes={poolsQuery.queryKey}
      send={() => ask(api.POST('/api/v1/pools', { body: toPool(form) }))}
      onDone={() => {
        notify({ tone: 'good', title: t('pool.create.done', { name: form.name }) });
        onClose();
      }}
      onClose={onClose}
    >
      {(problem) => (
        <>
          <TextField
            first
            label={t('pool.name')}
            hint={t('pool.name.hint')}
            value={form.name}
            problem={problem('name')}
            onChange={(name) => change({ name })}
          />
          <Field label={t('pool.type')} hint={t(`pool.type.${form.type}.hint`)}>
            {(control) => (
              <select
                {...control}
                className="field"
                value={form.type}
                onChange={(event) => change({ type: poolKinds.find((kind) => kind === event.target.value) ?? 'directory' })}
              >
                {poolKinds.map((kind) => (
                  <option key={kind} value={kind}>{t(`pool.type.${kind}`)}</option>
                ))}
              </select>
            )}
          </Field>
          <SourceFields form={form} change={change} problem={problem} />
          <Check label={t('pool.autostart')} checked={form.autostart} onChange={(autostart) => change({ autostart })} />
        </>
      )}
    </FormDialog>
  );
}

type SourceProps = { form: PoolForm; change: (part: Partial<PoolForm>) => void; problem: ProblemOf };

function SourceFields({ form, change, problem }: SourceProps) {
  const { t } = useI18n();
  switch (form.type) {
    case 'directory':
      return (
        <TextField
          label={t('pool.path')}
          hint={t('pool.path.hint')}
          value={form.path}
          problem={problem('path')}
          onChange={(path) => change({ path })}
        />
      );
    case 'nfs':
      return (
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label={t('pool.server')} value={form.host} problem={problem('nfs.host')} onChange={(host) => change({ host })} />
          <TextField
            label={t('pool.export')}
            hint={t('pool.export.hint')}
            value={form.export}
            problem={problem('nfs.export')}
            onChange={(path) => change({ export: path })}
          />
        </div>
      );
    case 'lvm':
      return (
        <>
          <TextField label={t('pool.group')} value={form.group} problem={problem('lvm.group')} onChange={(group) => change({ group })} />
          <TextField
            label={t('pool.devices')}
            hint={t('pool.devices.hint')}
            value={form.devices}
            problem={problem('lvm.devices')}
            onChange={(devices) => change({ devices })}
          />
        </>
      );
    case 'iscsi':
      return (
        <>
          <TextField
            label={t('pool.server')}
            hint={t('pool.portal.hint')}
            value={form.host}
            problem={problem('iscsi.host') ?? problem('iscsi.port')}
            onChange={(host) => change({ host })}
          />
          <TextField
            label={t('pool.target')}
            hint={t('pool.target.hint')}
            value={form.target}
            problem={problem('iscsi.target')}
            onChange={(target) => change({ target })}
          />
        </>
      );
  }
}

/** Makes a pool of a whole disk; what is on it is named, and goes only if the person says so. */
export function FormatDialog({ onClose }: CloseProps) {
  const { t } = useI18n();
  const disks = useQuery(poolDisksQuery);
  const [name, setName] = useState('');
  const [path, setPath] = useState('');
  const [wipe, setWipe] = useState(false);
  const disk = disks.data?.find((known) => known.path === path);
  return (
    <FormDialog
      title={t('pool.format.title')}
      submit={t('pool.format.submit')}
      danger={wipe}
      changes={poolsQuery.queryKey}
      send={() => outcome(api.POST('/api/v1/pools/format', { body: { name, disk: path, wipe } }))}
      onDone={() => {
        notify({ tone: 'good', title: t('pool.create.done', { name }) });
        onClose();
      }}
      onClose={onClose}
    >
      {(problem) => (
        <>
          <p className="text-muted">{t('pool.format.text')}</p>
          <TextField first label={t('pool.name')} value={name} problem={problem('name')} onChange={setName} />
          {disks.isPending && <Loading label={t('pool.disks.loading')} />}
          {disks.isError && <LoadError error={disks.error} what={t('pool.disks.what')} retry={() => void disks.refetch()} />}
          {disks.isSuccess && <DiskField disks={disks.data} path={path} problem={problem('disk')} onChange={setPath} />}
          {disk?.reason != null && <Message tone={disk.wipeable ? 'warn' : 'danger'}>{disk.reason}</Message>}
          {disk?.wipeable && disk.reason !== null && (
            <Check label={t('pool.format.wipe', { disk: disk.path, content: disk.content })} checked={wipe} onChange={setWipe} />
          )}
        </>
      )}
    </FormDialog>
  );
}

type DiskProps = { disks: readonly PoolDisk[]; path: string; problem: string | undefined; onChange: (path: string) => void };

function DiskField({ disks, path, problem, onChange }: DiskProps) {
  const { t, language } = useI18n();
  const words = (disk: PoolDisk) => [disk.path, formatBytes(disk.size_bytes, language), disk.model, disk.content].filter(Boolean).join(', ');
  return (
    <Field label={t('pool.disk')} problem={problem} hint={disks.length === 0 ? t('pool.disks.empty') : undefined}>
      {(control) => (
        <select {...control} className="field" value={path} onChange={(event) => onChange(event.target.value)}>
          <option value="">{t('pool.disk.choose')}</option>
          {disks.map((disk) => (
            <option key={disk.path} value={disk.path}>{words(disk)}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function DeletePoolDialog({ pool: { id, name, path }, onClose }: CloseProps & { pool: Pool }) {
  const { t } = useI18n();
  return (
    <FormDialog
      title={t('pool.delete.title', { name })}
      submit={t('pool.delete')}
      danger
      changes={poolsQuery.queryKey}
      send={() => ask(api.DELETE('/api/v1/pools/{id}', { params: { path: { id } } }))}
      onDone={() => {
        notify({ tone: 'good', title: t('pool.delete.done', { name }) });
        onClose();
      }}
      onClose={onClose}
    >
      {() => <p>{t('pool.delete.text', { path: path ?? name })}</p>}
    </FormDialog>
  );
}
