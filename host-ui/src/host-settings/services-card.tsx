// The host's services: how they do, and a restart of each.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '@/api/client';
import { hostServicesQuery } from '@/api/queries';
import type { HostService } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { Badge, type BadgeTone } from '@/ui/badge';
import { Button } from '@/ui/button';
import { FormDialog } from '@/ui/form-dialog';
import { LoadError, Loading } from '@/ui/message';
import { notify } from '@/ui/notices';

const tones: Record<HostService['state'], BadgeTone> = {
  running: 'good',
  starting: 'info',
  stopping: 'info',
  stopped: 'plain',
  failed: 'danger',
};

/** Of a newer daemon there may be services that are not known here. */
const known = ['qx-node', 'libvirtd', 'chronyd', 'sshd'] as const;
type Known = (typeof known)[number];
const isKnown = (name: string): name is Known => (known as readonly string[]).includes(name);

export function ServicesCard({ disabledReason }: { disabledReason: string | null }) {
  const { t } = useI18n();
  const services = useQuery(hostServicesQuery);
  const [asking, setAsking] = useState<string | null>(null);
  return (
    <section aria-label={t('services.title')} className="card text-sm">
      <h2 className="p-4 font-semibold sm:px-5">{t('services.title')}</h2>
      {services.isPending && <Loading label={t('services.loading')} />}
      {services.isError && <LoadError error={services.error} what={t('services.what')} retry={() => void services.refetch()} />}
      {services.isSuccess && (
        <ul className="divide-y divide-line border-t border-line">
          {services.data.map((service) => (
            <Row key={service.name} service={service} disabledReason={disabledReason} onRestart={() => setAsking(service.name)} />
          ))}
        </ul>
      )}
      {asking !== null && <RestartDialog name={asking} onClose={() => setAsking(null)} />}
    </section>
  );
}

type RowProps = { service: HostService; disabledReason: string | null; onRestart: () => void };

function Row({ service: { name, state }, disabledReason, onRestart }: RowProps) {
  const { t } = useI18n();
  const off = name === 'sshd' && state === 'stopped' ? t('services.sshOff') : null;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5 sm:px-5">
      <div className="min-w-0 grow">
        <span className="font-mono">{name}</span>
        {isKnown(name) && <span className="block text-muted">{t(`services.${name}`)}</span>}
      </div>
      <Badge tone={tones[state]}>{t(`services.state.${state}`)}</Badge>
      <Button disabledReason={disabledReason ?? off} onClick={onRestart}>
        {t('services.restart.open')} <span className="sr-only">{name}</span>
      </Button>
    </li>
  );
}

function RestartDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useI18n();
  const ownEnd = name === 'qx-node';
  const send = async () => {
    await ask(api.POST('/api/v1/host/services/{service}/restart', { params: { path: { service: name as Known } } }));
    notify({ tone: 'good', title: t(ownEnd ? 'services.restarting' : 'services.restarted', { name }) });
  };
  return (
    <FormDialog
      title={t('services.ask', { name })}
      submit={t('services.restart')}
      // The management service is away then; whatever is shown is read again when it is back.
      {...(!ownEnd && { changes: hostServicesQuery.queryKey })}
      send={send}
      onDone={onClose}
      onClose={onClose}
    >
      {() => <p>{t(isKnown(name) ? `services.${name}.goes` : 'services.goes')}</p>}
    </FormDialog>
  );
}
