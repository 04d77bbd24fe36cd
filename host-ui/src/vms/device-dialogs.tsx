// The dialogs that plug devices into a VM, change and unplug them. Each is one question and one request.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { api, ask, outcome } from '@/api/client';
import { ApiError } from '@/api/problem';
import { imagesQuery, poolsQuery, volumesQuery } from '@/api/queries';
import type { Disk, Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { putVm } from '@/live/apply';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { Field } from '@/ui/field';
import { ErrorMessage } from '@/ui/message';
import { isCd } from './create-form';
import { bytesOfGib } from './sizes';

type ShellProps = {
  title: string;
  submit: string;
  danger?: boolean;
  onClose: () => void;
  request: () => Promise<Vm>;
  children: (problem: (field: RegExp) => string | undefined) => ReactNode;
};

/** A form whose answer is the changed VM. A complaint stands beside the field that `problem` is asked for. */
function ChangeDialog({ title, submit, danger = false, onClose, request, children }: ShellProps) {
  const { t } = useI18n();
  const cache = useQueryClient();
  const change = useMutation({
    mutationFn: request,
    onSuccess: (vm) => {
      putVm(cache, vm);
      onClose();
    },
  });
  const fields = change.error instanceof ApiError ? change.error.fields : [];
  const problem = (field: RegExp) => fields.find((each) => field.test(each.field))?.reason;
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!change.isPending) change.mutate();
  };
  return (
    <Dialog title={title} onClose={onClose} locked={change.isPending}>
      <form onSubmit={onSubmit} noValidate>
        <div className="space-y-4 text-sm">
          {children(problem)}
          <ErrorMessage error={change.error} />
        </div>
        <DialogButtons>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button type="submit" variant={danger ? 'danger' : 'primary'} busy={change.isPending}>
            {submit}
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}

export function AddDiskDialog({ vm, onClose }: { vm: Vm; onClose: () => void }) {
  const { t } = useI18n();
  const [image, setImage] = useState('');
  const [gib, setGib] = useState('20');
  const [pool, setPool] = useState('');
  const [volume, setVolume] = useState('');
  const images = useQuery(imagesQuery).data?.filter((each) => !isCd(each)) ?? [];
  const pools = useQuery(poolsQuery).data?.filter((each) => each.state === 'active') ?? [];
  const volumes = useQuery({ ...volumesQuery(pool), enabled: pool !== '' }).data?.filter((each) => each.used_by.length === 0) ?? [];
  const made = {
    ...(gib.trim() === '' ? {} : { size_bytes: bytesOfGib(gib) }),
    ...(image === '' ? {} : { image }),
    ...(pool === '' ? {} : { pool }),
  };
  const body = volume === '' ? made : { volume: { pool, name: volume } };
  const request = () => outcome(api.POST('/api/v1/vms/{id}/disks', { params: { path: { id: vm.id } }, body }));
  return (
    <ChangeDialog title={t('disk.add.title', { name: vm.name })} submit={t('disk.add')} onClose={onClose} request={request}>
      {(problem) => (
        <>
          <Field label={t('disk.pool')} problem={problem(/^pool/)}>
            {(control) => (
              <select
                {...control}
                className="field"
                value={pool}
                onChange={(event) => {
                  setPool(event.target.value);
                  setVolume('');
                }}
              >
                <option value="">{t('disk.pool.own')}</option>
                {pools.map(({ id, name }) => (
                  <option key={id} value={id}>{name}</option>
                ))}
              </select>
            )}
          </Field>
          <Field label={t('disk.content')} problem={problem(/^(image|volume)/)}>
            {(control) => (
              <select
                {...control}
                className="field"
                value={volume === '' ? `image:${image}` : `volume:${volume}`}
                onChange={(event) => {
                  const [kind, name = ''] = event.target.value.split(/:(.*)/s);
                  setImage(kind === 'image' ? name : '');
                  setVolume(kind === 'volume' ? name : '');
                }}
              >
                <option value="image:">{t('create.disk.blank')}</option>
                {images.map(({ name }) => (
                  <option key={name} value={`image:${name}`}>{name}</option>
                ))}
                {volumes.map(({ name }) => (
                  <option key={name} value={`volume:${name}`}>{t('disk.volume', { name })}</option>
                ))}
              </select>
            )}
          </Field>
          {volume === '' && (
            <Field label={t('create.diskSize')} hint={image === '' ? undefined : t('create.diskSize.hint')} problem={problem(/^size_bytes/)}>
              {(control) => <input {...control} className="field" inputMode="decimal" value={gib} onChange={(event) => setGib(event.target.value)} />}
            </Field>
          )}
        </>
      )}
    </ChangeDialog>
  );
}

export function GrowDiskDialog({ vm, disk, onClose }: { vm: Vm; disk: Disk; onClose: () => void }) {
  const { t } = useI18n();
  const [gib, setGib] = useState(String((disk.size_bytes ?? 0) / 1024 ** 3));
  const params = { path: { id: vm.id, target: disk.target } };
  const request = () => ask(api.PATCH('/api/v1/vms/{id}/disks/{target}', { params, body: { size_bytes: bytesOfGib(gib) } }));
  return (
    <ChangeDialog title={t('disk.grow.title', { disk: disk.target, name: vm.name })} submit={t('disk.grow')} onClose={onClose} request={request}>
      {(problem) => (
        <Field label={t('create.diskSize')} hint={t('disk.grow.hint')} problem={problem(/^size_bytes/)}>
          {(control) => <input {...control} className="field" data-initial-focus inputMode="decimal" value={gib} onChange={(event) => setGib(event.target.value)} />}
        </Field>
      )}
    </ChangeDialog>
  );
}

export function RemoveDiskDialog({ vm, disk, onClose }: { vm: Vm; disk: Disk; onClose: () => void }) {
  const { t } = useI18n();
  const [remove, setRemove] = useState(false);
  const params = { path: { id: vm.id, target: disk.target }, query: { delete: remove } };
  const request = () => outcome(api.DELETE('/api/v1/vms/{id}/disks/{target}', { params }));
  return (
    <ChangeDialog danger title={t('disk.remove.title', { disk: disk.target, name: vm.name })} submit={t('device.remove')} onClose={onClose} request={request}>
      {() => (
        <>
          <p>{t('device.remove.text')}</p>
          <label className="flex items-start gap-2.5 font-medium">
            <input type="checkbox" className="mt-0.5 size-4 accent-accent" checked={remove} onChange={(event) => setRemove(event.target.checked)} />
            {t('disk.remove.file')}
          </label>
          <p className="font-mono text-xs break-all text-muted">{disk.path}</p>
        </>
      )}
    </ChangeDialog>
  );
}

export function AddNicDialog({ vm, onClose }: { vm: Vm; onClose: () => void }) {
  const { t } = useI18n();
  const [source, setSource] = useState('default');
  const body = source === 'br0' ? { bridge: 'br0' } : { network: 'default' };
  const request = () => ask(api.POST('/api/v1/vms/{id}/nics', { params: { path: { id: vm.id } }, body }));
  return (
    <ChangeDialog title={t('nic.add.title', { name: vm.name })} submit={t('nic.add')} onClose={onClose} request={request}>
      {(problem) => (
        <Field label={t('create.network')} problem={problem(/^(network|bridge)/)}>
          {(control) => (
            <select {...control} className="field" value={source} onChange={(event) => setSource(event.target.value)}>
              <option value="default">{t('create.network.nat')}</option>
              <option value="br0">{t('create.network.bridge')}</option>
            </select>
          )}
        </Field>
      )}
    </ChangeDialog>
  );
}

export function RemoveNicDialog({ vm, mac, onClose }: { vm: Vm; mac: string; onClose: () => void }) {
  const { t } = useI18n();
  const request = () => outcome(api.DELETE('/api/v1/vms/{id}/nics/{mac}', { params: { path: { id: vm.id, mac } } }));
  return (
    <ChangeDialog danger title={t('nic.remove.title', { mac, name: vm.name })} submit={t('device.remove')} onClose={onClose} request={request}>
      {() => <p>{t('device.remove.text')}</p>}
    </ChangeDialog>
  );
}

export function CdDialog({ vm, onClose }: { vm: Vm; onClose: () => void }) {
  const { t } = useI18n();
  const cds = useQuery(imagesQuery).data?.filter(isCd) ?? [];
  const [image, setImage] = useState('');
  const [force, setForce] = useState(false);
  const body = { force, ...(image === '' ? {} : { image }) };
  const request = () => ask(api.PUT('/api/v1/vms/{id}/cdrom', { params: { path: { id: vm.id } }, body }));
  return (
    <ChangeDialog title={t('cd.title', { name: vm.name })} submit={t(image === '' ? 'cd.eject' : 'cd.insert')} onClose={onClose} request={request}>
      {(problem) => (
        <>
          <Field label={t('create.cd')} hint={cds.length === 0 ? t('create.library.empty') : undefined} problem={problem(/^image/)}>
            {(control) => (
              <select {...control} className="field" value={image} onChange={(event) => setImage(event.target.value)}>
                <option value="">{t('create.cd.none')}</option>
                {cds.map(({ name }) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            )}
          </Field>
          <label className="flex items-start gap-2.5">
            <input type="checkbox" className="mt-0.5 size-4 accent-accent" checked={force} onChange={(event) => setForce(event.target.checked)} />
            {t('cd.force')}
          </label>
        </>
      )}
    </ChangeDialog>
  );
}
