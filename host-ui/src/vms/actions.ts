// Doing things to a VM: the request, the cache, and what the person is told.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ask, outcome } from '@/api/client';
import type { Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';
import { dropVm, putVm } from '@/live/apply';
import { useErrorText } from '@/ui/message';
import { notify } from '@/ui/notices';
import type { PowerAction } from './rules';

const failed: Record<PowerAction, MessageKey> = {
  start: 'vm.start.failed',
  shutdown: 'vm.shutdown.failed',
  reboot: 'vm.reboot.failed',
  reset: 'vm.reset.failed',
  stop: 'vm.stop.failed',
  pause: 'vm.pause.failed',
  resume: 'vm.resume.failed',
  suspend: 'vm.suspend.failed',
};

const requestPower = (action: PowerAction, id: string): Promise<Vm> =>
  outcome(api.POST(`/api/v1/vms/{id}/${action}`, { params: { path: { id } } }));

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
