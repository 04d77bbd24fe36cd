// The fields of the edit dialog.
import type { ReactNode } from 'react';
import type { Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';
import { Check } from '@/ui/check';
import { Field } from '@/ui/field';
import { bootDevices, type EditField, type EditForm } from './edit-form';
import { isStopped } from './rules';

type Props = {
  vm: Vm;
  form: EditForm;
  problems: Partial<Record<EditField, string>>;
  change: (part: Partial<EditForm>) => void;
};

export function EditFields(props: Props) {
  const { t } = useI18n();
  const { vm, form, change } = props;
  const on = !isStopped(vm.state);
  const atOnce = on && vm.vcpus_max > vm.vcpus ? t('edit.vcpus.hint', { max: vm.vcpus_max }) : undefined;
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        <Text {...props} name="name" label="vm.name" hint={vm.state === 'off' ? t('create.name.hint') : t('edit.name.hint')} />
        <Text {...props} name="tags" label="vm.tags" hint={t('edit.tags.hint')} />
      </div>
      <Text {...props} name="description" label="create.description" />
      <div className="grid gap-4 sm:grid-cols-3">
        <Text {...props} name="vcpus" label="vm.vcpus" numeric hint={atOnce} />
        <Text {...props} name="vcpusMax" label="vm.vcpusMax" numeric hint={t('edit.vcpusMax.hint')} />
        <Text {...props} name="memory" label="edit.memory" numeric />
      </div>
      <div className="grid gap-4 sm:grid-cols-2">
        <Text {...props} name="cpuModel" label="vm.cpuModel" hint={t('edit.cpuModel.hint')} />
        <BootFirst {...props} />
      </div>
      {!vm.tpm && <Check label={t('edit.tpm')} checked={form.tpm} onChange={(tpm) => change({ tpm })} />}
      <div className="grid items-start gap-4 sm:grid-cols-3">
        <div className="sm:pt-6"><Check label={t('vm.autostart')} checked={form.autostart} onChange={(autostart) => change({ autostart })} /></div>
        {form.autostart && (
          <>
            <Text {...props} name="autostartOrder" label="edit.autostartOrder" numeric hint={t('edit.autostartOrder.hint')} />
            <Text {...props} name="autostartDelay" label="edit.autostartDelay" numeric hint={t('edit.autostartDelay.hint')} />
          </>
        )}
      </div>
      {on && <p className="text-xs text-muted">{t('edit.running')}</p>}
    </>
  );
}

type TextProps = Props & { name: EditField; label: MessageKey; hint?: ReactNode; numeric?: boolean };

function Text({ form, problems, change, name, label, hint, numeric = false }: TextProps) {
  const { t } = useI18n();
  return (
    <Field label={t(label)} problem={problems[name]} hint={hint}>
      {(control) => (
        <input
          {...control}
          className="field"
          autoComplete="off"
          spellCheck={false}
          inputMode={numeric ? 'numeric' : 'text'}
          value={form[name]}
          onChange={(event) => change({ [name]: event.target.value })}
        />
      )}
    </Field>
  );
}

function BootFirst({ vm, form, problems, change }: Props) {
  const { t } = useI18n();
  return (
    <Field label={t('edit.bootFirst')} problem={problems.bootFirst}>
      {(control) => (
        <select {...control} className="field" value={form.bootFirst} onChange={(event) => change({ bootFirst: event.target.value })}>
          {form.bootFirst === '' && <option value="">{t('edit.bootFirst.none')}</option>}
          {bootDevices(vm).map((device) => (
            <option key={device}>{device}</option>
          ))}
        </select>
      )}
    </Field>
  );
}
