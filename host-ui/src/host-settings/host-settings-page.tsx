// The host's settings: its name, time, SSH, the proxy.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { api, ask } from '@/api/client';
import { ApiError } from '@/api/problem';
import { hostConfigQuery, hostQuery } from '@/api/queries';
import type { HostConfig, HostConfigPatch, Role } from '@/api/types';
import { PageTitle } from '@/app/page-title';
import { useI18n } from '@/i18n/i18n';
import { adminReason } from '@/session/roles';
import { useSession } from '@/session/store';
import { Button } from '@/ui/button';
import { Check } from '@/ui/check';
import { useDraft } from '@/ui/draft';
import { type FormState, TextOf } from '@/ui/form-fields';
import { FormRefusal, LoadError, Loading, Message } from '@/ui/message';
import { notify } from '@/ui/notices';
import { Outdated } from '@/ui/outdated';
import { placeProblems } from '@/vms/problems';
import { CertificateCard } from './certificate-card';
import { faultsOf, formOf, type SettingsField, type SettingsForm, settingsFields, toPatch } from './settings-form';
import { ServicesCard } from './services-card';
import { SshWindow } from './ssh-window';

export function HostSettingsPage() {
  const session = useSession();
  const { t } = useI18n();
  if (session === null) return null;
  return (
    <>
      <PageTitle page={t('nav.hostSettings')} />
      <HostSettingsContent role={session.role} />
      <Care role={session.role} />
    </>
  );
}

/** What is not stored in the settings. */
function Care({ role }: { role: Role }) {
  const { t } = useI18n();
  const host = useQuery(hostQuery);
  const denied = adminReason(role);
  const reason = denied && t(denied);
  return (
    <>
      <CertificateCard disabledReason={reason} />
      {/* Elsewhere they are not this host's own. */}
      {host.isSuccess && host.data.boot !== null && <ServicesCard disabledReason={reason} />}
    </>
  );
}

export function HostSettingsContent({ role }: { role: Role }) {
  const { t } = useI18n();
  const config = useQuery(hostConfigQuery);
  const host = useQuery(hostQuery);
  const denied = adminReason(role);
  const foreign = host.data?.boot === null ? t('reason.foreignHost') : null;
  const reason = (denied && t(denied)) ?? foreign;
  return (
    <>
      <h1 className="sr-only">{t('nav.hostSettings')}</h1>
      {foreign !== null && <Message tone="info">{foreign}</Message>}
      {config.isPending && <div className="card"><Loading label={t('hostSettings.loading')} /></div>}
      {config.isError && (
        <div className="card">
          <LoadError error={config.error} what={t('hostSettings.what')} retry={() => void config.refetch()} />
        </div>
      )}
      {config.isSuccess && (
        <>
          <SshWindow ssh={config.data.ssh} readAt={config.dataUpdatedAt} disabledReason={reason} />
          <SettingsCards config={config.data} disabledReason={reason} />
        </>
      )}
    </>
  );
}

function useSave(seen: HostConfig, onSaved: (saved: HostConfig) => void) {
  const { t } = useI18n();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: HostConfigPatch) =>
      ask(api.PATCH('/api/v1/host/config', { params: { header: { 'If-Match': `"${seen.revision}"` } }, body })),
    onSuccess: (saved) => {
      onSaved(saved);
      cache.setQueryData(hostConfigQuery.queryKey, saved);
      notify({ tone: 'good', title: t('hostSettings.saved') });
    },
    // Somebody else was faster, or it is stored and something did not follow.
    onError: () => void cache.invalidateQueries({ queryKey: hostConfigQuery.queryKey }),
  });
}

function SettingsCards({ config, disabledReason }: { config: HostConfig; disabledReason: string | null }) {
  const { t } = useI18n();
  const { seen, form, change, dirty, outdated, discard, settle } = useDraft(config, formOf);
  /** Faults are told from the first press of the button on, and then as they come and go. */
  const [told, setTold] = useState(false);
  const [looks, setLooks] = useState(0);
  const save = useSave(seen, settle);
  const faults = told ? faultsOf(form) : [];
  const refused = faults.length === 0 && save.error instanceof ApiError ? save.error.fields : [];
  const { fields, rest } = placeProblems([...faults, ...refused], settingsFields);
  const element = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (looks > 0 || save.error !== null) element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [looks, save.error]);
  const reason = disabledReason ?? (dirty ? null : t('reason.nothingChanged'));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (reason !== null || save.isPending) return;
    setTold(true);
    setLooks((count) => count + 1);
    if (faultsOf(form).length === 0) save.mutate(toPatch(form, seen));
  };
  const state = {
    form,
    problems: fields,
    change: (part: Partial<SettingsForm>) => {
      save.reset();
      change(part);
    },
  };
  return (
    <form ref={element} onSubmit={submit} noValidate className="space-y-4">
      <NameAndTime {...state} />
      <Ssh {...state} />
      <Proxy {...state} />
      {outdated && <Outdated onDiscard={discard} />}
      <FormRefusal error={save.error} title={t('hostSettings.failed')} fields={fields} rest={rest} />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" busy={save.isPending} disabledReason={reason}>{t('hostSettings.save')}</Button>
        {dirty && <Button onClick={() => { save.reset(); setTold(false); discard(); }}>{t('draft.discard')}</Button>}
      </div>
    </form>
  );
}

type State = FormState<SettingsForm, SettingsField>;

function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="card space-y-4 p-4 text-sm sm:p-5">
      <h2 className="font-semibold">{title}</h2>
      {children}
    </section>
  );
}

const zones = Intl.supportedValuesOf('timeZone');

function NameAndTime(state: State) {
  const { t } = useI18n();
  return (
    <Card title={t('hostSettings.nameAndTime')}>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextOf {...state} name="hostname" label="hostSettings.hostname" hint="hostSettings.hostname.hint" />
        <TextOf {...state} name="timezone" label="hostSettings.timezone" hint="hostSettings.timezone.hint" list="zones" />
      </div>
      <datalist id="zones">{['UTC', ...zones].map((zone) => <option key={zone}>{zone}</option>)}</datalist>
      <TextOf {...state} name="ntp" label="hostSettings.ntp" hint="hostSettings.ntp.hint" />
    </Card>
  );
}

function Ssh(state: State) {
  const { t } = useI18n();
  const { form, change } = state;
  return (
    <Card title={t('hostSettings.ssh')}>
      <Check label={t('hostSettings.sshEnabled')} checked={form.sshEnabled} onChange={(sshEnabled) => change({ sshEnabled })} />
      <TextOf {...state} name="keys" label="hostSettings.keys" hint="hostSettings.keys.hint" rows={4} />
    </Card>
  );
}

function Proxy(state: State) {
  const { t } = useI18n();
  return (
    <Card title={t('hostSettings.proxy')}>
      <TextOf {...state} name="proxy" label="hostSettings.proxy.https" hint="hostSettings.proxy.hint" />
      <TextOf {...state} name="authorities" label="hostSettings.authorities" hint="hostSettings.authorities.hint" rows={6} />
    </Card>
  );
}
