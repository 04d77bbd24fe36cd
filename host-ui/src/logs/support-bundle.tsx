// What somebody who helps needs to see of the host, as one file.
import { useState } from 'react';
import { api } from '@/api/client';
import { problemFrom } from '@/api/problem';
import { useI18n } from '@/i18n/i18n';
import { adminReason } from '@/session/roles';
import { useSession } from '@/session/store';
import { Button } from '@/ui/button';
import { FormDialog } from '@/ui/form-dialog';
import { notify } from '@/ui/notices';
import { saveAnswer } from '@/ui/save-file';

export function SupportBundle() {
  const { t } = useI18n();
  const session = useSession();
  const denied = session && adminReason(session.role);
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  const send = async () => {
    const { data, error, response } = await api.GET('/api/v1/host/support-bundle', { parseAs: 'blob' });
    if (!response.ok) throw problemFrom(response.status, error);
    const name = saveAnswer(response, data as Blob, 'support.tar.gz');
    notify({ tone: 'good', title: t('support.done', { name }) });
  };
  return (
    <>
      <Button disabledReason={denied && t(denied)} onClick={() => setOpen(true)}>{t('support.open')}</Button>
      {open && (
        <FormDialog title={t('support.title')} submit={t('support.submit')} send={send} onDone={close} onClose={close}>
          {() => (
            <>
              <p>{t('support.text')}</p>
              <p className="text-muted">{t('support.without')}</p>
            </>
          )}
        </FormDialog>
      )}
    </>
  );
}
