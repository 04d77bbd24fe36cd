// The dialog that clones a VM. The copying goes on as a task when it is closed.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, outcome } from '@/api/client';
import { vmsQuery } from '@/api/queries';
import type { Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { FormDialog, TextField } from '@/ui/form-dialog';
import { notify } from '@/ui/notices';
import { freeCloneName } from './rules';

export function CloneDialog({ vm, onClose }: { vm: Vm; onClose: () => void }) {
  const { t } = useI18n();
  const names = useQuery(vmsQuery).data?.map((known) => known.name) ?? [];
  const [name, setName] = useState(() => freeCloneName(vm.name, names));
  const [description, setDescription] = useState(vm.description);
  return (
    <FormDialog
      title={t('vm.clone.title', { name: vm.name })}
      submit={t('vm.clone')}
      send={() =>
        outcome(
          api.POST('/api/v1/vms/{id}/clone', {
            params: { path: { id: vm.id }, header: { Prefer: 'respond-async' } },
            body: { name, description },
          }),
        )
      }
      onDone={() => {
        notify({ tone: 'good', title: t('vm.clone.begun', { name }), detail: t('vm.clone.follow') });
        onClose();
      }}
      onClose={onClose}
    >
      {(problem) => (
        <>
          <p className="text-muted">{t('vm.clone.text')}</p>
          <TextField first label={t('vm.name')} hint={t('create.name.hint')} value={name} problem={problem('name')} onChange={setName} />
          <TextField label={t('create.description')} value={description} problem={problem('description')} onChange={setDescription} />
        </>
      )}
    </FormDialog>
  );
}
