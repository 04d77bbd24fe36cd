// Doing things to a VM: the request, the cache, and what the person is told.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import type { Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';
import { dropVm, putVm } from '@/live/apply';
import { useErrorText } from '@/ui/message';
import { notify } from '@/ui/notices';

export type PowerAction = 'start' | 'shutdown' | 'stop';

const failed: Record<PowerAction, MessageKey> = {
  start: 'vm.start.failed',
  shutdown: 'vm.shutdown.failed',
  stop: 'vm.stop.failed',
};

function requestPower(action: PowerAction, id: string): Promise<Vm> {
  const params = { params: { path: { id } } };
  switch (action) {
    case 'start':
      return ask(api.POST('/api/v1/vms/{id}/start', params));
    case 'shutdown':
      return ask(api.POST('/api/v1/vms/{id}/shutdown', params));
    case 'stop':
      return ask(api.POST('/api/v1/vms/{id}/stop', params));
  }
}

/** Power actions on one VM. A failure becomes a notice that names it; `variables` says what is under way. */
export function useVmPower(vm: Vm) {
  const { t } = useI18n();
  const errorText = useErrorText();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (action: PowerAction) => requestPower(action, vm.id),
    onSuccess: (changed) => putVm(cache, changed),
    onError: (error, action) =>
      notify({ tone: 'danger', title: t(failed[action], { name: vm.name }), detail: errorText(error) }),
  });
}

/** Deletes a VM, with its disks or without. */
export function useVmDelete(vm: Vm) {
  const { t } = useI18n();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (disks: boolean) =>
      ask(api.DELETE('/api/v1/vms/{id}', { params: { path: { id: vm.id }, query: { disks } } })),
    onSuccess: () => {
      dropVm(cache, vm.id);
      notify({ tone: 'good', title: t('vm.delete.done', { name: vm.name }) });
    },
  });
}
