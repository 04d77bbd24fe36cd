// The dialogs that take a snapshot, go back to one and forget one. Each begins a task and closes.
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, ask } from '@/api/client';
import type { Schemas, Snapshot, Task, Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { Field } from '@/ui/field';
import { ErrorMessage } from '@/ui/message';
import { freeSnapshotName, keepsMemory, type Placed } from './rules';

type Ends = { onBegun: (task: string) => void; onClose: () => void };

export function TakeDialog({ vm, snapshots, onBegun, onClose }: Ends & { vm: Vm; snapshots: readonly Snapshot[] }) {
  const { t } = useI18n();
  const [name, setName] = useState(() => freeSnapshotName(snapshots));
  const [description, setDescription] = useState('');
  const memory = keepsMemory(vm);
  const take = useMutation({
    mutationFn: (): Promise<Task> =>
      ask(api.POST('/api/v1/vms/{id}/snapshots', { params: { path: { id: vm.id } }, body: { name, description, memory } })),
    onSuccess: (task) => onBegun(task.id),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!take.isPending) take.mutate();
  };
  return (
    <Dialog title={t('snapshot.take.title', { name: vm.name })} onClose={onClose} locked={take.isPending}>
      <form onSubmit={submit} noValidate className="space-y-4">
        <p className="text-sm">{t(memory ? 'snapshot.take.memory' : 'snapshot.take.disks')}</p>
        <Field label={t('snapshot.name')} hint={t('snapshot.name.hint')}>
          {(control) => (
            <input {...control} className="input" data-initial-focus required maxLength={63} value={name} onChange={(event) => setName(event.target.value)} />
          )}
        </Field>
        <Field label={t('snapshot.description')}>
          {(control) => (
            <textarea {...control} className="input" rows={2} maxLength={1000} value={description} onChange={(event) => setDescription(event.target.value)} />
          )}
        </Field>
        <ErrorMessage error={take.error} title={t('snapshot.take.failed')} />
        <DialogButtons>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button type="submit" variant="primary" busy={take.isPending}>{t('snapshot.take')}</Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}

export function RevertDialog({ vm, snapshot, onBegun, onClose }: Ends & { vm: Vm; snapshot: Snapshot }) {
  const { t } = useI18n();
  const [to, setTo] = useState<Schemas['RevertTo']>('as_taken');
  const names = { name: snapshot.name, vm: vm.name };
  const revert = useMutation({
    mutationFn: (): Promise<Task> =>
      ask(
        api.POST('/api/v1/vms/{id}/snapshots/{name}/revert', {
          params: { path: { id: vm.id, name: snapshot.name } },
          body: { to },
        }),
      ),
    onSuccess: (task) => onBegun(task.id),
  });
  return (
    <Dialog title={t('snapshot.revert.title', names)} onClose={onClose} locked={revert.isPending}>
      <div className="space-y-4 text-sm">
        <p>{t('snapshot.revert.text', names)}</p>
        <Field label={t('snapshot.revert.to')}>
          {(control) => (
            <select {...control} className="input" value={to} onChange={(event) => setTo(event.target.value as Schemas['RevertTo'])}>
              {(['as_taken', 'running', 'off'] as const).map((choice) => (
                <option key={choice} value={choice}>{t(`snapshot.to.${choice}`)}</option>
              ))}
            </select>
          )}
        </Field>
        <ErrorMessage error={revert.error} title={t('snapshot.revert.failed', names)} />
      </div>
      <DialogButtons>
        <Button data-initial-focus onClick={onClose}>{t('action.cancel')}</Button>
        <Button variant="danger" busy={revert.isPending} onClick={() => revert.mutate()}>{t('snapshot.revert')}</Button>
      </DialogButtons>
    </Dialog>
  );
}

export function DeleteSnapshotDialog({ vm, placed, onBegun, onClose }: Ends & { vm: Vm; placed: Placed }) {
  const { t } = useI18n();
  const [children, setChildren] = useState(false);
  const { snapshot, hasChildren } = placed;
  const names = { name: snapshot.name, vm: vm.name };
  const remove = useMutation({
    mutationFn: (): Promise<Task> =>
      ask(
        api.DELETE('/api/v1/vms/{id}/snapshots/{name}', {
          params: { path: { id: vm.id, name: snapshot.name }, query: { children } },
        }),
      ),
    onSuccess: (task) => onBegun(task.id),
  });
  return (
    <Dialog title={t('snapshot.delete.title', names)} onClose={onClose} locked={remove.isPending}>
      <div className="space-y-4 text-sm">
        <p>{t('snapshot.delete.text', names)}</p>
        {hasChildren && (
          <label className="flex items-start gap-2.5 font-medium">
            <input type="checkbox" className="mt-0.5 size-4 accent-accent" checked={children} onChange={(event) => setChildren(event.target.checked)} />
            {t('snapshot.delete.children')}
          </label>
        )}
        <ErrorMessage error={remove.error} title={t('snapshot.delete.failed', names)} />
      </div>
      <DialogButtons>
        <Button data-initial-focus onClick={onClose}>{t('action.cancel')}</Button>
        <Button variant="danger" busy={remove.isPending} onClick={() => remove.mutate()}>{t('snapshot.delete')}</Button>
      </DialogButtons>
    </Dialog>
  );
}
