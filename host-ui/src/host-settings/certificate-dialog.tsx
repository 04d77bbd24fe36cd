// Another certificate for the host: its text and its key's, pasted or from files.
import { useRef, useState } from 'react';
import { api, ask } from '@/api/client';
import type { HostCertificate } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Field } from '@/ui/field';
import { FormDialog } from '@/ui/form-dialog';

type Props = { onServed: (served: HostCertificate) => void; onClose: () => void };

export function CertificateDialog({ onServed, onClose }: Props) {
  const { t } = useI18n();
  const [certificate, setCertificate] = useState('');
  const [key, setKey] = useState('');
  const send = async () => onServed(await ask(api.PUT('/api/v1/host/certificate', { body: { certificate, key } })));
  return (
    <FormDialog title={t('certificate.give.title')} submit={t('certificate.give')} wide send={send} onDone={onClose} onClose={onClose}>
      {(problem) => (
        <>
          <PemField
            label={t('certificate.pem')}
            hint={t('certificate.pem.hint')}
            file={t('certificate.pem.file')}
            value={certificate}
            onChange={setCertificate}
            problem={problem('certificate')}
          />
          <PemField
            label={t('certificate.keyPem')}
            hint={t('certificate.keyPem.hint')}
            file={t('certificate.keyPem.file')}
            value={key}
            onChange={setKey}
            problem={problem('key')}
          />
          <p className="text-muted">{t('certificate.trust')}</p>
        </>
      )}
    </FormDialog>
  );
}

type PemProps = {
  label: string;
  hint: string;
  file: string;
  value: string;
  onChange: (text: string) => void;
  problem: string | undefined;
};

function PemField({ label, hint, file, value, onChange, problem }: PemProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className="space-y-2">
      <Field label={label} hint={hint} problem={problem}>
        {(control) => (
          <textarea
            {...control}
            className="field block font-mono text-xs"
            rows={5}
            wrap="off"
            autoComplete="off"
            spellCheck={false}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
        )}
      </Field>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={file}
        onChange={(event) => {
          const chosen = event.target.files?.[0];
          event.target.value = '';
          // One that can't be read is as good as none: the daemon says what is missing.
          void chosen?.text().then(onChange, () => onChange(''));
        }}
      />
      <Button onClick={() => input.current?.click()}>{file}</Button>
    </div>
  );
}
