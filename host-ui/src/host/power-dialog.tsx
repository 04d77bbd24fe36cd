// The question before the host goes down: what goes down with it, and who brings it back.
import { useQuery } from '@tanstack/react-query';
import { vmsQuery } from '@/api/queries';
import type { HostPowerAction } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { FormDialog } from '@/ui/form-dialog';
import { goDown } from './power';

type Props = { action: HostPowerAction; host: string; onClose: () => void };

export function PowerDialog({ action, host, onClose }: Props) {
  const { t } = useI18n();
  const vms = useQuery(vmsQuery).data;
  const count = vms === undefined ? '?' : vms.filter((vm) => vm.state !== 'off').length;
  return (
    <FormDialog
      title={t(`power.${action}.ask`, { host })}
      submit={t(`power.${action}`)}
      danger
      send={() => goDown(action)}
      onDone={onClose}
      onClose={onClose}
    >
      {() => (
        <>
          <p>{t('updates.vms', { count })}</p>
          <p>{t(`power.${action}.text`)}</p>
        </>
      )}
    </FormDialog>
  );
}
