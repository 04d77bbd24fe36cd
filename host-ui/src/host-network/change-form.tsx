// The form of the host's network. What is wrong stands beside its field; a network that could work is tried once the
// person has read what that does to their connection.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { api, ask } from '@/api/client';
import { ApiError } from '@/api/problem';
import { hostNetworkQuery } from '@/api/queries';
import type { HostNetwork, HostNetworkChange } from '@/api/types';
import { formatDuration } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { useDraft } from '@/ui/draft';
import { ChoiceOf, type FormState, TextOf } from '@/ui/form-fields';
import { FormRefusal, Message } from '@/ui/message';
import { Outdated } from '@/ui/outdated';
import { placeProblems } from '@/vms/problems';
import { faultsOf, formOf, type HostNetworkField, type HostNetworkForm, hostNetworkFields, sameNetwork, toChange, wordsOf } from './network-form';
import { newUrls } from './reach';

const formOfHost = (network: HostNetwork) => formOf(network.configured);

export function ChangeForm({ network, disabledReason }: { network: HostNetwork; disabledReason: string | null }) {
  const { t } = useI18n();
  const { seen, form, change, dirty, outdated, discard } = useDraft(network, formOfHost, sameNetwork);
  /** Faults are told from the first press of the button on, and then as they come and go. */
  const [told, setTold] = useState(false);
  const [asked, setAsked] = useState<HostNetworkChange | null>(null);
  // As the daemon writes it, so that it is the same once it is configured.
  const tried = useTry(seen, ({ trial }) => trial !== null && change({ ...formOf(trial.network), within: form.within }));
  const faults = told ? faultsOf(form) : [];
  const refused = faults.length === 0 && tried.error instanceof ApiError ? tried.error.fields : [];
  const { fields, rest } = placeProblems([...faults, ...refused], hostNetworkFields);
  const element = useRef<HTMLFormElement>(null);
  const [looks, setLooks] = useState(0);
  useEffect(() => {
    if (looks > 0 || tried.error !== null) element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [looks, tried.error]);
  const edit = (part: Partial<HostNetworkForm>) => {
    tried.reset();
    change(part);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (disabledReason !== null || tried.isPending) return;
    setTold(true);
    setLooks((count) => count + 1);
    if (faultsOf(form).length === 0) setAsked(toChange(form));
  };
  const restore = network.previous;
  return (
    <section aria-labelledby="change-heading" className="card p-4 text-sm sm:p-5">
      <h2 id="change-heading" className="font-semibold">{t('hostNetwork.change')}</h2>
      <p className="mt-1 mb-4 text-muted">{t('hostNetwork.change.text')}</p>
      <form ref={element} onSubmit={submit} noValidate className="space-y-4">
        <Fields form={form} problems={fields} change={edit} />
        {outdated && <Outdated onDiscard={discard} />}
        <FormRefusal error={tried.error} title={t('hostNetwork.try.failed')} fields={fields} rest={rest} />
        <div className="flex flex-wrap gap-2">
          <Button type="submit" variant="primary" busy={tried.isPending} disabledReason={disabledReason}>{t('hostNetwork.try')}</Button>
          {dirty && <Button onClick={() => { tried.reset(); setTold(false); discard(); }}>{t('draft.discard')}</Button>}
          {restore !== null && (
            <Button disabledReason={disabledReason} onClick={() => edit(formOf(restore))}>{t('hostNetwork.previous')}</Button>
          )}
        </div>
      </form>
      {asked !== null && (
        <TryDialog
          wish={asked}
          onClose={() => setAsked(null)}
          onTry={() => {
            setAsked(null);
            tried.mutate(asked);
          }}
        />
      )}
    </section>
  );
}

function useTry(seen: HostNetwork, onBegun: (network: HostNetwork) => void) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: HostNetworkChange) =>
      ask(api.PUT('/api/v1/host/network', { params: { header: { 'If-Match': `"${seen.revision}"` } }, body })),
    onSuccess: (network) => {
      onBegun(network);
      cache.setQueryData(hostNetworkQuery.queryKey, network);
    },
    onError: () => void cache.invalidateQueries({ queryKey: hostNetworkQuery.queryKey }),
  });
}

function TryDialog({ wish, onTry, onClose }: { wish: HostNetworkChange; onTry: () => void; onClose: () => void }) {
  const { t, language } = useI18n();
  const { ipv4, ipv6 } = wish.network;
  const urls = newUrls(wish.network, location);
  const unknown = ipv4.method === 'dhcp' || ipv6.method === 'auto';
  return (
    <Dialog title={t('hostNetwork.try.title')} onClose={onClose}>
      <div className="space-y-3 text-sm">
        <p>{t('hostNetwork.try.text', { time: formatDuration(wish.confirm_within_s ?? 60, language) })}</p>
        <p>{t('hostNetwork.try.ends')}</p>
        {urls.length > 0 && (
          <div>
            <p>{t('hostNetwork.try.elsewhere')}</p>
            {urls.map((url) => <p key={url} className="font-mono [overflow-wrap:anywhere]">{url}</p>)}
          </div>
        )}
        {urls.length === 0 && unknown && <p>{t('hostNetwork.try.unknown')}</p>}
        {ipv4.method === 'none' && ipv6.method === 'none' && <Message tone="warn">{t('hostNetwork.try.nothing')}</Message>}
      </div>
      <DialogButtons>
        <Button data-initial-focus onClick={onClose}>{t('action.cancel')}</Button>
        <Button variant="primary" onClick={onTry}>{t('hostNetwork.try.submit')}</Button>
      </DialogButtons>
    </Dialog>
  );
}

const bondModes = [
  ['active-backup', 'hostNetwork.bond.activeBackup'],
  ['802.3ad', 'hostNetwork.bond.lacp'],
  ['balance-xor', 'hostNetwork.bond.xor'],
] as const;
const methods4 = [
  ['dhcp', 'hostNetwork.method.dhcp'],
  ['static', 'hostNetwork.method.static'],
  ['none', 'hostNetwork.method.none'],
] as const;
const methods6 = [
  ['auto', 'hostNetwork.method.auto'],
  ['static', 'hostNetwork.method.static'],
  ['none', 'hostNetwork.method.none'],
] as const;

function Fields(props: FormState<HostNetworkForm, HostNetworkField>) {
  const { form } = props;
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextOf {...props} name="interfaces" label="hostNetwork.interfaces" hint="hostNetwork.interfaces.hint" />
        {wordsOf(form.interfaces).length > 1 && (
          <ChoiceOf {...props} name="bondMode" label="hostNetwork.bondMode" hint="hostNetwork.bondMode.hint" options={bondModes} />
        )}
        <TextOf {...props} name="vlan" label="hostNetwork.vlan" hint="hostNetwork.vlan.hint" />
      </div>
      <div className="grid gap-4 sm:grid-cols-3">
        <ChoiceOf {...props} name="method4" label="hostNetwork.ipv4" options={methods4} />
        {form.method4 === 'static' && (
          <>
            <TextOf {...props} name="address4" label="hostNetwork.address4" hint="hostNetwork.address4.hint" />
            <TextOf {...props} name="gateway4" label="hostNetwork.gateway4" />
          </>
        )}
      </div>
      <div className="grid gap-4 sm:grid-cols-3">
        <ChoiceOf {...props} name="method6" label="hostNetwork.ipv6" options={methods6} />
        {form.method6 === 'static' && (
          <>
            <TextOf {...props} name="address6" label="hostNetwork.address6" hint="hostNetwork.address6.hint" />
            <TextOf {...props} name="gateway6" label="hostNetwork.gateway6" />
          </>
        )}
      </div>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextOf {...props} name="dns" label="hostNetwork.dns" hint="hostNetwork.dns.hint" />
        <TextOf {...props} name="within" label="hostNetwork.within" hint="hostNetwork.within.hint" />
      </div>
    </>
  );
}
