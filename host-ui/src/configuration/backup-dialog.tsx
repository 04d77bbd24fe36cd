// How a backup is protected. Readable only if that is asked for: private keys are in it.
import { useState } from 'react';
import { ApiError } from '@/api/problem';
import { useI18n } from '@/i18n/i18n';
import { FormDialog, TextField } from '@/ui/form-dialog';
import { Message } from '@/ui/message';
import { notify } from '@/ui/notices';
import { backUp } from './actions';
import { Choice } from './choice';

export function BackupDialog({ onClose }: { onClose: () => void }) {
  const { t } = useI18n();
  const [encrypted, setEncrypted] = useState(true);
  const [passphrase, setPassphrase] = useState('');
  const [again, setAgain] = useState('');
  const send = async () => {
    if (encrypted && passphrase !== again) {
      const fields = [{ field: 'again', reason: t('backup.again.wrong') }];
      throw new ApiError(422, '', t('backup.again.wrong'), null, fields);
    }
    const name = await backUp(encrypted ? passphrase : null);
    notify({ tone: 'good', title: t('backup.done', { name }) });
  };
  return (
    <FormDialog title={t('backup.title')} submit={t('backup.submit')} send={send} onDone={onClose} onClose={onClose}>
      {(problem) => (
        <>
          <fieldset>
            <legend className="mb-1.5 font-medium">{t('backup.protection')}</legend>
            <Choice name="protection" label={t('backup.encrypted')} checked={encrypted} onChoose={() => setEncrypted(true)} />
            <Choice name="protection" label={t('backup.readable')} checked={!encrypted} onChoose={() => setEncrypted(false)} />
          </fieldset>
          {encrypted ? (
            <>
              <TextField
                first
                label={t('backup.passphrase')}
                hint={t('backup.passphrase.hint')}
                value={passphrase}
                onChange={setPassphrase}
                problem={problem('passphrase')}
                password="new-password"
              />
              <TextField label={t('backup.again')} value={again} onChange={setAgain} problem={problem('again')} password="new-password" />
            </>
          ) : (
            <Message tone="warn">{t('backup.readable.text')}</Message>
          )}
          <p className="text-muted">{t('backup.running')}</p>
        </>
      )}
    </FormDialog>
  );
}
