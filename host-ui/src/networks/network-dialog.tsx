// The dialog that makes or changes a network. It changes the network that the person saw: if somebody else was
// faster, the daemon refuses, and what was typed stays.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { api, ask } from '@/api/client';
import { ApiError } from '@/api/problem';
import { bridgesQuery, networksQuery } from '@/api/queries';
import type { Network } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { Check } from '@/ui/check';
import { Field } from '@/ui/field';
import { ErrorMessage, FormRefusal } from '@/ui/message';
import { notify } from '@/ui/notices';
import { placeProblems } from '@/vms/problems';
import { emptyForm, formOf, type NetworkField, type NetworkForm, networkFields, toCreate, toPatch } from './network-form';

/** Makes a network, or changes the given one. */
export function NetworkDialog({ network: now, onClose }: { network: Network | null; onClose: () => void }) {
  const { t } = useI18n();
  // As it was when the person began.
  const [network] = useState(now);
  const [form, setForm] = useState<NetworkForm>(() => (network === null ? emptyForm : formOf(network)));
  const save = useSave(network, onClose);
  const { fields, rest } = placeProblems(save.error instanceof ApiError ? save.error.fields : [], networkFields);
  const element = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (save.error !== null) element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [save.error]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!save.isPending) save.mutate(form);
  };
  const title = network === null ? t('network.create.title') : t('network.edit.title', { name: network.name });
  return (
    <Dialog title={title} onClose={onClose} locked={save.isPending} wide>
      <form ref={element} onSubmit={submit} noValidate>
        <div className="space-y-4">
          <Fields isNew={network === null} form={form} problems={fields} change={(part) => setForm((old) => ({ ...old, ...part }))} />
          {network?.active && <p className="text-xs text-muted">{t('network.edit.active')}</p>}
          <FormRefusal error={save.error} title={t('network.save.failed')} fields={fields} rest={rest} />
        </div>
        <DialogButtons>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button type="submit" variant="primary" busy={save.isPending}>
            {t(network === null ? 'network.create' : 'network.save')}
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}

function useSave(network: Network | null, onClose: () => void) {
  const { t } = useI18n();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (form: NetworkForm) =>
      network === null
        ? ask(api.POST('/api/v1/networks', { body: toCreate(form) }))
        : ask(
            api.PATCH('/api/v1/networks/{id}', {
              params: { path: { id: network.id }, header: { 'If-Match': `"${network.revision}"` } },
              body: toPatch(form, network),
            }),
          ),
    onSuccess: async (saved) => {
      await cache.invalidateQueries({ queryKey: networksQuery.queryKey });
      notify({ tone: 'good', title: t('network.save.done', { name: saved.name }) });
      onClose();
    },
  });
}

type FieldsProps = {
  isNew: boolean;
  form: NetworkForm;
  problems: Partial<Record<NetworkField, string>>;
  change: (part: Partial<NetworkForm>) => void;
};

function Fields(props: FieldsProps) {
  const { t } = useI18n();
  const { isNew, form, change } = props;
  return (
    <>
      {isNew && (
        <div className="grid gap-4 sm:grid-cols-2">
          <Text {...props} name="name" label="network.name" hint="network.name.hint" />
          <Mode {...props} />
        </div>
      )}
      {form.mode === 'bridge' ? <BridgeFields {...props} /> : <AddressFields {...props} />}
      <Check label={t('network.autostart')} checked={form.autostart} onChange={(autostart) => change({ autostart })} />
    </>
  );
}

function Mode({ form, change }: FieldsProps) {
  const { t } = useI18n();
  const modes = ['nat', 'isolated', 'bridge'] as const;
  return (
    <Field label={t('network.mode')} hint={t(`network.mode.${form.mode}.hint`)}>
      {(control) => (
        <select
          {...control}
          className="field"
          value={form.mode}
          onChange={(event) => change({ mode: modes.find((mode) => mode === event.target.value) ?? 'nat' })}
        >
          {modes.map((mode) => (
            <option key={mode} value={mode}>{t(`network.mode.${mode}`)}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

function AddressFields(props: FieldsProps) {
  const { t } = useI18n();
  const { form, problems, change } = props;
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-3">
        <Text {...props} name="address" label="network.address" />
        <Text {...props} name="dhcpStart" label="network.dhcpStart" />
        <Text {...props} name="dhcpEnd" label="network.dhcpEnd" />
      </div>
      <Field label={t('network.reservations')} problem={problems.reservations} hint={t('network.reservations.hint')}>
        {(control) => (
          <textarea
            {...control}
            className="field font-mono"
            rows={3}
            spellCheck={false}
            value={form.reservations}
            onChange={(event) => change({ reservations: event.target.value })}
          />
        )}
      </Field>
    </>
  );
}

function BridgeFields(props: FieldsProps) {
  const { t } = useI18n();
  const { form, problems, change } = props;
  const bridges = useQuery(bridgesQuery);
  // Those of NAT and isolated networks are libvirt's own.
  const known = (bridges.data ?? []).map((bridge) => bridge.name).filter((name) => !/^virbr\d+$/.test(name) || name === form.bridge);
  return (
    <>
      <Field label={t('network.bridge')} problem={problems.bridge} hint={t('network.bridge.hint')}>
        {(control) => (
          <select {...control} className="field" value={form.bridge} onChange={(event) => change({ bridge: event.target.value })}>
            {!known.includes(form.bridge) && <option value={form.bridge}>{form.bridge}</option>}
            {known.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </Field>
      <ErrorMessage error={bridges.error} title={t('network.bridges.failed')} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Text {...props} name="tags" label="network.tags" hint="network.tags.hint" />
        {form.trunk && <Text {...props} name="native" label="network.native" hint="network.native.hint" />}
      </div>
      <Check label={t('network.trunk')} checked={form.trunk} onChange={(trunk) => change({ trunk })} />
    </>
  );
}

type TextProps = FieldsProps & { name: NetworkField; label: MessageKey; hint?: MessageKey };

function Text({ form, problems, change, name, label, hint }: TextProps) {
  const { t } = useI18n();
  return (
    <Field label={t(label)} problem={problems[name]} hint={hint && t(hint)}>
      {(control) => (
        <input
          {...control}
          className="field"
          autoComplete="off"
          spellCheck={false}
          value={form[name]}
          onChange={(event) => change({ [name]: event.target.value })}
        />
      )}
    </Field>
  );
}
