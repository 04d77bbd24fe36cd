// The fields of the create dialog about cloud-init in the guest.
import { useI18n } from '@/i18n/i18n';
import { Field } from '@/ui/field';
import { ChoiceOf, type FormState, TextOf } from '@/ui/form-fields';
import type { GuestForm } from './create-guest';

type Props = FormState<GuestForm, keyof GuestForm>;

export function GuestFields(props: Props) {
  const { form } = props;
  const { t } = useI18n();
  return (
    <fieldset className="rounded-lg border border-line px-4 pt-2 pb-4">
      <legend className="px-1 text-sm font-medium">{t('create.guest')}</legend>
      <div className="space-y-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <ChoiceOf
            {...props}
            name="guest"
            label="create.guest.what"
            hint="create.guest.hint"
            options={[
              ['account', 'create.guest.account'],
              ['own', 'create.guest.own'],
              ['none', 'create.guest.none'],
            ]}
          />
          {form.guest !== 'none' && <TextOf {...props} name="guestHostname" label="create.guest.hostname" hint="create.guest.hostname.hint" />}
        </div>
        {form.guest === 'account' && <Account {...props} />}
        {form.guest === 'own' && <TextOf {...props} name="userData" label="create.guest.userData" hint="create.guest.userData.hint" rows={6} />}
        {form.guest !== 'none' && <Network {...props} />}
      </div>
    </fieldset>
  );
}

function Account(props: Props) {
  const { form, problems, change } = props;
  const { t } = useI18n();
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextOf {...props} name="guestUser" label="create.guest.user" hint="create.guest.user.hint" />
        <Field label={t('create.guest.password')} problem={problems.guestPassword} hint={t('create.guest.password.hint')}>
          {(control) => (
            <input
              {...control}
              type="password"
              autoComplete="new-password"
              className="field"
              value={form.guestPassword}
              onChange={(event) => change({ guestPassword: event.target.value })}
            />
          )}
        </Field>
      </div>
      <TextOf {...props} name="guestKeys" label="create.guest.keys" hint="create.guest.keys.hint" rows={2} />
    </>
  );
}

function Network(props: Props) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <ChoiceOf
        {...props}
        name="guestNetwork"
        label="create.guest.network"
        options={[
          ['dhcp', 'create.guest.dhcp'],
          ['static', 'create.guest.static'],
        ]}
      />
      {props.form.guestNetwork === 'static' && (
        <>
          <TextOf {...props} name="guestAddresses" label="create.guest.addresses" hint="create.guest.addresses.hint" />
          <TextOf {...props} name="guestGateways" label="create.guest.gateways" />
          <TextOf {...props} name="guestDns" label="create.guest.dns" />
        </>
      )}
    </div>
  );
}
