// The questions before something is lost: force stop, reset and delete. They name the VM and what goes with it.
import { useState } from 'react';
import type { Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { ErrorMessage } from '@/ui/message';
import { useVmDelete } from './actions';

type StopProps = { vm: Vm; action: 'stop' | 'reset'; onConfirm: () => void; onClose: () => void };

/** Asks before the VM's plug is pulled, its reset button pressed, or its saved memory dropped. */
export function StopDialog({ vm, action, onConfirm, onClose }: StopProps) {
  const { t } = useI18n();
  const what = action === 'stop' && vm.state === 'saved' ? 'discard' : action;
  const name = { name: vm.name };
  return (
    <Dialog title={t(`vm.${what}.title`, name)} onClose={onClose}>
      <p className="text-sm">{t(`vm.${what}.text`, name)}</p>
      <DialogButtons>
        <Button data-initial-focus onClick={onClose}>{t('action.cancel')}</Button>
        <Button
          variant="danger"
          onClick={() => {
            onConfirm();
            onClose();
          }}
        >
          {t(`vm.${what}`)}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}

type DeleteProps = { vm: Vm; onDone: () => void; onClose: () => void };

/** Asks before a VM is deleted, and whether its disks go too. */
export function DeleteDialog({ vm, onDone, onClose }: DeleteProps) {
  const { t } = useI18n();
  const [withDisks, setWithDisks] = useState(false);
  const remove = useVmDelete(vm);
  const disks = vm.disks.flatMap((disk) => (disk.cdrom || disk.path === null ? [] : [disk.path]));
  const count = disks.length;
  const fate = withDisks ? 'vm.delete.disksGo' : 'vm.delete.disksStay';
  return (
    <Dialog title={t('vm.delete.title', { name: vm.name })} onClose={onClose} locked={remove.isPending}>
      <div className="space-y-4 text-sm">
        <p>{t('vm.delete.text', { name: vm.name })}</p>
        {count > 0 && (
          <div>
            <label className="flex items-start gap-2.5 font-medium">
              <input
                type="checkbox"
                className="mt-0.5 size-4 accent-accent"
                checked={withDisks}
                onChange={(event) => setWithDisks(event.target.checked)}
              />
              {t('vm.delete.disks', { count })}
            </label>
            <p className="mt-2 ml-6.5 text-muted">{t(fate, { count })}</p>
            <ul className="mt-1 ml-6.5 font-mono text-xs break-all">
              {disks.map((path) => (
                <li key={path}>{path}</li>
              ))}
            </ul>
          </div>
        )}
        <ErrorMessage error={remove.error} title={t('vm.delete.failed', { name: vm.name })} />
      </div>
      <DialogButtons>
        <Button data-initial-focus onClick={onClose}>{t('action.cancel')}</Button>
        <Button variant="danger" busy={remove.isPending} onClick={() => remove.mutate(withDisks && count > 0, { onSuccess: onDone })}>
          {withDisks && count > 0 ? t('vm.delete.withDisks', { count }) : t('vm.delete')}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
