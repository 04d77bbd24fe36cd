// The dialog that changes a VM. It changes the VM that the person saw: if somebody else was faster, the
// daemon refuses, and what was typed stays.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { api, ask } from '@/api/client';
import { ApiError } from '@/api/problem';
import type { Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { putVm } from '@/live/apply';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { FormRefusal } from '@/ui/message';
import { notify } from '@/ui/notices';
import { EditFields } from './edit-fields';
import { editFields, type EditForm, formOf, toPatch } from './edit-form';
import { placeProblems } from './problems';

export function EditDialog({ vm: now, onClose }: { vm: Vm; onClose: () => void }) {
  const { t } = useI18n();
  // As it was when the person began.
  const [vm] = useState(now);
  const [form, setForm] = useState<EditForm>(() => formOf(vm));
  const edit = useEdit(vm, onClose);
  const { fields, rest } = placeProblems(edit.error instanceof ApiError ? edit.error.fields : [], editFields);
  const element = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (edit.error !== null) element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [edit.error]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!edit.isPending) edit.mutate(form);
  };
  return (
    <Dialog title={t('edit.title', { name: vm.name })} onClose={onClose} locked={edit.isPending} wide>
      <form ref={element} onSubmit={submit} noValidate>
        <div className="space-y-4">
          <EditFields vm={vm} form={form} problems={fields} change={(part) => setForm((old) => ({ ...old, ...part }))} />
          <FormRefusal error={edit.error} title={t('edit.failed', { name: vm.name })} fields={fields} rest={rest} />
        </div>
        <DialogButtons>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button type="submit" variant="primary" busy={edit.isPending}>
            {t('edit.submit')}
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}

function useEdit(vm: Vm, onClose: () => void) {
  const { t } = useI18n();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (form: EditForm) =>
      ask(
        api.PATCH('/api/v1/vms/{id}', {
          params: { path: { id: vm.id }, header: { 'If-Match': `"${vm.revision}"` } },
          body: toPatch(form, vm),
        }),
      ),
    onSuccess: (changed) => {
      putVm(cache, changed);
      onClose();
      notify({ tone: 'good', title: t('edit.done', { name: changed.name }) });
    },
  });
}
