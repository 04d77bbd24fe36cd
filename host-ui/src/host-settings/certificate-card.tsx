// The certificate that the host is known by: what it says, another one in its place.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { api, ask } from '@/api/client';
import { hostCertificateQuery, hostQuery } from '@/api/queries';
import type { HostCertificate } from '@/api/types';
import { formatFingerprint, formatTime } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { FormDialog } from '@/ui/form-dialog';
import { LoadError, Loading, Message } from '@/ui/message';
import { CertificateDialog } from './certificate-dialog';
import { validity } from './validity';

type Asking = 'give' | 'make';

export function CertificateCard({ disabledReason }: { disabledReason: string | null }) {
  const { t } = useI18n();
  const cache = useQueryClient();
  const certificate = useQuery(hostCertificateQuery);
  const [asking, setAsking] = useState<Asking | null>(null);
  const [changed, setChanged] = useState(false);
  const close = () => setAsking(null);
  const onServed = (served: HostCertificate) => {
    setChanged(true);
    cache.setQueryData(hostCertificateQuery.queryKey, served);
    void cache.invalidateQueries({ queryKey: hostQuery.queryKey });
  };
  return (
    <section aria-label={t('certificate.title')} className="card space-y-4 p-4 text-sm sm:p-5">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="font-semibold">{t('certificate.title')}</h2>
        {certificate.isSuccess && <Validity certificate={certificate.data} />}
      </div>
      {certificate.isPending && <Loading label={t('certificate.loading')} />}
      {certificate.isError && <LoadError error={certificate.error} what={t('certificate.what')} retry={() => void certificate.refetch()} />}
      {certificate.isSuccess && <Facts certificate={certificate.data} />}
      {changed && (
        <Message tone="info" title={t('certificate.changed')}>
          <p>{t('certificate.changed.text')}</p>
          <div className="mt-2"><Button onClick={() => location.reload()}>{t('certificate.reload')}</Button></div>
        </Message>
      )}
      <div className="flex flex-wrap gap-2">
        <Button disabledReason={disabledReason} onClick={() => setAsking('give')}>{t('certificate.give.open')}</Button>
        <Button disabledReason={disabledReason} onClick={() => setAsking('make')}>{t('certificate.make.open')}</Button>
      </div>
      {asking === 'give' && <CertificateDialog onServed={onServed} onClose={close} />}
      {asking === 'make' && <MakeDialog onServed={onServed} onClose={close} />}
    </section>
  );
}

function Validity({ certificate }: { certificate: HostCertificate }) {
  const { t } = useI18n();
  const [now] = useState(() => new Date());
  const { state, days } = validity(certificate, now);
  if (state === 'good') return null;
  return state === 'soon' ? (
    <Badge tone="warn">{t('certificate.expires', { count: days })}</Badge>
  ) : (
    <Badge tone="danger">{t(state === 'early' ? 'certificate.early' : 'certificate.expired')}</Badge>
  );
}

function Facts({ certificate }: { certificate: HostCertificate }) {
  const { t, language } = useI18n();
  const { subject, issuer, self_signed: own, names, not_before: from, not_after: until, key, chain, sha256 } = certificate;
  const time = (text: string) => formatTime(new Date(text), language);
  return (
    <dl className="grid gap-x-6 gap-y-3 [overflow-wrap:anywhere] sm:grid-cols-2">
      <Fact label={t('certificate.subject')}>{subject}</Fact>
      <Fact label={t('certificate.issuer')}>{own ? t('certificate.own') : issuer}</Fact>
      <Fact label={t('certificate.names')}>{names.length === 0 ? '–' : names.join(', ')}</Fact>
      <Fact label={t('certificate.validity')}>{t('certificate.validity.text', { from: time(from), until: time(until) })}</Fact>
      <Fact label={t('certificate.key')}>{key}</Fact>
      <Fact label={t('certificate.chain')}>{`${chain}`}</Fact>
      <Fact wide label={t('host.certificate')}><span className="font-mono text-xs break-all">{formatFingerprint(sha256)}</span></Fact>
    </dl>
  );
}

function Fact({ label, wide = false, children }: { label: string; wide?: boolean; children: ReactNode }) {
  return (
    <div className={wide ? 'sm:col-span-2' : undefined}>
      <dt className="text-xs text-muted">{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

type DialogProps = { onServed: (served: HostCertificate) => void; onClose: () => void };

function MakeDialog({ onServed, onClose }: DialogProps) {
  const { t } = useI18n();
  const send = async () => onServed(await ask(api.POST('/api/v1/host/certificate/regenerate')));
  return (
    <FormDialog title={t('certificate.make.ask')} submit={t('certificate.make')} danger send={send} onDone={onClose} onClose={onClose}>
      {() => (
        <>
          <p>{t('certificate.make.text')}</p>
          <p>{t('certificate.trust')}</p>
        </>
      )}
    </FormDialog>
  );
}
