// Choosing a backup, and the question before the host becomes what is in it.
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { hostQuery, vmsQuery } from '@/api/queries';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { FormDialog, TextField } from '@/ui/form-dialog';
import { UploadIcon } from '@/ui/icons';
import { restore } from './actions';
import { isEncrypted } from './backup-file';
import { Choice } from './choice';

type Chosen = { file: File; encrypted: boolean };

export function RestoreChooser({ disabledReason }: { disabledReason: string | null }) {
  const { t } = useI18n();
  const input = useRef<HTMLInputElement>(null);
  const [chosen, setChosen] = useState<Chosen | null>(null);
  // One that can't be read is refused when it is sent.
  const choose = async (file: File) => setChosen({ file, encrypted: await isEncrypted(file).catch(() => false) });
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={t('restore.choose')}
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file !== undefined) void choose(file);
          event.target.value = '';
        }}
      />
      <Button icon={<UploadIcon />} disabledReason={disabledReason} onClick={() => input.current?.click()}>
        {t('restore.choose')}
      </Button>
      {chosen !== null && <RestoreDialog {...chosen} onClose={() => setChosen(null)} />}
    </>
  );
}

function RestoreDialog({ file, encrypted, onClose }: Chosen & { onClose: () => void }) {
  const { t } = useI18n();
  const [passphrase, setPassphrase] = useState('');
  const [skipNetwork, setSkipNetwork] = useState(false);
  const [sameMachine, setSameMachine] = useState(false);
  const host = useQuery(hostQuery).data?.hostname ?? '?';
  const vms = useQuery(vmsQuery).data;
  const count = vms === undefined ? '?' : vms.filter((vm) => vm.state !== 'off').length;
  const wish = { passphrase: encrypted ? passphrase : null, skipNetwork, sameMachine };
  return (
    <FormDialog
      title={t('restore.ask', { host, file: file.name })}
      submit={t('restore.submit')}
      danger
      wide
      send={() => restore(file, wish)}
      onDone={onClose}
      onClose={onClose}
    >
      {(problem) => (
        <>
          <ul className="list-disc space-y-1 pl-5">
            <li>{t('restore.goes', { host })}</li>
            <li>{t('restore.stays')}</li>
            <li>{t('updates.vms', { count })}</li>
            <li>{t('restore.after')}</li>
          </ul>
          {encrypted && (
            <TextField
              label={t('backup.passphrase')}
              hint={t('restore.passphrase.hint')}
              value={passphrase}
              onChange={setPassphrase}
              problem={problem('passphrase')}
              password="current-password"
            />
          )}
          <div>
            <Choice label={t('restore.skipNetwork')} hint={t('restore.skipNetwork.hint')} checked={skipNetwork} onChoose={setSkipNetwork} />
            <Choice label={t('restore.sameMachine')} hint={t('restore.sameMachine.hint')} checked={sameMachine} onChoose={setSameMachine} />
          </div>
        </>
      )}
    </FormDialog>
  );
}
