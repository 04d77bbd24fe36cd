// The dialog that makes a VM. What was typed stays until the VM exists or the person closes it, also
// through a lost connection or an expired session.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { api, outcome } from '@/api/client';
import { ApiError } from '@/api/problem';
import { vmsQuery } from '@/api/queries';
import type { Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { putVm } from '@/live/apply';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { FormRefusal, useErrorText } from '@/ui/message';
import { notify } from '@/ui/notices';
import { createFields, type CreateForm, emptyForm, freeName, toRequest } from './create-form';
import { CreateFields } from './create-fields';
import { placeProblems } from './problems';

export function CreateDialog({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const names = useQuery(vmsQuery).data?.map((vm) => vm.name) ?? [];
  const [form, setForm] = useState<CreateForm>(() => ({ ...emptyForm, name: freeName(names) }));
  const create = useCreate(onClose);
  const { fields, rest } = placeProblems(create.error instanceof ApiError ? create.error.fields : [], createFields);
  const formElement = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (create.error !== null) formElement.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [create.error]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!create.isPending) create.mutate(form);
  };
  return (
    <Dialog title={t('create.title')} onClose={onClose} locked={create.isPending} wide>
      <form ref={formElement} onSubmit={submit} noValidate>
        <div className="space-y-4">
          <CreateFields form={form} problems={fields} change={(part) => setForm((now) => ({ ...now, ...part }))} />
          <FormRefusal error={create.error} title={t('create.failed')} fields={fields} rest={rest} />
        </div>
        <DialogButtons>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button type="submit" variant="primary" busy={create.isPending}>
            {t('create.submit')}
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}

/** Makes the VM and, if wished, starts it. Asking again after a lost answer makes no second VM. */
function useCreate(onClose: () => void) {
  const { t } = useI18n();
  const errorText = useErrorText();
  const cache = useQueryClient();
  const attempt = useRef({ wish: '', id: '' });
  return useMutation({
    mutationFn: async (form: CreateForm): Promise<Vm> => {
      const wish = JSON.stringify(toRequest(form, ''));
      if (attempt.current.wish !== wish) attempt.current = { wish, id: crypto.randomUUID() };
      return outcome(api.POST('/api/v1/vms', { body: toRequest(form, attempt.current.id) }));
    },
    onSuccess: async (vm, form) => {
      putVm(cache, vm);
      onClose();
      if (!form.start) {
        notify({ tone: 'good', title: t('create.done', { name: vm.name }) });
        return;
      }
      try {
        const params = { path: { id: vm.id } };
        putVm(cache, await outcome(api.POST('/api/v1/vms/{id}/start', { params })));
        notify({ tone: 'good', title: t('create.started', { name: vm.name }) });
      } catch (error) {
        notify({ tone: 'danger', title: t('create.startFailed', { name: vm.name }), detail: errorText(error) });
      }
    },
  });
}
