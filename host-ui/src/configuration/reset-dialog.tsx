// The question before the host forgets itself: what goes, what stays, and its name typed, so that it is no mistake.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { hostQuery, imagesQuery, vmsQuery } from '@/api/queries';
import type { ResetScope } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { FormDialog, TextField } from '@/ui/form-dialog';
import { Message } from '@/ui/message';
import { reset } from './actions';
import { Choice } from './choice';

/** Names told of what is deleted; the rest is counted. */
const named = 10;

export function ResetDialog({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const [scope, setScope] = useState<ResetScope>('configuration');
  const [confirm, setConfirm] = useState('');
  const host = useQuery(hostQuery).data?.hostname ?? '?';
  const vms = useQuery(vmsQuery).data;
  const on = vms === undefined ? '?' : vms.filter((vm) => vm.state !== 'off').length;
  return (
    <FormDialog
      title={t('reset.ask', { host })}
      submit={t('reset.submit')}
      danger
      wide
      send={() => reset(scope, confirm)}
      onDone={onClose}
      onClose={onClose}
    >
      {(problem) => (
        <>
          <fieldset>
            <legend className="mb-1.5 font-medium">{t('reset.scope')}</legend>
            {(['configuration', 'everything'] as const).map((known) => (
              <Choice
                key={known}
                name="scope"
                label={t(`reset.${known}`)}
                hint={t(`reset.${known}.hint`)}
                checked={scope === known}
                onChoose={() => setScope(known)}
              />
            ))}
          </fieldset>
          {scope === 'everything' && <Gone />}
          <ul className="list-disc space-y-1 pl-5">
            <li>{t('updates.vms', { count: on })}</li>
            <li>{t('reset.after')}</li>
          </ul>
          <TextField label={t('reset.confirm', { host })} value={confirm} onChange={setConfirm} problem={problem('confirm')} />
        </>
      )}
    </FormDialog>
  );
}

/** VMs and images by name, as far as there is room. */
function Gone() {
  const { t } = useI18n();
  const vms = useQuery(vmsQuery).data;
  const images = useQuery(imagesQuery).data;
  const list = (names: readonly string[] | undefined) => {
    if (names === undefined) return '?';
    if (names.length === 0) return t('reset.gone.none');
    const more = names.length > named ? `, … (${names.length})` : '';
    return names.slice(0, named).join(', ') + more;
  };
  return (
    <Message tone="danger" title={t('reset.gone')}>
      <p>{t('reset.gone.vms', { names: list(vms?.map((vm) => vm.name)) })}</p>
      <p>{t('reset.gone.images', { names: list(images?.map((image) => image.name)) })}</p>
    </Message>
  );
}
